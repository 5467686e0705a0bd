"""Parameters, quantiles, intervals and their score: of distributions, and of losses with one common scale."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gbm_objectives import AbsoluteError, GammaDeviance, Hinge, Huber, PoissonDeviance, Quantile, SquaredError
from gbm_objectives.distributions import (
    Gamma,
    Laplace,
    LogNormal,
    NegativeBinomial,
    Normal,
    StudentT,
    Weibull,
    ZeroInflatedPoisson,
    crps,
)
from gbm_objectives.distributions.zero_inflated import zero_inflated_poisson

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (800, 2))
COUNTS = rng.poisson(np.exp(1 + X[:, 0])).astype(float)
REAL = 3 * X[:, 0] + np.exp(X[:, 1]) * rng.standard_normal(800)
POSITIVE = np.exp(0.5 * REAL)
TARGETS = {
    **dict.fromkeys(
        [Normal(), Laplace(), StudentT(), SquaredError(), AbsoluteError(), Huber(), Quantile(0.3)], REAL
    ),
    **dict.fromkeys([LogNormal(), Gamma(), Weibull(), GammaDeviance()], POSITIVE),
    **dict.fromkeys([NegativeBinomial(), ZeroInflatedPoisson(), PoissonDeviance()], COUNTS),
}
every = pytest.mark.parametrize("loss", TARGETS, ids=repr)


@pytest.fixture(scope="module")
def fitted():
    """Models of both engines, fitted once."""
    models = {}

    def fit(engine, loss):
        key = engine.name, loss
        if key not in models:
            models[key] = engine.regressor(loss).fit(X, TARGETS[loss])
        return models[key]

    return fit


@every
def test_quantiles_are_those_of_the_distribution(engine, fitted, loss):
    model = fitted(engine, loss)
    levels = [0.05, 0.5, 0.9]
    quantiles = model.predict_quantiles(X, levels)
    distribution = model.predict_distribution(X)
    assert quantiles.shape == (800, 3) and (np.diff(quantiles, axis=1) >= 0).all()
    for column, level in zip(quantiles.T, levels, strict=True):
        np.testing.assert_allclose(column, distribution.ppf(level), rtol=1e-12)
    np.testing.assert_allclose(model.predict_quantiles(X, 0.5), quantiles[:, 1:2], rtol=1e-12)
    np.testing.assert_allclose(model.predict_interval(X[:7], 0.9)[:, 0], quantiles[:7, 0], rtol=1e-12)
    inside = (model.predict_interval(X, 0.8) - TARGETS[loss][:, None]) * [-1, 1] >= 0
    assert 0.7 < inside.all(axis=1).mean() <= 1.0


@every
def test_params_are_a_named_table(engine, fitted, loss):
    model = fitted(engine, loss)
    table = model.predict_params(X)
    assert table.shape == (800,)
    if loss.outputs:
        assert table.dtype.names == tuple(output.name for output in loss.outputs)
        np.testing.assert_allclose(
            np.column_stack([table[name] for name in table.dtype.names]),
            loss.response(model.predict_raw(X).astype(float)),
        )
    else:
        has_scale = loss.noise.fit_scale is not None
        assert table.dtype.names == (("response", "noise_scale") if has_scale else ("response",))
        np.testing.assert_array_equal(table["response"], loss.response(model.predict_raw(X).astype(float)))
        assert not has_scale or (table["noise_scale"] == model.noise_scale_).all()
    pd = pytest.importorskip("pandas")
    assert list(pd.DataFrame(table).columns) == list(table.dtype.names)


@every
def test_the_score_is_that_of_samples(engine, fitted, loss):
    """E|y - a| - E|a - b|/2 for independent draws a and b (Gneiting and Raftery 2007, equation 21)."""
    model, y = fitted(engine, loss), TARGETS[loss]
    a, b = model.sample(X, 400, random_state=0), model.sample(X, 400, random_state=1)
    per_row = np.abs(y[:, None] - a).mean(axis=1) - 0.5 * np.abs(a - b).mean(axis=1)
    assert model.crps(X, y) == pytest.approx(per_row.mean(), rel=0.03)
    weight = rng.integers(0, 3, 800)
    repeated = model.crps(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert model.crps(X, y, weight) == pytest.approx(repeated, rel=1e-9)


@pytest.mark.parametrize(
    ("distribution", "closed"),
    [
        # Jordan, Krüger and Lerch (2019), *Evaluating probabilistic forecasts with scoringRules*, appendix A.
        (stats.laplace(), lambda y: np.abs(y) + np.exp(-np.abs(y)) - 0.75),
        (stats.norm(), lambda y: y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)),
        (stats.expon(), lambda y: np.abs(y) - 2 * stats.expon.cdf(y) + 0.5),
        (
            stats.uniform(),
            lambda y: np.abs(y - np.clip(y, 0, 1)) + np.clip(y, 0, 1) ** 2 - np.clip(y, 0, 1) + 1 / 3,
        ),
    ],
    ids=lambda d: d.dist.name if hasattr(d, "dist") else "",
)
def test_closed_forms(distribution, closed):
    y = np.array([-30.0, -1.0, 0.0, 0.3, 0.9, 1.0, 7.0, 1e6])
    np.testing.assert_allclose(
        crps(distribution, y), closed(y), rtol=3e-5 if "laplace" in distribution.dist.name else 1e-8
    )


def test_the_score_of_wide_counts():
    distribution, y = stats.nbinom(np.full(4, 0.5), 1e-4), np.array([0.0, 7.0, 20_000.0, 3e5])
    counts = np.arange(400_000)
    exact = [np.sum((stats.nbinom(0.5, 1e-4).cdf(counts) - (counts >= one)) ** 2) for one in y]
    np.testing.assert_allclose(crps(distribution, y), exact, rtol=1e-3)


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_the_score_of_targets_between_counts(shift):
    """E|X - y| - E|X - X'|/2, from the probabilities (Gneiting and Raftery 2007, equation 21)."""
    y = np.array([-1.5, -0.2, 0.0, 0.5, 1.999, 3.0, 3.7, 40.3])
    counts = np.arange(60) + shift
    p = stats.poisson.pmf(np.arange(60), 2.5)
    expected = np.abs(counts - y[:, None]) @ p - 0.5 * p @ np.abs(counts - counts[:, None]) @ p
    np.testing.assert_allclose(crps(stats.poisson(np.full(len(y), 2.5), loc=shift), y), expected, rtol=1e-7)


@pytest.mark.parametrize("mean", [1e4, 1e6, 1e8])
def test_the_score_of_large_counts_far_out(mean):
    y = mean + np.array([-6.0, 0.0, 4.0, 8.0]) * np.sqrt(mean)
    normal = crps(stats.norm(mean, np.sqrt(mean)), y)
    np.testing.assert_allclose(crps(stats.poisson(np.full(4, mean)), y), normal, rtol=0.01)
    np.testing.assert_allclose(crps(zero_inflated_poisson(np.full(4, mean), 1e-9), y), normal, rtol=0.01)


def test_heavy_tails_and_levels_where_nothing_is_beyond():
    with np.errstate(all="raise"):
        score = crps(stats.t(1.2), np.array([-1e8, 0.0, 1e8]))
        assert np.isfinite(score).all()
        np.testing.assert_allclose(score[[0, 2]], 1e8, rtol=1e-3)
    np.testing.assert_allclose(crps(stats.uniform(), np.array([-1.0, 2.0])), [4 / 3, 4 / 3])


def test_the_spread_follows_the_noise(engine):
    model = engine.regressor(Normal(scale_step=1.0), n_estimators=150).fit(X, REAL)
    scale = model.predict_params(X)["scale"]
    assert np.corrcoef(np.log(scale), X[:, 1])[0, 1] > 0.4
    width = np.diff(model.predict_interval(X, 0.9)).ravel()
    np.testing.assert_allclose(width, 2 * 1.6448536269514722 * scale, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: m.predict_quantiles(X, [0.5, 1.0]),
            ValueError,
            r"alpha must be above 0 and below 1, got 1.0$",
        ),
        (lambda m: m.predict_quantiles(X, "a"), TypeError, "alpha must be numbers"),
        (lambda m: m.predict_interval(X, 90), ValueError, "coverage must be above 0 and below 1, got 90"),
        (lambda m: m.predict_interval(X, "0.9"), TypeError, "coverage must be a number, got '0.9'"),
        (lambda m: m.crps(X, REAL[:5]), ValueError, "inconsistent numbers of samples"),
        (lambda m: m.crps(X, np.full(800, np.nan)), ValueError, "must be finite numbers, got nan in row 0"),
    ],
)
def test_bad_arguments(engine, fitted, call, error, message):
    with pytest.raises(error, match=message):
        call(fitted(engine, Normal()))


@pytest.mark.parametrize("method", ["predict_params", "predict_quantiles", "predict_interval", "crps"])
def test_a_loss_without_a_distribution_says_so(engine, method):
    from gbm_objectives import Expectile

    model = engine.regressor(Expectile(0.2)).fit(X, REAL)
    arguments = {"predict_quantiles": (X, 0.5), "crps": (X, REAL)}.get(method, (X,))
    with pytest.raises(ValueError, match=r"Expectile\(alpha=0.2\) has no noise"):
        getattr(model, method)(*arguments)
    assert not hasattr(engine.classifier(Hinge()), "predict_interval")
