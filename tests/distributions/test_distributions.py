"""Distributions against SciPy: densities, information, start values, samplers; parameters are found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from gbm_objectives import check_loss
from gbm_objectives.contract.links import IDENTITY, LOG, Output
from gbm_objectives.distributions import (
    Distribution,
    Gamma,
    Laplace,
    LogNormal,
    NegativeBinomial,
    Normal,
    StudentT,
    Weibull,
    ZeroInflatedPoisson,
)
from gbm_objectives.distributions.mixed import zero_inflated

ALL = [
    Normal(),
    LogNormal(),
    Laplace(),
    StudentT(),
    StudentT(df=2.5),
    Gamma(),
    Weibull(),
    NegativeBinomial(),
    ZeroInflatedPoisson(),
]
every = pytest.mark.parametrize("loss", ALL, ids=repr)
CONTINUOUS = [loss for loss in ALL if not isinstance(loss, (NegativeBinomial, ZeroInflatedPoisson))]


def draws(loss, raw, seed=0, size=None):
    """Targets drawn by SciPy from the distributions of raw predictions."""
    return np.asarray(loss._frozen(loss.response(raw)).rvs(size=size, random_state=seed), dtype=float)


def log_density(loss, y, raw):
    distribution = loss._frozen(loss.response(raw))
    return (distribution.logpdf if hasattr(distribution, "pdf") else distribution.logpmf)(y)


@every
def test_the_loss_is_minus_the_log_density(loss):
    rng = np.random.default_rng(0)
    raw = rng.normal(0.5, 1.0, (2000, 2))
    y = draws(loss, raw)
    np.testing.assert_allclose(loss.pointwise(y, raw), -log_density(loss, y, raw), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("loss", "raw"), [(Gamma(), [1.0, 20.0]), (Weibull(), [1.0, 12.0])], ids=repr)
def test_densities_where_the_spread_is_tiny(loss, raw):
    raw = np.tile(raw, (500, 1))
    y = draws(loss, raw)
    # SciPy's own gamma density has lost digits by then.
    np.testing.assert_allclose(loss.pointwise(y, raw), -log_density(loss, y, raw), rtol=1e-4)
    assert abs(loss.gradient(y, raw)[:, 1].mean()) < 0.2


@pytest.mark.slow
@every
@pytest.mark.parametrize("raw", [(0.0, 0.0), (1.5, 1.0), (-1.0, 2.0), (2.0, -1.5), (-2.0, -1.0)], ids=str)
def test_the_curvature_is_the_information(loss, raw):
    """The mean square of the score, over 200,000 draws; of the numerical derivative of SciPy's log-density."""
    n, h = 200_000, 1e-4
    rows = np.tile(np.array(raw), (n, 1))
    y = draws(loss, rows)
    for column in range(2):
        step = np.where(np.arange(2) == column, h, 0.0)
        score = (log_density(loss, y, rows + step) - log_density(loss, y, rows - step)) / (2 * h)
        error = np.std(score**2) / np.sqrt(n)
        got = loss._derivatives(y[:1], rows[:1])[1][0, column]
        assert np.mean(score**2) == pytest.approx(got, abs=5 * error + 1e-3 * got)


def test_the_information_on_the_size_of_counts_is_the_sum_over_all_counts():
    """The mean of the second derivative, by the probabilities of all counts up to where they vanish."""
    from scipy.special import polygamma

    counts = np.arange(400_000.0)
    for mean, r in [(1e-3, 1.0), (0.5, 0.01), (1.0, 1.0), (30.0, 0.3), (5.0, 1e4), (1e4, 50.0), (200.0, 2.0)]:
        p = stats.nbinom.pmf(counts, r, r / (r + mean))
        expected = r * r * (p @ (polygamma(1, r) - polygamma(1, r + counts)) - mean / (r * (r + mean)))
        got = NegativeBinomial()._derivatives(np.zeros(1), np.log([[mean, r]]))[1][0, 1]
        assert got == pytest.approx(expected, rel=1e-3)


SHAPES = {
    LogNormal(): lambda y: (stats.lognorm.fit(y, floc=0), lambda p: (np.log(p[2]), np.log(p[0]))),
    StudentT(): lambda y: (stats.t.fit(y, fdf=5.0), lambda p: (p[1], np.log(p[2]))),
    Gamma(): lambda y: (stats.gamma.fit(y, floc=0), lambda p: (np.log(p[0] * p[2]), np.log(p[0]))),
    Weibull(): lambda y: (stats.weibull_min.fit(y, floc=0), lambda p: (np.log(p[2]), np.log(p[0]))),
    Laplace(): lambda y: (stats.laplace.fit(y), lambda p: (p[0], np.log(p[1]))),
    Normal(): lambda y: (stats.norm.fit(y), lambda p: (p[0], np.log(p[1]))),
}


@pytest.mark.parametrize("loss", SHAPES, ids=repr)
def test_the_start_is_what_scipy_fits(loss):
    y = draws(loss, np.tile([0.7, 0.3], (401, 1)))
    parameters, raw = SHAPES[loss](y)
    np.testing.assert_allclose(loss.initial_raw(y), raw(parameters), rtol=2e-4, atol=2e-4)


@every
def test_the_start_is_the_best_constant_with_weights_too(loss):
    rng = np.random.default_rng(1)
    y = draws(loss, np.tile([0.7, -0.2], (300, 1)))
    weight = rng.integers(0, 4, 300).astype(float)
    start = loss.initial_raw(y, weight)
    np.testing.assert_allclose(start, loss.initial_raw(np.repeat(y, weight.astype(int))), rtol=1e-5, atol=1e-6)
    best = loss.value(y, np.tile(start, (300, 1)), weight)
    for step in ([0.01, 0], [-0.01, 0], [0, 0.01], [0, -0.01]):
        assert loss.value(y, np.tile(start + np.array(step), (300, 1)), weight) > best


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        *((loss, [3.0, 3.0, 3.0]) for loss in ALL),
        *((loss, [3.0]) for loss in ALL),
        *((loss, [0.0, 0.0]) for loss in (NegativeBinomial(), ZeroInflatedPoisson())),
        *((loss, [1.0, 1.0, 0.0]) for loss in (NegativeBinomial(), ZeroInflatedPoisson())),
        *((loss, [1e-30, 1e30]) for loss in CONTINUOUS if loss.domain.low > 0),
        *((loss, [-1e17, 1e17]) for loss in CONTINUOUS if loss.domain.low < 0),
    ],
    ids=repr,
)
def test_starts_of_odd_targets_are_finite(loss, y):
    start = loss.initial_raw(y)
    raw = np.tile(start, (len(y), 1))
    assert np.isfinite(start).all() and np.isfinite(loss.pointwise(y, raw)).all()
    assert all(np.isfinite(array).all() for array in loss.gradient_hessian(y, raw))


@pytest.mark.filterwarnings("error")
@every
def test_no_row_is_too_far_out(loss):
    """A million standard deviations, counts of 0 and of millions, spreads of nothing: all finite."""
    positive = loss.domain.low >= 0
    y = np.repeat([0.0 if loss.domain.accepts(np.zeros(1)) else 1e-30, 1.0, 1e6, 1e30 if positive else -1e6], 25)
    ends = np.array([-40.0, -8.0, 0.0, 8.0, 40.0])
    raw = np.tile(np.stack(np.meshgrid(ends, ends), axis=-1).reshape(-1, 2), (4, 1))
    values = loss.pointwise(y, raw), loss.gradient(y, raw), loss.curvature(y, raw)
    assert all(np.isfinite(array).all() for array in values) and (values[2] >= 0).all()
    for row in range(len(y)):
        # The middle rows are there so that the constant that normalises is not that of the one alone.
        rows = [row, 12, 37]
        assert all(np.isfinite(array).all() for array in loss.gradient_hessian(y[rows], raw[rows]))


@every
def test_samples_are_from_the_distribution(loss):
    """Kolmogorov and Smirnov's distance, for counts chi-square; a seed whose p-value is no accident."""
    raw = np.tile([0.5, 0.4], (5000, 1))
    y = draws(loss, raw, seed=3)
    one = loss._frozen(loss.response(raw[:1]))
    if hasattr(one, "pdf"):
        assert stats.kstest(y, one.cdf).pvalue > 0.001
    else:
        top = int(one.ppf(0.995)[0])
        seen = np.bincount(np.minimum(y, top).astype(int), minlength=top + 1)
        expected = np.append(one.pmf(np.arange(top)), one.sf(top - 1)) * len(y)
        assert stats.chisquare(seen, expected).pvalue > 0.001


@every
def test_parameters_are_found_again(engine, loss):
    """Two regions, told apart by a feature: the parameters of each are fitted, up to sampling error."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (4000, 2))
    truth = np.where(X[:, :1] > 0, [[1.0, 0.5]], [[0.0, -0.5]])
    y = draws(loss, truth)
    whole = clone(loss).set_params(scale_step=1.0)
    booster = engine.train(whole, X, y, rounds=100, params={engine.size: 2, engine.rate: 0.2})
    raw = engine.raw(booster, X)
    for side in (X[:, 0] > 0, X[:, 0] <= 0):
        # Of each region about what maximum likelihood finds there: the trees split on noise too.
        np.testing.assert_allclose(np.median(raw[side], axis=0), loss.initial_raw(y[side]), atol=0.2)
        # Of inflation and size 2,000 counts know that much.
        np.testing.assert_allclose(np.median(raw[side], axis=0), truth[side][0], atol=0.3)


@pytest.mark.parametrize("factor", [2.0**-10, 2.0**10], ids=str)
@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_another_unit_of_the_target(engine, loss, factor):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 2))
    y = draws(loss, np.column_stack([X[:, 0], 0.3 * X[:, 1] - 0.5]))
    plain, other = (engine.raw(engine.train(loss, X, f * y, rounds=30), X) for f in (1.0, factor))
    means = [loss.predicted(raw) for raw in (plain, other)]
    np.testing.assert_allclose(means[1] / factor, means[0], rtol=2e-3, atol=1e-3)
    quantiles = [loss._frozen(loss.response(raw)).ppf(0.95) for raw in (plain, other)]
    np.testing.assert_allclose(quantiles[1] / factor, quantiles[0], rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("loss", [Normal(), Normal(score="crps"), Laplace(), StudentT()], ids=repr)
def test_another_zero_of_the_target(engine, loss):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 2))
    # Quarters, which float32 still holds a million further on.
    y = np.round(4 * (40 * X[:, 0] + 20 * (1.5 + X[:, 1]) * rng.standard_normal(600))) / 4
    fits = [engine.raw(engine.train(loss, X, y + zero, rounds=30), X) for zero in (0.0, 1e6)]
    plain, other = (loss.value(y + zero, raw) for zero, raw in zip((0.0, 1e6), fits, strict=True))
    # XGBoost's float32 predictions are sixteenths there, so some splits differ.
    assert other == pytest.approx(plain, abs=0.02 * abs(plain))
    np.testing.assert_allclose(np.median(np.exp(fits[1][:, 1])), np.median(np.exp(fits[0][:, 1])), rtol=0.05)


def test_crps_of_the_normal_resists_a_row_far_out(engine):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (500, 2))
    y = 3 * X[:, 0] + 0.3 * rng.standard_normal(500)
    y[0] = 1e4
    raw = engine.raw(engine.train(Normal(score="crps", scale_step=1.0), X, y, rounds=200), X)
    assert np.median(np.abs(raw[:, 0] - 3 * X[:, 0])) < 0.3
    assert np.median(np.exp(raw[:, 1])) < 1.0


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (Normal(scale_step=0.0), ValueError, "scale_step of Normal must be above 0 and at most 1, got 0.0"),
        (Gamma(scale_step=2), ValueError, "scale_step of Gamma must be above 0 and at most 1, got 2"),
        (Laplace(scale_step="x"), TypeError, "scale_step of Laplace must be a number, got 'x'"),
        (Normal(score="mse"), ValueError, "score of Normal must be one of 'nll', 'crps', got 'mse'"),
        (StudentT(df=0.5), ValueError, "df of StudentT must be at least 1 and at most 1e"),
        (StudentT(df=True), TypeError, "df of StudentT must be a number, got True"),
    ],
)
def test_bad_hyper_parameters(engine, loss, error, message):
    with pytest.raises(error, match=message):
        engine.regressor(loss).fit(np.arange(10.0)[:, None], np.arange(1.0, 11.0))


@pytest.mark.parametrize("loss", [Normal(), Laplace(), StudentT()], ids=repr)
def test_targets_in_an_absurd_unit(engine, loss):
    y = np.random.default_rng(0).standard_normal(100)
    for factor in (1e20, 1e-20):
        with pytest.raises(ValueError, match="in another unit"):
            engine.regressor(loss).fit(np.arange(100.0)[:, None], factor * y)


@pytest.mark.parametrize(
    ("loss", "y", "rule"),
    [
        (Gamma(), 0.0, "numbers above 0"),
        (Weibull(), -1.0, "numbers above 0"),
        (LogNormal(), 0.0, "numbers above 0"),
        (NegativeBinomial(), 1.5, "integers not below 0"),
        (ZeroInflatedPoisson(), -1.0, "integers not below 0"),
    ],
    ids=repr,
)
def test_targets_outside_the_domain(engine, loss, y, rule):
    target = np.ones(20)
    target[7] = y
    with pytest.raises(ValueError, match=rf"must be {rule}, got {y} in row 7 \(1 such\)"):
        engine.regressor(loss).fit(np.arange(20.0)[:, None], target)


def test_the_zero_inflated_poisson_has_scipys_methods():
    rate, inflation = np.array([0.5, 2.0, 40.0]), np.array([0.3, 0.0, 0.9])
    d = zero_inflated(stats.poisson(rate), inflation)
    k = np.arange(200)[:, None]
    mixture = (1 - inflation) * stats.poisson.pmf(k, rate) + inflation * (k == 0)
    np.testing.assert_allclose(d.pmf(k), mixture, atol=1e-12)
    np.testing.assert_allclose(d.logpmf(k[:20]), np.log(mixture[:20]), atol=1e-9)
    np.testing.assert_allclose(d.cdf(k), np.cumsum(mixture, axis=0), atol=1e-12)
    np.testing.assert_allclose(d.sf(k), 1 - np.cumsum(mixture, axis=0), atol=1e-12)
    np.testing.assert_allclose(d.mean(), (k * mixture).sum(axis=0))
    np.testing.assert_allclose(d.var(), (k**2 * mixture).sum(axis=0) - (k * mixture).sum(axis=0) ** 2)
    for level in (0.001, 0.25, 0.5, 0.95, 0.999):
        q = d.ppf(level)
        assert (d.cdf(q) >= level - 1e-12).all() and (d.cdf(q - 1) < level).all()


class TenthTooSmall(Gamma):
    column = 0

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = super()._derivatives(y_true, raw_prediction)
        curvature[:, self.column] *= 0.9
        return gradient, curvature


class TenthTooSmallShape(TenthTooSmall):
    column = 1


@pytest.mark.parametrize("loss", [TenthTooSmall(), TenthTooSmallShape()], ids=repr)
def test_check_loss_tells_information_that_is_a_tenth_off(loss):
    with pytest.raises(
        AssertionError, match=rf"mean second derivative of output {loss.column} .* times the curvature"
    ):
        check_loss(loss)


class Gumbel(Distribution):
    """A user's own: Gumbel's distribution of maxima, with the formulas as a textbook has them."""

    outputs = (Output("loc", IDENTITY), Output("scale", LOG))

    def _pointwise(self, y_true, raw_prediction):
        z = np.clip((y_true - raw_prediction[:, 0]) * np.exp(-raw_prediction[:, 1]), -700, None)
        return raw_prediction[:, 1] + z + np.exp(-z)

    def _derivatives(self, y_true, raw_prediction):
        precision = np.exp(-raw_prediction[:, 1])
        z = np.clip((y_true - raw_prediction[:, 0]) * precision, -100, None)
        slope = np.expm1(-z)
        gradient = np.column_stack([slope * precision, 1 + z * slope])
        information = np.broadcast_to(np.pi**2 / 6 + (1 - np.euler_gamma) ** 2, z.shape)
        return gradient, np.column_stack([precision**2, information])

    def _frozen(self, parameters):
        return stats.gumbel_r(parameters[:, 0], parameters[:, 1])


def test_a_distribution_of_ones_own(engine):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1000, 2))
    y = stats.gumbel_r(3 * X[:, 0], np.exp(X[:, 1])).rvs(random_state=0)
    check_loss(Gumbel(), y[:60], np.column_stack([3 * X[:60, 0], X[:60, 1]]))
    model = engine.regressor(Gumbel()).fit(X, y)
    inside = (model.predict_interval(X, 0.9) - y[:, None]) * [-1, 1] >= 0
    assert 0.8 < inside.all(axis=1).mean() < 0.99
