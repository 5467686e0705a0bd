"""Hyper-parameters out of their range stop every interface of both engines."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import AbsoluteError, CategoricalCrossEntropy, Huber, Quantile
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (Huber(delta=0), ValueError, "delta of Huber must be above 0 and below 1e\\+38, got 0"),
        (Huber(delta=-1.0), ValueError, "delta of Huber must be above 0"),
        (Huber(delta=np.nan), ValueError, "delta of Huber must be above 0"),
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
