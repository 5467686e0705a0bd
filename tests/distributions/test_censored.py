"""Censored targets: formulas against mpmath, the start, and where training ends."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats

from gbm_objectives.distributions import (
    Censored,
    Gamma,
    Laplace,
    Logistic,
    LogLogistic,
    LogNormal,
    NegativeBinomial,
    Normal,
    StudentT,
    Weibull,
)
from gbm_objectives.distributions.standard import LAPLACE, LOGISTIC, NORMAL, SMALLEST_EXTREME, StandardT

mp = mpmath.mp.clone()
mp.dps = 60
INF = np.inf

# Distribution functions from their definitions, in 60 digits.
BELOW = {
    "normal": lambda z: mp.erfc(-z / mp.sqrt(2)) / 2,
    "logistic": lambda z: 1 / (1 + mp.exp(-z)),
    "laplace": lambda z: mp.exp(z) / 2 if z < 0 else 1 - mp.exp(-z) / 2,
    "smallest": lambda z: -mp.expm1(-mp.exp(z)),
}
ABOVE = {
    "normal": lambda z: mp.erfc(z / mp.sqrt(2)) / 2,
    "logistic": lambda z: 1 / (1 + mp.exp(z)),
    "laplace": lambda z: mp.exp(-z) / 2 if z > 0 else 1 - mp.exp(z) / 2,
    "smallest": lambda z: mp.exp(-mp.exp(z)),
}
STANDARD = {"normal": NORMAL, "logistic": LOGISTIC, "laplace": LAPLACE, "smallest": SMALLEST_EXTREME}
# What each distribution's x = y or log y is in units of: its standard, and whether of the logarithm.
LAWS = {
    "normal": [(Normal(), False), (LogNormal(), True)],
    "logistic": [(Logistic(), False), (LogLogistic(), True)],
    "laplace": [(Laplace(), False)],
    "smallest": [(Weibull(), True)],
}
PAIRS = [(name, law, of_log) for name, laws in LAWS.items() for law, of_log in laws]
EVERY = [*(law for _, law, _ in PAIRS), StudentT()]
PLACES = [0.0, 0.01, 0.3, 1.0, 4.0, 10.0, 19.0, 35.0, 50.0, 1e3, 1e6]


def t_above(df, z):
    """P(T > z) for z > 0 by the incomplete beta function."""
    x = mp.mpf(df) / (df + mp.mpf(z) ** 2)
    return mp.betainc(mp.mpf(df) / 2, mp.mpf(1) / 2, 0, x, regularized=True) / 2


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_tails_of_standard_distributions(name, sign):
    standard = STANDARD[name]
    # Beyond 20 the smallest extreme value continues along a tangent.
    places = [z for z in PLACES if name != "smallest" or sign * z <= 20.0]
    z = sign * np.array(places)
    exact = [mp.mpf(one) for one in z.tolist()]
    above, below = [ABOVE[name](one) for one in exact], [BELOW[name](one) for one in exact]
    density = [mp.exp(mp.mpf(one)) for one in standard.log_density(z).tolist()]
    for ours, shares, others in ((standard.log_above(z), above, below), (standard.log_below(z), below, above)):
        logs = [mp.log(p) if p < 0.5 else mp.log1p(-q) for p, q in zip(shares, others, strict=True)]
        np.testing.assert_allclose(ours, [float(one) for one in logs], rtol=1e-12, atol=1e-300)
    near = np.abs(z) < 1e3  # further out, the density has lost digits to exp
    for ours, shares in ((standard.hazard(z), above), (standard.reversed_hazard(z), below)):
        ratio = [float(f / p) for f, p in zip(density, shares, strict=True)]
        np.testing.assert_allclose(ours[near], np.array(ratio)[near], rtol=1e-7)
        assert np.isfinite(ours).all()


@pytest.mark.parametrize(("df", "z"), [(1.0, 1e6), (5.0, 1e6), (100.0, 1e6), (1e3, 1e4), (1e4, 60.0), (60.0, 1e5)])
def test_tails_of_student_t(df, z):
    standard, place = StandardT(df), np.array([z])
    exact = float(mp.log(t_above(df, z)))
    np.testing.assert_allclose(standard.log_above(place), exact, rtol=1e-11)
    np.testing.assert_allclose(standard.log_below(-place), exact, rtol=1e-11)
    slope = mp.diff(lambda x: mp.log(t_above(df, x)), z)
    np.testing.assert_allclose(standard.hazard(place), float(-slope), rtol=1e-8)


def stats_mean(standard, function):
    z = np.sinh(np.linspace(-9.0, 9.0, 20_001))
    return np.trapezoid(np.exp(standard.log_density(z)) * function(z), z)


@pytest.mark.parametrize("standard", [*STANDARD.values(), StandardT(), StandardT(1.0)])
def test_predictable_information_is_its_integral(standard):
    for end in (-2.0, 0.5, 3.0):
        z = np.linspace(-60.0, end, 400_001)
        hazard = standard.hazard(z)
        change = hazard + standard.slope(z)
        rates = change * change * hazard, np.square(1.0 + z * change) * hazard
        expected = [np.trapezoid(rate, z) for rate in rates]
        found = [float(one[0]) for one in standard.predictable_information(np.array([end]))]
        # A Cauchy variable is below -60 once in 188, and tells a little there.
        np.testing.assert_allclose(found, expected, rtol=5e-3, atol=6e-3 if standard == StandardT(1.0) else 1e-4)
    # Of the whole line it is Fisher's; in the tail of the smallest extreme value that takes the mean over z.
    if standard is not SMALLEST_EXTREME:
        mean = [
            float(stats_mean(standard, lambda z, i=i: standard.predictable_information(z)[i])) for i in range(2)
        ]
        np.testing.assert_allclose(mean, standard.information, rtol=0.02)


def cases(of_log, rng, n=40):
    """Return observed, right-censored, left-censored and interval rows, n of each."""
    x = rng.gamma(2.0, 1.5, (4, n)) + 0.05
    x = x if of_log else x - 2.0
    least = 0.0 if of_log else -INF
    width = rng.gamma(1.0, 1.0, n) * np.resize([1.0, 1e-3, 1e-7], n)
    return [
        np.column_stack([x[0], x[0]]),
        np.column_stack([x[1], np.full(n, INF)]),
        np.column_stack([np.full(n, least), x[2]]),
        np.column_stack([x[3], x[3] + width]),
    ]


def exact_loss(name, law, of_log, row, raw):
    """Return the loss of a row in 60 digits, from the definition."""
    location, second = (mp.mpf(one) for one in raw)
    scale = mp.exp(-second if isinstance(law, (Weibull, LogLogistic)) else second)
    lower, upper = (mp.mpf(one) for one in row.tolist())

    def z(bound):
        if of_log:
            return (mp.log(bound) - location) / scale if bound > 0 else mp.mpf("-inf")
        return (bound - location) / scale

    if lower == upper:
        density = mp.diff(BELOW[name], z(lower)) / scale
        return -mp.log(density / lower if of_log else density)
    if mp.isinf(upper):
        return -mp.log(ABOVE[name](z(lower)))
    if mp.isinf(z(lower)):
        return -mp.log(BELOW[name](z(upper)))
    if z(lower) > 0:
        return -mp.log(ABOVE[name](z(lower)) - ABOVE[name](z(upper)))
    return -mp.log(BELOW[name](z(upper)) - BELOW[name](z(lower)))


@pytest.mark.parametrize(("name", "law", "of_log"), PAIRS, ids=lambda value: str(value))
@pytest.mark.parametrize("kind", range(4), ids=["observed", "right", "left", "interval"])
def test_loss_and_gradient_against_mpmath(name, law, of_log, kind):
    rng = np.random.default_rng(kind)
    loss, y = Censored(law), cases(of_log, rng)[kind][:9]
    raw = 0.5 * rng.standard_normal((9, 2))
    losses, gradient = loss.pointwise(y, raw), loss.gradient(y, raw)
    for i in range(9):
        expected = exact_loss(name, law, of_log, y[i], raw[i].tolist())
        assert losses[i] == pytest.approx(float(expected), rel=1e-8, abs=1e-8)
        for j in range(2):

            def along(t, i=i, j=j):
                moved = [mp.mpf(one) for one in raw[i].tolist()]
                moved[j] += t
                return exact_loss(name, law, of_log, y[i], moved)

            slope = float((along(mp.mpf("1e-15")) - along(mp.mpf("-1e-15"))) / mp.mpf("2e-15"))
            assert gradient[i, j] == pytest.approx(slope, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("law", EVERY, ids=repr)
def test_far_out_everything_is_finite(law):
    positive = law.domain.low > 0
    rng = np.random.default_rng(0)
    y = np.concatenate(cases(positive, rng))
    loss = Censored(law)
    for location in (-1e6, 1e6) if not positive else (-90.0, 80.0):
        for second in (-8.0, 0.0, 8.0):
            raw = np.tile([location, second], (len(y), 1))
            for numbers in (loss.pointwise(y, raw), *loss.gradient_hessian(y, raw)):
                assert np.isfinite(numbers).all()
            assert (loss.curvature(y, raw) > 0).all()


@pytest.mark.parametrize("law", EVERY, ids=repr)
def test_observed_rows_are_the_distributions_own(law):
    rng = np.random.default_rng(1)
    y, raw = rng.gamma(2.0, 1.0, 200) + 0.1, 0.3 * rng.standard_normal((200, 2))
    both = np.column_stack([y, y])
    loss = Censored(law)
    np.testing.assert_array_equal(loss.pointwise(both, raw), law.pointwise(y, raw))
    np.testing.assert_array_equal(loss.initial_raw(both), law.initial_raw(y))
    for ours, own in zip(loss.gradient_hessian(both, raw), law.gradient_hessian(y, raw), strict=True):
        np.testing.assert_array_equal(ours, own)


@pytest.mark.parametrize("law", EVERY, ids=repr)
def test_a_censored_row_moves_the_location_by_one_scale_at_most(law):
    rng = np.random.default_rng(2)
    y = np.concatenate(cases(law.domain.low > 0, rng)[1:])
    raw = np.column_stack([rng.uniform(-6.0, 6.0, len(y)), rng.uniform(-1.0, 1.0, len(y))])
    loss = Censored(law)
    step = np.abs(loss.gradient(y, raw)[:, 0] / loss.curvature(y, raw)[:, 0])
    assert (step <= np.exp(law._places(raw)[1]) * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("law", EVERY, ids=repr)
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_the_start_is_the_maximum_of_the_likelihood_in_every_unit(law, unit):
    rng = np.random.default_rng(3)
    y = np.concatenate(cases(law.domain.low > 0, rng, 60)) * unit
    weight = rng.integers(0, 3, len(y)).astype(float)
    loss = Censored(law)
    start = loss.initial_raw(y, weight)
    value = lambda raw: loss.value(y, np.tile(raw, (len(y), 1)), weight)  # noqa: E731
    scale = float(np.exp(law._places(start[None])[1][0]))
    other = optimize.minimize(
        lambda t: value(start + np.array([scale, 1.0]) * t), [0.2, -0.3], method="Nelder-Mead"
    )
    assert value(start) <= other.fun + 1e-8
    doubled = np.repeat(y, weight.astype(int), axis=0)
    np.testing.assert_allclose(start, loss.initial_raw(doubled), atol=1e-4 * max(1.0, scale))


def test_known_start():
    # Exponential times censored at 2: the rate is events over the time at risk.
    rng = np.random.default_rng(4)
    time = rng.exponential(1.5, 4000)
    y = np.column_stack([np.minimum(time, 2.0), np.where(time <= 2.0, time, INF)])
    location, log_shape = Censored(Weibull()).initial_raw(y)
    assert np.exp(location) == pytest.approx(y[:, 0].sum() / np.isfinite(y[:, 1]).sum(), rel=0.05)
    assert np.exp(log_shape) == pytest.approx(1.0, abs=0.05)
    # SciPy's own fit of censored data.
    data = stats.CensoredData.right_censored(y[:, 0], np.isinf(y[:, 1]))
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    np.testing.assert_allclose([np.exp(location), np.exp(log_shape)], [scale, shape], rtol=1e-3)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[2.0, 1.0], [1.0, 1.0]], r"0 <= lower <= upper .* got \[2\. 1\.\] in row 0"),
        ([[1.0, 1.0], [-1.0, 2.0]], r"0 <= lower <= upper .* got \[-1\.  2\.\] in row 1"),
        ([[1.0, 1.0], [0.0, 0.0]], r"no event at time 0, which has no logarithm, got \[0\. 0\.\] in row 1"),
        ([[1.0, 1.0], [np.nan, 2.0]], "in row 1"),
        ([[1.0, 1.0], [INF, INF]], "in row 1"),
        ([[1.0, INF], [2.0, INF]], "no maximum of the likelihood"),
        ([[0.0, 1.0], [0.0, 3.0]], "no maximum of the likelihood"),
        ([1.0, 2.0], "must have the columns lower, upper"),
    ],
)
def test_bad_targets_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        Censored(LogNormal()).initial_raw(y)


def test_bad_distributions_are_named():
    for wrong in (Gamma(), NegativeBinomial(), "weibull", None):
        with pytest.raises(TypeError, match="distribution of Censored must be one of"):
            Censored(wrong).initial_raw([[1.0, 1.0]])
    with pytest.raises(ValueError, match="fitted by its likelihood"):
        Censored(Normal(score="crps")).initial_raw([[1.0, 1.0]])
    with pytest.raises(ValueError, match="scale_step"):
        Censored(Normal(scale_step=2.0)).initial_raw([[1.0, 1.0]])
