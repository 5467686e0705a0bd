"""Numbers at the edge of float32, and settings at the edge of their range."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from gbm_objectives import AbsoluteError, BinaryCrossEntropy, GBMRegressor, Hinge, Huber, Quantile
from gbm_objectives.contract import driver
from gbm_objectives.losses import ResidualLoss
from tests.engine import ENGINES

RNG = np.random.default_rng(0)
R = RNG.standard_normal(2000)


@pytest.mark.parametrize("alpha", [1e-8, 1e-6, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-6])
@pytest.mark.parametrize("hessian", ["auto", "majorizer", "constant"])
def test_extreme_quantiles_keep_their_digits_in_float32(alpha, hessian):
    loss = Quantile(alpha, hessian)
    raw = R.astype(np.float32)
    got = loss.gradient_hessian(np.zeros(len(R), np.float32), raw)
    exact = loss._float64_derivatives(np.zeros(len(R)), raw.astype(float))
    for name, values, wanted in zip(("gradient", "curvature"), got, exact, strict=True):
        wanted = np.broadcast_to(wanted, raw.shape)
        constant = np.median(values / wanted)
        np.testing.assert_allclose(values / constant, wanted, rtol=1e-5, err_msg=name)


def test_a_constant_curvature_warns_of_nothing_at_the_kink():
    raw = np.array([-1.0, 0.0, 1.0], dtype=np.float32)
    gradient, hessian = Quantile(0.9, hessian="constant").gradient_hessian(np.zeros(3), raw)
    np.testing.assert_allclose(gradient, [-0.9, -0.4, 0.1], rtol=1e-6)
    assert (hessian == 1).all()


@pytest.mark.parametrize("delta", [1e-30, 1e-10, 1e10, 1e30])
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
@pytest.mark.filterwarnings("ignore:XGBoost rounds evaluation results:UserWarning")
def test_hubers_delta_may_be_anything(engine, delta):
    """A tiny one is the absolute error, a huge one the squared error."""
    X, y = load_diabetes(return_X_y=True)
    raw = engine.raw(engine.train(Huber(delta), X, y), X)
    peer = AbsoluteError() if delta < 1 else Huber(1e6)
    limit = peer.value(y, np.full(len(y), peer.initial_raw(y)))
    assert peer.value(y, raw) < 0.9 * limit


@pytest.mark.parametrize("loss", [Huber(), AbsoluteError(), Quantile(0.9)], ids=repr)
def test_a_row_without_weight_is_not_there(engine, loss):
    X, y = load_diabetes(return_X_y=True)
    y, weight = np.full(len(y), 3.0), np.ones(len(y))
    y[100], weight[100] = 1e9, 0.0
    assert engine.raw(engine.train(loss, X, y, weight), X) == pytest.approx(3.0, abs=1e-5)


@pytest.mark.parametrize("share", [1e-9, 1e-4, 0.5])
def test_rare_events_start_where_they_are(share):
    # Probabilities are targets too: no rarer class is needed to have a share of 1e-9.
    assert BinaryCrossEntropy().initial_raw(np.full(50, share)) == pytest.approx(
        np.log(share / (1 - share)), rel=1e-9
    )
    never = BinaryCrossEntropy().initial_raw(np.zeros(50))
    assert np.isfinite(never) and never < -20


def test_labels_are_looked_at_while_all_predictions_are_equal(monkeypatch):
    y = np.where(R > 0, 1.0, -1.0)
    looks = []
    monkeypatch.setattr(Hinge, "_check_domain", lambda self, y: looks.append(1))
    raw = R.copy()
    raw[-1] = raw[0]  # first and last are equal by chance: no start
    Hinge().gradient_hessian(y, raw)
    assert not looks
    Hinge().gradient_hessian(y, np.zeros(len(y)))
    assert looks


def test_hubers_distribution_can_be_pickled():
    X, y = load_diabetes(return_X_y=True)
    frozen = GBMRegressor(Huber(20.0), ENGINES[0].estimator(False)).fit(X, y).predict_distribution(X[:5])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frozen)).ppf(0.9), frozen.ppf(0.9))


def test_float32_has_no_zero_curvature():
    # p (1 - p) underflows far out; the engines would divide 0 by 0.
    _, hessian = BinaryCrossEntropy().gradient_hessian([0.0, 1.0], [-200.0, 200.0])
    assert (hessian == driver.SMALLEST_CURVATURE).all()


class Redescending(ResidualLoss):
    """Cauchy's loss with the curvature of its tangent parabola, which is next to 0 far out."""

    curvature_kind = "majorizer"

    def _of_residual(self, r):
        return np.log1p(np.square(r))

    def _derivatives_of_residual(self, r):
        curvature = 2 / (1 + np.square(r))
        return r * curvature, curvature


def test_one_target_far_out_does_not_stop_a_training(engine):
    X, y = load_diabetes(return_X_y=True)
    y = y / 50
    clean = Redescending().value(y, engine.raw(engine.train(Redescending(), X, y), X))
    y[7] = 1e18
    raw = engine.raw(engine.train(Redescending(), X, y), X)
    rest = np.arange(len(y)) != 7
    assert Redescending().value(y[rest], raw[rest]) < 1.2 * clean


def test_parameters_may_be_arrays():
    class Levels(Quantile):
        def __init__(self, alpha=0.5, hessian="auto", levels=()):
            super().__init__(alpha, hessian)
            self.levels = levels

    one, same, other = (Levels(levels=np.array(levels)) for levels in ([0.1, 0.9], [0.1, 0.9], [0.1, 0.8]))
    assert one == same and one != other and hash(one) == hash(same)
    assert one.metric != other.metric and Levels(levels=[0.1, 0.9]) == one
