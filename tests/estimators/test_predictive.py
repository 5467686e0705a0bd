"""One predictive object: the distributions of several quantiles, and those of calibrated models."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from gbm_objectives import (
    AbsoluteError,
    Expectile,
    GBMRegressor,
    Hinge,
    MultiQuantile,
    PoissonDeviance,
    SquaredError,
)
from gbm_objectives.distributions import (
    Gamma,
    Normal,
    PiecewiseCounts,
    PiecewiseNormal,
    ZeroInflatedPoisson,
    crps,
)
from gbm_objectives.estimators.calibrated import LEVELS, told_apart
from gbm_objectives.plotting import plot_calibration, plot_prediction_interval

RNG = np.random.default_rng(0)
QUANTILES = MultiQuantile((0.05, 0.25, 0.5, 0.75, 0.95))
LOSSES = [QUANTILES, Normal(), Gamma(), SquaredError(), AbsoluteError()]
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)
PERCENT = np.arange(1, 100) / 100
KNOWN = LEVELS[told_apart(999)]


def data(n, rng=RNG):
    X = rng.uniform(-1, 1, (n, 3))
    return X, np.exp(X[:, 0] + (0.2 + 0.6 * (X[:, 1] > 0)) * rng.standard_normal(n))


X, Y = data(400)
X_KNOWN, Y_KNOWN = data(999)
X_NEW, Y_NEW = data(4000)


@pytest.fixture(scope="module")
def fitted():
    """Models of both engines, fitted and calibrated once; without calibration a copy."""
    models = {}

    def fit(engine, loss):
        key = engine.name, loss
        if key not in models:
            models[key] = engine.regressor(loss).fit(X, Y)
        models[key].calibration_ = None
        return models[key]

    return fit


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_several_quantiles_have_a_distribution(engine, unit):
    model = engine.regressor(QUANTILES).fit(X, unit * Y)
    distribution = model.predict_distribution(X_NEW)
    assert isinstance(distribution, PiecewiseNormal)
    np.testing.assert_array_equal(distribution.ppf(np.array(QUANTILES.alphas)[:, None]).T, model.predict(X_NEW))
    levels = np.array([1e-4, 0.01, 0.3, 0.9, 0.999])
    np.testing.assert_array_equal(distribution.ppf(levels[:, None]).T, model.predict_quantiles(X_NEW, levels))
    np.testing.assert_array_equal(distribution.interval(0.5), model.predict_interval(X_NEW, 0.5).T)
    # It fits its targets about as well as distributions do.
    other = engine.regressor(Normal()).fit(X, unit * Y)
    assert model.crps(X_NEW, unit * Y_NEW) < 1.05 * other.crps(X_NEW, unit * Y_NEW)
    assert model.crps(X_NEW, unit * Y_NEW) == pytest.approx(crps(distribution, unit * Y_NEW).mean())
    likelihood = distribution.logpdf(unit * Y_NEW).sum()
    assert model.log_likelihood(X_NEW, unit * Y_NEW) == pytest.approx(likelihood)
    weight = np.arange(4000.0)
    weighted = model.log_likelihood(X_NEW, unit * Y_NEW, weight)
    assert weighted == pytest.approx(weight @ distribution.logpdf(unit * Y_NEW))
    # Of the seed 0, NumPy's own uniform numbers fail this test: a p-value of .0002 in the second row.
    draws = model.sample(X_NEW[:5], 3000, random_state=1)
    assert draws.shape == (5, 3000)
    for i, row in enumerate(draws):
        assert stats.kstest(row, model.predict_distribution(X_NEW[i : i + 1]).cdf).pvalue > 1e-3


def test_an_offset_moves_it(engine):
    shift = np.linspace(-50, 50, 400)
    model = engine.regressor(QUANTILES).fit(X, Y + shift, init_score=shift)
    moved, own = model.predict_distribution(X, offset=shift), model.predict_distribution(X)
    np.testing.assert_allclose(moved.median(), own.median() + shift, atol=1e-4)
    np.testing.assert_allclose(moved.sf(shift + 2.0), own.sf(2.0), atol=1e-4)
    known = np.zeros(999)
    model.calibrate(X_KNOWN, Y_KNOWN, offset=known)
    moved, own = model.predict_distribution(X, offset=shift), model.predict_distribution(X)
    np.testing.assert_allclose(moved.mean(), own.mean() + shift, atol=1e-3)


def test_where_quantiles_are_equal_there_is_no_density(engine):
    y = np.where(X[:, 0] > -2.0, 3.0, Y)
    model = engine.regressor(QUANTILES).fit(X, y)
    distribution = model.predict_distribution(X)
    assert np.isinf(distribution.pdf(3.0)).all() and model.crps(X, y) == 0.0
    with pytest.raises(ValueError, match=r"no density, got 3\.0 in row 0 \(400 such\); crps has no such limit"):
        model.log_likelihood(X, y)


@losses
def test_calibrated_distributions(engine, fitted, loss):
    model = fitted(engine, loss)
    own, likelihood = model.predict_distribution(X_NEW), model.log_likelihood(X_NEW, Y_NEW)
    before = model.crps(X_NEW, Y_NEW)
    model.calibrate(X_KNOWN, Y_KNOWN)
    distribution = model.predict_distribution(X_NEW)
    assert isinstance(distribution, PiecewiseNormal)
    # Where no quantiles cross, it has those of predict_quantiles, to the last digit; elsewhere nearly.
    expected, got = model.predict_quantiles(X_NEW, KNOWN), distribution.ppf(KNOWN[:, None]).T
    in_order = (np.diff(expected, axis=1) >= 0).all(axis=1)
    assert in_order.mean() > (0.2 if loss is QUANTILES else 0.9)  # else little would be compared
    np.testing.assert_array_equal(got[in_order], expected[in_order])
    assert (np.diff(got, axis=1) >= 0).all()
    assert (np.abs(got - expected) / distribution.std()[:, None]).mean() < 0.005
    # Targets lie in it where they should; of 999 rows the largest deviation is .043 in 95% of all calibrations.
    share = distribution.cdf(Y_NEW)
    assert stats.kstest(share, "uniform").statistic < 0.06
    # The tails are the model's own, moved.
    assert np.isfinite(distribution.ppf(1e-9)).all() and np.isfinite(distribution.isf(1e-9)).all()
    far, moved = (one.ppf(1 - 1e-5) - one.ppf(0.999) for one in (distribution, own))
    np.testing.assert_allclose(far[in_order], moved[in_order], rtol=1e-6, atol=1e-6)
    # Scores and draws are its own; likelihood and mean the model's.
    after = model.crps(X_NEW, Y_NEW)
    assert after == pytest.approx(crps(distribution, Y_NEW).mean()) and after < 1.02 * before
    assert model.log_likelihood(X_NEW, Y_NEW) == likelihood
    draws = model.sample(X_NEW[:3], 4000, random_state=0)
    for i, row in enumerate(draws):
        assert abs(np.mean(row > 2.0) - distribution.sf(2.0)[i]) < 0.04
    own_mean = distribution.mean()[:3]
    np.testing.assert_allclose(draws.mean(axis=1), own_mean, atol=5 * (distribution.std()[:3] / 60).max())
    assert (draws >= loss.domain.low).all()


@pytest.mark.parametrize("n", [1, 3, 20, 99])
def test_few_rows_of_calibration(engine, fitted, n):
    model = fitted(engine, Normal()).calibrate(X_KNOWN[:n], Y_KNOWN[:n])
    distribution, own = model.predict_distribution(X_NEW), engine.regressor(Normal()).fit(X, Y)
    step = {1: 50, 3: 25, 20: 5, 99: 1}[n]
    levels = np.arange(step, 100, step) / 100
    np.testing.assert_array_equal(
        distribution.ppf(levels[:, None]).T, np.sort(model.predict_quantiles(X_NEW, levels), axis=1)
    )
    # Beyond them, as far as there.
    tail = own.predict_distribution(X_NEW).isf(np.array([[levels[0]], [1e-4]]))
    far = distribution.isf(np.array([[levels[0]], [1e-4]]))
    np.testing.assert_allclose(np.diff(far, axis=0), np.diff(tail, axis=0), rtol=1e-6, atol=1e-6)


def test_by_group(engine, fitted):
    model, groups, new = fitted(engine, SquaredError()), X_KNOWN[:, 1] > 0, X_NEW[:, 1] > 0
    model.calibrate(X_KNOWN, Y_KNOWN, groups=groups)
    distribution = model.predict_distribution(X_NEW, groups=new)
    np.testing.assert_array_equal(
        distribution.ppf(PERCENT[:, None]).T, model.predict_quantiles(X_NEW, PERCENT, groups=new)
    )
    for one in (True, False):
        assert stats.kstest(distribution.cdf(Y_NEW)[new == one], "uniform").statistic < 0.09
    alone = model.predict_distribution(X_NEW[~new], groups=new[~new])
    np.testing.assert_array_equal(alone.mean(), distribution.mean()[~new])
    # A group of few rows, whose levels are farther apart.
    few = np.where(np.arange(999) < 9, "few", "many")
    model.calibrate(X_KNOWN, Y_KNOWN, groups=few)
    of_few = model.predict_distribution(X_NEW, groups=["few"] * 4000)
    expected = model.predict_quantiles(X_NEW, [0.1, 0.5, 0.9], groups=["few"] * 4000)
    np.testing.assert_array_equal(of_few.ppf([[0.1], [0.5], [0.9]]).T, expected)
    assert model.crps(X_NEW, Y_NEW, groups=["many"] * 4000) > 0
    assert model.sample(X_NEW, 2, 0, groups=["many"] * 4000).shape == (4000, 2)
    for call in (model.predict_distribution, model.sample, lambda X: model.crps(X, Y_NEW)):
        with pytest.raises(ValueError, match="groups must be given, an entry for each row"):
            call(X_NEW)
    with pytest.raises(ValueError, match="the group 'none' was not among those of calibrate"):
        model.predict_distribution(X_NEW, groups=["none"] * 4000)
    model.calibrate(X_KNOWN, Y_KNOWN)
    with pytest.raises(ValueError, match="groups must be left out: calibrate had none"):
        model.predict_distribution(X_NEW, groups=new)
    model.calibration_ = None
    with pytest.raises(ValueError, match="groups must be left out: the model is not calibrated"):
        model.predict_distribution(X_NEW, groups=new)
    classifier = engine.classifier().fit(X, Y > 1).calibrate(X_KNOWN, Y_KNOWN > 1, groups=groups)
    with pytest.raises(ValueError, match="groups must be left out: calibrate of a classifier makes sets"):
        classifier.predict_distribution(X_NEW, groups=new)
    own = classifier.predict_distribution(X_NEW).mean()
    np.testing.assert_allclose(own, classifier.predict_proba(X_NEW)[:, 1], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [PoissonDeviance(), ZeroInflatedPoisson()], ids=repr)
def test_counts_stay_counts(engine, loss):
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (3000, 2))
    y = rng.poisson(np.exp(1 + X[:, 0])).astype(float)
    model = engine.regressor(loss).fit(X[:1000], y[:1000])
    before = model.crps(X[2000:], y[2000:])
    model.calibrate(X[1000:2000], y[1000:2000])
    distribution = model.predict_distribution(X[2000:])
    assert isinstance(distribution, PiecewiseCounts)
    expected, got = model.predict_quantiles(X[2000:], KNOWN), distribution.ppf(KNOWN[:, None]).T
    in_order = (np.diff(expected, axis=1) >= 0).all(axis=1)
    assert in_order.mean() > 0.3
    np.testing.assert_array_equal(got[in_order], expected[in_order])
    draws = model.sample(X[2000:], 20, random_state=0)
    assert (draws == np.floor(draws)).all() and (draws >= 0).all()
    assert (distribution.cdf(-1.0) == 0).all()
    assert model.crps(X[2000:], y[2000:]) < 1.05 * before
    share = distribution.cdf(y[2000:] - 1), distribution.cdf(y[2000:])
    between = share[0] + rng.uniform(size=1000) * (share[1] - share[0])
    assert stats.kstest(between, "uniform").statistic < 0.1
    plot_calibration(model, X[2000:], y[2000:], Figure().subplots())


@losses
def test_after_loading_it_is_the_same(engine, fitted, loss, tmp_path):
    groups = np.where(X_KNOWN[:, 1] > 0, "a", "b")
    weight = np.random.default_rng(0).uniform(0, 2, 999)
    model = fitted(engine, loss).calibrate(X_KNOWN, Y_KNOWN, weight, groups)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    both = [one.predict_distribution(X_NEW, groups=["a", "b"] * 2000) for one in (model, loaded)]
    for method in ("mean", "var", "median"):
        np.testing.assert_array_equal(*(getattr(one, method)() for one in both))
    np.testing.assert_array_equal(*(one.ppf(LEVELS[:, None]) for one in both))


@losses
def test_plots(engine, fitted, loss):
    model = fitted(engine, loss)
    own = plot_calibration(model, X_NEW, Y_NEW, Figure().subplots(), kind="reliability").lines[-1].get_ydata()
    groups, new = X_KNOWN[:, 1] > 0, X_NEW[:, 1] > 0
    model.calibrate(X_KNOWN, Y_KNOWN, groups=groups)
    ax = plot_calibration(model, X_NEW, Y_NEW, Figure().subplots(), kind="reliability", groups=new)
    coverage = np.linspace(0, 1, 101)
    calibrated = ax.lines[-1].get_ydata()
    assert np.abs(calibrated - coverage).max() < max(0.07, 0.8 * np.abs(own - coverage).max())
    plot_prediction_interval(model, X_NEW, ax=Figure().subplots(), groups=new, offset=np.zeros(4000))


def test_what_has_no_distribution_says_so(engine):
    for model in (engine.regressor(Expectile(0.3)).fit(X, Y), engine.classifier(Hinge()).fit(X, Y > 1)):
        for call in (model.predict_distribution, model.sample):
            with pytest.raises(ValueError, match="has no noise, thus no distribution"):
                call(X)
