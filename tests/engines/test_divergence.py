"""A training that diverges says so once, and no other one does."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1

from gbm_objectives import AbsoluteError, GBMRegressor, Huber, Quantile, SquaredError
from gbm_objectives.engines.divergence import Watch


class Overshooting(SquaredError):
    """Squared error with a quarter of its curvature: at rate 1 every step goes four times as far as it should."""

    def _derivatives_of_residual(self, r):
        return r, np.full_like(r, 0.25)


@pytest.mark.parametrize("interface", ["train", "estimator"])
def test_divergence_is_said_once(engine, interface):
    X, y = load_diabetes(return_X_y=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if interface == "train":
            engine.train(Overshooting(), X, y, rounds=60, params=engine.defaults(rate=1.0))
        else:
            bare = engine.bare_regressor(learning_rate=1.0, n_estimators=60, n_jobs=1, **engine.quiet)
            GBMRegressor(Overshooting(), bare).fit(X, y)
    said = [str(warning.message) for warning in caught if "rises" in str(warning.message)]
    assert len(said) == 1
    assert "Overshooting" in said[0] and "lower learning_rate" in said[0]


@pytest.mark.parametrize(
    ("values", "warns"),
    [
        ([1, 0.5, np.inf, np.inf, np.inf], True),
        ([1, np.nan, np.nan, np.nan], True),
        ([1, 1e9, 1e9, 1e9], True),  # jumps and stays
        ([1, 0.9, 1.1, 1.0, 1.2, 1.1, 1.4], True),  # to and fro, but never back
        ([-1.0, -1.1, -1.2, -1.3], False),  # a likelihood
        ([1, 0.1, 0.105, 0.1, 0.108, 0.1, 0.107], False),  # a finished fit
        ([1, 0.0, 1e-17, 2e-17, 4e-17], False),  # rounding
        ([1, 0.5, 0.7, 0.7, 0.4], False),  # back within two looks
    ],
)
def test_what_counts_as_divergence(values, warns):
    given = iter([float(value) for value in values])
    watch = Watch(SquaredError(), "learning_rate")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(Watch.EVERY * len(values)):
            watch.look(lambda: next(given))
    assert len(caught) == warns


def test_dart_is_no_divergence(engine):
    X, y = make_friedman1(n_samples=600, random_state=0)
    dart = {"lightgbm": {"boosting": "dart"}, "xgboost": {"booster": "dart", "rate_drop": 0.2}}[engine.name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        engine.train(SquaredError(), X, y, rounds=100, params=dart)
    assert not [warning for warning in caught if "rises" in str(warning.message)]


@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.9), Huber(5.0)], ids=repr)
def test_a_finished_fit_is_no_divergence(engine, loss):
    X, y = load_breast_cancer(return_X_y=True)
    engine.train(loss, X, 10.0 * y, rounds=300, params=engine.defaults(rate=1.0))  # warnings are errors here
