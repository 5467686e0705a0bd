"""Bad input raises an error that names argument, rule and first offender, before any boosting."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Hinge,
    Huber,
    Quantile,
    SquaredError,
)
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (SquaredError(), [1.0, NAN, NAN], r"SquaredError must be finite numbers, got nan in row 1 \(2 such\)"),
        (AbsoluteError(), [1.0, -INF], r"finite numbers, got -inf in row 1"),
        (Huber(), [], r"y_true is empty"),
        (Huber(), [[1.0], [2.0]], r"y_true must be 1-dimensional, got shape \(2, 1\)"),
        (Huber(), 3.0, r"y_true must be 1-dimensional, got shape \(\)"),
        (Quantile(), ["a", "b"], r"y_true must be numbers, got <U1 data"),
        (BinaryCrossEntropy(), [0.0, 1.5], r"numbers in \[0, 1\], got 1.5 in row 1"),
        (BinaryCrossEntropy(), [-1, 1], r"numbers in \[0, 1\], got -1.0 in row 0"),
        (CategoricalCrossEntropy(3), [0, 1, 3], r"integer labels 0 ... 2, .* got 3.0 in row 2"),
        (CategoricalCrossEntropy(3), [0.5, 1, 2], r"integer labels .* got 0.5 in row 0"),
        (CategoricalCrossEntropy(2), [[0.5, 0.5], [0.7, 0.7]], r"sum to 1, got \[0.7 0.7\] in row 1"),
        (CategoricalCrossEntropy(2), [[1.5, -0.5]], r"not below 0 that sum to 1, got \[ 1.5 -0.5\] in row 0"),
        (CategoricalCrossEntropy(3), [[0.5, 0.5]], r"rows of 3 numbers"),
        (Hinge(), [0, 1, 2], r"labels -1 and \+1, or 0 and 1, got 2.0 in row 2"),
        (Hinge(), [0, 1, -1], r"labels -1 and \+1, or 0 and 1, got -1.0 in row 2"),
    ],
)
def test_targets(loss, y, message):
    raw = np.zeros((len(y) if np.ndim(y) else 1, loss.n_outputs)).squeeze(axis=1 if loss.n_outputs == 1 else ())
    calls = (
        loss.check_target,
        loss.initial_raw,
        lambda y: loss.value(y, raw),
        lambda y: loss(y, raw),
    )
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, -1.0, 1.0], r"sample_weight must be finite and not negative, got -1.0 in row 1"),
        ([1.0, NAN, 1.0], r"sample_weight must be finite and not negative, got nan in row 1"),
        ([0.0, 0.0, 0.0], r"sample_weight must have a value above 0"),
        ([1.0, 1.0], r"sample_weight has 2 values, the target has 3 rows"),
        ([[1.0, 1.0, 1.0]], r"sample_weight must be 1-dimensional"),
    ],
)
def test_weights(weight, message):
    loss, y, raw = SquaredError(), np.arange(3.0), np.zeros(3)
    for call in (loss, loss.value, loss.metric, lambda y, raw, w: loss.initial_raw(y, w)):
        with pytest.raises(ValueError, match=message):
            call(y, raw, weight)


def test_raw_prediction_shapes():
    with pytest.raises(ValueError, match=r"raw_prediction has 2 rows, the target has 3"):
        SquaredError()([1.0, 2.0, 3.0], [0.0, 0.0])
    with pytest.raises(
        ValueError,
        match=r"must have 3 values per row for .*n_classes=3\), got shape \(2,\): set the engine's num_class to 3",
    ):
        CategoricalCrossEntropy(3).value([1, 2], [0.0, 0.0])


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (Huber(delta=0), ValueError, "delta of Huber must be above 0 and below 1e\\+38, got 0"),
        (Huber(delta=-1.0), ValueError, "delta of Huber must be above 0"),
        (Huber(delta=NAN), ValueError, "delta of Huber must be above 0"),
        (Huber(delta="1"), TypeError, "delta of Huber must be a number, got '1'"),
        (Quantile(alpha=1.0), ValueError, "alpha of Quantile must be above 0 and below 1, got 1.0"),
        (Quantile(alpha=90), ValueError, "alpha of Quantile must be above 0 and below 1, got 90"),
        (CategoricalCrossEntropy(1), ValueError, "n_classes of CategoricalCrossEntropy must be at least 2"),
        (CategoricalCrossEntropy(2.0), TypeError, "must be an integer, got 2.0"),
        (
            Quantile(hessian="newton"),
            ValueError,
            "hessian of Quantile must be one of 'auto', 'majorizer', 'constant'",
        ),
        (AbsoluteError(hessian="exact"), ValueError, "hessian of AbsoluteError must be one of .* got 'exact'"),
    ],
)
def test_hyper_parameters(loss, error, message):
    X, y = np.random.default_rng(0).random((50, 2)), np.zeros(50)
    for call in (
        lambda: loss.check_target(y),
        lambda: loss(y, y),
        lambda: loss.value(y, y),
        lambda: on_lightgbm.train({"verbosity": -1}, lgb.Dataset(X, y), loss=loss),
        lambda: on_xgboost.train({}, xgb.DMatrix(X, y), loss=loss),
        lambda: lgb.train({"verbosity": -1, "objective": loss}, lgb.Dataset(X, y), 2),
        lambda: xgb.train({}, xgb.DMatrix(X, y), 2, obj=loss),
    ):
        with pytest.raises(error, match=message):
            call()


RNG = np.random.default_rng(0)
X50, Y50 = RNG.random((50, 2)), RNG.random(50)
QUIET = {"verbosity": -1}


def lgb_data(y=Y50, **keywords):
    return lgb.Dataset(X50[: len(y)], y, **keywords)


def xgb_data(y=Y50, **keywords):
    return xgb.DMatrix(X50[: len(y)], y, **keywords)


@pytest.mark.filterwarnings('ignore:[^"]*Parameters. . "objective__:UserWarning')  # see test_engines.py
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: on_lightgbm.train(QUIET, lgb_data(), loss=Huber), TypeError, "write it with parentheses"),
        (lambda: on_xgboost.train({}, xgb_data(), loss="huber"), TypeError, "must be a Loss .* got 'huber'"),
        (lambda: on_lightgbm.train({"app": "l2"}, lgb_data(), loss=Huber()), ValueError, r"params\['app'\]"),
        (
            lambda: on_xgboost.train({"objective": "x"}, xgb_data(), loss=Huber()),
            ValueError,
            r"params\['objective'\] must be left out: loss=Huber\(\) is the objective",
        ),
        (lambda: on_xgboost.train({"base_score": 1}, xgb_data(), loss=Huber()), ValueError, "base_score"),
        (
            lambda: on_lightgbm.train({"num_class": 3}, lgb_data(), loss=Huber()),
            ValueError,
            r"params\['num_class'\] is 3, but Huber\(\) has 1 outputs",
        ),
        (
            lambda: on_lightgbm.train({"metric": "binary_logloss"}, lgb_data(), loss=BinaryCrossEntropy()),
            ValueError,
            "metric 'binary_logloss' would be computed on raw predictions",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(2 * Y50), loss=BinaryCrossEntropy()),
            ValueError,
            r"train_set: the target of BinaryCrossEntropy must be numbers in \[0, 1\]",
        ),
        (
            lambda: on_xgboost.train({}, xgb_data(2 * Y50), loss=BinaryCrossEntropy()),
            ValueError,
            r"dtrain: the target of BinaryCrossEntropy must be numbers in \[0, 1\]",
        ),
        (
            lambda: on_lightgbm.train(
                QUIET, lgb_data(), loss=BinaryCrossEntropy(), valid_sets=[lgb_data(2 * Y50)], valid_names=["late"]
            ),
            ValueError,
            r"valid_sets\[0\] \(late\): the target of BinaryCrossEntropy",
        ),
        (
            lambda: on_xgboost.train(
                {}, xgb_data(), loss=BinaryCrossEntropy(), evals=[(xgb_data(2 * Y50), "late")]
            ),
            ValueError,
            r"evals\[0\] \(late\): the target of BinaryCrossEntropy",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(init_score=Y50), loss=Huber()),
            ValueError,
            "train_set: init_score must not be set",
        ),
        (
            lambda: on_xgboost.train({}, xgb_data(base_margin=Y50), loss=Huber()),
            ValueError,
            "dtrain: base_margin must not be set",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(weight=np.zeros(50)), loss=Huber()),
            ValueError,
            "train_set: sample_weight must have a value above 0",
        ),
        (
            lambda: on_xgboost.train({}, xgb_data(weight=np.zeros(50)), loss=Huber()),
            ValueError,
            "dtrain: sample_weight must have a value above 0",
        ),
        (lambda: on_xgboost.train({}, xgb.DMatrix(X50), loss=Huber()), ValueError, "dtrain: .* has no labels"),
        (lambda: on_lightgbm.train(QUIET, X50, loss=Huber()), TypeError, "train_set must be a lightgbm.Dataset"),
        (lambda: on_xgboost.train({}, X50, loss=Huber()), TypeError, "dtrain must be an xgboost.DMatrix"),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(np.where(Y50 > 0.5, NAN, Y50)), loss=SquaredError()),
            ValueError,
            "train_set: the target of SquaredError must be finite numbers, got nan",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(), loss=SquaredError(), valid_sets=[lgb_data(Y50 + INF)]),
            ValueError,
            r"valid_sets\[0\]: .* got inf in row 0",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(weight=np.where(Y50 > 0.5, NAN, 1)), loss=SquaredError()),
            ValueError,
            "train_set: sample_weight must be finite",
        ),
        (lambda: on_lightgbm.train(QUIET, lgb.Dataset(X50), loss=Huber()), ValueError, "train_set: .* no labels"),
        (
            lambda: on_lightgbm.train(
                QUIET,
                lgb_data(weight=Y50 - 0.5),
                loss=Huber(),
                init_model=on_lightgbm.train(QUIET, lgb_data(), loss=Huber(), num_boost_round=1),
            ),
            ValueError,
            "train_set: sample_weight must be finite and not negative",
        ),
        (
            lambda: on_lightgbm.train({"boosting": "rf"}, lgb_data(), loss=Huber()),
            ValueError,
            "random forest takes no start value",
        ),
        (
            lambda: on_lightgbm.train({"metric": "binary_error"}, lgb_data(Y50.round()), loss=Hinge()),
            ValueError,
            "metric 'binary_error' would be computed on raw predictions",
        ),
        (
            lambda: on_lightgbm.train({"alpha": 0.9}, lgb_data(), loss=Quantile(0.5)),
            ValueError,
            r"params\['alpha'\] acts on built-in objectives only",
        ),
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
            lambda: on_lightgbm.train(QUIET, lgb_data(), loss=Quantile(0.9), feval=Quantile(0.1).metric),
            ValueError,
            "two metrics are named 'quantile'",
        ),
        (lambda: on_lightgbm.train(QUIET, lgb_data(), loss=Huber(), feval=Huber()), TypeError, "pass its .metric"),
        (
            lambda: on_xgboost.train({}, xgb_data(), loss=Huber(), custom_metric="rmse"),
            TypeError,
            "a metric must be a function, got 'rmse'; names go into params",
        ),
        (lambda: on_lightgbm.train(None, lgb_data(2 * Y50), loss=Hinge()), ValueError, "labels -1 and"),
        # the plain doors
        (
            lambda: lgb.train({**QUIET, "objective": BinaryCrossEntropy()}, lgb_data(2 * Y50, init_score=Y50), 2),
            ValueError,
            r"must be numbers in \[0, 1\]",
        ),
        (
            lambda: lgb.train({**QUIET, "objective": BinaryCrossEntropy()}, lgb_data(2 * Y50), 2),
            ValueError,
            r"must be numbers in \[0, 1\]",
        ),
        (lambda: xgb.train({}, xgb_data(2 * Y50), 2, obj=BinaryCrossEntropy()), ValueError, r"in \[0, 1\]"),
        (
            lambda: lgb.LGBMRegressor(objective=BinaryCrossEntropy(), verbosity=-1).fit(X50, 2 * Y50),
            ValueError,
            r"must be numbers in \[0, 1\]",
        ),
        (
            lambda: xgb.XGBRegressor(objective=BinaryCrossEntropy()).fit(X50, 2 * Y50),
            ValueError,
            r"must be numbers in \[0, 1\]",
        ),
    ],
)
def test_doors(call, error, message):
    with pytest.raises(error, match=message):
        call()
