"""Other ways to grow trees: dart, samples of rows, no usable feature."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from gbm_objectives import BinaryCrossEntropy
from tests.catalogue import TRAINABLE, real_data
from tests.engine import constant_value, own_value

trainable = pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case.id)


@trainable
def test_without_a_usable_feature_the_model_is_the_best_constant(engine, case):
    _, y = real_data(case)
    X = np.zeros((len(y), 2))
    booster = engine.train(case.loss, X, y, rounds=3)
    raw = engine.raw(booster, X)
    np.testing.assert_array_equal(raw, np.broadcast_to(raw[0], raw.shape))
    # XGBoost takes a Newton step in the root, where a smoothed gradient is 0 close to the best constant, not at
    # it.
    constant = constant_value(case.loss, y)  # of a density, may be negative
    assert own_value(case.loss, y, raw) <= constant + 0.1 * abs(constant)
    np.testing.assert_allclose(engine.response(booster, X), engine.served(case.loss, raw), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:[^`]*`booster=dart` is deprecated:UserWarning")  # XGBoost 3.4
@pytest.mark.parametrize("booster", ["dart", "goss", "bagging"])
def test_other_boosters(engine, booster):
    X, y = load_breast_cancer(return_X_y=True)
    params = {
        ("lightgbm", "dart"): {"boosting": "dart"},
        ("lightgbm", "goss"): {"data_sample_strategy": "goss"},
        ("lightgbm", "bagging"): {"bagging_freq": 1, "bagging_fraction": 0.5},
        ("xgboost", "dart"): {"booster": "dart", "rate_drop": 0.1},
        ("xgboost", "goss"): {"subsample": 0.3, "sampling_method": "uniform"},
        ("xgboost", "bagging"): {"subsample": 0.5},
    }[engine.name, booster]
    loss = BinaryCrossEntropy()
    model = engine.train(loss, X, y, params=params)
    assert loss.value(y, engine.raw(model, X)) < 0.25 * constant_value(loss, y)
