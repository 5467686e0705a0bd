"""Losses as negative log-likelihoods: densities, scales, samples; and what the estimators make of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from sklearn.datasets import load_diabetes, load_wine

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GBMRegressor,
    Hinge,
    Huber,
    Quantile,
    SigmoidSquaredError,
    SquaredError,
)
from tests.engine import LIGHTGBM

REAL = [
    SquaredError(),
    AbsoluteError(),
    Huber(0.3),
    Huber(1.0),
    Huber(20.0),
    Quantile(0.1),
    Quantile(0.5),
    Quantile(0.97),
]
real = pytest.mark.parametrize("loss", REAL, ids=repr)
scales = pytest.mark.parametrize("scale", [0.04, 1.0, 30.0])


@real
@scales
def test_minus_log_density_is_the_loss_over_the_scale(loss, scale):
    rng = np.random.default_rng(0)
    y, raw = 3 * rng.standard_normal(300), 3 * rng.standard_normal(300)
    constant = loss.noise.distribution(raw, scale).logpdf(y) + loss.pointwise(y, raw) / scale
    np.testing.assert_allclose(constant, constant[0], rtol=0, atol=1e-10)


def test_minus_log_probability_is_the_cross_entropy():
    rng = np.random.default_rng(0)
    raw, label = rng.standard_normal(300), rng.integers(0, 2, 300)
    loss = BinaryCrossEntropy()
    log_p = loss.noise.distribution(loss.response(raw), 1.0).logpmf(label)
    np.testing.assert_allclose(-log_p, loss.pointwise(label, raw), atol=1e-10)
    loss, raw, label = CategoricalCrossEntropy(4), rng.standard_normal((300, 4)), rng.integers(0, 4, 300)
    log_p = loss.noise.distribution(loss.response(raw), 1.0).logpmf(np.eye(4)[label])
    np.testing.assert_allclose(-log_p, loss.pointwise(label, raw), atol=1e-10)


@real
def test_scale_is_the_argmax_of_the_likelihood(loss):
    rng = np.random.default_rng(1)
    y, raw = 2 * rng.standard_normal(400), rng.standard_normal(400)

    def negative(log_scale):
        return -loss.noise.distribution(raw, np.exp(log_scale)).logpdf(y).sum()

    best = optimize.minimize_scalar(negative, bracket=(-1, 1), tol=1e-12)
    assert loss.noise.fit_scale(loss.value(y, raw)) == pytest.approx(np.exp(best.x), rel=1e-5)


@pytest.mark.parametrize("wanted", [1e-12, 1e-3, 0.3, 2.0, 1e3, 1e9])
def test_huber_scale_at_any_size(wanted):
    loss = Huber(0.5)
    scale = loss.noise.fit_scale(wanted)
    # The equation of the maximum: the mean loss under the model is the mean loss observed.
    k = 0.5 / np.sqrt(scale)
    distribution = loss.noise.distribution(0.0, scale)
    half, _ = integrate.quad(
        lambda q: loss.pointwise([0.0], [distribution.ppf(q)])[0] / wanted, 0.5, 1, limit=200, epsabs=1e-10
    )
    assert 2 * half == pytest.approx(1, rel=1e-4), k


@pytest.mark.parametrize("k", [0.05, 1.0, 4.0])
def test_huber_distribution_is_one(k):
    # SciPy computes cdf and variance from the density by quadrature: the oracle of our closed forms.
    ours = Huber(k).noise.distribution(0.0, 1.0)
    assert integrate.quad(ours.pdf, -np.inf, np.inf, limit=500)[0] == pytest.approx(1, abs=1e-6)
    for z in (-3.0, -k, -0.3 * k, 0.0, 0.5, k, 7.0):
        # Quadrature does not like the joint at k.
        joint = np.clip(z, -k, k)
        integral = integrate.quad(ours.pdf, 0, joint)[0] + integrate.quad(ours.pdf, joint, z)[0]
        assert ours.cdf(z) == pytest.approx(0.5 + integral, abs=1e-9)
        assert ours.sf(z) == pytest.approx(1 - ours.cdf(z), abs=1e-12)
    q = np.array([0.0, 1e-9, 0.01, 0.3, 0.5, 0.8, 0.9999, 1.0])
    np.testing.assert_allclose(ours.cdf(ours.ppf(q)), q, rtol=1e-6, atol=1e-15)
    assert ours.ppf(0) == -np.inf and ours.ppf(1) == np.inf
    second = 2 * integrate.quad(lambda z: z * z * ours.pdf(z), 0, np.inf)[0]
    assert ours.var() == pytest.approx(second, rel=1e-6)


@real
@scales
def test_samples_come_from_the_distribution(loss, scale):
    distribution = loss.noise.distribution(np.full(4000, 2.0), scale)
    sample = distribution.rvs(random_state=0)
    one = loss.noise.distribution(2.0, scale)
    assert stats.kstest(sample, one.cdf).pvalue > 0.01
    # Not only against its own cdf: the mean loss of the sample gives the scale back.
    assert loss.noise.fit_scale(loss.value(sample, np.full(4000, 2.0))) == pytest.approx(scale, rel=0.1)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Huber(20.0), Quantile(0.9)], ids=repr)
def test_regressor(engine, loss, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = engine.regressor(loss, n_estimators=20)
    weight = np.random.default_rng(0).uniform(0.5, 2, 300)
    model.fit(X[:300], y[:300], weight)
    raw = model.predict_raw(X[:300])
    assert model.noise_scale_ == pytest.approx(loss.noise.fit_scale(loss.value(y[:300], raw, weight)))
    model.fit(X[:300], y[:300], eval_set=[(X[:300], y[:300]), (X[300:], y[300:])])
    raw = model.predict_raw(X[300:])
    assert model.noise_scale_ == pytest.approx(loss.noise.fit_scale(loss.value(y[300:], raw)))
    # No other scale is more likely on the evaluation set.
    best = model.log_likelihood(X[300:], y[300:])
    assert best == pytest.approx(model.predict_distribution(X[300:]).logpdf(y[300:]).sum())
    for factor in (0.95, 1.05):
        assert loss.noise.distribution(raw, factor * model.noise_scale_).logpdf(y[300:]).sum() < best
    weight = np.arange(142.0)
    weighted = model.log_likelihood(X[300:], y[300:], weight)
    assert weighted == pytest.approx(weight @ model.predict_distribution(X[300:]).logpdf(y[300:]))
    sample = model.sample(X[:3], n_samples=2000, random_state=0)
    assert sample.shape == (3, 2000)
    np.testing.assert_array_equal(sample, model.sample(X[:3], n_samples=2000, random_state=0))
    for row, f in zip(sample, model.predict(X[:3]), strict=True):
        assert stats.kstest(row, loss.noise.distribution(f, model.noise_scale_).cdf).pvalue > 0.001
    model.save_model(tmp_path / "model.json")
    again = GBMRegressor.load_model(tmp_path / "model.json")
    assert again.log_likelihood(X[300:], y[300:]) == pytest.approx(best)


@pytest.mark.parametrize("classes", [2, 3])
def test_classifier(engine, classes):
    X, y = load_wine(return_X_y=True)
    X, y = X[y < classes], np.array(["a", "b", "c"])[y[y < classes]]
    model = engine.classifier(n_estimators=5, learning_rate=0.05).fit(X, y)
    assert model.noise_scale_ is None
    p = model.predict_proba(X)
    codes = np.searchsorted(model.classes_, y)
    expected = np.log(p[np.arange(len(y)), codes])
    assert model.log_likelihood(X, y) == pytest.approx(expected.sum())
    assert model.log_likelihood(X, y, np.arange(len(y))) == pytest.approx(np.arange(len(y)) @ expected)
    distribution = model.predict_distribution(X)
    target = codes if classes == 2 else np.eye(3)[codes]
    np.testing.assert_allclose(distribution.logpmf(target), expected, rtol=1e-6)
    sample = model.sample(X[::20], n_samples=4000, random_state=0)
    shares = np.stack([(sample == label).mean(axis=1) for label in model.classes_], axis=1)
    np.testing.assert_allclose(shares, p[::20], atol=0.04)


def test_errors():
    X, y = load_diabetes(return_X_y=True)
    binary = y > 150
    for loss in (Hinge(), SigmoidSquaredError()):
        model = LIGHTGBM.classifier(loss, n_estimators=2).fit(X, binary)
        assert loss.noise is None and model.noise_scale_ is None
        for call in (lambda m: m.predict_distribution(X), lambda m: m.sample(X), lambda m: m.log_likelihood(X, y)):
            with pytest.raises(ValueError, match="has no noise, thus no distribution"):
                call(model)
    model = LIGHTGBM.regressor(AbsoluteError(), n_estimators=20).fit(X, y)
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        model.sample(X, n_samples=0)
    with pytest.raises(TypeError, match=r"n_samples must be an integer, got 1\.5"):
        model.sample(X, n_samples=1.5)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.log_likelihood(X, y[:-1])
    with pytest.raises(ValueError, match="finite numbers, got nan in row 0"):
        model.log_likelihood(X, np.full(len(y), np.nan))
    model.fit(X, np.ones(len(y)))
    with pytest.raises(ValueError, match="all residuals are 0"):
        model.predict_distribution(X)
