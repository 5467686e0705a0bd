"""A DMatrix gets its distributions back when training is interrupted, and evaluation sets may be an iterator."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes, load_wine

from gbm_objectives import CategoricalCrossEntropy, SquaredError
from gbm_objectives.engines import xgboost as on_xgboost
from tests.engine import XGBOOST


def test_target_distributions_survive_an_interruption():
    wine, labels = load_wine(return_X_y=True)
    data = xgb.DMatrix(wine, 0.9 * np.eye(3)[labels] + 0.1 / 3)
    before = data.get_label()

    def interrupt(round_number):
        if round_number == 2:
            raise KeyboardInterrupt("third round")

    with pytest.raises(KeyboardInterrupt):
        on_xgboost.train(
            XGBOOST.params, data, loss=CategoricalCrossEntropy(3), callbacks=[XGBOOST.callback(interrupt)]
        )
    np.testing.assert_array_equal(data.get_label(), before)
    assert not hasattr(data, "target")


def test_iterators_and_names_of_xgboost():
    X, y = load_diabetes(return_X_y=True)
    data = xgb.DMatrix(X, y)

    class PrecisionError(type(SquaredError())):  # XGBoost would maximise a metric that begins with "pre"
        pass

    assert PrecisionError().name == "precision_error"
    histories = {}
    for loss in (SquaredError(), PrecisionError()):
        booster = on_xgboost.train(
            XGBOOST.params,
            data,
            loss=loss,
            num_boost_round=20,
            evals=zip([data], ["t"], strict=True),
            early_stopping_rounds=3,
            verbose_eval=False,
        )
        histories[loss] = booster.best_iteration
    assert set(histories.values()) == {19}
