"""XGBoost compares six printed decimals: where they would stop it early it is said."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import SquaredError
from gbm_objectives.engines import xgboost as on_xgboost


def test_xgboost_warns_where_its_six_decimals_would_stop_it_early():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    y = X[:, 0] + 0.1 * rng.standard_normal(60)
    params = {"nthread": 1, "max_depth": 2}
    keywords = {"loss": SquaredError(), "early_stopping_rounds": 3, "num_boost_round": 5, "verbose_eval": False}
    tiny = xgb.DMatrix(X, 1e-6 * y)
    with pytest.warns(UserWarning, match=r"six decimals .* a loss of about \d+e-1\d will look the same"):
        on_xgboost.train(params, tiny, evals=[(tiny, "t")], **keywords)
    usual = xgb.DMatrix(X, y)
    on_xgboost.train(params, usual, evals=[(usual, "t")], **keywords)  # warnings are errors in the tests
