"""Where training on censored targets ends: against the best model, the truth, and the uncensored distribution."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import GBMRegressor, check_loss
from gbm_objectives.distributions import (
    Censored,
    Laplace,
    Logistic,
    LogLogistic,
    LogNormal,
    Normal,
    StudentT,
    Weibull,
)
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.testing.regret import regrets
from tests.contract.losses import native
from tests.engine import XGBOOST

EVERY = [LogNormal(), Weibull(), LogLogistic(), Normal(), Logistic(), StudentT(), Laplace()]
every = pytest.mark.parametrize("law", EVERY, ids=repr)
INF = np.inf
N = 3000
LEVEL = np.arange(N) % 6
CENTRE = np.array([0.0, 1.0, 0.5, 2.0, 1.5, 3.0])[LEVEL]


def right_censored(value, limit):
    return np.column_stack([np.minimum(value, limit), np.where(value <= limit, value, INF)])


def six_levels(law, kind):
    """Return a target of which about three in ten rows are censored, in the distribution's unit."""
    rng = np.random.default_rng(5)
    x = CENTRE + 0.8 * rng.standard_normal(N)
    unit = np.exp if law.of_logarithm else np.array
    least = 0.0 if law.of_logarithm else -INF
    y = np.column_stack([unit(x), unit(x)])
    if kind == "right":
        return right_censored(unit(x), unit(rng.normal(2.2, 1.2, N)))
    if kind == "left":
        y[x < 0.6] = least, unit(0.6)
        return y
    visits = rng.random(N) < 0.3
    y[visits] = np.column_stack([unit(np.floor(2.0 * x) / 2.0), unit(np.floor(2.0 * x) / 2.0 + 0.5)])[visits]
    return y


@pytest.mark.slow
@every
@pytest.mark.parametrize("kind", ["right", "left", "interval"])
def test_training_ends_where_the_likelihood_is_greatest(law, kind):
    y = six_levels(law, kind)
    assert 0.2 < np.mean(y[:, 0] != y[:, 1]) < 0.45
    # A level of which most is beyond a bound is slow, since the scale takes a tenth of the step.
    for engine, regret in regrets(Censored(law), y, LEVEL, enough=0.01).items():
        assert -1e-6 <= regret <= 0.01, engine


@every
def test_if_nothing_is_censored_the_model_is_the_distributions_own(engine, law):
    rng = np.random.default_rng(6)
    X = rng.standard_normal((600, 4))
    y = np.exp(0.5 * X[:, 0] + 0.4 * rng.standard_normal(600)).astype(np.float32).astype(np.float64)
    own, _ = native(engine, law, y, X)
    censored, _ = native(engine, Censored(law), np.column_stack([y, y]), X)
    np.testing.assert_allclose(censored, own, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("law", [LogNormal(), Weibull(), Normal()], ids=repr)
def test_a_weight_of_two_is_two_rows(engine, law):
    """Of three levels with many rows each, so that no limit on the rows of a leaf matters."""
    rng = np.random.default_rng(7)
    X = np.resize([0.0, 1.0, 2.0], (900, 1))
    y = right_censored(np.exp(0.7 * X[:, 0] + 0.5 * rng.standard_normal(900)), rng.exponential(6.0, 900))
    twice = rng.random(900) < 0.5
    model = GBMRegressor(Censored(law), engine.bare_regressor(n_estimators=30, n_jobs=1, **engine.quiet))
    weighted = model.fit(X, y, sample_weight=1.0 + twice).predict_raw(X)
    rows = np.append(np.arange(900), np.flatnonzero(twice))
    doubled = model.fit(X[rows], y[rows]).predict_raw(X)
    np.testing.assert_allclose(weighted, doubled, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_the_unit_of_time_does_not_matter(engine, unit):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((500, 3))
    y = right_censored(np.exp(X[:, 0] + 0.5 * rng.standard_normal(500)), rng.exponential(4.0, 500))
    for law in (LogNormal(), LogLogistic()):
        expected, _ = native(engine, Censored(law), y, X, rounds=10)
        found, _ = native(engine, Censored(law), y * unit, X, rounds=10)
        np.testing.assert_allclose(found[:, 0] - np.log(unit), expected[:, 0], atol=2e-3)
        np.testing.assert_allclose(found[:, 1], expected[:, 1], atol=2e-3)


def test_what_is_censored_is_not_lost(engine):
    """Against the truth: taking a limit for the value, or leaving such rows out, makes predictions too low."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 4))
    signal = np.sin(2.0 * X[:, 0]) + 0.5 * X[:, 1] * X[:, 2]
    x = signal + 0.7 * rng.standard_normal(len(X))
    y = right_censored(np.exp(x), np.exp(rng.normal(0.3, 0.7, len(X))))
    train, test = np.arange(1500), np.arange(1500, 2000)
    observed = train[np.isfinite(y[train, 1])]
    assert 0.3 < 1.0 - len(observed) / len(train) < 0.5

    def error(loss, rows, target):
        estimator = engine.bare_regressor(n_estimators=60, learning_rate=0.1, n_jobs=1, **engine.quiet)
        model = GBMRegressor(loss, estimator).fit(X[rows], target)
        return np.sqrt(np.mean(np.square(model.predict_raw(X[test])[:, 0] - signal[test])))

    censored = error(Censored(LogNormal()), train, y[train])
    assert censored < 0.75 * error(LogNormal(), train, y[train, 0])
    assert censored < 0.9 * error(LogNormal(), observed, y[observed, 0])


def test_a_limit_of_detection(engine):
    """A Tobit regression: half of the values are known only to be at most the limit."""
    rng = np.random.default_rng(9)
    level = np.arange(2000) % 4
    value = level + rng.standard_normal(2000)
    y = np.column_stack([np.where(value < 1.5, -INF, value), np.maximum(value, 1.5)])
    estimator = engine.bare_regressor(n_estimators=600, learning_rate=0.1, n_jobs=1, **engine.quiet)
    # Four levels cannot overfit: the scale may take full steps.
    model = GBMRegressor(Censored(Normal(scale_step=1.0)), estimator).fit(level[:, None], y)
    # The maximum of the likelihood in each level; of the first one only 8 % is observed, so that it is slow.
    best = [Censored(Normal()).initial_raw(y[level == k])[0] for k in range(4)]
    off = np.abs(model.predict([[0], [1], [2], [3]]) - best)
    assert (off < [0.15, 0.02, 0.02, 0.02]).all()
    np.testing.assert_allclose(best[1:], [1.0, 2.0, 3.0], atol=0.1)
    low, high = model.predict_interval(level[:, None]).T
    assert np.mean((low <= value) & (value <= high)) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize("law", [LogNormal(), Weibull(), Normal(), StudentT()], ids=repr)
def test_check_loss_takes_it(law):
    check_loss(Censored(law), six_levels(law, "right")[:300])


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("law", [LogNormal(), Weibull(), LogLogistic()], ids=repr)
def test_rare_events_stay_finite_at_every_rate(engine, law, rate):
    rng = np.random.default_rng(10)
    X = rng.standard_normal((2000, 3))
    y = right_censored(np.exp(X[:, 0] + rng.standard_normal(2000)), np.full(2000, 0.1))
    assert np.isfinite(y[:, 1]).mean() < 0.07
    model = GBMRegressor(
        Censored(law), engine.bare_regressor(n_estimators=50, learning_rate=rate, n_jobs=1, **engine.quiet)
    )
    raw = model.fit(X, y).predict_raw(X)
    assert np.isfinite(raw).all()
    constant = Censored(law).initial_raw(y)
    assert Censored(law).value(y, raw) < Censored(law).value(y, np.tile(constant, (2000, 1)))


def test_bounds_of_a_dmatrix_are_the_target():
    """As XGBoost's own survival:aft takes them, with or without labels."""
    rng = np.random.default_rng(11)
    X = rng.standard_normal((300, 2))
    y = right_censored(np.exp(X[:, 0] + rng.standard_normal(300)), rng.exponential(4.0, 300))
    y = y.astype(np.float32).astype(np.float64)
    expected, _ = native(XGBOOST, Censored(LogNormal()), y, X)
    data = xgb.DMatrix(X, label_lower_bound=y[:, 0], label_upper_bound=y[:, 1])
    booster = on_xgboost.train({"nthread": 1}, data, loss=Censored(LogNormal()), num_boost_round=40)
    np.testing.assert_allclose(booster.predict(data, output_margin=True), expected, rtol=1e-5, atol=1e-6)
