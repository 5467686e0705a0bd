"""Several targets in one model: each as by a model of its own, on both engines, through all doors."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    FormulaLoss,
    Hinge,
    Huber,
    MultiTarget,
    PoissonDeviance,
    Quantile,
    SquaredError,
    Tukey,
)
from tests.engine import LIGHTGBM, XGBOOST

RNG = np.random.default_rng(0)
N = 600
# Few values, so that bins do not depend on which rows there are.
X = RNG.integers(0, 12, size=(N, 4)).astype(float)
SIGNAL = np.column_stack([X[:, 0] / 4 + np.sin(X[:, 1]), X[:, 2] / 3 - X[:, 0] / 6, np.cos(X[:, 3])])
NOISE = RNG.standard_t(3, size=(N, 3))
HOLES = RNG.random((N, 3)) < [0.3, 0.5, 0.0]


def targets(loss):
    """Targets in the domain of a loss."""
    if loss.classifies:
        return (SIGNAL.mean(axis=0) < SIGNAL + NOISE).astype(float)
    if isinstance(loss, PoissonDeviance):
        return np.random.default_rng(1).poisson(np.exp(SIGNAL / 2)).astype(float)
    # Numbers of float32, as which engines keep labels: a residual that is 0 in one model is then 0 in the other.
    return (SIGNAL + 0.5 * NOISE).astype(np.float32).astype(np.float64)


LOSSES = [
    SquaredError(),
    AbsoluteError(),
    Quantile(0.9),
    Huber(1.0),
    Huber("auto"),
    Tukey(),
    PoissonDeviance(),
    BinaryCrossEntropy(),
    Hinge(),
    FormulaLoss("log(cosh(f - y))"),
    FormulaLoss("abs(f - y) + 0.1 * (f - y)**2"),
    AbsoluteError(hessian="constant"),
]
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def with_target(engine, y, rows=slice(None), weight=None):
    """A data set of the engine with targets of several columns."""
    first = np.nan_to_num(y[rows][:, 0])
    data = engine.data(X[rows], first, None if weight is None else weight[rows])
    data.target = y[rows]
    return data


def train(engine, loss, y, rows=slice(None), weight=None, rounds=20, **params):
    data = with_target(engine, y, rows, weight)
    return engine.ours.train({**engine.params, **params}, data, loss=loss, num_boost_round=rounds)


def alone(engine, loss, y, rows, weight=None, rounds=20, **params):
    return engine.train(loss, X[rows], y[rows], None if weight is None else weight[rows], rounds, params)


@losses
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_it_is_one_model_for_each_target(engine, loss, weighted):
    y, weight = targets(loss), RNG.uniform(0.2, 3.0, N) if weighted else None
    model = train(engine, MultiTarget(loss, 3), y, weight=weight)
    together = engine.raw(model, X)
    for i in range(3):
        own = engine.raw(alone(engine, loss, y[:, i], slice(None), weight), X)
        np.testing.assert_allclose(together[:, i], own, rtol=1e-4, atol=1e-4)


@losses
def test_a_missing_target_counts_nothing(engine, loss):
    """The rows without it are not there: what a leaf must hold is said by Hessians, not by a number of rows."""
    y = np.where(HOLES, np.nan, targets(loss))
    # LightGBM counts all rows, and bins with fewer than three of them would be of fewer rows, too.
    params = {} if engine is XGBOOST else {"min_data_in_leaf": 1, "min_data_in_bin": 1}
    params[engine.least_curvature] = 5.0 if loss.curvature_kind != "exact" else 2.0
    together = engine.raw(train(engine, MultiTarget(loss, 3), y, **params), X)
    for i in range(3):
        own = engine.raw(alone(engine, loss, y[:, i], ~HOLES[:, i], **params), X)
        # Splits of equal gain, as hinge has them, may fall differently.
        most = 0.1 if isinstance(loss, Hinge) else 1e-4
        assert np.abs(together[:, i] - own).mean() < most * own.std()


def test_leaves_of_rows_without_a_target_are_finite(engine):
    y = targets(SquaredError())
    y[X[:, 0] > 5, 1] = np.nan
    params = {engine.least_curvature: 0.0, engine.l2: 0.0}
    params.update({"min_data_in_leaf": 1} if engine is LIGHTGBM else {"max_depth": 8})
    assert np.isfinite(engine.raw(train(engine, MultiTarget(SquaredError(), 3), y, **params), X)).all()


def test_each_target_may_have_a_loss_of_its_own(engine):
    each = [SquaredError(), Quantile(0.9), Huber(1.0)]
    y = np.column_stack([targets(loss)[:, i] for i, loss in enumerate(each)])
    together = engine.raw(train(engine, MultiTarget(each), y), X)
    for i, loss in enumerate(each):
        own = engine.raw(alone(engine, loss, y[:, i], slice(None)), X)
        np.testing.assert_allclose(together[:, i], own, rtol=1e-4, atol=1e-4)


@losses
def test_numbers_are_those_of_the_loss(loss):
    y = np.where(HOLES, np.nan, targets(loss))
    several, raw = MultiTarget(loss, 3).resolved(y), 0.3 * RNG.standard_normal((N, 3))
    known, each = ~np.isnan(y), several._losses
    pointwise, gradient, curvature = several.pointwise(y, raw), several.gradient(y, raw), several.curvature(y, raw)
    assert pointwise.shape == (N,)
    total = np.zeros(N)
    for i, (one, rows) in enumerate(zip(each, known.T, strict=True)):
        total[rows] += one.pointwise(y[rows, i], raw[rows, i])
        np.testing.assert_allclose(3 * gradient[rows, i], one.gradient(y[rows, i], raw[rows, i]))
        if loss.curvature_kind != "constant":  # which is 1
            np.testing.assert_allclose(3 * curvature[rows, i], one.curvature(y[rows, i], raw[rows, i]))
        assert not gradient[~rows, i].any()
    np.testing.assert_allclose(3 * pointwise, total)
    assert several.value(y, raw) == pytest.approx(total.sum() / known.sum())
    weight = RNG.uniform(0, 2, N)
    counts = (known * weight[:, None]).sum()
    assert several.value(y, raw, weight) == pytest.approx(weight @ total / counts)


def test_the_value_of_auto_has_a_scale_for_each_target():
    y, raw = targets(SquaredError()) * [1.0, 100.0, 1.0], np.zeros((N, 3))
    values = [Huber("auto").value(y[:, i], raw[:, i]) for i in range(3)]
    assert MultiTarget(Huber("auto"), 3).value(y, raw) == pytest.approx(np.mean(values))


@pytest.mark.parametrize("offset", [False, True], ids=["plain", "offset"])
@losses
def test_the_start_is_that_of_each_target(loss, offset):
    y = np.where(HOLES, np.nan, targets(loss))
    several = MultiTarget(loss, 3)
    if not offset:
        found = several.initial_raw(y)
        own = [loss.initial_raw(y[~HOLES[:, i], i]) for i in range(3)]
    else:
        beside = 0.2 * RNG.standard_normal((N, 3))
        found = several._initial_beside(y, None, beside)
        rows = [~HOLES[:, i] for i in range(3)]
        own = [loss._initial_beside(y[r, i], None, beside[r, i]) for i, r in enumerate(rows)]
    np.testing.assert_allclose(found, own, rtol=1e-12)


@pytest.mark.parametrize("scale", [[1e-3, 1.0, 1e3], [1e3, 1e-3, 1e-3]], ids=repr)
@pytest.mark.parametrize("loss", [SquaredError(), Quantile(0.9), Huber("auto")], ids=repr)
def test_units_of_targets_do_not_matter(engine, loss, scale):
    y = targets(loss)
    plain = engine.raw(train(engine, MultiTarget(loss, 3), y), X)
    scaled = engine.raw(train(engine, MultiTarget(loss, 3), y * scale), X) / scale
    for i in range(3):
        # Splits of nearly equal gain may fall differently.
        assert loss.value(y[:, i], scaled[:, i]) == pytest.approx(loss.value(y[:, i], plain[:, i]), rel=0.03)


def test_a_sample_without_a_target_does_not_stop_a_metric():
    """On a cluster the scale of "auto" is that of a sample of all workers' rows."""
    y, raw = targets(SquaredError()), np.zeros((N, 3))
    loss = MultiTarget(Huber("auto"), 3)._with(_in_training=True)
    sample = np.where([False, True, False], np.nan, y[:50])
    known = loss._resolved_at(sample, raw[:50], None)
    each = [Huber("auto")._resolved_at(y[:n, i], raw[:n, i], None) for i, n in enumerate((50, N, 50))]
    expected = sum(one.pointwise(y[:, i], raw[:, i]) for i, one in enumerate(each)) / 3
    np.testing.assert_allclose(known.pointwise(y, raw), expected)
