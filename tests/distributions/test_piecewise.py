"""Distributions known by quantiles: every method against quadrature, draws, or SciPy's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gbm_objectives.distributions import PiecewiseCounts, PiecewiseNormal, crps
from gbm_objectives.distributions.crps import _integral

LEVELS = np.array([0.05, 0.3, 0.5, 0.8, 0.95])
ENDS = [(-np.inf, np.inf), (0.0, np.inf), (-0.2, 2.0)]
unit = pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
ends = pytest.mark.parametrize("ends", ENDS, ids=str)


def made(ends, unit=1.0, n=30):
    """Rows of many kinds: skewed, of one value, with atoms inside, at the outer levels and at the ends."""
    quantiles = np.sort(np.random.default_rng(0).normal(size=(n, 5)) * 1.5, axis=1)
    quantiles[3] = 1.0
    quantiles[4, 1] = quantiles[4, 2]
    quantiles[5, 3:] = quantiles[5, 3]
    quantiles[6, :2] = quantiles[6, 0]
    low, high = ends
    return PiecewiseNormal(LEVELS, unit * np.clip(quantiles, low, high), unit * low, unit * high)


def quadrature(distribution, values):
    """Integrate functions of rows' quantiles over a fine grid of the normal variable behind them."""
    z = np.linspace(-8.5, 8.5, 40_001)[:, None]
    at = stats.norm.cdf(z), distribution.ppf(stats.norm.cdf(z))
    # Levels near 1 have no floats: from the other end there.
    right = z > 0
    at = at[0], np.where(right, distribution.isf(stats.norm.sf(z)), at[1])
    return (stats.norm.pdf(z) * values(*at)).sum(axis=0) * (z[1] - z[0])


@unit
@ends
def test_moments_and_score_against_quadrature(ends, unit):
    distribution = made(ends, unit)
    mean = quadrature(distribution, lambda a, q: q)
    np.testing.assert_allclose(distribution.mean(), mean, rtol=1e-7, atol=1e-7 * unit)
    var = quadrature(distribution, lambda a, q: (q - mean) ** 2)
    np.testing.assert_allclose(distribution.var(), var, rtol=1e-6, atol=1e-7 * unit**2)
    np.testing.assert_allclose(distribution.std(), np.sqrt(distribution.var()), rtol=1e-12)
    y = unit * np.random.default_rng(1).normal(size=30) * 3
    y[3] = unit
    expected = quadrature(distribution, lambda a, q: 2 * ((y < q) - a) * (q - y))
    np.testing.assert_allclose(crps(distribution, y), expected, rtol=1e-4, atol=1e-4 * unit)
    # And against the rule that serves SciPy's distributions, which knows only cdf, sf, ppf and isf.
    np.testing.assert_allclose(crps(distribution, y), _integral(distribution, y), rtol=0.02, atol=0.003 * unit)


@ends
def test_the_density_is_the_slope_of_the_distribution_function(ends):
    distribution = made(ends)
    x = np.random.default_rng(2).uniform(-4, 4, (200, 1))
    with np.errstate(invalid="ignore"):
        slope = (distribution.cdf(x + 1e-7) - distribution.cdf(x - 1e-7)) / 2e-7
    np.testing.assert_allclose(distribution.pdf(x), slope, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.exp(distribution.logpdf(x)), distribution.pdf(x), rtol=1e-12)


@unit
@ends
def test_cdf_of_ppf(ends, unit):
    distribution = made(ends, unit)
    q = np.random.default_rng(3).uniform(size=(400, 1))
    back = distribution.cdf(distribution.ppf(q))
    assert (back >= q - 1e-12).all()
    # Above an atom it is the share up to it, elsewhere the level itself.
    on_atom = np.isinf(distribution.pdf(distribution.ppf(q)))
    np.testing.assert_allclose(back[~on_atom], np.broadcast_to(q, back.shape)[~on_atom], rtol=1e-9)
    assert (on_atom.any(axis=0) == (np.abs(back - q) > 1e-9).any(axis=0)).all()
    assert (distribution.sf(distribution.isf(q)) <= q + 1e-12).all()
    np.testing.assert_array_equal(distribution.isf(q), distribution._at(-stats.norm.ppf(q)))


@ends
def test_shares_and_logarithms(ends):
    distribution, x = made(ends), np.linspace(-40, 40, 81)[:, None]
    np.testing.assert_allclose(distribution.cdf(x) + distribution.sf(x), 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.exp(distribution.logcdf(x)), distribution.cdf(x), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(np.exp(distribution.logsf(x)), distribution.sf(x), rtol=1e-9, atol=1e-300)
    assert np.isfinite(distribution.logcdf(-40.0)[0]) == np.isinf(ends[0])  # where cdf is 0 by rounding
    assert (np.diff(distribution.cdf(x), axis=0) >= 0).all()


def test_of_a_normal_distributions_quantiles_it_is_that_distribution():
    loc, scale = np.array([0.0, 5.0, -1e3]), np.array([1.0, 0.01, 70.0])
    normal = stats.norm(loc, scale)
    distribution = PiecewiseNormal(LEVELS, normal.ppf(LEVELS[:, None]).T)
    x, q = loc + scale * np.linspace(-20, 20, 41)[:, None], np.array([[1e-12], [0.2], [0.999]])
    for name, at in (("cdf", x), ("sf", x), ("logcdf", x), ("logsf", x), ("pdf", x), ("logpdf", x), ("ppf", q)):
        got, expected = getattr(distribution, name)(at), getattr(normal, name)(at)
        np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(distribution.isf(1e-30), normal.isf(1e-30), rtol=1e-9)
    for name in ("mean", "var", "std", "median"):
        np.testing.assert_allclose(getattr(distribution, name)(), getattr(normal, name)(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(distribution.interval(0.9), normal.interval(0.9), rtol=1e-9)
    np.testing.assert_allclose(crps(distribution, x[25]), crps(normal, x[25]), rtol=1e-7)
    np.testing.assert_array_equal(distribution.support(), normal.support())


@ends
def test_draws_come_from_it(ends):
    distribution = made(ends)
    draws = distribution.rvs(size=(4000, 30), random_state=0)
    assert draws.shape == (4000, 30)
    rows = [i for i in range(30) if not np.isinf(distribution.pdf(draws)[:, i]).any()]
    assert len(rows) > 5 or ends != ENDS[0]
    for i in rows:
        of_row = PiecewiseNormal(LEVELS, distribution._values.T[i : i + 1], *ends)
        assert stats.kstest(draws[:, i], of_row.cdf).pvalue > 1e-4
    # With atoms too, the shares at or below any value are those of the distribution function.
    x = np.linspace(-2, 2, 9)
    shares = (draws[:, :, None] <= x).mean(axis=0).T
    np.testing.assert_allclose(shares, distribution.cdf(x[:, None]), atol=0.035)
    np.testing.assert_array_equal(draws, distribution.rvs((4000, 30), np.random.RandomState(0)))
    assert distribution.rvs(random_state=np.random.default_rng(0)).shape == (30,)
    assert distribution.rvs(30).shape == (30,)


def test_extreme_arguments():
    distribution = PiecewiseNormal([0.1, 0.9], [[0.0, 1.0], [2.0, 2.0]])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(distribution.cdf([[-np.inf], [np.inf]]), [[0, 0], [1, 1]])
        np.testing.assert_array_equal(distribution.sf([[-np.inf], [np.inf]]), [[1, 1], [0, 0]])
        np.testing.assert_array_equal(distribution.ppf([[0.0], [1.0]]), [[-np.inf, 2], [np.inf, 2]])
        np.testing.assert_array_equal(distribution.isf([[0.0], [1.0]]), [[np.inf, 2], [-np.inf, 2]])
        np.testing.assert_array_equal(distribution.pdf([[np.inf], [-np.inf], [2.0]])[:, 1], [0, 0, np.inf])
        np.testing.assert_array_equal(distribution.cdf([[2.0], [np.nextafter(2.0, 0)]])[:, 1], [1, 0])
        np.testing.assert_allclose(distribution.mean(), [0.5, 2.0])
        assert distribution.var()[1] == 0 and crps(distribution, np.array([0.0, 5.0]))[1] == 3.0
    # As SciPy does, nan for what is no level.
    for bad in (np.nan, -0.1, 1.1):
        assert np.isnan(distribution.ppf(bad)).all() and np.isnan(distribution.isf(bad)).all()
    for method in (distribution.cdf, distribution.sf, distribution.logsf, distribution.logpdf):
        assert np.isnan(method(np.nan)).all()
    for confidence in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"confidence must be between 0 and 1, got {confidence}"):
            distribution.interval(confidence)
    for size in (3, (2, 3)):
        with pytest.raises(ValueError):
            distribution.rvs(size)
    with pytest.raises(ValueError, match=r"size must end with the number of rows, 2, got 1"):
        distribution.rvs(1)
    assert repr(distribution) == "<PiecewiseNormal of 2 rows>"


def test_shapes_are_scipys():
    distribution, like = made(ENDS[0]), stats.norm(np.zeros(30))
    for given in (0.5, np.full(30, 0.5), np.full((7, 1), 0.5), np.full((3, 7, 1), 0.5), np.full((2, 30), 0.5)):
        for name in ("cdf", "sf", "ppf", "isf", "pdf", "logpdf"):
            assert getattr(distribution, name)(given).shape == getattr(like, name)(given).shape
    assert distribution.mean().shape == distribution.rvs().shape == distribution.interval(0.9)[0].shape == (30,)


def counts(rates, levels=None):
    levels = np.arange(1, 1000) / 1000 if levels is None else levels
    return PiecewiseCounts(levels, stats.poisson(rates).ppf(levels[:, None]).T, 0.0)


def test_counts_of_poissons_quantiles_are_poissons():
    rates = np.array([0.05, 0.5, 3.0, 40.0])
    distribution, poisson = counts(rates), stats.poisson(rates)
    k = np.arange(90.0)[:, None]
    np.testing.assert_allclose(distribution.cdf(k), poisson.cdf(k), atol=0.002)
    np.testing.assert_allclose(distribution.pmf(k).sum(axis=0), 1.0, rtol=1e-5)
    np.testing.assert_allclose(distribution.pmf(k), poisson.pmf(k), atol=0.003)
    np.testing.assert_allclose(distribution.mean(), poisson.mean(), rtol=0.01, atol=0.005)
    np.testing.assert_allclose(distribution.var(), poisson.var(), rtol=0.01, atol=0.02)
    np.testing.assert_allclose(crps(distribution, rates), crps(poisson, rates), rtol=0.02)
    np.testing.assert_array_equal(distribution.pmf([[0.5], [-1.0], [np.inf]]), 0.0)
    np.testing.assert_array_equal(distribution.sf(2.7), distribution.sf(2.0))
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(distribution.logpmf(k), np.log(distribution.pmf(k)))
    assert not hasattr(distribution, "pdf") and not hasattr(made(ENDS[0]), "pmf")


def test_moments_of_counts_are_those_of_draws():
    distribution = counts(np.array([0.2, 2.0, 30.0, 2e6]), LEVELS)
    draws = distribution.rvs((100_000, 4), random_state=0)
    assert (draws == np.floor(draws)).all() and (draws >= 0).all()
    np.testing.assert_allclose(distribution.mean(), draws.mean(axis=0), rtol=0.02)
    np.testing.assert_allclose(distribution.std(), draws.std(axis=0), rtol=0.02)
    narrow = counts(np.array([0.2, 2.0, 30.0]), LEVELS)
    q = np.random.default_rng(0).uniform(size=(500, 1))
    assert (narrow.cdf(narrow.ppf(q)) >= q - 1e-12).all() and (narrow.cdf(narrow.ppf(q) - 1) < q).all()
    k = np.arange(100.0)[:, None]
    exact = (k * narrow.pmf(k)).sum(axis=0)
    np.testing.assert_allclose(narrow.mean(), exact, rtol=1e-9)
    np.testing.assert_allclose(narrow.var(), (k**2 * narrow.pmf(k)).sum(axis=0) - exact**2, rtol=1e-7)
    y = np.array([0.0, 5.0, 29.3])
    step = np.square(narrow.cdf(k) - (k >= np.floor(y)))
    lattice = np.where(
        k == np.floor(y), (y - k) * np.square(narrow.cdf(k)) + (k + 1 - y) * narrow.sf(k) ** 2, step
    )
    np.testing.assert_allclose(crps(narrow, y), lattice.sum(axis=0), rtol=1e-6)
