"""The sinc demo, run whole: its fits have the properties that the paper's figure shows."""

from __future__ import annotations

import numpy as np
import pytest

from demos import smooth
from gbm_objectives import AbsoluteError, Huber, Quantile, SquaredError


def test_sinc_demo(run_demo, capfd):
    demo = run_demo("sinc")
    said = capfd.readouterr().err
    for engine in ("lightgbm", "xgboost"):
        path = demo.folder / f"sinc_{engine}.png"
        assert path.stat().st_size > 20_000
        assert str(path) in said

    table = {}
    for loss in demo.names["LOSSES"]:
        line = next(line for line in demo.printed.splitlines() if line.startswith(f"{loss!r} "))
        table[loss] = np.array(line[20:].split(), dtype=float).reshape(2, 2)  # engine × (RMSE, share under)
    assert len(table) == 8
    for engine in (0, 1):
        rmse = {loss: values[engine, 0] for loss, values in table.items()}
        under = {loss: values[engine, 1] for loss, values in table.items()}
        for robust in (AbsoluteError(), Huber(1.0), Quantile(0.5)):
            assert rmse[robust] < 0.5 * rmse[SquaredError()]
        assert rmse[Huber(1.0)] < rmse[Huber(2.0)] < rmse[Huber(4.0)] < rmse[SquaredError()]
        assert under[Quantile(0.9)] == pytest.approx(0.9, abs=0.03)
        assert under[Quantile(0.1)] == pytest.approx(0.1, abs=0.03)


def test_fits_are_smooth(engine):
    x, y, _ = smooth.sample(seed=0)
    grid = np.linspace(-14, 14, 2801)
    curve = smooth.FIT[engine.name](AbsoluteError(), x, y, 0)(grid)
    # A single tree of the same size jumps by more than 1; a step wider than a line in the figure is 0.2.
    assert np.abs(np.diff(curve, 2)).max() < 0.2


def test_one_engine(run_demo):
    demo = run_demo("sinc", "--engine", "xgboost", "--seed", "1")
    assert [path.name for path in demo.folder.iterdir()] == ["sinc_xgboost.png"]
    assert "LightGBM" not in demo.printed
