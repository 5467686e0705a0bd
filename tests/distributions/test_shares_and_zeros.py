"""Shares, targets with zeros, counts with more zeros: against SciPy, sums over all counts, and separate models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.base import clone

from gbm_objectives import BinaryCrossEntropy, GBMRegressor, check_loss
from gbm_objectives.distributions import (
    Beta,
    Gamma,
    Hurdle,
    Laplace,
    LogLogistic,
    LogNormal,
    NegativeBinomial,
    Normal,
    Weibull,
    ZeroInflated,
    ZeroInflatedPoisson,
    crps,
)
from gbm_objectives.plotting import plot_calibration
from gbm_objectives.testing.regret import regrets

MIXED = [
    Hurdle(Gamma()),
    Hurdle(LogNormal()),
    Hurdle(Weibull()),
    Hurdle(Normal()),
    Hurdle(Beta(), at=(0.0, 1.0)),
    Hurdle(NegativeBinomial()),
    ZeroInflated(NegativeBinomial()),
]
COUNTS = [Hurdle(NegativeBinomial()), ZeroInflated(NegativeBinomial())]
EVERY = [Beta(), *MIXED]
every = pytest.mark.parametrize("loss", EVERY, ids=repr)
mixed = pytest.mark.parametrize("loss", MIXED, ids=repr)


def rows(loss, n, seed=0, size=0.6):
    """Raw predictions, with which draws stay within what float32 holds."""
    raw = size * np.random.default_rng(seed).standard_normal((n, loss.n_outputs))
    if isinstance(getattr(loss, "distribution", loss), Beta):
        raw[:, 1] += 2.0
    return raw


def draws(loss, raw, seed=0):
    drawn = loss._frozen(loss.response(raw)).rvs(size=len(raw), random_state=seed)
    return np.clip(np.asarray(drawn, dtype=np.float32).astype(float), loss.domain.low, loss.domain.high)


def log_density(d, y):
    return (d.logpdf if hasattr(d, "pdf") else d.logpmf)(y)


@every
def test_the_loss_is_minus_the_log_density_and_its_gradient_the_derivative(loss):
    raw = rows(loss, 500)
    y = draws(loss, raw)
    expected = -log_density(loss._frozen(loss.response(raw)), y)
    np.testing.assert_allclose(loss.pointwise(y, raw), expected, rtol=1e-9, atol=1e-9)
    for j in range(loss.n_outputs):
        step = 1e-5 * np.eye(loss.n_outputs)[j]
        slope = (loss.pointwise(y, raw + step) - loss.pointwise(y, raw - step)) / 2e-5
        np.testing.assert_allclose(loss.gradient(y, raw)[:, j], slope, rtol=1e-4, atol=1e-5)


def test_zero_inflation_of_poissons_distribution_is_known():
    """The general formulas with SciPy's Poisson as the distribution."""
    d = ZeroInflatedPoisson()._frozen(np.array([[2.0, 0.25]]))
    k = np.arange(30)
    expected = 0.75 * stats.poisson.pmf(k, 2.0) + 0.25 * (k == 0)
    np.testing.assert_allclose(np.ravel(d.pmf(k[:, None])), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", COUNTS, ids=repr)
@pytest.mark.parametrize("raw", [(0.0, 0.0, 0.0), (2.0, 1.0, -1.0), (-2.0, 3.0, 1.0), (1.0, -2.0, 2.0)], ids=str)
def test_the_information_on_counts_is_the_sum_over_all_of_them(loss, raw):
    y = np.arange(20_000.0)
    many = np.tile(raw, (len(y), 1))
    p = np.exp(-loss.pointwise(y, many))
    assert p.sum() == pytest.approx(1.0, abs=1e-9)
    expected = p @ np.square(loss.gradient(y, many))
    got = loss._derivatives(y[:1], many[:1])[1][0]
    np.testing.assert_allclose(got, expected, rtol=3e-3)
    np.testing.assert_allclose(p @ loss.gradient(y, many), 0.0, atol=1e-8)


@pytest.mark.parametrize("raw", [(0.0, 1.0), (1.0, 2.0), (-3.0, 4.0), (1.0, 9.0)], ids=str)
def test_the_information_on_shares_is_the_integral(raw):
    loss, at = Beta(), np.array([raw])
    d = loss._frozen(loss.response(at))
    for j in range(2):

        def score(level, j=j):
            y = np.clip(d.ppf(level), 1e-300, 1.0 - 1e-16)
            return loss._gradient(y, at)[0, j] ** 2

        expected = integrate.quad(score, 0.0, 1.0, limit=200)[0]
        assert loss._derivatives(np.array([0.5]), at)[1][0, j] == pytest.approx(expected, rel=1e-4)


def test_the_start_of_shares_is_what_scipy_fits():
    y = stats.beta(1.3, 4.0).rvs(500, random_state=0)
    a, b, *_ = stats.beta.fit(y, floc=0, fscale=1)
    np.testing.assert_allclose(Beta().initial_raw(y), [np.log(a / b), np.log(a + b)], rtol=1e-4)


@every
def test_the_start_is_the_best_constant_with_weights_too(loss):
    y = draws(loss, np.tile(rows(loss, 1, seed=3), (400, 1)))
    weight = np.random.default_rng(1).integers(0, 4, 400).astype(float)
    start = loss.initial_raw(y, weight)
    # The likelihood of a size is flat: a millionth of it is a thousandth of the logarithm.
    np.testing.assert_allclose(start, loss.initial_raw(np.repeat(y, weight.astype(int))), rtol=1e-3, atol=1e-3)
    best = loss.value(y, np.tile(start, (400, 1)), weight)
    for step in 0.02 * np.vstack([np.eye(loss.n_outputs), -np.eye(loss.n_outputs)]):
        assert loss.value(y, np.tile(start + step, (400, 1)), weight) > best


@pytest.mark.filterwarnings("error")
@every
def test_extremes_are_finite(loss):
    counts = [0.0, 1.0, 1e6, 1e9]
    shares = [1e-44, 1e-30, 0.5, 1.0 - 6e-8]
    if loss in COUNTS:
        values = counts
    else:
        values = shares if isinstance(getattr(loss, "distribution", loss), Beta) else [1e-30, 1.0, 1e30]
        values = values if loss == Beta() else [0.0, *values]
    ends = np.array([-40.0, -8.0, 0.0, 8.0, 40.0])
    grid = np.stack(np.meshgrid(*[ends] * loss.n_outputs), axis=-1).reshape(-1, loss.n_outputs)
    y, raw = np.repeat(values, len(grid)), np.tile(grid, (len(values), 1))
    for array in (loss.pointwise(y, raw), loss.gradient(y, raw), loss.curvature(y, raw)):
        assert np.isfinite(array).all()
    assert (loss.curvature(y, raw) >= 0).all()
    middle = np.zeros((3, loss.n_outputs))
    for row in range(0, len(y), 7):
        mid = np.array([values[-1], values[1], y[row]])
        parts = loss.gradient_hessian(mid, np.vstack([middle[:2], raw[row : row + 1]]))
        assert all(np.isfinite(part).all() for part in parts)


@pytest.mark.slow
@mixed
def test_frozen_distributions_agree_with_themselves(loss):
    raw = rows(loss, 60, seed=2)
    d = loss._frozen(loss.response(raw))
    x = draws(loss, raw, seed=1)
    np.testing.assert_allclose(d.cdf(x) + d.sf(x), 1.0, atol=1e-12)
    for level in (1e-6, 0.05, 0.3, 0.5, 0.9, 1 - 1e-6):
        q = d.ppf(level)
        assert (d.cdf(q) >= level - 1e-9).all() and (d.cdf(np.nextafter(q, -np.inf)) <= level + 1e-9).all()
        np.testing.assert_allclose(d.isf(1.0 - level), q, rtol=1e-6, atol=1e-6)
    many = d.rvs(size=(10_000, 60), random_state=0)
    error = 6.0 * d.std() / np.sqrt(10_000)
    assert (np.abs(many.mean(axis=0) - d.mean()) < error).mean() > 0.97
    low, high = d.interval(0.8)
    inside = (many >= low) & (many <= high)
    assert (inside.mean(axis=0) >= 0.8 - 0.02).all()
    assert np.isnan(d.ppf(1.5)).all() and np.isnan(d.isf(-0.5)).all()


@pytest.mark.slow
@mixed
def test_the_crps_is_that_of_draws(loss):
    raw = rows(loss, 6, seed=4)
    d = loss._frozen(loss.response(raw))
    y = draws(loss, raw, seed=5)
    one, other = (d.rvs(size=(100_000, 6), random_state=seed) for seed in (0, 1))
    pairs = np.abs(one - y) - 0.5 * np.abs(one - other)
    error = 5.0 * pairs.std(axis=0) / np.sqrt(len(one)) + 1e-4 * d.std()
    assert (np.abs(crps(d, y) - pairs.mean(axis=0)) < error).all()


@pytest.mark.slow
@every
def test_training_ends_where_the_likelihood_is_greatest(loss):
    level = np.arange(6000) % 5
    truth = rows(loss, 5, seed=7, size=0.4)
    y = draws(loss, truth[level], seed=8)
    # Within a level all rows have one truth, so a full step of the spread is as right as a tenth.
    quick = clone(loss).set_params(**{"scale_step" if loss == Beta() else "distribution__scale_step": 1.0})
    assert all(regret < 0.02 for regret in regrets(quick, y, level, enough=0.01).values())


def test_zeros_are_fitted_as_binary_cross_entropy_fits_them(engine):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (3000, 2))
    zero = rng.random(3000) < 1 / (1 + np.exp(-2 * X[:, 0]))
    y = np.where(zero, 0.0, rng.gamma(2.0, 1.0, 3000) + 1e-3)
    params = {engine.rate: 0.1}
    both = engine.raw(engine.train(Hurdle(Gamma()), X, y, rounds=40, params=params), X)
    alone = engine.raw(engine.train(BinaryCrossEntropy(), X, zero.astype(float), rounds=40, params=params), X)
    assert np.corrcoef(both[:, 2], alone)[0, 1] > 0.99
    rest = engine.raw(engine.train(Gamma(), X[~zero], y[~zero], rounds=40, params=params), X)
    assert np.abs(both[:, 0] - rest[:, 0]).mean() < 0.1


def test_zeros_told_apart_by_a_feature_do_not_diverge(engine):
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (20_000, 3))
    y = np.where(X[:, 0] < 0.99, 0.0, np.exp(5 * X[:, 1] + 0.1 * rng.standard_normal(20_000)))
    loss = Hurdle(LogNormal())
    before = loss.value(y, np.tile(loss.initial_raw(y), (len(y), 1)))
    raw = engine.raw(engine.train(loss, X, y, rounds=30, params={engine.rate: 0.3}), X)
    assert loss.value(y, raw) < 0.6 * before


@pytest.mark.parametrize("loss", [Hurdle(Gamma()), *COUNTS], ids=repr)
@pytest.mark.parametrize("kind", ["no zeros", "all zeros", "one row", "one that is not"])
def test_odd_targets_train_and_predict(engine, loss, kind):
    X = np.arange(200.0)[:, None]
    # No other value that so many have: of such a one users are warned.
    y = np.resize(np.arange(1.0, 21.0), 200) if kind == "no zeros" else np.zeros(200)
    if kind == "one that is not":
        y[7] = 3.0
    if kind == "one row":
        X, y = X[:1], np.ones(1)
    model = engine.regressor(loss).fit(X, y)
    assert np.isfinite(model.predict(X)).all() and np.isfinite(model.log_likelihood(X, y))
    assert np.isfinite(model.predict_interval(X)).all()


def test_everything_of_a_fitted_model(engine, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 2))
    share = np.where(rng.random(2000) < 0.2, 0.0, np.where(rng.random(2000) < 0.1, 1.0, 0.0))
    y = np.where((rng.random(2000) < 0.6), rng.beta(3.0 * (1.2 + X[:, 0]), 3.0, 2000), share)
    y = np.clip(y.astype(np.float32), 0.0, 1.0).astype(float)
    model = engine.regressor(Hurdle(Beta(), at=(0.0, 1.0))).fit(X, y)
    assert model.predict_params(X).dtype.names == ("mean", "precision", "at_0", "at_1")
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.1
    assert model.crps(X, y) < np.abs(y - y.mean()).mean()
    inside = (model.predict_interval(X, 0.9) - y[:, None]) * [-1, 1] >= 0
    assert 0.85 < inside.all(axis=1).mean() <= 1.0
    sample = model.sample(X, 50, random_state=0)
    assert sample.shape == (2000, 50) and abs((sample == 0.0).mean() - (y == 0.0).mean()) < 0.03
    heights = plot_calibration(model, X, y).get_lines()
    assert heights
    model.save_model(tmp_path / "model.json")
    again = GBMRegressor.load_model(tmp_path / "model.json")
    assert again.loss == model.loss
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    model.calibrate(X[:500], y[:500])
    assert np.isfinite(model.predict_interval(X)).all()


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (Hurdle(LogNormal), TypeError, "distribution of Hurdle must be one of gbm_objectives.distributions"),
        (Hurdle(Hurdle(Gamma())), TypeError, "distribution of Hurdle must be a plain one"),
        (Hurdle(Normal(score="crps")), ValueError, "distribution of Hurdle must be fitted by its likelihood"),
        (Hurdle(Gamma(), at=(0.0, 0.0)), ValueError, "at of Hurdle must be finite numbers, each once"),
        (Hurdle(Gamma(), at="0"), TypeError, "at of Hurdle must be a number or a tuple of numbers"),
        (Hurdle(Gamma(), at=()), TypeError, "at of Hurdle must be a number or a tuple of numbers"),
        (Hurdle(NegativeBinomial(), at=1.0), ValueError, "at of Hurdle must be 0 for counts"),
        (ZeroInflated(Gamma()), ValueError, "ZeroInflated must be one of counts.*take Hurdle"),
        (ZeroInflated(BinaryCrossEntropy()), TypeError, "distribution of ZeroInflated must be one of"),
        (Hurdle(Gamma(scale_step=2.0)), ValueError, "scale_step of Gamma must be above 0"),
    ],
)
def test_what_cannot_be_wrapped_is_refused_by_name(engine, loss, error, message):
    with pytest.raises(error, match=message):
        engine.regressor(loss).fit(np.arange(20.0)[:, None], np.resize([0.0, 1.0, 2.0], 20))


@pytest.mark.parametrize(
    ("loss", "y", "rule"),
    [
        (Beta(), 1.0, "numbers above 0 and below 1"),
        (Beta(), 1.0 - 1e-16, "numbers above 0 and below 1"),
        (Hurdle(Beta()), 1.0, "0, or numbers above 0 and below 1"),
        (Hurdle(Gamma()), -1.0, "0, or numbers above 0"),
        (Hurdle(NegativeBinomial()), 0.5, "integers not below 0"),
    ],
    ids=repr,
)
def test_targets_outside_the_domain(engine, loss, y, rule):
    target = np.full(20, 0.5) if loss in (Beta(), Hurdle(Beta())) else np.ones(20)
    target[7] = y
    with pytest.raises(ValueError, match=rf"must be {rule}.* in row 7 \(1 such\)"):
        engine.regressor(loss).fit(np.arange(20.0)[:, None], target)


@pytest.mark.parametrize(
    ("loss", "values", "hint"),
    [
        (Beta(), [0.0, 0.5, 1.0], r"go into Hurdle\(Beta\(...\), at=\(0, 1\)\)"),
        (Beta(), [0.5, 1.0], r"go into Hurdle\(Beta\(...\), at=\(1,\)\)"),
        (Gamma(), [0.0, 2.0], r"go into Hurdle\(Gamma\(...\)\)"),
        (Gamma(), [0.0, -1.0, 2.0], r" such\)$"),
        (Hurdle(Beta()), [0.5, 1.0], r" such\)$"),
    ],
    ids=repr,
)
def test_values_at_the_ends_of_a_domain_are_sent_to_a_hurdle(engine, loss, values, hint):
    with pytest.raises(ValueError, match=hint):
        engine.regressor(loss).fit(np.arange(20.0)[:, None], np.resize(values, 20))


def test_a_value_beside_a_distribution_of_all_numbers():
    """No change at all, or a change of either sign: quantiles pass the value in the middle."""
    d = Hurdle(Laplace())._frozen(np.array([[1.0, 2.0, 0.4]]))
    below = 0.6 * stats.laplace(1.0, 2.0).cdf(0.0)
    assert d.ppf(below + 0.2)[0] == 0.0 and d.ppf(below - 0.01)[0] < 0.0 < d.ppf(below + 0.41)[0]
    assert d.mean()[0] == pytest.approx(0.6)


def test_a_distribution_without_a_mean_predicts_its_median():
    loss = Hurdle(LogLogistic())
    np.testing.assert_allclose(loss.predicted([[0.0, -1.0, -30.0], [0.0, 0.0, 1.0]]), [1.0, 0.0], atol=1e-9)


@pytest.mark.slow
@every
def test_check_loss(loss):
    check_loss(loss)


def test_values_that_float32_has_rounded():
    frozen = Hurdle(Normal(), at=(0.1, 0.7))._frozen(np.array([[0.0, 1.0, 0.3, 0.5]]))
    for value in (0.1, 0.7):
        rounded = np.array([value], np.float32)
        for method in ("pdf", "cdf", "sf", "probability"):
            assert getattr(frozen, method)(rounded) == getattr(frozen, method)([value])
