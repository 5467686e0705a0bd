"""Cox's partial likelihood against its definition, in exact arithmetic; its input; its baseline."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import CoxPH, check_loss
from gbm_objectives.contract.rows import Rows
from gbm_objectives.distributions import Censored, LogNormal, Normal

TIES = pytest.mark.parametrize("ties", ["efron", "breslow"])


def rows(rng, n, levels=5, weighted=True, spread=1.0):
    """Draw times with ties, a third of them censored, raw predictions and weights, some of them 0."""
    time = rng.integers(0, levels, n).astype(float)
    event = rng.random(n) < 0.67
    event[0] = True
    y = np.column_stack([time, np.where(event, time, np.inf)])
    weight = np.where(rng.random(n) < 0.2, 0.0, rng.uniform(0.2, 3.0, n)) if weighted else None
    if weighted:
        weight[0] = 1.0
    return y, spread * rng.normal(size=n), weight


def likelihood(y, raw, weight, ties):
    """Negative log of the partial likelihood from its definition, O(n²), in numbers of 50 digits."""
    mp = pytest.importorskip("mpmath")
    weight = np.ones(len(y)) if weight is None else weight
    total = mp.mpf(0)
    observed = (y[:, 0] == y[:, 1]) & (weight > 0)
    share = [mp.mpf(w) * mp.exp(f) for w, f in zip(weight, raw, strict=True)]
    for time in np.unique(y[observed, 0]):
        tied = np.flatnonzero(observed & (y[:, 0] == time))
        risk = mp.fsum(share[row] for row in np.flatnonzero(y[:, 0] >= time))
        left = mp.fsum(share[row] for row in tied)
        total -= mp.fsum(mp.mpf(weight[row]) * raw[row] for row in tied)
        for k, row in enumerate(tied):
            if ties == "breslow":
                total += mp.mpf(weight[row]) * mp.log(risk)
            else:
                mean = mp.fsum(mp.mpf(weight[one]) for one in tied) / len(tied)
                total += mean * mp.log(risk - mp.mpf(k) / len(tied) * left)
    return total


def slopes(y, raw, weight, ties):
    """The derivatives of `likelihood`, by differences that 50 digits make exact."""
    mp = pytest.importorskip("mpmath")
    found, step = [], mp.mpf(10) ** -20
    for row in range(len(raw)):
        up, down = ([mp.mpf(f) for f in raw] for _ in range(2))
        up[row] += step
        down[row] -= step
        found.append((likelihood(y, up, weight, ties) - likelihood(y, down, weight, ties)) / (2 * step))
    return np.array(found, dtype=float)


@TIES
@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("weighted", [False, True])
def test_value_and_gradient_are_those_of_the_definition(ties, spread, weighted):
    """For any range of raw predictions: of 1e4, exp overflows and the smaller ones vanish beside the larger."""
    mp = pytest.importorskip("mpmath")
    rng = np.random.default_rng(0)
    with mp.workdps(50):
        for levels in (3, 100):
            y, raw, weight = rows(rng, 12, levels, weighted, spread)
            loss = CoxPH(ties)
            loss = loss._with(prepared=loss._prepare(Rows(y, weight)))
            w = np.ones(12) if weight is None else weight
            expected = float(likelihood(y, raw, weight, ties))
            assert w @ loss._pointwise(y, raw) == pytest.approx(expected, rel=1e-12, abs=1e-12)
            assert CoxPH(ties).value(y, raw, weight) == pytest.approx(expected / w.sum(), rel=1e-12, abs=1e-12)
            gradient, curvature = loss._derivatives(y, raw)
            np.testing.assert_allclose(w * gradient, slopes(y, raw, weight, ties), rtol=1e-9, atol=1e-10)
            assert np.isfinite(curvature).all() and (curvature >= np.abs(gradient)).all()


@TIES
def test_the_curvature_dominates_the_hessian(ties):
    rng = np.random.default_rng(1)
    for levels in (3, 100):
        for _ in range(20):
            y, raw, weight = rows(rng, 10, levels)
            loss = CoxPH(ties)
            loss = loss._with(prepared=loss._prepare(Rows(y, weight)))
            step = 1e-5 * np.eye(10)
            hessian = np.array(
                [
                    weight * (loss._derivatives(y, raw + one)[0] - loss._derivatives(y, raw - one)[0]) / 2e-5
                    for one in step
                ]
            )
            np.testing.assert_allclose(hessian, hessian.T, atol=1e-8)
            over = np.diag(weight * loss._derivatives(y, raw)[1]) - hessian
            assert np.linalg.eigvalsh(0.5 * (over + over.T)).min() > -1e-8
            # It is convex.
            assert np.linalg.eigvalsh(0.5 * (hessian + hessian.T)).min() > -1e-8


@TIES
def test_checks_of_any_loss(ties):
    y, raw, _ = rows(np.random.default_rng(2), 60, 15, weighted=False)
    check_loss(CoxPH(ties), y, raw)


def test_rows_of_whole_precision():
    """Raw predictions in float32, as engines keep them, lose nothing in sums over many rows."""
    rng = np.random.default_rng(3)
    y, raw, weight = rows(rng, 100_000, 3000)
    raw = raw.astype(np.float32)
    expected = CoxPH().gradient_hessian(y, raw.astype(np.float64), weight)
    for found, wanted in zip(CoxPH().gradient_hessian(y, raw, weight), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_order_of_times_is_all_that_counts():
    y, raw, weight = rows(np.random.default_rng(4), 50, 20)
    expected = CoxPH().gradient_hessian(y, raw, weight)
    for found, wanted in zip(CoxPH().gradient_hessian(y**3, raw, weight), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert CoxPH().value(y, raw + 5.0, weight) == pytest.approx(CoxPH().value(y, raw, weight), rel=1e-12)


def test_weights_and_ties():
    """A weight of 2 is two rows, unless these are tied with each other; one of 0 is none."""
    y, raw, _ = rows(np.random.default_rng(5), 30, 100, weighted=False)
    twice = np.repeat(np.arange(30), 2)
    for ties, equal in (("breslow", True), ("efron", False)):
        found = 2 * 30 * CoxPH(ties).value(y, raw, np.full(30, 2.0))
        assert (found == pytest.approx(60 * CoxPH(ties).value(y[twice], raw[twice]), rel=1e-9)) is equal
        weight = np.arange(30) % 3 > 0
        some = CoxPH(ties).gradient_hessian(y[weight], raw[weight])
        for one, other in zip(CoxPH(ties).gradient_hessian(y, raw, weight.astype(float)), some, strict=True):
            np.testing.assert_allclose(one[weight], other, rtol=1e-6)
            assert (one[~weight] == 0).all()


# ---- what it refuses ------------------------------------------------------------


@pytest.mark.parametrize(
    "row", [[2.0, 3.0], [2.0, 1.0], [-1.0, -1.0], [-1.0, np.inf], [np.nan, 1.0], [1.0, np.nan], [np.inf, np.inf]]
)
def test_targets_that_are_neither_events_nor_right_censored(row):
    y = np.array([[1.0, 1.0], [0.0, np.inf], row])
    with pytest.raises(
        ValueError, match=r"CoxPH must be times not below 0, the same in both columns .* row 2 \(1"
    ):
        CoxPH().value(y, np.zeros(3))
    assert CoxPH().value(y[:2], np.zeros(2)) == 0.0


def test_a_set_without_events():
    y = np.array([[1.0, np.inf], [2.0, 2.0]])
    for loss in (CoxPH(), CoxPH("breslow")):
        assert loss.value(y[:1], [3.0]) == 0.0
        assert loss.value(y, [3.0, 4.0], [1.0, 0.0]) == 0.0
        gradient, _ = loss.gradient_hessian(y[:1], [3.0])
        assert gradient.tolist() == [0.0]
        loss._check_start(y, np.zeros(2), None)
        for weight, given in ((None, y[:1]), (np.array([1.0, 0.0]), y)):
            with pytest.raises(ValueError, match="must have an observed event"):
                loss._check_start(given, np.zeros(len(given)), weight)


def test_parameters_and_columns():
    with pytest.raises(ValueError, match="ties of CoxPH must be one of 'efron', 'breslow', got 'exact'"):
        CoxPH("exact").value([[1.0, 1.0]], [0.0])
    with pytest.raises(ValueError, match="must have the columns lower, upper, got shape"):
        CoxPH().value([1.0, 2.0], [0.0, 0.0])
    assert CoxPH().initial_raw([[1.0, 1.0]]) == 0.0
    assert CoxPH().response([0.0]).tolist() == [1.0] and CoxPH().risk([2.0, 1.0]).tolist() == [2.0, 1.0]


# ---- the baseline ------------------------------------------------------------


def test_the_baseline_is_breslows():
    """Σ of events by the sum of the ratios at risk, of the definition."""
    y, raw, weight = rows(np.random.default_rng(6), 40, 8)
    known = CoxPH()._resolved_at(y, raw, weight)
    observed = (y[:, 0] == y[:, 1]) & (weight > 0)
    hazard, times = 0.0, np.unique(y[observed, 0])
    for at, time in enumerate(times):
        risk = (weight * np.exp(raw))[y[:, 0] >= time].sum()
        hazard += weight[observed & (y[:, 0] == time)].sum() / risk
        assert known.summary[:, at].tolist() == pytest.approx([time, hazard], rel=1e-12)
    assert known.summary.shape == (2, len(times)) and known == CoxPH()
    survival = np.exp(known.log_survival(raw[:3], [times[0] - 0.5, times[-1], times[-1] - 1e-9, 1e9]))
    assert survival.shape == (3, 4) and (survival[:, 0] == 1).all()
    np.testing.assert_allclose(survival[:, 1], np.exp(-hazard * np.exp(raw[:3])), rtol=1e-12)
    np.testing.assert_array_equal(survival[:, 1], survival[:, 3])
    assert (survival[:, 1] < survival[:, 2]).all()


@pytest.mark.parametrize("shift", [-1e4, -600.0, 600.0, 1e4])
def test_a_baseline_of_any_raw_predictions(shift):
    """Up to 700, where exp ends, a constant changes nothing; beyond, all is finite and monotone."""
    y, raw, weight = rows(np.random.default_rng(7), 40, 8)
    known = CoxPH()._resolved_at(y, raw + shift, weight)
    assert np.isfinite(known.summary).all() and (known.summary[1] > 0).all()
    survival = np.exp(known.log_survival(raw + shift, np.arange(9.0)))
    assert ((survival >= 0) & (survival <= 1)).all() and (np.diff(survival) <= 0).all()
    if abs(shift) < 700:
        expected = np.exp(CoxPH()._resolved_at(y, raw, weight).log_survival(raw, np.arange(9.0)))
        np.testing.assert_allclose(survival, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", [CoxPH(), Censored(LogNormal()), Censored(Normal())], ids=repr)
def test_one_time_or_several(loss):
    """Cox's loss and distributions take the same times."""
    raw = np.zeros(2) if loss.n_outputs == 1 else np.zeros((2, 2))
    known = loss._resolved_at(np.array([[1.0, 1.0], [2.0, np.inf]]), raw, None)
    several = known.log_survival(raw, [1.5, 0.5, np.inf])
    for time, expected in zip((1.5, 0.5, np.inf), several.T, strict=True):
        np.testing.assert_array_equal(known.log_survival(raw, time), expected[:, None])
    for wrong, message in (
        ([0.5, np.nan], "times must be numbers, got nan in row 1"),
        ([[1.0, 2.0]], r"times must be 1-dimensional, got shape \(1, 2\)"),
        (["late"], "times must be numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            known.log_survival(raw, wrong)


def test_a_baseline_that_is_not_there():
    with pytest.raises(ValueError, match=r"CoxPH\(\) needs the baseline of its training rows"):
        CoxPH().log_survival([0.0], [1.0])
    known = CoxPH()._resolved_at(np.array([[1.0, 1.0]]), np.zeros(1), None)
    with pytest.raises(ValueError, match="times must be numbers, got nan in row 1"):
        known.log_survival([0.0], [1.0, np.nan])
    # Nothing has happened, so there is no time to know.
    assert CoxPH()._resolved_at(np.array([[1.0, np.inf]]), np.zeros(1), None).summary is None


# ---- an independent implementation ------------------------------------------------------------


@TIES
def test_scikit_survivals_coefficients_are_where_the_gradient_vanishes(ties):
    linear_model = pytest.importorskip("sksurv.linear_model")
    rng = np.random.default_rng(8)
    X = rng.normal(size=(400, 3))
    time = np.ceil(20 * rng.exponential(np.exp(-X @ [1.0, -0.5, 0.0])))  # many ties
    censoring = np.ceil(20 * rng.exponential(size=400))
    event = time <= censoring
    time = np.minimum(time, censoring)
    surv = np.array([*zip(event, time, strict=True)], dtype=[("event", bool), ("time", float)])
    model = linear_model.CoxPHSurvivalAnalysis(ties=ties, tol=1e-14).fit(X, surv)
    raw = X @ model.coef_
    y = np.column_stack([time, np.where(event, time, np.inf)])
    np.testing.assert_allclose(X.T @ CoxPH(ties).gradient(y, raw), 0.0, atol=1e-6)
    other = {"efron": "breslow", "breslow": "efron"}[ties]
    assert np.abs(X.T @ CoxPH(other).gradient(y, raw)).max() > 0.1
    known = CoxPH(ties)._resolved_at(y, raw, None)
    theirs = model.cum_baseline_hazard_
    np.testing.assert_allclose(known.summary[1], theirs(known.summary[0]), rtol=1e-9)
    expected = [function(known.summary[0]) for function in model.predict_survival_function(X[:5])]
    np.testing.assert_allclose(np.exp(known.log_survival(raw[:5], known.summary[0])), expected, rtol=1e-9)
