"""The arithmetic of calibration by itself, on scores of any model: ranks, levels, weights, spreads."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives.contract.domain import POSITIVE
from gbm_objectives.distributions import Gamma, Laplace, LogNormal, Normal, StudentT, Weibull
from gbm_objectives.estimators.conformal import Calibration, Quantiles, interval, one_sided
from tests.engine import LIGHTGBM


def test_ranks_are_exact():
    """With n + 1 ranks each equally likely, ten rows and a coverage of .9 need rank 10: the largest."""
    scores = np.arange(10.0)
    calibration = Calibration(scores, scores)
    for coverage, rank in ((0.9, 10), (0.5, 6), (0.1, 2), (10 / 11, 10), (0.05, 1)):
        assert calibration.reach(scores, coverage, None, 1)[0] == rank - 1


@pytest.mark.parametrize("n", [9, 10, 19, 50])
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_finite_sample_coverage_is_exact(n, coverage):
    """The mean coverage is the rank over n + 1, of scores without ties."""
    rng = np.random.default_rng(18)
    held = []
    for _ in range(4000):
        scores = rng.standard_normal(n)
        held.append(rng.standard_normal() <= Calibration(scores, scores).reach(scores, coverage, None, 1)[0])
    rank = np.ceil(coverage * (n + 1) - 1e-9) / (n + 1)
    assert np.mean(held) == pytest.approx(rank, abs=4 * np.sqrt(rank * (1 - rank) / 4000) + 1e-9)


def test_a_level_holds_beside_others_that_cross_it():
    """Were they sorted, 1/2 would have the level of the smaller of two: 1/3 if they had nothing in common."""
    rng = np.random.default_rng(19)
    levels = np.array([0.5, 0.51])

    def quantiles(raw, levels):
        return raw[:, : len(levels)]

    model = Quantiles(quantiles, lambda raw: np.ones(len(raw)))
    raw, y = rng.standard_normal((2, 20_000, 2)), rng.standard_normal((2, 20_000))
    calibration = Calibration(raw[0], y[0])
    together = one_sided(calibration, model, raw[1], levels, None)
    assert (together[:, 0] > together[:, 1]).any()
    np.testing.assert_allclose((y[1, :, None] <= together).mean(axis=0), levels, atol=0.012)
    np.testing.assert_array_equal(together[:, :1], one_sided(calibration, model, raw[1], levels[:1], None))


@pytest.mark.parametrize("n", [60, 200])
@pytest.mark.parametrize("heavy", [20.0, 200.0])
def test_uneven_weights_keep_the_coverage(n, heavy):
    """A row in 20 weighs so much; fresh rows occur by weight. As if a fresh row had the mean weight it was 0.83.

    Calibrations that refuse, since the heavy rows are nearly all that counts, hold everything.
    """
    rng = np.random.default_rng(20)
    held = []
    for _ in range(3000):
        weight = np.where(rng.random(n) < 0.05, heavy, 1.0)
        scores = rng.standard_normal(n)
        try:
            reach = Calibration(scores, scores, weight).reach(scores, 0.9, None, 1)[0]
        except ValueError as error:
            assert "too few for a coverage of 0.9" in str(error)
            reach = np.inf
        held.append(rng.standard_normal() <= reach)
    assert np.mean(held) > 0.9 - 3 * np.sqrt(0.09 / 3000)


def test_too_few_rows_by_their_weights():
    scores, weight = np.arange(50.0), np.where(np.arange(50) < 2, 1000.0, 1.0)
    message = r"at least 9 are needed, there are 50, which with their weights count as 2\.1"
    with pytest.raises(ValueError, match=message):
        Calibration(scores, scores, weight).reach(scores, 0.9, None, 1)


@pytest.mark.parametrize("loss", [Normal(), Laplace(), StudentT(), LogNormal(), Gamma(), Weibull()], ids=repr)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # SciPy's quantiles overflow there
def test_spreads_that_vanish_or_overflow(loss):
    """Beside 1e6 a spread of exp(-40) is 0 in float64, and 0/0 would be the score of a row."""
    y = np.exp(np.random.default_rng(22).standard_normal(60))
    model = LIGHTGBM.regressor(loss, n_estimators=1).fit(y[:, None], y)._quantiles()
    first = np.log(1e6) if loss.domain is POSITIVE else 1e6
    raw = np.array([[at, spread] for at in (first, 0.0, -first) for spread in (-50.0, 0.0, 50.0)])
    unit = model.unit(raw)
    assert (unit > 0).all() and np.isfinite(unit).all()
    raw = np.repeat(raw, 20, axis=0)
    calibration = Calibration(raw, np.full(180, 1e6))
    assert not np.isnan(interval(calibration, model, raw, 0.9, None)).any()
    assert not np.isnan(one_sided(calibration, model, raw, np.array([0.1, 0.5, 0.9]), None)).any()
