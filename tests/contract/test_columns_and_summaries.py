"""Targets of several columns, and a summary of the training rows, of losses of a user's own; on both engines."""

from __future__ import annotations

from importlib import import_module

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from gbm_objectives import SquaredError, contract
from gbm_objectives.contract import IDENTITY, POSITIVE, REAL, Loss
from gbm_objectives.contract.driver import BLOCK_ROWS
from gbm_objectives.engines.lightgbm import train as engines_train
from gbm_objectives.engines.xgboost import train as on_xgboost_train
from tests.contract.losses import (
    COSTS,
    RNG,
    CostOfError,
    N,
    NormalBetweenBounds,
    OfUnitScale,
    ToEachBound,
    ToEachBoundFromItsFormulas,
    X,
    Y,
    estimator,
    native,
)
from tests.engine import LIGHTGBM

# ---- targets of several columns ------------------------------------------------------------


def test_the_start_is_the_best_constant_of_the_columns():
    assert CostOfError().initial_raw(COSTS) == pytest.approx(np.average(Y, weights=COSTS[:, 1]))


def test_the_start_of_several_outputs_beside_infinite_bounds():
    """Columns are not averaged with infinity in them, and need not be as many as outputs."""
    rng = np.random.default_rng(2)
    value = 3.0 + 2.0 * rng.normal(size=4000)
    y = np.column_stack([np.floor(value), np.floor(value) + 1.0])
    y[value > 4.0], y[value < 1.0] = [4.0, np.inf], [-np.inf, 1.0]
    loss = ToEachBoundFromItsFormulas()
    start, by_hand = loss.initial_raw(y), ToEachBound().initial_raw(y)
    assert loss.value(y, np.tile(start, (4000, 1))) <= loss.value(y, np.tile(by_hand, (4000, 1)))
    np.testing.assert_allclose(loss.gradient(y, np.tile(start, (4000, 1))).mean(axis=0), 0.0, atol=1e-6)
    # What is between bounds has the distribution that was drawn from.
    weight, often = rng.integers(0, 3, 4000), rng.integers(1, 4, 4000)
    location, log_scale = NormalBetweenBounds().initial_raw(np.column_stack([y, often]), weight)
    assert location == pytest.approx(3.0, abs=0.1) and np.exp(log_scale) == pytest.approx(2.0, abs=0.1)


def test_columns_reach_both_engines(engine):
    """Where no feature tells rows apart the prediction is the mean weighted by cost, as with weights."""
    flat = np.zeros((N, 1))
    raw, _ = native(engine, CostOfError(), COSTS, flat, rounds=5)
    np.testing.assert_allclose(raw, np.average(Y, weights=COSTS[:, 1]), rtol=1e-5)
    raw, _ = native(engine, CostOfError(), COSTS)
    weighted, _ = native(engine, CostOfError(), np.column_stack([Y, np.ones(N)]), weight=COSTS[:, 1])
    assert CostOfError().value(COSTS, raw) == pytest.approx(CostOfError().value(COSTS, weighted), rel=0.15)


@pytest.mark.parametrize(
    "y",
    [
        COSTS,
        COSTS.tolist(),
        pd.DataFrame({"other": 0.0, "cost": COSTS[:, 1], "y": COSTS[:, 0]}),
        np.array([tuple(row) for row in COSTS], dtype=[("y", float), ("cost", float)]),
    ],
    ids=["array", "list", "data frame", "structured"],
)
def test_columns_in_an_estimator(engine, y):
    model = estimator(engine, CostOfError()).fit(X, y, eval_set=[(X, y)])
    expected, _ = native(engine, CostOfError(), COSTS)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-4)
    (metrics,) = model.evals_result_.values()
    assert metrics["cost_of_error"][-1] == pytest.approx(
        CostOfError().value(COSTS, model.predict_raw(X)), rel=1e-4
    )


def test_columns_at_the_engines_own_doors():
    loss = CostOfError()
    data = lgb.Dataset(X, Y)
    data.target = COSTS
    booster = lgb.train(
        {"objective": loss, "verbosity": -1, "num_threads": 1}, data, 40, valid_sets=[data], feval=loss.metric
    )
    assert loss.value(COSTS, booster.predict(X)) < 1.05 * loss.value(COSTS, np.full(N, loss.initial_raw(COSTS)))
    data = xgb.DMatrix(X, Y)
    data.target = COSTS
    booster = xgb.train({"nthread": 1, "base_score": 0.0}, data, 40, obj=loss, custom_metric=loss.metric)
    raw = booster.predict(xgb.DMatrix(X))
    assert loss.value(COSTS, raw) < 1.05 * loss.value(COSTS, np.full(N, loss.initial_raw(COSTS)))


def test_columns_that_are_not_there(engine):
    with pytest.raises(ValueError, match="must have the columns y, cost"):
        engine.regressor(CostOfError()).fit(X, Y)
    with pytest.raises(ValueError, match="must have the columns y, cost, got shape"):
        native(engine, CostOfError(), Y)
    bad = COSTS.copy()
    bad[7, 1] = -1
    with pytest.raises(ValueError, match=r"costs not below 0, got .* in row 7"):
        engine.regressor(CostOfError()).fit(X, bad)
    with pytest.raises(ValueError, match="score compares one number"):
        engine.regressor(CostOfError()).fit(X, COSTS).score(X, COSTS)


def test_many_rows_of_columns_are_cut_into_blocks_with_their_rows():
    """0.2.0: a loss that kept such an array in itself got blocks that it could not tell apart."""
    n = BLOCK_ROWS + 1000
    y = np.column_stack([RNG.normal(size=n), RNG.uniform(1, 2, n)])
    gradient, _ = CostOfError().gradient_hessian(y, np.zeros(n))
    expected = -2 * y[:, 1] * y[:, 0]
    factor = gradient[0] / expected[0]
    np.testing.assert_allclose(gradient, factor * expected, rtol=1e-5, atol=1e-6)


# ---- a summary of the training rows ------------------------------------------------------------


def test_evaluation_sets_see_the_summary_of_the_training_rows(engine):
    y = X[:, 0] + RNG.normal(size=N)
    far = (X[:50], 100 * y[:50], None)
    seen = []

    class Traced(OfUnitScale):
        def _pointwise(self, y_true, raw_prediction):
            seen.append((len(y_true), self.summary))
            return super()._pointwise(y_true, raw_prediction)

    _, metrics = native(engine, Traced(), y, valid=far, rounds=3)
    of_far = [summary for n, summary in seen if n == 50]
    # The last three are the rounds', of residuals of about 1; those of the far set alone are about 70.
    assert len(metrics["traced"]) == 3 and max(of_far[-3:]) < 2


def test_a_summary_at_the_engines_own_doors_is_that_of_the_rows_given():
    y = X[:, 0] + RNG.normal(size=N)
    loss = OfUnitScale()
    scale = np.median(np.abs(y))
    assert loss.value(y, np.zeros(N)) == pytest.approx(loss._with(summary=scale).value(y, np.zeros(N)))
    booster = lgb.train({"objective": loss, "verbosity": -1, "num_threads": 1}, lgb.Dataset(X, y), 20)
    assert loss.summary is None  # it has no state
    assert np.corrcoef(booster.predict(X), X[:, 0])[0, 1] > 0.5


FRAME = pd.DataFrame({"costs": COSTS[:, 1], "y": COSTS[:, 0]})


def test_names_of_columns_count_at_every_door(engine):
    """A misspelt name in a frame of as many columns trained on the wrong ones."""
    turned = FRAME.rename(columns={"costs": "cost"})
    assert CostOfError().value(turned, np.zeros(N)) == CostOfError().value(COSTS, np.zeros(N))
    message = r"must have the columns y, cost: cost is not among \['costs', 'y'\]"
    for call in (
        lambda: CostOfError().value(FRAME, np.zeros(N)),
        lambda: estimator(engine, CostOfError()).fit(X, FRAME),
        lambda: estimator(engine, CostOfError()).fit(X, COSTS, eval_set=[(X, FRAME)]),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    data = lgb.Dataset(X, Y) if engine is LIGHTGBM else xgb.DMatrix(X, Y)
    data.target = FRAME
    with pytest.raises(ValueError, match=message):
        engine.ours.train({}, data, loss=CostOfError())
    unnamed = pd.DataFrame(COSTS)
    np.testing.assert_array_equal(
        CostOfError().pointwise(unnamed, np.zeros(N)), CostOfError().pointwise(COSTS, np.zeros(N))
    )


def test_lightgbm_wants_labels_beside_columns():
    data = lgb.Dataset(X)
    data.target = COSTS
    with pytest.raises(ValueError, match="no labels: give it label=, which LightGBM wants beside the target"):
        engines_train({"verbosity": -1}, data, loss=CostOfError())


def test_a_fitted_loss_knows_the_summary_of_the_training_rows(engine):
    y = X[:, 0] + RNG.normal(size=N)
    model = estimator(engine, OfUnitScale()).fit(X, y)
    scale = np.median(np.abs(y - model.predict(X)))
    assert model.loss_.summary == pytest.approx(scale, rel=1e-5)
    assert model.loss == model.loss_ and model.loss.summary is None


def test_a_summary_beside_an_offset(engine):
    y = 3 * X[:, 1] + X[:, 0] + RNG.normal(size=N)
    model = estimator(engine, OfUnitScale()).fit(X, y, init_score=3 * X[:, 1])
    expected = estimator(engine, OfUnitScale()).fit(X, y - 3 * X[:, 1])
    left = [np.abs(y - 3 * X[:, 1] - one.predict(X)).mean() for one in (model, expected)]
    assert left[0] == pytest.approx(left[1], rel=0.1)


# ---- facts that are hyper-parameters ------------------------------------------------------------


class NamedAsFacts(Loss):
    """Squared error, whose constructor has parameters with the names of facts, and one of another meaning."""

    curvature_kind = "exact"

    def __init__(self, link=IDENTITY, domain=REAL, noise=None, n_classes=3):
        self.link, self.domain, self.noise, self.n_classes = link, domain, noise, n_classes

    def _pointwise(self, y_true, raw_prediction):
        return np.square(raw_prediction - y_true)

    def _derivatives(self, y_true, raw_prediction):
        return 2 * (raw_prediction - y_true), np.full_like(raw_prediction, 2)


def test_hyper_parameters_may_be_called_as_facts(engine):
    expected = estimator(engine, SquaredError()).fit(X, Y).predict(X)
    np.testing.assert_allclose(estimator(engine, NamedAsFacts()).fit(X, Y).predict(X), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="numbers above 0"):
        estimator(engine, NamedAsFacts(domain=POSITIVE)).fit(X, -Y)


def test_methods_of_a_subclass_are_asked(engine):
    class Silent(SquaredError):
        def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
            gradient, hessian = super().gradient_hessian(y_true, raw_prediction, sample_weight)
            return np.zeros_like(gradient), hessian

    booster = engine.train(Silent(), X, Y, rounds=5)
    assert np.ptp(booster.predict(X if engine is LIGHTGBM else xgb.DMatrix(X))) == 0


@pytest.mark.parametrize("name", ["links", "domain", "noise"])
def test_where_things_were_in_version_0_2(name):
    if name == "links":
        with pytest.warns(DeprecationWarning, match="gbm_objectives.losses.links is gbm_objectives.contract"):
            from gbm_objectives.losses.links import LOG as old
        assert old is contract.LOG
    else:
        home = import_module(f"gbm_objectives.losses.{name}")
        with pytest.warns(DeprecationWarning):
            assert getattr(home, {"domain": "REAL", "noise": "NORMAL"}[name]) is not None
        with pytest.raises(AttributeError):
            home.missing  # noqa: B018


def test_overridden_methods_need_not_know_of_queries():
    class Seven(SquaredError):
        def value(self, y_true, raw_prediction, sample_weight=None):
            return 7.0

        def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
            return super().gradient_hessian(y_true, raw_prediction, sample_weight)

    data, params = xgb.DMatrix(X, Y), {"nthread": 1}
    history = {}
    keywords = {"evals": [(data, "own")], "evals_result": history, "verbose_eval": False}
    on_xgboost_train(params, data, loss=Seven(), num_boost_round=3, early_stopping_rounds=5, **keywords)
    assert set(history["own"]["seven"]) == {7.0}
    rows = lgb.Dataset(X, Y)
    lgb.train({"objective": Seven(), "verbosity": -1}, rows, 2, valid_sets=[rows], feval=Seven().metric)
    lgb.LGBMRegressor(objective=Seven(), n_estimators=2, verbosity=-1).fit(X, Y)
