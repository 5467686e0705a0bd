"""Offsets: raw predictions that are given, such as a logarithm of exposure, are added to, and kept."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GBMRegressor,
    MultiQuantile,
    SquaredError,
    Tukey,
    Welsch,
)
from gbm_objectives.contract.start import best_beside
from gbm_objectives.distributions import Gamma, NegativeBinomial, ZeroInflatedPoisson
from tests.engine import LIGHTGBM, XGBOOST
from tests.own_losses import Poisson

RNG = np.random.default_rng(0)
N = 2000
X = RNG.uniform(-1, 1, (N, 3))
EXPOSURE = RNG.uniform(0.1, 10, N)
RATE = np.exp(0.5 + X[:, 0])
COUNTS = RNG.poisson(EXPOSURE * RATE).astype(float)


def with_offset(engine, y, offset, weight=None):
    data = engine.data(X, y, weight)
    (data.set_init_score if engine is LIGHTGBM else data.set_base_margin)(offset)
    return data


def offset_of(engine, data):
    return np.asarray(data.get_init_score() if engine is LIGHTGBM else data.get_base_margin())


def test_the_start_is_the_best_constant_beside_it():
    loss, offset = Poisson(), np.log(EXPOSURE)
    start = best_beside(loss, COUNTS, None, offset, loss.initial_raw(COUNTS))
    # The maximum likelihood rate: events over exposure.
    assert start == pytest.approx(np.log(COUNTS.sum() / EXPOSURE.sum()), rel=1e-9)
    weight = RNG.uniform(0.5, 2, N)
    start = best_beside(loss, COUNTS, weight, offset, loss.initial_raw(COUNTS, weight))
    assert start == pytest.approx(np.log(weight @ COUNTS / (weight @ EXPOSURE)), rel=1e-9)
    y = RNG.standard_normal(N)
    for offset in (100 * y, np.zeros(N), 1e6 + y**2):
        start = best_beside(AbsoluteError(), y, None, offset, AbsoluteError().initial_raw(y))
        assert np.abs(y - offset - start).mean() == pytest.approx(
            np.abs(y - offset - np.median(y - offset)).mean()
        )


def test_exposure(engine):
    loss, offset = Poisson(), np.log(EXPOSURE)
    data = with_offset(engine, COUNTS, offset)
    before = offset_of(engine, data).copy()
    booster = engine.ours.train(engine.params, data, loss=loss, num_boost_round=60)
    np.testing.assert_array_equal(offset_of(engine, data), before)
    rate = engine.response(booster, X)  # per unit of exposure: without the offset
    assert np.corrcoef(rate, RATE)[0, 1] > 0.95 and rate.mean() == pytest.approx(RATE.mean(), rel=0.05)
    # The same as weights: counts per exposure, weighted by it.
    weighted = engine.train(loss, X, COUNTS / EXPOSURE, EXPOSURE)
    assert np.abs(engine.raw(weighted, X) - engine.raw(booster, X)).mean() < 0.1
    again = engine.ours.train(engine.params, data, loss=loss, num_boost_round=60)
    np.testing.assert_array_equal(engine.raw(again, X), engine.raw(booster, X))


def test_evaluation_sets_have_their_own(engine):
    loss, offset, history = Poisson(), np.log(EXPOSURE), {}
    train, late = with_offset(engine, COUNTS, offset), with_offset(engine, COUNTS, offset + 1.0)
    keywords = engine.evaluation({"late": late}, history)
    booster = engine.ours.train(engine.params, train, loss=loss, num_boost_round=10, **keywords)
    expected = loss.value(COUNTS, engine.raw(booster, X) + offset + 1.0)
    assert history["late"]["poisson"][-1] == pytest.approx(expected, rel=1e-5)


def test_a_constant_offset_changes_nothing_but_the_start(engine):
    y = X[:, 0] + 0.1 * RNG.standard_normal(N)
    booster = engine.ours.train(engine.params, with_offset(engine, y, np.full(N, 5.0)), loss=SquaredError())
    plain = engine.ours.train(engine.params, engine.data(X, y), loss=SquaredError())
    np.testing.assert_allclose(engine.raw(booster, X) + 5.0, engine.raw(plain, X), atol=1e-4)


def test_several_classes(engine):
    labels = np.digitize(X[:, 0], [-0.3, 0.3]).astype(float)
    offset = RNG.standard_normal((N, 3))
    loss = CategoricalCrossEntropy(3)
    booster = engine.ours.train(engine.params, with_offset(engine, labels, offset), loss=loss, num_boost_round=60)
    assert loss.value(labels, engine.raw(booster, X) + offset) < 0.5 * loss.value(labels, offset)


def test_estimators(engine):
    offset = np.log(EXPOSURE)
    names = ("init_score", "eval_init_score"), ("base_margin", "base_margin_eval_set")
    models = []
    for fit_name, eval_name in names:
        model = GBMRegressor(Poisson(), engine.estimator(False, n_estimators=60))
        keywords = {fit_name: offset, eval_name: [offset]}
        models.append(model.fit(X, COUNTS, eval_set=[(X, COUNTS)], **keywords))
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))
    (history,) = models[0].evals_result_.values()
    raw = models[0].predict_raw(X) + offset
    assert history["poisson"][-1] == pytest.approx(Poisson().value(COUNTS, raw), rel=1e-5)
    assert models[0].predict(X).mean() == pytest.approx(RATE.mean(), rel=0.05)
    with pytest.raises(ValueError, match=rf"init_score must have shape \({N},\), got \(5,\)"):
        engine.regressor().fit(X, COUNTS, init_score=np.zeros(5))
    with pytest.raises(ValueError, match="eval_init_score has 1 entries for 0 evaluation sets"):
        engine.regressor().fit(X, COUNTS, eval_init_score=[offset])


def test_noise_of_residuals_beside_an_offset(engine):
    y = 3 * X[:, 1] + RNG.standard_normal(N)
    model = engine.regressor(SquaredError(), n_estimators=5).fit(X, y, init_score=3 * X[:, 1])
    assert model.noise_scale_ == pytest.approx(2.0, rel=0.15)  # twice the variance


def test_not_beside_a_model_to_go_on_from(engine):
    first = engine.train(BinaryCrossEntropy(), X, COUNTS > 3, rounds=3)
    data = with_offset(engine, COUNTS > 3, np.zeros(N))
    name = "init_score" if engine is LIGHTGBM else "base_margin"
    with pytest.raises(ValueError, match=f"{name} must not be set beside"):
        engine.ours.train(engine.params, data, loss=BinaryCrossEntropy(), **{engine.init_model: first})
    assert engine is XGBOOST or data.get_init_score() is not None


def test_auto_looks_at_what_the_offset_leaves(engine):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(X))
    offset = np.linspace(-50.0, 50.0, len(X))
    model = engine.regressor(Tukey()).fit(X, offset + noise, init_score=offset)
    # Of what training leaves of the noise; the offset is fifty times as wide.
    assert model.loss_.c == pytest.approx(Tukey().resolved(noise).c, rel=0.5)


def test_evaluation_sets_beside_an_offset_need_theirs(engine):
    offset = np.zeros(len(X))
    with pytest.raises(ValueError, match="eval_init_score must be given beside init_score"):
        engine.regressor().fit(X, COUNTS, eval_set=[(X, COUNTS)], init_score=offset)
    offset[3] = -np.inf
    with pytest.raises(ValueError, match=r"init_score must be finite numbers, got -inf in row 3 \(1 such\)"):
        engine.regressor().fit(X, COUNTS, init_score=offset)


@pytest.mark.parametrize("loss", [Tukey(), Welsch()], ids=repr)
def test_redescending_losses_start_at_what_the_offset_leaves(engine, loss):
    """They once started where the target is, far from every row, and stayed."""
    rng = np.random.default_rng(0)
    offset = np.linspace(-50.0, 50.0, N) + 200.0 * (np.arange(N) % 5 == 0)
    y = offset + X[:, 0] + 0.1 * rng.standard_normal(N)
    model = engine.regressor(loss).fit(X, y, init_score=offset)
    assert np.abs(model.predict(X) + offset - y).mean() < 0.2


def test_one_offset_a_row_is_for_all_quantiles(engine):
    rng = np.random.default_rng(0)
    loss, offset = MultiQuantile((0.1, 0.5, 0.9)), np.linspace(-50.0, 50.0, N)
    y = offset + X[:, 0] + rng.standard_normal(N)
    model = engine.regressor(loss).fit(X, y, init_score=offset)
    wide = engine.regressor(loss).fit(X, y, init_score=np.column_stack([offset] * 3))
    np.testing.assert_array_equal(model.predict(X), wide.predict(X))
    below = (y[:, None] <= model.predict(X) + offset[:, None]).mean(axis=0)
    np.testing.assert_allclose(below, loss.alphas, atol=0.05)


@pytest.mark.parametrize("loss", [NegativeBinomial(), ZeroInflatedPoisson(), Gamma()], ids=repr)
def test_one_offset_a_row_is_for_the_first_output(engine, loss):
    rng = np.random.default_rng(0)
    X, log_exposure = rng.uniform(-1, 1, (400, 2)), rng.normal(0, 1, 400)
    y = rng.poisson(np.exp(X[:, 0] + log_exposure)) + (0.5 if loss == Gamma() else 0)
    both = np.column_stack([log_exposure, np.zeros(400)])
    wide, narrow = (
        engine.regressor(loss).fit(X, y, eval_set=[(X, y)], init_score=one, eval_init_score=[one])
        for one in (both, log_exposure)
    )
    np.testing.assert_array_equal(wide.predict_raw(X), narrow.predict_raw(X))
    assert wide.evals_result_ == narrow.evals_result_
    data = engine.data(X, y)
    (data.set_init_score if engine is LIGHTGBM else data.set_base_margin)(log_exposure)
    booster = engine.ours.train({**engine.params}, data, loss=loss, num_boost_round=5)
    assert np.isfinite(engine.raw(booster, X)).all()
    # The data set is as it was.
    kept = data.get_init_score() if engine is LIGHTGBM else data.get_base_margin()
    np.testing.assert_allclose(np.ravel(kept), log_exposure, rtol=1e-6)
    with pytest.raises(ValueError, match=r"init_score must have shape \(400,\) or \(400, 2\), got \(399,\)"):
        engine.regressor(loss).fit(X, y, init_score=log_exposure[:-1])
