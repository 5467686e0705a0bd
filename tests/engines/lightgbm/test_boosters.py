"""What LightGBM alone has: linear trees, and trees that cannot grow on few rows."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from gbm_objectives import Huber
from gbm_objectives.engines import lightgbm as on_lightgbm
from tests.engine import LIGHTGBM


def test_linear_trees_hold_the_start_value():
    X, y = load_diabetes(return_X_y=True)
    X[::7, 2] = np.nan  # rows with a missing value fall back to the leaf's constant
    data, loss, history = lgb.Dataset(X, y, free_raw_data=False), Huber(10.0), {}
    booster = on_lightgbm.train(
        {**LIGHTGBM.params, "linear_tree": True},
        data,
        loss=loss,
        num_boost_round=20,
        **LIGHTGBM.evaluation({"t": data}, history),
    )
    assert loss.value(y, booster.predict(X)) == pytest.approx(history["t"]["huber"][-1], rel=1e-6)


def test_few_rows_and_early_stopping():
    X, y = load_diabetes(return_X_y=True)
    data = LIGHTGBM.data(X[:30], y[:30])
    booster = LIGHTGBM.train(Huber(), X[:30], y[:30], params=LIGHTGBM.early_stopping(), valid_sets=[data])
    np.testing.assert_allclose(booster.predict(X), Huber().initial_raw(y[:30]))
