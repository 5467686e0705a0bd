"""Bad input to `engines.xgboost.train`, and to XGBoost's own interfaces, raises an error before any boosting."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import BinaryCrossEntropy, Huber, SquaredError
from gbm_objectives.engines import xgboost as on_xgboost

RNG = np.random.default_rng(0)
X50, Y50 = RNG.random((50, 2)), RNG.random(50)


def xgb_data(y=Y50, **keywords):
    return xgb.DMatrix(X50[: len(y)], y, **keywords)


@pytest.mark.filterwarnings('ignore:[^"]*Parameters. . "objective__:UserWarning')  # see test_plain_interfaces.py
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: on_xgboost.train({}, xgb_data(), loss="huber"), TypeError, "must be a Loss .* got 'huber'"),
        (
            lambda: on_xgboost.train({"objective": "x"}, xgb_data(), loss=Huber()),
            ValueError,
            r"params\['objective'\] must be left out: loss=Huber\(\) is the objective",
        ),
        (lambda: on_xgboost.train({"base_score": 1}, xgb_data(), loss=Huber()), ValueError, "base_score"),
        (
            lambda: on_xgboost.train({}, xgb_data(2 * Y50), loss=BinaryCrossEntropy()),
            ValueError,
            r"dtrain: the target of BinaryCrossEntropy must be numbers in \[0, 1\]",
        ),
        (
            lambda: on_xgboost.train(
                {}, xgb_data(), loss=BinaryCrossEntropy(), evals=[(xgb_data(2 * Y50), "late")]
            ),
            ValueError,
            r"evals\[0\] \(late\): the target of BinaryCrossEntropy",
        ),
        (
            lambda: on_xgboost.train({}, xgb_data(base_margin=Y50 + np.inf), loss=Huber()),
            ValueError,
            "dtrain: base_margin must be 50 finite numbers, 1 for each row",
        ),
        (
            lambda: on_xgboost.train({}, xgb_data(weight=np.zeros(50)), loss=Huber()),
            ValueError,
            "dtrain: sample_weight must have a value above 0",
        ),
        (lambda: on_xgboost.train({}, xgb.DMatrix(X50), loss=Huber()), ValueError, "dtrain: .* has no labels"),
        (
            lambda: on_xgboost.train({}, xgb_data(label_lower_bound=Y50), loss=Huber()),
            ValueError,
            "dtrain: label_lower_bound must not be set",
        ),
        (
            lambda: on_xgboost.train(
                {}, xgb_data(), loss=Huber(), evals=[(xgb_data(label_upper_bound=Y50), "late")]
            ),
            ValueError,
            r"evals\[0\] \(late\): label_upper_bound must not be set",
        ),
        (
            lambda: on_xgboost.cv({}, xgb_data(label_upper_bound=Y50), loss=Huber()),
            ValueError,
            "dtrain: label_upper_bound must not be set",
        ),
        (lambda: on_xgboost.train({}, X50, loss=Huber()), TypeError, "dtrain must be an xgboost.DMatrix"),
        (
            lambda: on_xgboost.train({"scale_pos_weight": 9}, xgb_data(), loss=BinaryCrossEntropy()),
            ValueError,
            r"params\['scale_pos_weight'\] acts on built-in objectives only",
        ),
        (
            lambda: on_xgboost.train(
                {},
                xgb_data(),
                loss=BinaryCrossEntropy(),
                xgb_model=on_xgboost.train({}, xgb_data(), loss=SquaredError(), num_boost_round=1),
            ),
            ValueError,
            "xgb_model was trained as 'reg:squarederror'",
        ),
        (
            lambda: on_xgboost.train({}, xgb_data(), loss=Huber(), custom_metric="rmse"),
            TypeError,
            "a metric must be a function, got 'rmse'; names go into params",
        ),
        # the plain interfaces
        (lambda: xgb.train({}, xgb_data(2 * Y50), 2, obj=BinaryCrossEntropy()), ValueError, r"in \[0, 1\]"),
        (
            lambda: xgb.XGBRegressor(objective=BinaryCrossEntropy()).fit(X50, 2 * Y50),
            ValueError,
            r"must be numbers in \[0, 1\]",
        ),
    ],
)
def test_interfaces(call, error, message):
    with pytest.raises(error, match=message):
        call()
