"""The benchmark of ranking on a small simulated set."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file

from benchmarks import ranking


@pytest.fixture
def folder(tmp_path):
    rows = ranking.simulated(1500)
    half = len(rows.group) // 2
    for name, part in (("train", np.arange(half)), ("test", np.arange(half, len(rows.group)))):
        some = rows.some(part)
        dump_svmlight_file(some.X, some.y, str(tmp_path / f"rank.{name}"))
        np.savetxt(tmp_path / f"rank.{name}.query", some.group, fmt="%d")
    return tmp_path


def tables(text):
    found = {}
    for block in text.split("### ")[1:]:
        rows = [line for line in block.splitlines() if line.startswith("| ")]
        found[block.split(",")[0].split("\n")[0]] = [
            [cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]
        ]
    return found


@pytest.mark.slow
def test_benchmark(folder, capsys, monkeypatch):
    monkeypatch.setattr(ranking, "MOST", 10)
    small = ["--splits", "2", "--rows", "600", "--rounds", "2", "--pairs", "1", "--output", str(folder)]
    ranking.main(["--data", str(folder), *small])
    text = (folder / "ranking.md").read_text()
    assert text.strip() in capsys.readouterr().out
    found = tables(text)
    accuracy = found["NDCG@10"]
    assert len(accuracy) == 6 + 6
    for _, name, value, own, less in accuracy:
        assert 0.5 < float(value.split()[0]) < 1.0
        assert (own == "–") == (less == "–") == (name not in ranking.PEERS)
    assert len(found["Time"]) == 6 and all(float(row[-1]) > 0 for row in found["Time"])


def test_splits_keep_queries_whole(folder):
    rows = ranking.example_set(folder)
    parts = ranking.split(len(rows.group), 0)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(rows.group)))
    some = rows.some(parts[2])
    assert some.group.sum() == len(some.y) == some.X.shape[0]
    first = parts[2][0]
    start = rows.group[:first].sum()
    np.testing.assert_array_equal(some.y[: some.group[0]], rows.y[start : start + rows.group[first]])


def test_options(tmp_path, capsys):
    for arguments in (["--splits", "0"], []):
        with pytest.raises(SystemExit):
            ranking.main(["--data", str(tmp_path), *arguments])
    assert "no rank.train" in capsys.readouterr().err
