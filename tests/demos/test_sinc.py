"""The sinc demo, run whole: its fits have the properties that the paper's figure shows."""

from __future__ import annotations

import numpy as np
import pytest

from demos import sinc
from gbm_objectives import AbsoluteError, Huber, Quantile, SquaredError


@pytest.mark.filterwarnings("ignore:[^`]*`booster=gblinear` is deprecated:UserWarning")  # XGBoost 3.4
def test_sinc_demo(tmp_path, capsys):
    sinc.main(["--output", str(tmp_path)])
    printed = capsys.readouterr().out
    for engine in ("lightgbm", "xgboost"):
        for suffix in ("png", "svg"):
            path = tmp_path / f"sinc_{engine}.{suffix}"
            assert path.stat().st_size > 20_000
            assert str(path) in printed

    table = {}
    for loss in sinc.LOSSES:
        line = next(line for line in printed.splitlines() if line.startswith(f"{loss!r} "))
        table[loss] = np.array(line[20:].split(), dtype=float).reshape(2, 2)  # engine × (RMSE, share under)
    for engine in (0, 1):
        rmse = {loss: values[engine, 0] for loss, values in table.items()}
        under = {loss: values[engine, 1] for loss, values in table.items()}
        for robust in (AbsoluteError(), Huber(1.0), Quantile(0.5)):
            assert rmse[robust] < 0.5 * rmse[SquaredError()]
        assert rmse[Huber(1.0)] < rmse[Huber(2.0)] < rmse[Huber(4.0)] < rmse[SquaredError()]
        assert under[Quantile(0.9)] == pytest.approx(0.9, abs=0.03)
        assert under[Quantile(0.1)] == pytest.approx(0.1, abs=0.03)


@pytest.mark.filterwarnings("ignore:[^`]*`booster=gblinear` is deprecated:UserWarning")  # XGBoost 3.4
def test_fits_are_smooth(engine):
    x, y, _ = sinc.sample(seed=0)
    grid = np.linspace(-14, 14, 2801)
    curve = sinc.FIT[engine.name](AbsoluteError(), x, y, sinc.ROUNDS[engine.name], 0)(grid)
    # A single tree of the same size jumps by more than 1; a step wider than a line in the figure is 0.2.
    assert np.abs(np.diff(curve, 2)).max() < 0.2


def test_options(tmp_path, capsys):
    sinc.main(["--engine", "lightgbm", "--rounds", "20", "--seed", "1", "--output", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sinc_lightgbm.png", "sinc_lightgbm.svg"]
    assert "XGBoost" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        sinc.main(["--rounds", "0"])
    assert "--rounds must be at least 1" in capsys.readouterr().err
