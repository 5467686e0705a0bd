"""A series with a season, and our regressors beside the engine's own with the same objective."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import clone

from gbm_objectives import AbsoluteError, GBMRegressor, MultiQuantile, SquaredError

SEASON = 12
N = 300


def values(n=N, seed=0):
    """Return a season of 12 between 15 and 25 with noise of standard deviation 1."""
    t = np.arange(n)
    return 20 + 5 * np.sin(2 * np.pi * t / SEASON) + np.random.default_rng(seed).normal(size=n)


def dates(n=N):
    return pd.date_range("2000-01-01", periods=n, freq="D")


def series(n=N, seed=0):
    return pd.Series(values(n, seed), index=dates(n), name="y")


def pair(engine):
    """Return our regressor of squared error, and the engine's own."""
    stock = engine.estimator(False, n_estimators=60)
    return GBMRegressor(SquaredError(), clone(stock)), stock


def stopping(engine, **own):
    """Return a regressor that stops early by rows that it puts aside, the last ones if not told otherwise."""
    own = {"validation_fraction": 0.2, "validation": "last", **own}
    return GBMRegressor(AbsoluteError(), engine.estimator(False, n_estimators=500), **own)


def quantiles(engine, point=0.5):
    """Return a regressor of three quantiles that predicts one of them."""
    return GBMRegressor(MultiQuantile((0.05, 0.5, 0.95), point=point), engine.estimator(False, n_estimators=60))


def assert_near(forecast, n_before=N):
    """Assert that a forecast of the next steps follows the season."""
    forecast = np.asarray(forecast, dtype=float)
    truth = 20 + 5 * np.sin(2 * np.pi * (n_before + np.arange(len(forecast))) / SEASON)
    assert np.abs(forecast - truth).max() < 2.5
