"""Harrell's C against all pairs and scikit-survival; rows cut into periods against sums by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from lightgbm import LGBMRegressor

from gbm_objectives import GBMRegressor, PoissonDeviance
from gbm_objectives.survival import concordance, person_time

INF = np.inf

# ---- concordance ------------------------------------------------------------


def all_pairs(lower, upper, risk, weight):
    """The share of the pairs known to be in an order, one pair after the other."""
    good = total = Fraction(0)
    for i in range(len(lower)):
        for j in range(len(lower)):
            at_once = upper[i] == lower[j]
            if upper[i] < lower[j] or (at_once and lower[j] != upper[j]):
                pair = Fraction(weight[i]) * Fraction(weight[j])
                total += pair
                good += pair * (Fraction(int(risk[i] > risk[j])) + Fraction(int(risk[i] == risk[j]), 2))
    return float(good / total) if total else None


def drawn(rng):
    """Draw few rows with ties in time and risk: events, right-, left- and interval-censored."""
    n = int(rng.integers(2, 40))
    levels = int(rng.integers(2, 12))
    lower = rng.integers(0, levels, n).astype(float)
    kind = rng.choice(4, n, p=[0.4, 0.3, 0.1, 0.2])
    upper = np.choose(kind, [lower, np.inf, lower + 1, lower + rng.integers(1, 4, n)])
    lower = np.where(kind == 2, rng.choice([0.0, -np.inf], n), lower)
    risk = rng.integers(0, levels, n).astype(float) if rng.random() < 0.5 else rng.normal(size=n)
    weight = rng.integers(0, 3, n) * rng.uniform(0.5, 2, n)
    return lower, upper, risk, np.where(weight.any(), weight, 1.0)


def test_concordance_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(500):
        lower, upper, risk, weight = drawn(rng)
        for given in (None, weight):
            expected = all_pairs(lower, upper, risk, np.ones(len(risk)) if given is None else weight)
            if expected is None:
                with pytest.raises(ValueError, match="two rows of which one is known to be earlier"):
                    concordance(lower, upper, risk, given)
            else:
                assert concordance(lower, upper, risk, given) == pytest.approx(expected, rel=1e-12, abs=1e-15)
                compared += 1
    assert compared > 900


@pytest.mark.parametrize("n", [*range(2, 20), 31, 32, 33, 64, 65])
def test_numbers_of_rows_around_powers_of_two(n):
    """All events at different times: every pair counts."""
    rng = np.random.default_rng(n)
    time, risk = rng.permutation(n).astype(float), rng.normal(size=n)
    expected = all_pairs(time, time, risk, np.ones(n))
    assert concordance(time, time, risk) == pytest.approx(expected, rel=1e-12)
    assert concordance(time, time, -time) == 1.0 and concordance(time, time, time) == 0.0
    assert concordance(time, time, np.zeros(n)) == 0.5


def test_concordance_is_scikit_survivals():
    metrics = pytest.importorskip("sksurv.metrics")
    rng = np.random.default_rng(1)
    for levels in (5, 30, 1000):
        time = rng.integers(0, levels, 700).astype(float)
        event = rng.random(700) < 0.6
        risk = rng.integers(0, levels, 700).astype(float)
        upper = np.where(event, time, np.inf)
        expected = metrics.concordance_index_censored(event, time, risk)[0]
        assert concordance(time, upper, risk) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("heavy", [1e15, 1e17, 1e30, 1e100])
def test_weights_of_any_range(heavy):
    """A row of nearly all the weight decides, and the others are not lost to rounding where it is in no pair."""
    rng = np.random.default_rng(6)
    for _ in range(100):
        lower, upper, risk, weight = drawn(rng)
        weight[rng.integers(0, len(weight), 2)] = heavy
        expected = all_pairs(lower, upper, risk, weight)
        if expected is not None:
            assert concordance(lower, upper, risk, weight) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    time = np.arange(6.0)
    first = np.where(time == 0.0, heavy, 1.0)
    assert concordance(time, time, [9.0, -1.0, -2.0, -3.0, -4.0, -5.0], first) == 1.0
    # A row that was never seen is in no pair.
    alone = concordance(time[1:], time[1:], [1.0, 3.0, 2.0, 5.0, 4.0])
    assert concordance(time, np.append(INF, time[1:]), [0.0, 1.0, 3.0, 2.0, 5.0, 4.0], first) == pytest.approx(
        alone
    )


def test_many_rows_are_compared_without_all_their_pairs():
    """Of 10¹⁰ pairs; the times are exponential, and a pair of ratios a and b is in order with a / (a + b)."""
    rng = np.random.default_rng(2)
    n = 100_000
    risk = rng.normal(size=n)
    time = rng.exponential(np.exp(-risk))
    a, b = np.exp(rng.normal(size=(2, n)))
    assert concordance(time, time, risk) == pytest.approx(np.mean(np.maximum(a, b) / (a + b)), abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([1.0, 2.0], [1.0, 1.5], [0.0, 1.0]), r"upper must not be below lower, got \[2\.  1\.5\] in row 1"),
        (([1.0, np.nan], [1.0, 2.0], [0.0, 1.0]), "lower must be numbers below inf, got nan in row 1"),
        (([1.0, np.inf], [1.0, np.inf], [0.0, 1.0]), "lower must be numbers below inf, got inf in row 1"),
        (([1.0, 2.0], [1.0, np.nan], [0.0, 1.0]), "upper must not be below lower, got .*nan.* in row 1"),
        (([-np.inf, 2.0], [-np.inf, 2.0], [0.0, 1.0]), "upper must not be below lower"),
        (([1.0, 2.0], [1.0, 2.0, 3.0], [0.0, 1.0]), "upper has 3 rows, the times have 2"),
        (([1.0, 2.0], [1.0, 2.0], [0.0]), "risk has 1 rows, the times have 2"),
        (([1.0, 2.0], [1.0, 2.0], [0.0, np.nan]), "risk must be numbers, got nan in row 1"),
        (([1.0, 2.0], [1.0, 2.0], [0.0, 1.0], [1.0, -1.0]), "sample_weight must be finite and not negative"),
        (([1.0, 1.0], [1.0, 1.0], [0.0, 1.0]), "two rows of which one is known to be earlier"),
        (([1.0, 2.0], [np.inf, 2.0], [0.0, 1.0]), "two rows of which one is known to be earlier"),
        (([1.0, 2.0], [1.0, 2.0], [0.0, 1.0], [1.0, 0.0]), "two rows of which one is known to be earlier"),
    ],
)
def test_concordance_names_what_it_refuses(arguments, match):
    with pytest.raises(ValueError, match=match):
        concordance(*arguments)


# ---- person-time ------------------------------------------------------------


@pytest.mark.parametrize("edges", [[0.0, 1.0, 2.5, np.inf], [0.0, 1.0, 2.5], [0.0, np.inf], np.arange(40.0)])
def test_time_and_events_are_those_of_the_rows(edges):
    rng = np.random.default_rng(3)
    time = np.maximum(np.round(rng.exponential(2.0, 300), 1), 0.1)  # some at an edge
    event = rng.random(300) < 0.7
    row, period, happened, exposure = person_time(event, time, edges)
    ends = np.asarray(edges)
    assert (exposure > 0).all() and happened.dtype == bool
    assert (np.lexsort((period, row)) == np.arange(len(row))).all()
    np.testing.assert_allclose(np.bincount(row, exposure), np.minimum(time, ends[-1]), rtol=1e-12)
    np.testing.assert_array_equal(np.bincount(row, happened), event & (time <= ends[-1]))
    for one, k, died, lived in zip(row, period, happened, exposure, strict=True):
        assert lived == pytest.approx(min(time[one], ends[k + 1]) - ends[k])
        assert died == (event[one] and ends[k] < time[one] <= ends[k + 1])


def test_the_likelihood_is_that_of_the_hazard():
    """Σ exposure × hazard − log hazard of events: what Poisson's loss is made of, and −log of the density."""
    rng = np.random.default_rng(4)
    edges, hazard = np.array([0.0, 1.0, 2.0, np.inf]), np.array([0.2, 1.0, 0.5])
    time, event = rng.exponential(2.0, 50), rng.random(50) < 0.6
    _, period, happened, exposure = person_time(event, time, edges)
    by_entries = exposure @ hazard[period] - happened @ np.log(hazard[period])
    cumulative = np.interp(time, [0.0, 1.0, 2.0, 1e6], [0.0, 0.2, 1.2, 1.2 + 0.5 * (1e6 - 2.0)])
    at = np.searchsorted(edges, time) - 1
    assert by_entries == pytest.approx(cumulative.sum() - event @ np.log(hazard[at]), rel=1e-9)


def test_the_recipe_finds_hazards_that_are_not_proportional():
    """One group dies early, the other late: hazards of 2 and 0.5 in the first period, 0.5 and 2 in the second."""
    rng = np.random.default_rng(5)
    n = 20_000
    group = rng.integers(0, 2, n)
    first, second = np.where(group == 1, 0.5, 2.0), np.where(group == 1, 2.0, 0.5)
    early = rng.exponential(1 / first)
    time = np.where(early < 1.0, early, 1.0 + rng.exponential(1 / second))
    censoring = rng.exponential(3.0, n)
    edges = [0.0, 1.0, np.inf]
    row, period, event, exposure = person_time(time <= censoring, np.minimum(time, censoring), edges)
    features = np.column_stack([group[row], period])
    engine = LGBMRegressor(n_estimators=60, num_leaves=4, learning_rate=0.3, verbosity=-1, n_jobs=1)
    model = GBMRegressor(PoissonDeviance(), engine).fit(features, event, init_score=np.log(exposure))
    hazard = model.predict(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    np.testing.assert_allclose(hazard, [2.0, 0.5, 0.5, 2.0], rtol=0.08)


def test_a_row_that_has_not_lived_has_no_entries():
    row, *_ = person_time([0, 1], [2.0, 3.0], [2.0, 4.0])
    assert row.tolist() == [1]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (
            ([1, 2], [1.0, 2.0], [0, 1]),
            "event must be true or false, or 1 and 0, got 2 in row 1 .* such as event == 2",
        ),
        (([True, None], [1.0, 2.0], [0, 1]), "event must be true or false, got None in row 1"),
        (([1], [1.0, 2.0], [0, 1]), "event has 1 rows, the times have 2"),
        (([1, 0], [1.0, np.inf], [0, 1]), "time must be finite and not below the first edge, 0, got inf in row 1"),
        (([1, 0], [1.0, np.nan], [0, 1]), "time must be finite"),
        (([1, 0], [0.5, 2.0], [1, 2]), "time must be finite and not below the first edge, 1, got 0.5 in row 0"),
        (([1, 0], [1.0, 2.0], [1, 2]), "time of an event must be above the first edge, got 1.0 in row 0"),
        (([1, 0], [1.0, 2.0], [0.0]), r"edges must be two or more increasing numbers, not below 0, got \[0\.0\]"),
        (([1, 0], [1.0, 2.0], [0, 2, 1]), "edges must be two or more increasing numbers"),
        (([1, 0], [1.0, 2.0], [-1, 2]), "edges must be two or more increasing numbers"),
        (([1, 0], [1.0, 2.0], [0, np.nan]), "edges must be two or more increasing numbers"),
    ],
)
def test_person_time_names_what_it_refuses(arguments, match):
    with pytest.raises(ValueError, match=match):
        person_time(*arguments)
