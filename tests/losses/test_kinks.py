"""Losses with a kink end where they should: at equal targets, in tails, among outliers, at every learning rate."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.base import clone
from sklearn.datasets import make_friedman1

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    EpsilonInsensitive,
    FormulaLoss,
    MultiTarget,
    Quantile,
)
from gbm_objectives.curvature import Pace
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.engines.parameters import at_pace
from gbm_objectives.testing.regret import best_constant, regrets
from tests.engine import LIGHTGBM

N = 4000
RNG = np.random.default_rng(5)
group = RNG.integers(0, 2, N)
SKEWED = {
    "exponential": RNG.exponential(1.0, N),
    "lognormal": RNG.lognormal(0.0, 1.0, N),
    "gamma": RNG.gamma(0.5, 2.0, N),
}
level = np.arange(N) % 6
RARE = RNG.poisson(0.2 + 0.05 * level).astype(float)
ZEROS = np.where(RNG.random(N) < 0.7, 0.0, 2.0 + level + RNG.exponential(1.0, N))


def fitted(loss, X, y, engine, n_rounds, **params):
    """Return the raw predictions of the rows that were trained on."""
    if engine == "lightgbm":
        params = {"verbosity": -1, "num_threads": 1, **params}
        booster = on_lightgbm.train(params, lgb.Dataset(X, y), loss=loss, num_boost_round=n_rounds)
        return booster.predict(X, raw_score=True)
    booster = on_xgboost.train({"nthread": 1, **params}, xgb.DMatrix(X, y), loss=loss, num_boost_round=n_rounds)
    return booster.predict(xgb.DMatrix(X), output_margin=True)


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.95, 0.99])
@pytest.mark.parametrize("noise", SKEWED)
def test_the_share_below_a_quantile_is_its_level(noise, alpha, engine):
    y = 3.0 * group + SKEWED[noise]
    raw = fitted(Quantile(alpha), group[:, None].astype(float), y, engine, 200)
    # Half of the targets of this gamma variable are in a twentieth of their mean.
    close = 0.02 if (noise, alpha) == ("gamma", 0.01) else 0.01
    for k in (0, 1):
        assert np.mean(y[group == k] <= raw[group == k]) == pytest.approx(alpha, abs=close)


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("y", [RARE, ZEROS], ids=["rare counts", "70% zeros"])
def test_nothing_is_lost_where_a_constant_is_best(y, alpha, engine):
    """Each level's best prediction is 0, which most targets are."""
    loss = Quantile(alpha)
    raw = fitted(loss, level[:, None].astype(float), y, engine, 100)
    assert loss.value(y, raw) <= 1.005 * best_constant(loss, y)[1]


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_absolute_error_among_outliers_is_as_near_as_lightgbm_s_own(share):
    own, ours = [], []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X, truth = make_friedman1(2000, random_state=seed)
        far = rng.uniform(50, 200, 2000) * rng.choice([-1, 1], 2000)
        y = truth + rng.standard_normal(2000) + np.where(rng.random(2000) < share, far, 0.0)
        params = {"objective": "regression_l1", "verbosity": -1, "num_threads": 1}
        own.append(np.sqrt(np.mean((lgb.train(params, lgb.Dataset(X, y), 100).predict(X) - truth) ** 2)))
        ours.append(np.sqrt(np.mean((fitted(AbsoluteError(), X, y, "lightgbm", 100) - truth) ** 2)))
    assert np.mean(ours) <= 1.1 * np.mean(own)


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
def test_a_learning_rate_of_1_does_not_follow_the_noise(engine):
    """A mean pull of a quarter, whatever the rate, leaves a sixth more."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 5))
    y = 2.0 * X[:, 0] + rng.lognormal(0.0, 1.0, 4000)
    train, test = np.arange(2000), np.arange(2000, 4000)
    loss, slow = AbsoluteError(), AbsoluteError()
    slow._pace = Pace(learning_rate=0.0)
    start = loss.initial_raw(y[train])
    if engine == "lightgbm":
        params = {"verbosity": -1, "num_threads": 1, "learning_rate": 1.0}
        data = lgb.Dataset(X[train], y[train], init_score=np.full(2000, start))
        plain = start + lgb.train({**params, "objective": slow}, data, 50).predict(X[test])
        booster = on_lightgbm.train(params, lgb.Dataset(X[train], y[train]), loss=loss, num_boost_round=50)
        raw = booster.predict(X[test], raw_score=True)
    else:
        params, data = {"nthread": 1, "eta": 1.0}, xgb.DMatrix(X[train], y[train])
        plain = xgb.train({**params, "base_score": start}, data, 50, obj=slow).predict(xgb.DMatrix(X[test]))
        raw = on_xgboost.train(params, data, loss=loss, num_boost_round=50).predict(xgb.DMatrix(X[test]))
    assert loss.value(y[test], raw) < 0.93 * loss.value(y[test], plain)


def test_the_pace_is_of_a_training_alone():
    loss = FormulaLoss("abs(f - y)")
    paced = at_pace(loss, {"eta": "0.5"}, ("learning_rate", "eta"), Pace())
    assert paced._pace.learning_rate == 0.5
    assert paced == loss and loss._pace == Pace() and clone(paced)._pace == Pace()
    assert at_pace(loss, {"eta": "fast"}, ("eta",), Pace(0.2))._pace.learning_rate == 0.2  # the engine refuses it


def test_lightgbm_warns_where_nearly_all_targets_are_equal():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 2)), np.where(rng.random(1000) < 0.95, 0.0, 5.0)
    with pytest.warns(UserWarning, match=r"9\d% of the targets are 0.*LightGBM counts rows"):
        fitted(Quantile(0.9), X, y, "lightgbm", 3)
    fitted(Quantile(0.9), X, y, "xgboost", 3)  # which does not count rows by their Hessian
    fitted(Quantile(0.9), X, np.where(rng.random(1000) < 0.5, 0.0, 5.0), "lightgbm", 3)
    fitted(BinaryCrossEntropy(), X, (y > 0).astype(float), "lightgbm", 3)
    # Of several targets it names the loss of the one, whose rows are those that have it.
    two = np.column_stack([rng.normal(size=1000), np.where(rng.random(1000) < 0.3, y, np.nan)])
    with pytest.warns(
        UserWarning, match=r"9\d% of the targets are 0.*under Quantile\(alpha=0.9\) splits"
    ) as caught:
        LIGHTGBM.regressor(MultiTarget(Quantile(0.9), 2), n_estimators=3).fit(X, two)
    assert len(caught) == 1


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1.0, 1e-3])
@pytest.mark.parametrize("kind", ["two clusters", "zeros", "normal"])
def test_a_tube_has_the_widths_of_similar_predictions(kind, unit):
    """0.2.0: rows were grouped by the edge of their tube, and looked up by their prediction: regret .66 to .99."""
    rng = np.random.default_rng(0)
    group = np.arange(1000) % 5
    y = {
        "two clusters": np.where(rng.random(1000) < 0.2 + 0.15 * group, 0.0, 100.0) + 0.1 * rng.normal(size=1000),
        "zeros": np.where(rng.random(1000) < 0.6 - 0.1 * group, 0.0, rng.exponential(size=1000) * (1 + group)),
        "normal": group + rng.normal(size=1000),
    }[kind]
    found = regrets(EpsilonInsensitive(0.5 * unit), unit * y, group)
    # As of the formula "max(abs(f - y) - 0.5, 0)", .11 and .09; XGBoost's default rate leaves more of zeros.
    most = {"two clusters": (0.18, 0.2), "zeros": (0.12, 0.4), "normal": (0.01, 0.01)}[kind]
    assert found["lightgbm"] < most[0] and found["xgboost"] < most[1], found
