"""The start value that is found where a loss has no formula for it, against formulas and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from gbm_objectives import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Cauchy,
    Hinge,
    Huber,
    MultiQuantile,
    Quantile,
    SquaredError,
    Tukey,
    Welsch,
)
from gbm_objectives.contract.start import best_beside, best_constant, constant_rows
from gbm_objectives.distributions import Laplace, Normal, StudentT
from gbm_objectives.engines.data_sets import as_offset
from gbm_objectives.losses import ResidualLoss
from tests import own_losses

RNG = np.random.default_rng(0)
Y = {
    "normal": RNG.standard_normal(2001),
    "skewed": RNG.lognormal(0, 1.5, 2001),
    "shifted": 1e6 + RNG.standard_normal(2001),
    "tiny": 1e-8 * RNG.standard_normal(2001),
    "few": np.array([3.0, 3.0, 8.0]),
    "one value": np.full(50, -2.5),
    "many": RNG.standard_t(2, 30_000),
    "zeros": np.where(RNG.random(999) < 0.8, 0.0, RNG.exponential(10, 999)),
}
WEIGHT = {name: RNG.integers(0, 4, len(y)).astype(float) + (np.arange(len(y)) == 0) for name, y in Y.items()}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("data", Y)
@pytest.mark.parametrize("loss", [SquaredError(), Huber(0.7), own_losses.LogCosh(), Quantile(0.3)], ids=repr)
def test_it_is_as_good_as_any(loss, data, weighted):
    y, weight = Y[data], WEIGHT[data] if weighted else None
    start = best_constant(loss, y, weight)
    value = loss.value(y, np.full(len(y), start), weight)
    for other in np.r_[np.quantile(y, np.linspace(0, 1, 101)), y.mean(), start + 1e-3 * np.std(y) * np.r_[-1, 1]]:
        assert value <= loss.value(y, np.full(len(y), other), weight) + 1e-12 * max(1.0, value)


@pytest.mark.parametrize("data", Y)
def test_where_there_is_a_formula_it_agrees(data):
    y, weight = Y[data], WEIGHT[data]
    mean = np.average(y, weights=weight)
    assert best_constant(SquaredError(), y, weight) == pytest.approx(mean, rel=1e-12, abs=1e-12 * np.std(y))
    counts = np.abs(np.round(y)) if data not in ("shifted", "tiny") else np.arange(float(len(y)))
    expected = np.log(np.average(counts, weights=weight))
    assert best_constant(own_losses.Poisson(), counts, weight) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    p = expit(y - np.median(y))
    expected = logit(np.average(p, weights=weight))
    assert best_constant(BinaryCrossEntropy(), p, weight) == pytest.approx(expected, abs=1e-9)
    found = best_constant(Normal(), y, weight)
    sd = np.sqrt(np.average(np.square(y - mean), weights=weight))
    if sd > 0:
        np.testing.assert_allclose(found, [mean, np.log(sd)], rtol=1e-5, atol=1e-4 * sd)


BESIDE = {
    "wide": np.linspace(-50.0, 50.0, 2001),
    "far": np.where(np.arange(2001) < 300, 1e6, 0.0),
    "alike": np.full(2001, -3.0),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("offset", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("loss", [Tukey(4.0), Welsch(3.0), Cauchy(2.0), Huber(0.7), Quantile(0.3)], ids=repr)
def test_beside_an_offset_it_is_that_of_what_the_offset_leaves(loss, offset, weighted):
    """A loss of the residual sees the difference alone."""
    rest = np.where(np.arange(2001) % 4 == 0, 40.0, RNG.standard_normal(2001))
    weight = WEIGHT["normal"] if weighted else None
    found = best_beside(loss, rest + offset, weight, offset, loss.initial_raw(rest + offset, weight))
    expected = loss.initial_raw(rest, weight)
    values = [loss.value(rest, np.full(2001, start), weight) for start in (found, expected)]
    assert values[0] <= values[1] * (1 + 1e-6)
    assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("loss", [MultiQuantile((0.1, 0.5, 0.9)), Laplace(), Normal(), StudentT(3)], ids=repr)
def test_beside_an_offset_of_the_locations(loss):
    offset = np.linspace(-50.0, 50.0, 2001)
    both = as_offset(loss, offset, 2001)
    rest = RNG.standard_normal(2001)
    found = best_beside(loss, rest + offset, None, both, loss.initial_raw(rest + offset))
    expected = constant_rows(loss.initial_raw(rest), 2001)
    assert loss.value(rest + offset, both + found) <= loss.value(rest, expected) + 1e-4


def test_labels():
    labels = np.array([0.0, 1.0, 1.0])
    assert best_constant(Hinge(), labels, None) == pytest.approx(1.0)
    assert best_constant(Hinge(), labels, np.array([3.0, 1.0, 1.0])) == pytest.approx(-1.0)
    shares = best_constant(CategoricalCrossEntropy(3), np.array([0.0, 1.0, 1.0, 2.0]), None)
    np.testing.assert_allclose(np.exp(shares) / np.exp(shares).sum(), [0.25, 0.5, 0.25])
    # Of one class alone the loss falls for ever: the start is finite, and no further out than the link goes.
    for y in (np.zeros(20), np.ones(20)):
        for loss in (own_losses.Focal(), BinaryCrossEntropy()):
            start = best_constant(loss, y, None)
            assert 1 < abs(start) < 28 and (start > 0) == (y[0] == 1) and loss.value(y, np.full(20, start)) < 1e-4


class Redescending(ResidualLoss):
    """1 - exp(-r²/2), Welsch's: each target is nearly a minimum of its own."""

    curvature_kind = "majorizer"

    def _of_residual(self, r):
        return -np.expm1(-0.5 * r * r)

    def _derivatives_of_residual(self, r):
        return r * np.exp(-0.5 * r * r), np.exp(-0.5 * r * r)


def test_of_several_minima_the_lowest():
    y = np.r_[-20 + 0.3 * RNG.standard_normal(40), 20 + 0.3 * RNG.standard_normal(60), RNG.uniform(-50, 50, 10)]
    start = best_constant(Redescending(), y, None)
    grid = np.linspace(-50, 50, 20_001)
    best = grid[np.argmin([Redescending()._pointwise(y, np.full(len(y), c)).mean() for c in grid])]
    assert start == pytest.approx(best, abs=0.01) and abs(start - 20) < 0.3
    # Symmetric: the mean is stationary, and the worst of all.
    halves = np.repeat([-10.0, 10.0], 50)
    assert abs(best_constant(Redescending(), halves, None)) == pytest.approx(10.0)


def test_maximum_likelihood_of_the_normal():
    y = Y["normal"]
    np.testing.assert_allclose(Normal().initial_raw(y), [stats.norm.fit(y)[0], np.log(stats.norm.fit(y)[1])])
    assert np.isfinite(Normal().initial_raw([5.0, 5.0])).all()
