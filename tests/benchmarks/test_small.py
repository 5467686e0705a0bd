"""The benchmark of few rows runs, and says how ours compares with the engines' own estimators."""

from __future__ import annotations

import pytest

from benchmarks import small


def test_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(small, "NAMES", ("MSE", "Quantile 0.9"))
    small.main(["--rows", "100", "--trainings", "2", "--repeats", "1", "--output", str(tmp_path)])
    rows = [line.split("|")[1:-1] for line in (tmp_path / "small.md").read_text().splitlines()[6:]]
    assert [(row[0].strip(), row[1].strip()) for row in rows] == [
        (task, engine) for task in small.NAMES for engine in ("LightGBM", "XGBoost")
    ]
    assert all(0.05 < float(cell) < 20 for row in rows for cell in row[2:])
    with pytest.raises(SystemExit):
        small.main(["--rows", "3"])
