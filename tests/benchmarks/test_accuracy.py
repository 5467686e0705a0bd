"""The accuracy benchmark runs, and finds what this package is for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from benchmarks import accuracy


def test_accuracy_benchmark(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "sets" / "diabetes"
    folder.mkdir(parents=True)
    X, y = load_diabetes(return_X_y=True)
    np.savetxt(folder / "data.txt", np.column_stack([X, y]))
    np.savetxt(folder / "index_features.txt", np.arange(10), fmt="%d")
    np.savetxt(folder / "index_target.txt", [10], fmt="%d")
    monkeypatch.setattr(accuracy, "TASKS", ["MAE", "q=0.1", "q=0.9", "q=0.97"])
    monkeypatch.setattr(accuracy, "SETTINGS", {"LightGBM defaults": ("lightgbm", {})})
    monkeypatch.setattr(accuracy, "SYNTHETIC", ["95% zeros at random"])
    monkeypatch.setattr(accuracy, "ROUNDS", [1, 3, 10, 30, 100])
    arguments = ["--data", str(folder.parent), "--engine", "lightgbm", "--seeds", "1", "--jobs", "1"]
    accuracy.main([*arguments, "--output", str(tmp_path)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    row = next(dict(zip(rows[0], row, strict=True)) for row in rows if row[1:3] == ["MAE", "real"])
    assert 0.7 < float(row["ours, best"]) < 1.1 and row["failed fits"] == "none"
    assert float(row["constant Hessian, best"]) > float(row["ours, best"])  # what this package is for
    assert (tmp_path / "accuracy.png").stat().st_size > 10_000
    for wrong in (
        ["--seeds", "0"],
        ["--jobs", "0"],
        ["--data", str(tmp_path / "none")],
        ["--data", str(tmp_path)],
    ):
        with pytest.raises(SystemExit):
            accuracy.main(wrong)
