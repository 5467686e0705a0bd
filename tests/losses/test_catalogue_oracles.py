"""The catalogue against scikit-learn, SciPy and other libraries' formulas, and its members among themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats
from sklearn import metrics
from sklearn._loss import loss as sklearn_loss

from gbm_objectives import (
    AbsoluteError,
    AbsolutePercentageError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CategoricalFocal,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Fair,
    Focal,
    GammaDeviance,
    Huber,
    LogCosh,
    PoissonDeviance,
    PseudoHuber,
    SquaredError,
    SquaredHinge,
    SquaredLogError,
    Tukey,
    TweedieDeviance,
    WeightedCrossEntropy,
    Welsch,
)

RNG = np.random.default_rng(0)
N = 300
Y, RAW, WEIGHT = RNG.standard_normal(N), RNG.standard_normal(N), RNG.uniform(0, 2, N)
POSITIVE, COUNTS, LABELS = RNG.gamma(2, 1, N), RNG.poisson(2, N).astype(float), RNG.integers(0, 2, N)
CLASSES, SCORES = RNG.integers(0, 4, N), RNG.standard_normal((N, 4))
SIGNS = 2.0 * LABELS - 1


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("loss", "y", "raw", "oracle"),
    [
        (
            PoissonDeviance(),
            COUNTS,
            RAW,
            lambda w: metrics.mean_poisson_deviance(COUNTS, np.exp(RAW), sample_weight=w),
        ),
        (
            GammaDeviance(),
            POSITIVE,
            RAW,
            lambda w: metrics.mean_gamma_deviance(POSITIVE, np.exp(RAW), sample_weight=w),
        ),
        (
            TweedieDeviance(1.3),
            COUNTS,
            RAW,
            lambda w: metrics.mean_tweedie_deviance(COUNTS, np.exp(RAW), power=1.3, sample_weight=w),
        ),
        (
            SquaredLogError(),
            COUNTS,
            RAW,
            lambda w: (
                metrics.mean_squared_log_error(COUNTS, np.expm1(RAW), sample_weight=w)
                if RAW.min() > 0
                else np.average((RAW - np.log1p(COUNTS)) ** 2, weights=w)
            ),
        ),
        (
            AbsolutePercentageError(),
            POSITIVE,
            RAW,
            lambda w: metrics.mean_absolute_percentage_error(POSITIVE, RAW, sample_weight=w),
        ),
        (PseudoHuber(0.7), Y, RAW, lambda w: np.average(special.pseudo_huber(0.7, Y - RAW), weights=w)),
        # CatBoost's documented formulas
        (LogCosh(), Y, RAW, lambda w: np.average(np.log(np.cosh(RAW - Y)), weights=w)),
        (Expectile(0.3), Y, RAW, lambda w: np.average(np.abs(0.3 - (Y < RAW)) * (Y - RAW) ** 2, weights=w)),
        (EpsilonInsensitive(0.4), Y, RAW, lambda w: np.average(np.maximum(np.abs(Y - RAW) - 0.4, 0), weights=w)),
        # Holland and Welsch (1977), with their constants
        (
            Fair(1.4),
            Y,
            RAW,
            lambda w: np.average(1.96 * (abs(Y - RAW) / 1.4 - np.log1p(abs(Y - RAW) / 1.4)), weights=w),
        ),
        (Welsch(2.0), Y, RAW, lambda w: np.average(2 * (1 - np.exp(-(((Y - RAW) / 2) ** 2))), weights=w)),
        (SquaredHinge(), SIGNS, RAW, lambda w: np.average(np.maximum(0, 1 - SIGNS * RAW) ** 2, weights=w)),
        (
            WeightedCrossEntropy(3.0),
            LABELS,
            RAW,
            lambda w: np.average(
                np.where(LABELS, 3.0, 1.0) * -np.log(np.where(LABELS, special.expit(RAW), special.expit(-RAW))),
                weights=w,
            ),
        ),
        (
            Focal(2.0, alpha=0.25),
            LABELS,
            RAW,
            lambda w: np.average(
                np.where(LABELS, 0.25, 0.75)
                * special.expit(-SIGNS * RAW) ** 2
                * -np.log(special.expit(SIGNS * RAW)),
                weights=w,
            ),
        ),
    ],
    ids=lambda value: repr(value) if hasattr(value, "pointwise") else "",
)
def test_values(loss, y, raw, oracle, weight):
    assert loss.value(y, raw, weight) == pytest.approx(oracle(weight), rel=1e-10)


@pytest.mark.parametrize(
    ("loss", "oracle", "y", "factor"),
    [
        # scikit-learn's halves lack what depends on the target alone.
        (PoissonDeviance(), sklearn_loss.HalfPoissonLoss(), COUNTS, 2.0),
        (GammaDeviance(), sklearn_loss.HalfGammaLoss(), POSITIVE, 2.0),
        (TweedieDeviance(1.3), sklearn_loss.HalfTweedieLoss(power=1.3), COUNTS, 2.0),
        (Exponential(), sklearn_loss.ExponentialLoss(), LABELS.astype(float), 1.0),
        (Huber(0.5), sklearn_loss.HuberLoss(delta=0.5), Y, 1.0),
    ],
    ids=lambda value: repr(value) if hasattr(value, "pointwise") else "",
)
def test_gradients_of_scikit_learn(loss, oracle, y, factor):
    gradient, hessian = oracle.gradient_hessian(y, RAW)
    np.testing.assert_allclose(loss.gradient(y, RAW), factor * gradient, rtol=1e-10, atol=1e-12)
    if loss.curvature_kind == "exact":
        np.testing.assert_allclose(loss.curvature(y, RAW), factor * hessian, rtol=1e-10)


@pytest.mark.parametrize(
    ("loss", "same", "y", "raw"),
    [
        (TweedieDeviance(1.0), PoissonDeviance(), COUNTS, RAW),
        (TweedieDeviance(2.0), GammaDeviance(), POSITIVE, RAW),
        (TweedieDeviance(2.0 - 1e-7), GammaDeviance(), POSITIVE, RAW),
        (Focal(0.0), BinaryCrossEntropy(), LABELS, RAW),
        (CategoricalFocal(4, 0.0), CategoricalCrossEntropy(4), CLASSES, SCORES),
        (WeightedCrossEntropy(1.0), BinaryCrossEntropy(), LABELS, RAW),
        (EpsilonInsensitive(0.0), AbsoluteError(), Y, RAW),
        (Expectile(0.5), SquaredError(), Y, RAW),
        (Cauchy(1e6), SquaredError(), Y, RAW),
        (Tukey(1e6), SquaredError(), Y, RAW),
        (PseudoHuber(1e6), SquaredError(), Y, RAW),
        (BinaryCrossEntropy(smoothing=1e-12), BinaryCrossEntropy(), LABELS, RAW),
    ],
    ids=repr,
)
def test_limits_of_one_family(loss, same, y, raw):
    """Up to a factor for those that are halves of the square."""
    half = 0.5 if isinstance(same, SquaredError) and not isinstance(loss, Expectile) else 1.0
    half = 0.5 if isinstance(loss, Expectile) else half
    for name in ("pointwise", "gradient", "curvature"):
        got, expected = getattr(loss, name)(y, raw), half * getattr(same, name)(y, raw)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_smoothed_labels():
    s = 0.2
    soft = (1 - s) * LABELS + s / 2
    loss, plain = BinaryCrossEntropy(smoothing=s), BinaryCrossEntropy()
    np.testing.assert_allclose(loss.pointwise(LABELS, RAW), plain.pointwise(soft, RAW))
    np.testing.assert_allclose(loss.gradient(LABELS, RAW), plain.gradient(soft, RAW))
    assert loss.initial_raw(LABELS) == pytest.approx(plain.initial_raw(soft))
    loss, plain = CategoricalCrossEntropy(4, smoothing=s), CategoricalCrossEntropy(4)
    rows = (1 - s) * np.eye(4)[CLASSES] + s / 4
    for target in (CLASSES, np.eye(4)[CLASSES]):
        np.testing.assert_allclose(loss.pointwise(target, SCORES), plain.pointwise(rows, SCORES))
        np.testing.assert_allclose(loss.gradient(target, SCORES), plain.gradient(rows, SCORES))
        np.testing.assert_allclose(loss.initial_raw(target), plain.initial_raw(rows))
    for wrong in (-0.1, 1.0):
        with pytest.raises(ValueError, match="smoothing of BinaryCrossEntropy must be at least 0 and below 1"):
            BinaryCrossEntropy(smoothing=wrong).check_params()
    for no_number in (False, np.array([0])):
        with pytest.raises(TypeError, match="smoothing of BinaryCrossEntropy must be a number"):
            BinaryCrossEntropy(smoothing=no_number).check_params()


@pytest.mark.parametrize(
    ("make", "inside", "outside", "rule"),
    [
        (TweedieDeviance, (1, 1.0, 2, np.float64(2)), (0.999, 2.001), "at least 1 and at most 2"),
        (Focal, (0, np.float32(0)), (-1e-301,), "at least 0 and below 1000"),
        (
            lambda value: BinaryCrossEntropy(smoothing=value),
            (0, np.float64(0)),
            (-1e-301,),
            "at least 0 and below 1",
        ),
        (EpsilonInsensitive, (0, np.float64(0)), (-1e-301,), "at least 0 and below"),
        (Expectile, (0.5,), (0, 1), "above 0 and below 1"),
    ],
)
def test_which_ends_belong_to_a_range(make, inside, outside, rule):
    for value in inside:
        make(value).check_params()
    for value in outside:
        with pytest.raises(ValueError, match=rule):
            make(value).check_params()


TANGENT = [Huber("auto"), PseudoHuber("auto"), LogCosh("auto"), Fair("auto"), Cauchy(), Welsch(), Tukey()]


@pytest.mark.parametrize("loss", TANGENT, ids=repr)
def test_auto_is_the_constant_of_95_percent_efficiency(loss):
    """(E ψ′)²/E ψ² under normal noise, with E ψ′ = E r ψ by parts."""
    unit = loss.set_params(**{loss._size: loss._efficient})
    psi = lambda r: float(unit.gradient([0.0], [r])[0])  # noqa: E731
    slope = integrate.quad(lambda r: r * psi(r) * stats.norm.pdf(r), -12, 12, limit=400, points=[-2, 0, 2])[0]
    square = integrate.quad(lambda r: psi(r) ** 2 * stats.norm.pdf(r), -12, 12, limit=400, points=[-2, 0, 2])[0]
    assert slope**2 / square == pytest.approx(0.95, abs=1e-4)


@pytest.mark.parametrize("name", [type(loss).__name__ for loss in TANGENT])
def test_auto_follows_the_unit_and_the_weights(name):
    import gbm_objectives

    cls = getattr(gbm_objectives, name)
    size = cls._size
    auto, y = cls(**{size: "auto"}), 100 + 5 * RNG.standard_normal(20_001)
    found = getattr(auto.resolved(y), size)
    assert found == pytest.approx(cls._efficient * 5, rel=0.03)
    assert getattr(auto.resolved(1e3 * y - 7), size) == pytest.approx(1e3 * found)
    counts = RNG.integers(0, 3, len(y))
    repeated = auto.resolved(np.repeat(y, counts))
    assert getattr(auto.resolved(y, counts), size) == pytest.approx(getattr(repeated, size))
    spoilt = np.where(RNG.random(len(y)) < 0.1, 1e9, y)
    assert getattr(auto.resolved(spoilt), size) == pytest.approx(found, rel=0.2)
    assert getattr(auto.resolved(np.ones(9)), size) == 1.0
    zeros = np.r_[np.zeros(90), np.arange(1.0, 11.0)]
    assert getattr(auto.resolved(zeros), size) > 0.1
    number = cls(**{size: 2.0})
    assert number.resolved(y) is number
    for method in (auto.pointwise, auto.gradient, auto.outlier_weights):
        with pytest.raises(ValueError, match=rf"{size}='auto' of {name} is estimated from the residuals"):
            method(y, y + 1)
    with pytest.raises((ValueError, TypeError), match=size):
        cls(**{size: "large"}).check_params()


def test_it_becomes_the_number_of_the_residuals_that_training_leaves(engine):
    X = RNG.standard_normal((N, 2))
    y = 50 * X[:, 0] + 10 * RNG.standard_t(2, N)
    model = engine.regressor(Huber("auto")).fit(X, y)
    r = np.abs(model.predict(X) - y)
    near = r[r <= 3 * np.median(r)]
    # 0.641 is the median of such sizes of a standard normal variable.
    assert model.loss_.delta == pytest.approx(1.345 * np.median(near) / 0.641, rel=0.02)
    assert isinstance(model.loss_.delta, float)
    weights = model.outlier_weights(X, y)
    np.testing.assert_allclose(weights, model.loss_.outlier_weights(y, model.predict_raw(X)))
    assert weights.min() < 0.9 and weights.max() == 1.0
    with pytest.raises(AttributeError, match="outlier_weights"):
        engine.regressor(SquaredError()).fit(X, y).outlier_weights(X, y)


@pytest.mark.parametrize("deviance", [1e-13, 0.999e-6, 1.001e-6, 1e-3])
def test_gamma_scale_of_nearly_perfect_fits(deviance):
    scale = GammaDeviance().noise.fit_scale(deviance)
    # log k - digamma(k) = 1/(2 k) + 1/(12 k^2) - ..., Abramowitz and Stegun (1964), 6.3.18
    k = 2.0 / scale
    assert 1 / (2 * k) + 1 / (12 * k**2) == pytest.approx(deviance / 2, rel=1e-6)


def test_cauchys_logarithm_does_not_overflow():
    np.testing.assert_allclose(
        Cauchy(1.0).pointwise([0.0, 0.0], [1e200, -1e300]), np.log(10.0) * np.array([200, 300])
    )


@pytest.mark.parametrize("loss", [PoissonDeviance, GammaDeviance, SquaredLogError, SquaredHinge, Exponential])
def test_losses_without_parameters_take_none(loss):
    for arguments, keywords in (((3,), {}), ((), {"hessian": "constant"})):
        with pytest.raises(TypeError):
            loss(*arguments, **keywords)
