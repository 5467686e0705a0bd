"""The benchmark of ordered classes on small sets."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import ordinal


@pytest.mark.filterwarnings("ignore")  # LightGBM's own estimator wants other names for evaluation sets from 4.7 on
def test_benchmark(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 2))
    value = 3 * X[:, 0] + rng.logistic(size=300)
    for name, y in (("stars", np.digitize(value, [-2, -1, 1, 2]) + 1), ("numbers", value)):
        folder = tmp_path / "sets" / name
        folder.mkdir(parents=True)
        np.savetxt(folder / "data.txt", np.column_stack([X, y]))
        np.savetxt(folder / "index_features.txt", [0, 1], fmt="%d")
        np.savetxt(folder / "index_target.txt", [2], fmt="%d")
    monkeypatch.setattr(ordinal, "MOST_ROUNDS", 20)
    monkeypatch.setattr(ordinal, "PROTOCOLS", ordinal.PROTOCOLS[:2])
    ordinal.main(["--data", str(tmp_path / "sets"), "--splits", "1", "--output", str(tmp_path)])
    text = (tmp_path / "ordinal.md").read_text()
    assert text in capsys.readouterr().out
    assert text.count("### Ratings") == text.count("### Numbers in five classes") == 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    ours, free, numbers = (
        [row for row in rows if row[0] == f"LightGBM, {name}"]
        for name in ("ProportionalOdds", "CategoricalCrossEntropy", "squared error, rounded")
    )
    assert len(ours) == 4 and all(float(row[1]) < 1.2 for row in ours)
    assert all(row[1:] == ["1.000", "0 %", "1.000", "+0.000", "1.00"] for row in free)
    assert all(row[1] == "–" and 0.7 < float(row[3]) < 1.4 for row in numbers)
    # Of each set, its rows and classes.
    assert {tuple(row[:3]) for row in rows} >= {("stars", "300", "5"), ("numbers", "300", "5")}
    for wrong in (["--splits", "0"], ["--data", str(tmp_path / "sets" / "stars")]):
        with pytest.raises(SystemExit):
            ordinal.main(["--data", str(tmp_path / "sets"), *wrong])
