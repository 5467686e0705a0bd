"""Losses with several outputs that are no classes: complete models on both engines, from both interfaces."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from gbm_objectives import CategoricalCrossEntropy, GBMClassifier, GBMRegressor, Loss
from gbm_objectives.contract.links import IDENTITY, LOG, Output
from gbm_objectives.contract.start import constant_rows
from gbm_objectives.curvature import consistent_pair
from gbm_objectives.distributions import Normal
from tests.engine import LIGHTGBM, constant_value

X, Y = load_diabetes(return_X_y=True)


class TwoExpectiles(Loss):
    """The expectiles of 0.2 and 0.8, both on the identity link (Newey and Powell 1987)."""

    outputs = (Output("low", IDENTITY), Output("high", IDENTITY))
    curvature_kind = "exact"

    @staticmethod
    def _weights(r):
        levels = np.array([0.2, 0.8], dtype=r.dtype)
        return np.abs((r > 0) - levels)

    def _pointwise(self, y_true, raw_prediction):
        r = raw_prediction - y_true[:, None]
        return (self._weights(r) * r * r).sum(axis=1)

    def _derivatives(self, y_true, raw_prediction):
        r = raw_prediction - y_true[:, None]
        return 2 * self._weights(r) * r, 2 * self._weights(r)


class TwoMeans(Loss):
    """Poisson losses of a count and of its double, both on the log link."""

    outputs = (Output("once", LOG), Output("twice", LOG))
    curvature_kind = "exact"

    def _pointwise(self, y_true, raw_prediction):
        y = np.stack([y_true, 2 * y_true], axis=1)
        return (np.exp(raw_prediction) - y * raw_prediction).sum(axis=1)

    def _derivatives(self, y_true, raw_prediction):
        y = np.stack([y_true, 2 * y_true], axis=1)
        return np.exp(raw_prediction) - y, np.exp(raw_prediction)


LOSSES = [Normal(), TwoExpectiles(), TwoMeans()]
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)


@losses
def test_complete_models(engine, loss):
    weight = np.random.default_rng(0).uniform(0.5, 2, len(Y))
    booster = engine.train(loss, X, Y, weight)
    raw, response = engine.raw(booster, X), engine.response(booster, X)
    assert raw.shape == (len(Y), 2)
    assert loss.value(Y, raw, weight) < constant_value(loss, Y, weight) - 0.05
    # On the response scale where the engine can: XGBoost has one link for all outputs, LightGBM none for several.
    can = loss.link == IDENTITY or (loss.link == LOG and engine is not LIGHTGBM)
    np.testing.assert_allclose(response, loss.response(raw) if can else raw, rtol=1e-5)


@losses
def test_it_starts_at_the_best_constant(engine, loss):
    booster = engine.train(loss, X, Y, rounds=1, params={engine.rate: 1e-9})
    np.testing.assert_allclose(engine.raw(booster, X), constant_rows(loss.initial_raw(Y), len(Y)), rtol=1e-5)


@losses
def test_the_estimator(engine, loss, tmp_path):
    model = GBMRegressor(loss, engine.estimator(False, **engine.early_stopping(5), n_estimators=300))
    order = np.random.default_rng(0).permutation(len(Y))
    fit, late = order[:300], order[300:]
    model.fit(X[fit], Y[fit], eval_set=[(X[late], Y[late])])
    (history,) = model.evals_result_.values()
    assert model.best_iteration_ == np.argmin(history[loss.name]) + 1 < 300
    raw = model.predict_raw(X[late])
    assert history[loss.name][model.best_iteration_ - 1] == pytest.approx(loss.value(Y[late], raw), abs=2e-6)
    expected = loss.response(raw)[:, 0] if loss == Normal() else loss.response(raw)
    np.testing.assert_allclose(model.predict(X[late]), expected, rtol=1e-6)
    path = tmp_path / "model.json"
    model.save_model(path)
    loaded = GBMRegressor.load_model(path, None if loss == Normal() else loss)
    for copy in (loaded, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(copy.predict_raw(X), model.predict_raw(X))


@losses
def test_training_goes_on_from_a_model(engine, loss):
    whole, half = engine.train(loss, X, Y, rounds=20), engine.train(loss, X, Y, rounds=10)
    rest = engine.train(loss, X, Y, rounds=10, **{engine.init_model: half})
    np.testing.assert_allclose(engine.raw(rest, X), engine.raw(whole, X), rtol=1e-3, atol=1e-3)


@losses
def test_plain_interfaces(engine, loss):
    """The engines' own interfaces take the loss too, with `num_class`; LightGBM starts at 0 there."""
    y = Y / 100 if loss != TwoMeans() else Y / 50
    rows = engine.data(X, y)
    if engine is LIGHTGBM:
        import lightgbm as lgb

        params = {**engine.params, "num_class": 2, "objective": loss, "metric": "None"}
        booster = lgb.train(params, rows, 60, valid_sets=[rows], feval=loss.metric)
    else:
        import xgboost as xgb

        params = {**engine.params, "num_class": 2, "disable_default_eval_metric": True, "base_score": 0.0}
        booster = xgb.train(
            params, rows, 60, obj=loss, custom_metric=loss.metric, evals=[(rows, "t")], verbose_eval=0
        )
    assert loss.value(y, engine.raw(booster, X)) < constant_value(loss, y)


@pytest.mark.parametrize("factor", [2.0**-36, 2.0**-30, 2.0**-10, 2.0**10, 2.0**30], ids="{:.0e}".format)
def test_the_normal_in_another_unit(engine, factor):
    # Its μ has the unit of the target and its σ has not: neither must silence the other.
    plain, other = (engine.raw(engine.train(Normal(), X, f * Y, rounds=20), X) for f in (1.0, factor))
    np.testing.assert_allclose(other[:, 0] / factor, plain[:, 0], rtol=1e-3)
    # The logarithm of a factor is rounded: a row at a tie may then fall to the other side of a split.
    apart = np.abs(other[:, 1] - np.log(factor) - plain[:, 1])
    assert (apart > 1e-3).mean() < 0.01 and apart.max() < 0.01


def test_each_output_has_a_mean_curvature_of_one():
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 2, len(Y))
    raw = np.column_stack([Y + 10 * rng.standard_normal(len(Y)), 3 + rng.standard_normal(len(Y))])
    _, hessian = Normal().gradient_hessian(Y, raw, weight)
    curvature = hessian / weight[:, None].astype(np.float32)
    np.testing.assert_allclose(1 / np.average(1 / curvature.astype(float), axis=0, weights=weight), 1, rtol=1e-5)


def test_the_normals_own_words():
    rng = np.random.default_rng(0)
    wide = np.where(X[:, 0] > 0, 3.0, 0.3)
    y = 5 * X[:, 2] + wide * rng.standard_normal(len(Y))
    model = GBMRegressor(Normal(scale_step=1.0), LIGHTGBM.estimator(False, n_estimators=150)).fit(X, y)
    spread = model.predict_distribution(X).std()
    assert spread[X[:, 0] > 0].mean() > 2 * spread[X[:, 0] <= 0].mean()
    assert model.predict(X).shape == (len(Y),)
    np.testing.assert_allclose(model.predict(X), model.predict_distribution(X).mean())
    assert model.log_likelihood(X, y) == pytest.approx(model.predict_distribution(X).logpdf(y).sum(), rel=1e-6)
    assert model.noise_scale_ is None
    drawn = model.sample(X, 400, random_state=0)
    np.testing.assert_allclose(drawn.std(axis=1).mean(), spread.mean(), rtol=0.05)


def test_classes_are_something_else(engine):
    with pytest.raises(ValueError, match=r"several that are not classes: .* tells 3 classes apart"):
        engine.regressor(CategoricalCrossEntropy(3)).fit(X, Y)
    with pytest.raises(ValueError, match=r"must be one of class labels, got Normal\(\)"):
        GBMClassifier(Normal(), engine.estimator(True)).fit(X, Y > 100)


def test_smoothed_and_exact_outputs_may_be_mixed(engine):
    """A kinked output beside a smooth one: the contract asks for nothing but gradient and curvature."""

    class MedianAndSpread(Loss):
        outputs = (Output("median", IDENTITY), Output("spread", LOG))
        curvature_kind = "consistent"

        def _pointwise(self, y_true, raw_prediction):
            size = np.abs(raw_prediction[:, 0] - y_true)
            return size * np.exp(-raw_prediction[:, 1]) + raw_prediction[:, 1]

        def _gradient(self, y_true, raw_prediction):
            r, b = raw_prediction[:, 0] - y_true, np.exp(raw_prediction[:, 1])
            return np.stack([np.sign(r) / b, 1 - np.abs(r) / b], axis=1)

        def _derivatives(self, y_true, raw_prediction):
            r, b = raw_prediction[:, 0] - y_true, np.exp(raw_prediction[:, 1])
            gradient, curvature = consistent_pair(r, b)
            return np.stack([gradient, 1 - np.abs(r) / b], axis=1), np.stack([curvature, np.ones_like(b)], axis=1)

    loss = MedianAndSpread()
    booster = engine.train(loss, X, Y)
    assert loss.value(Y, engine.raw(booster, X)) < constant_value(loss, Y) - 0.05
