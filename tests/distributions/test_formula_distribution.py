"""Distributions from a log-density alone: against SciPy, trained on both engines, saved, and refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from scipy import stats

from gbm_objectives import GBMRegressor, check_loss
from gbm_objectives.contract import POSITIVE
from gbm_objectives.contract.links import LOG, Output
from gbm_objectives.distributions import Distribution, FormulaDistribution, Gamma, Hurdle, crps

pytest.importorskip("sympy")

GUMBEL = FormulaDistribution(
    "-log(scale) - (y - loc)/scale - exp(-(y - loc)/scale)", {"loc": "identity", "scale": "log"}
)
INVERSE_GAUSS = FormulaDistribution(
    "log(lam)/2 - log(2*pi)/2 - 1.5*log(y) - lam*(y - mu)**2/(2*mu**2*y)",
    {"mu": "log", "lam": "log"},
    "positive",
)
BETA = FormulaDistribution(
    "loggamma(p) - loggamma(m*p) - loggamma((1 - m)*p) + (m*p - 1)*log(y) + ((1 - m)*p - 1)*log(1 - y)",
    {"m": "logit", "p": "log"},
    "probability",
)
STUDENT = FormulaDistribution(
    "loggamma((nu + 1)/2) - loggamma(nu/2) - log(pi*nu)/2 - log(s) - (nu + 1)/2*log(1 + ((y - m)/s)**2/nu)",
    {"m": "identity", "s": "log", "nu": "log"},
)
LAPLACE = FormulaDistribution("-log(2*b) - abs(y - m)/b", {"m": "identity", "b": "log"})
SCIPY = {
    GUMBEL: lambda p: stats.gumbel_r(p[:, 0], p[:, 1]),
    INVERSE_GAUSS: lambda p: stats.invgauss(p[:, 0] / p[:, 1], scale=p[:, 1]),
    BETA: lambda p: stats.beta(p[:, 0] * p[:, 1], (1 - p[:, 0]) * p[:, 1]),
    STUDENT: lambda p: stats.t(p[:, 2], p[:, 0], p[:, 1]),
    LAPLACE: lambda p: stats.laplace(p[:, 0], p[:, 1]),
}
every = pytest.mark.parametrize("loss", SCIPY, ids=["gumbel", "inverse_gauss", "beta", "student", "laplace"])


def rows(loss, n, seed=0):
    raw = 0.7 * np.random.default_rng(seed).standard_normal((n, loss.n_outputs))
    raw[:, -1] += 1.5
    return raw


@every
def test_the_distribution_is_scipys(loss):
    raw = rows(loss, 100)
    ours, scipys = loss._frozen(loss.response(raw)), SCIPY[loss](loss.response(raw))
    y = scipys.rvs(random_state=1)
    np.testing.assert_allclose(-loss.pointwise(y, raw), scipys.logpdf(y), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ours.cdf(y), scipys.cdf(y), atol=2e-6)
    np.testing.assert_allclose(ours.sf(y), scipys.sf(y), atol=2e-6)
    for level in (1e-4, 0.1, 0.5, 0.9, 1 - 1e-4):
        np.testing.assert_allclose(scipys.cdf(ours.ppf(level)), level, rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose(scipys.sf(ours.isf(level)), level, rtol=1e-5, atol=2e-6)
    if loss != STUDENT:
        np.testing.assert_allclose(ours.mean(), scipys.mean(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.std(), scipys.std(), rtol=1e-4)
    if loss not in (STUDENT, INVERSE_GAUSS):  # of which SciPy does not find the last quantiles
        np.testing.assert_allclose(crps(ours, y), crps(scipys, y), rtol=1e-3, atol=1e-5)


@every
@pytest.mark.parametrize("n", [20, 400])
def test_the_information_is_the_mean_squared_gradient(loss, n):
    """For few rows from an integral each, for many from a table."""
    raw = rows(loss, n)
    y = np.asarray(SCIPY[loss](loss.response(raw)).rvs(size=(4000, n), random_state=2))
    y = np.clip(y, loss.domain.low, loss.domain.high)
    squares = np.square([loss._gradient(one, raw) for one in y])
    fisher = loss._derivatives(y[0], raw)[1]
    ratio, error = squares.mean(axis=0) / fisher, squares.std(axis=0) / np.sqrt(len(y)) / fisher
    assert (np.abs(ratio - 1.0) < 6.0 * error + 0.01).mean() > 0.97


def test_the_information_of_gumbels_distribution_is_known():
    raw = np.random.default_rng(0).normal(0.0, 2.0, (5000, 2))
    fisher = GUMBEL._derivatives(raw[:, 0], raw)[1]
    np.testing.assert_allclose(fisher[:, 0], np.exp(-2.0 * raw[:, 1]), rtol=5e-3)
    np.testing.assert_allclose(fisher[:, 1], np.pi**2 / 6 + (1 - np.euler_gamma) ** 2, rtol=5e-3)


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_parameters_are_found_again(engine, unit):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (4000, 2))
    right = X[:, 0] > 0
    y = unit * stats.gumbel_r(np.where(right, 3.0, 0.0), np.where(right, 2.0, 0.5)).rvs(random_state=0)
    whole = FormulaDistribution(GUMBEL.log_density, GUMBEL.parameters, scale_step=1.0)
    raw = engine.raw(engine.train(whole, X, y, rounds=80, params={engine.size: 2, engine.rate: 0.2}), X)
    for side, loc, scale in ((right, 3.0, 2.0), (~right, 0.0, 0.5)):
        np.testing.assert_allclose(np.median(raw[side, 0]) / unit, loc, atol=0.2)
        np.testing.assert_allclose(np.exp(np.median(raw[side, 1])) / unit, scale, rtol=0.1)


def test_everything_of_a_fitted_model(engine, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 2))
    y = stats.invgauss(1.0, scale=np.exp(X[:, 0])).rvs(random_state=0)
    model = engine.regressor(INVERSE_GAUSS).fit(X, y)
    inside = (model.predict_interval(X, 0.9) - y[:, None]) * [-1, 1] >= 0
    assert 0.8 < inside.all(axis=1).mean() <= 1.0
    assert np.isfinite(model.crps(X, y)) and model.sample(X, 5, random_state=0).shape == (600, 5)
    assert model.log_likelihood(X, y) == pytest.approx(-600 * model.loss_.value(y, model.predict_raw(X)), rel=1e-6)
    model.save_model(tmp_path / "model.json")
    again = GBMRegressor.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


class ByHand(Distribution):
    """Gamma's formulas without SciPy's distribution."""

    outputs, domain = (Output("mean", LOG), Output("shape", LOG)), POSITIVE
    _pointwise, _derivatives = Gamma._pointwise, Gamma._derivatives
    _reach = Gamma._reach


def test_two_formulas_are_a_distribution(engine, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 2))
    y = rng.gamma(2.0, np.exp(X[:, 0]))
    ours, known = (engine.regressor(loss).fit(X, y) for loss in (ByHand(), Gamma()))
    np.testing.assert_allclose(ours.predict(X), known.predict(X), rtol=1e-3)
    np.testing.assert_allclose(ours.predict_interval(X), known.predict_interval(X), rtol=2e-3)
    assert ours.crps(X, y) == pytest.approx(known.crps(X, y), rel=1e-3)
    ours.save_model(tmp_path / "model.json")
    again = GBMRegressor.load_model(tmp_path / "model.json", loss=ByHand())
    np.testing.assert_array_equal(again.predict(X), ours.predict(X))


def test_a_formula_beside_zeros(engine):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 2))
    y = np.where(rng.random(400) < 0.4, 0.0, rng.gamma(2.0, np.exp(X[:, 0])) + 1e-3)
    model = engine.regressor(Hurdle(INVERSE_GAUSS)).fit(X, y)
    assert np.isfinite(model.predict(X)).all() and (model.predict_quantiles(X, [0.1]) == 0.0).any()


@pytest.mark.parametrize(
    ("log_density", "parameters", "domain", "message"),
    [
        ("-((y - m)/s)**2/2 - log(s)", {"m": "identity", "s": "log"}, "real", "2.50663.*subtract 0.918939"),
        ("-((y - m)/s)**2/2 - 0.918938533", {"m": "identity", "s": "log"}, "real", "must integrate to 1.*2.71828"),
        ("-log(s) - (y - m)/s", {"m": "identity", "s": "log"}, "real", "must integrate to 1"),
        ("-y/m - log(m)", {"m": "log"}, "positive", "must be two or more.*FormulaLoss"),
        ("-y/m - log(m)", {"m": "log", "k": "log"}, "positive", "must depend on 'k'"),
        ("-y/m - log(k)", {"m": "log"}, "positive", "two or more"),
        ("-y/m - log(q)", {"m": "log", "k": "log"}, "positive", "names 'q', which is neither y, the target"),
        ("-y/m", {"m": "log", "k": "probit"}, "positive", r"parameters\['k'\] .* must be one of 'identity'"),
        ("-y/m", {"m": "log", "y": "log"}, "positive", "must have a name of its own, got 'y'"),
        ("-y/m", {"m": "log", "k": "log"}, "counts", "domain_name of FormulaDistribution must be one of"),
        ("__import__('os')", {"m": "log", "k": "log"}, "real", "formula"),
    ],
)
def test_what_is_no_density_is_refused(engine, log_density, parameters, domain, message):
    loss = FormulaDistribution(log_density, parameters, domain)
    with pytest.raises(ValueError, match=message):
        engine.regressor(loss).fit(np.arange(20.0)[:, None], np.arange(1.0, 21.0))


class TooSmall(Gamma):
    def _pointwise(self, y_true, raw_prediction):
        return super()._pointwise(y_true, raw_prediction) - 0.1


def test_check_loss_tells_a_density_that_does_not_integrate_to_one():
    with pytest.raises(AssertionError, match=r"exp\(-pointwise\) sums to"):
        check_loss(TooSmall())


@pytest.mark.slow
@pytest.mark.parametrize("loss", [GUMBEL, ByHand()], ids=["gumbel", "by_hand"])
def test_check_loss(loss):
    check_loss(loss)


def test_rows_without_a_mean_have_their_median():
    """Lomax's distribution has a mean from a shape of 1 on, and a variance from 2 on."""
    lomax = FormulaDistribution(
        "log(2*half) - log(scale) - (2*half + 1)*log(1 + y/scale)", {"scale": "log", "half": "log"}, "positive"
    )
    shape = np.array([0.1, 0.9, 1.0, 1.5, 3.0])
    parameters = np.column_stack([np.full(5, 7.0), shape / 2])
    known = stats.lomax(shape, scale=7.0)
    frozen = lomax._frozen(parameters)
    np.testing.assert_allclose(frozen.mean(), known.mean(), rtol=1e-6)
    assert np.isinf(frozen.var()[3]) and np.isclose(frozen.var()[4], known.var()[4])
    expected = np.where(shape > 1.0, known.mean(), known.median())
    np.testing.assert_allclose(lomax.predicted(np.log(parameters)), expected, rtol=1e-6)
    hurdle, some = Hurdle(lomax), np.column_stack([np.log(parameters), np.full(5, -40.0)])
    np.testing.assert_allclose(hurdle.predicted(some), expected, rtol=1e-6)
    cauchy = FormulaDistribution(
        "-log(scale) - log(3.141592653589793) - log(1 + ((y - loc)/scale)**2)", {"loc": "identity", "scale": "log"}
    )
    assert np.isnan(cauchy._frozen(np.array([[2.0, 1.0]])).mean()).all()
    np.testing.assert_allclose(cauchy.predicted([[2.0, 0.0], [-3e6, 9.0]]), [2.0, -3e6], atol=1e-4)


def test_equal_targets_leave_a_point():
    normal = FormulaDistribution(
        "-log(scale) - log(2*3.141592653589793)/2 - ((y - loc)/scale)**2/2", {"loc": "identity", "scale": "log"}
    )
    model = GBMRegressor(normal, LGBMRegressor(n_estimators=5, verbosity=-1)).fit([[0.0]] * 50, [3.0] * 50)
    np.testing.assert_allclose(model.predict([[0.0]]), [3.0])
    np.testing.assert_allclose(model.predict_interval([[0.0]]), [[3.0, 3.0]])
    frozen = normal._frozen(np.array([[3.0, 1e-17], [3.0, 1.0]]))
    np.testing.assert_allclose(frozen.cdf([[2.9], [3.0]]), [[0.0, stats.norm.cdf(-0.1)], [1.0, 0.5]], atol=1e-9)
    np.testing.assert_allclose(frozen.sf([[2.9], [3.0]]), [[1.0, stats.norm.sf(-0.1)], [0.0, 0.5]], atol=1e-9)
    np.testing.assert_allclose(frozen.std(), [0.0, 1.0], rtol=1e-6)


def test_a_row_where_the_density_vanishes_is_infinite_without_a_warning():
    gumbel = "-log(scale) - (y - loc)/scale - exp(-(y - loc)/scale)"
    loss = FormulaDistribution(gumbel, {"loc": "identity", "scale": "log"})
    assert loss.pointwise([-1250.0], [[0.0, 0.0]]) == np.inf  # exp(1250)
