"""The benchmark of distributions on a small set, without NGBoost."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import distributions


def test_benchmark(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    folder = tmp_path / "sets" / "noise"
    folder.mkdir(parents=True)
    X = rng.uniform(-1, 1, (300, 2))
    np.savetxt(folder / "data.txt", np.column_stack([X, X[:, 0] + np.exp(X[:, 1]) * rng.standard_normal(300)]))
    np.savetxt(folder / "index_features.txt", [0, 1], fmt="%d")
    np.savetxt(folder / "index_target.txt", [2], fmt="%d")
    monkeypatch.setattr(distributions, "MOST_ROUNDS", 60)
    arguments = ["--data", str(tmp_path / "sets"), "--splits", "2", "--output", str(tmp_path)]
    names = ["Normal", "AbsoluteError, one scale"]
    distributions.main([*arguments, "--losses", *names])
    table = (tmp_path / "distributions.md").read_text()
    assert table.strip() in capsys.readouterr().out
    shipped, own = table.split("### noise")
    assert shipped.startswith("### diabetes")
    rows = [line.strip("| ").split(" | ") for line in own.splitlines() if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == [name for name in names for _ in distributions.ENGINES]
    for row in rows:
        nll, crps, rmse, coverage = (float(cell.split()[0]) for cell in row[2:6])
        assert 1.0 < nll < 3.0 and 0.4 < crps < rmse < 3.0 and 0.5 < coverage <= 1.0
    with pytest.raises(SystemExit):
        distributions.main([*arguments, "--splits", "1"])


def test_splits_are_apart():
    fit, late, test = distributions.split(1000, 0)
    assert (len(fit), len(late), len(test)) == (720, 180, 100)
    assert len(np.unique(np.concatenate([fit, late, test]))) == 1000
