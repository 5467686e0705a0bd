"""The demo of several targets: gaps cost little, and the figure is there."""

import numpy as np
import pytest


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
def test_hidden_pixels_cost_little(run_demo, engine):
    demo = run_demo("several_targets", "--engine", engine)
    y, predictions = demo.names["y_test"], demo.names["predictions"]
    error = {name: np.sqrt(np.mean(np.square(one - y))) for name, one in predictions.items()}
    assert error["all pixels"] < error["half hidden"] < 1.1 * error["all pixels"]
    assert error["half hidden"] < 0.8 * error["mean image"]
    assert (demo.folder / "several_targets.png").stat().st_size > 5000
