"""A noisy curve with outliers, and smooth fits of it with both engines; `sinc` and `outliers` share them."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.preprocessing import SplineTransformer

from gbm_objectives import Loss
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

__all__ = ["FIT", "REACH", "sample", "truth"]

REACH = 15.0
Curve = Callable[[np.ndarray], np.ndarray]


def truth(x: np.ndarray) -> np.ndarray:
    """Return 10·sin(x)/x: of the size at which delta = 4, 2 and 1 differ."""
    return 10.0 * np.sinc(x / np.pi)


def sample(seed: int, n: int = 2000, share: float = 0.04) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and which rows are outliers: Gaussian noise, plus 8 in a Bernoulli share."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-REACH, REACH, n))
    outlier = rng.random(n) < share
    return x, truth(x) + rng.normal(0.0, 0.5, n) + 8.0 * outlier, outlier


def fit_lightgbm(loss: Loss, x: np.ndarray, y: np.ndarray, seed: int, rounds: int = 5000) -> Curve:
    """Fit trees whose leaves are local polynomials: `linear_tree` on powers of x.

    A leaf is linear in the features on its path, so with several powers of x it bends. Random thresholds and a
    small learning rate then average the leaves' edges out, as many overlapping pieces.
    """

    def features(x: np.ndarray) -> np.ndarray:
        return np.stack([(1.0 + 0.9 * x / REACH) ** power for power in (0.5, 1, 2, 3, 4)], axis=1)

    params = {
        "linear_tree": True,
        "linear_lambda": 1e-4,
        "extra_trees": True,
        "num_leaves": 8,
        "min_data_in_leaf": 150,
        "learning_rate": 20.0 / rounds,  # the same distance in fewer, larger steps
        "bagging_fraction": 0.9,
        "bagging_freq": 1,
        "max_bin": 1023,
        "min_data_in_bin": 1,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }
    booster = on_lightgbm.train(params, lgb.Dataset(features(x), y), loss=loss, num_boost_round=rounds)
    return lambda x: np.asarray(booster.predict(features(x)))


def fit_xgboost(loss: Loss, x: np.ndarray, y: np.ndarray, seed: int, rounds: int = 300) -> Curve:
    """Boost a linear model on a cubic B-spline basis, the base learner of the paper but for its penalty."""
    # XGBoost 3.4 announces the end of gblinear, but has no other smooth base learner.
    warnings.filterwarnings("ignore", message="[^`]*`booster=gblinear` is deprecated", category=UserWarning)
    basis = SplineTransformer(n_knots=24, degree=3, include_bias=False).fit(x[:, None])
    params = {
        "booster": "gblinear",
        "updater": "coord_descent",  # the other one races its threads: not repeatable
        "lambda": 0.0,
        "eta": 30.0 / rounds,
        "nthread": 1,
        "seed": seed,
    }
    data = xgb.DMatrix(basis.transform(x[:, None]), y)
    booster = on_xgboost.train(params, data, loss=loss, num_boost_round=rounds)
    return lambda x: np.asarray(booster.predict(xgb.DMatrix(basis.transform(x[:, None]))))


FIT = {"lightgbm": fit_lightgbm, "xgboost": fit_xgboost}
