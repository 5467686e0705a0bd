"""The benchmark of intervals on a small set."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mapie")
from benchmarks import intervals


@pytest.mark.filterwarnings("ignore")  # MAPIE's own
def test_benchmark(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    folder = tmp_path / "sets" / "noise"
    folder.mkdir(parents=True)
    X = rng.uniform(-1, 1, (400, 2))
    np.savetxt(folder / "data.txt", np.column_stack([X, X[:, 0] + np.exp(X[:, 1]) * rng.standard_normal(400)]))
    np.savetxt(folder / "index_features.txt", [0, 1], fmt="%d")
    np.savetxt(folder / "index_target.txt", [2], fmt="%d")
    monkeypatch.setattr(intervals, "MOST_ROUNDS", 20)
    intervals.main(["--data", str(tmp_path / "sets"), "--splits", "1", "--output", str(tmp_path)])
    text = (tmp_path / "intervals.md").read_text()
    assert text in capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    quantiles = {row[0]: row[1:] for row in rows[1:5]}
    assert min(float(quantiles[f"{engine}, built-in"][0]) for engine in ("LightGBM", "XGBoost")) == 1.0
    assert all(quantiles[f"{engine}, ours"][2] == "0 %" for engine in ("LightGBM", "XGBoost"))
    assert all(0.7 < float(row[2].split(" → ")[1]) <= 1.0 for row in rows[6:])
    with pytest.raises(SystemExit):
        intervals.main(["--data", str(tmp_path), "--splits", "0"])


def test_parts_are_apart():
    parts = intervals.split(1000, 0)
    assert [len(rows) for rows in parts.values()] == [480, 120, 200, 200]
    assert len(np.unique(np.concatenate(list(parts.values())))) == 1000
