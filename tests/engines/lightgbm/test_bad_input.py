"""Bad input to `engines.lightgbm.train`, and to LightGBM's own interfaces, raises an error before any boosting."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from gbm_objectives import BinaryCrossEntropy, Hinge, Huber, Quantile, SquaredError
from gbm_objectives.engines import lightgbm as on_lightgbm

INF, NAN = np.inf, np.nan
RNG = np.random.default_rng(0)
X50, Y50 = RNG.random((50, 2)), RNG.random(50)
QUIET = {"verbosity": -1}


def lgb_data(y=Y50, **keywords):
    return lgb.Dataset(X50[: len(y)], y, **keywords)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: on_lightgbm.train(QUIET, lgb_data(), loss=Huber), TypeError, "write it with parentheses"),
        (lambda: on_lightgbm.train({"app": "l2"}, lgb_data(), loss=Huber()), ValueError, r"params\['app'\]"),
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
            lambda: on_lightgbm.train(
                QUIET, lgb_data(), loss=BinaryCrossEntropy(), valid_sets=[lgb_data(2 * Y50)], valid_names=["late"]
            ),
            ValueError,
            r"valid_sets\[0\] \(late\): the target of BinaryCrossEntropy",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(init_score=Y50 + np.nan), loss=Huber()),
            ValueError,
            "train_set: init_score must be finite numbers",
        ),
        (
            lambda: on_lightgbm.train(QUIET, lgb_data(weight=np.zeros(50)), loss=Huber()),
            ValueError,
            "train_set: sample_weight must have a value above 0",
        ),
        (lambda: on_lightgbm.train(QUIET, X50, loss=Huber()), TypeError, "train_set must be a lightgbm.Dataset"),
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
            lambda: on_lightgbm.train(QUIET, lgb_data(), loss=Quantile(0.9), feval=Quantile(0.1).metric),
            ValueError,
            "two metrics are named 'quantile'",
        ),
        (lambda: on_lightgbm.train(QUIET, lgb_data(), loss=Huber(), feval=Huber()), TypeError, "pass its .metric"),
        (lambda: on_lightgbm.train(None, lgb_data(2 * Y50), loss=Hinge()), ValueError, "labels -1 and"),
        # the plain interfaces
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
        (
            lambda: lgb.LGBMRegressor(objective=BinaryCrossEntropy(), verbosity=-1).fit(X50, 2 * Y50),
            ValueError,
            r"must be numbers in \[0, 1\]",
        ),
    ],
)
def test_interfaces(call, error, message):
    with pytest.raises(error, match=message):
        call()
