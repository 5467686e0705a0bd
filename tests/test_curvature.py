"""Widths and pair of the curvature, against oracles: unbiased, robust, local."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import huber

from gbm_objectives import AbsoluteError, Quantile
from gbm_objectives.curvature import Pace, consistent_pair
from gbm_objectives.losses.widths import residual_widths
from gbm_objectives.sampling import SAMPLE_ROWS

# Of a learning rate next to 0, at which the mean pull is a quarter.
SLOW = Pace(learning_rate=1e-9)


def width(size, weight, pull=0.25):
    """s = mean of min(|r|, s)/p, solved by SciPy."""
    return brentq(
        lambda s: np.average(np.minimum(size, s), weights=weight) - pull * s, size.min(), 10 * size.max()
    )


def solved(residual, weight=None):
    """The widths of both sides: the pull is such that rows beyond the width of a quarter make at most .15 of it.

    Each side's share of such rows is shrunk towards that of both by a twentieth of all rows.
    """
    weight = np.ones(len(residual)) if weight is None else weight
    sides = [(np.abs(residual[side]), weight[side]) for side in (residual <= 0, residual > 0)]
    far = np.array([counts @ (size > width(size, counts)) for size, counts in sides])
    rows = np.array([counts.sum() for _, counts in sides])
    share = (far + 0.05 * far.sum()) / (rows + 0.05 * rows.sum())
    return [width(*side, np.clip(max(share) / 0.15, 0.25, 0.8)) for side in sides]


def widths_of(residual):
    """Widths of one group, of rows below and above a target that no two of them share."""
    raw = np.linspace(0, 1, len(residual))
    return residual_widths(raw, raw - residual, pace=SLOW, local=False).table


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("noise", ["normal", "lognormal", "standard_t"])
def test_widths_solve_their_equation(noise, weighted):
    rng = np.random.default_rng(0)
    draw = {"standard_t": lambda n: rng.standard_t(2, n)}.get(noise, lambda n: getattr(rng, noise)(0, 1, n))
    residual = draw(3000) - 0.3
    weight = rng.integers(0, 4, 3000).astype(float) if weighted else None
    table = residual_widths(residual, np.zeros(3000), weight, SLOW, local=False).table
    # The pull, of both sides alike, is told by widths that are near the end of their iteration.
    of_expected = table / solved(residual, weight)
    np.testing.assert_allclose(of_expected, 1.0, rtol=0.05)
    assert of_expected[0] == pytest.approx(of_expected[1], rel=0.01)  # on this both sides' balance depends
    if weighted:
        repeated = widths_of(np.repeat(residual, weight.astype(int)))
        np.testing.assert_allclose(table, repeated, rtol=1e-3)


def test_outliers_and_ties_do_not_move_the_widths():
    rng = np.random.default_rng(0)
    residual = rng.standard_normal(4000)
    clean = widths_of(residual)
    for share, far in ((0.01, 1e6), (0.05, 1e3), (0.05, 1e12)):
        hit = rng.random(4000) < share
        spoilt = np.where(hit, far * rng.choice([-1, 1], 4000), residual)
        widths = widths_of(spoilt)
        np.testing.assert_allclose(widths, solved(spoilt), rtol=0.05)
        # Their number may raise the pull, which makes the widths less; how far out they are says nothing.
        assert (0.5 * clean < widths).all() and (widths < 1.1 * clean).all()
    np.testing.assert_allclose(widths_of(np.r_[residual, np.zeros(100_000)]), clean, rtol=1e-6)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("weighted", [False, True])
def test_many_outliers_on_one_side_do_not_set_its_width(share, weighted):
    rng = np.random.default_rng(0)
    residual = rng.standard_normal(4000)
    hit = rng.random(4000) < share
    spoilt = np.where(hit, 1e3, residual)
    weight = np.where(hit, 0.5, 1.0) if weighted else None
    raw = np.linspace(0, 1, 4000)
    table = residual_widths(raw, raw - spoilt, weight, SLOW, local=False).table
    assert 0.8 < table[1] < 2 * widths_of(residual)[1]
    # Neither side is left with the others' width: the pull rises on both.
    assert table[1] / table[0] < 3


def test_widths_are_local_and_within_bounds():
    rng = np.random.default_rng(0)
    raw = np.r_[np.zeros(500), np.full(500, 100.0)]
    y = raw - np.r_[0.01 * rng.standard_normal(500), 10 * rng.standard_normal(500)]
    small, large = residual_widths(raw, y).of_rows(raw - y, raw, y)[0][[0, -1]]
    assert small < 0.15 * large
    # A row far outside of the sample has the width of the nearest group, and of its own side.
    far = np.array([-1e30, 1e30])
    scale = residual_widths(raw, y)
    np.testing.assert_array_equal(scale.of_rows(far, far, 0 * far)[0], scale.table[[0, -1]])
    # 95% of the rows are close to their target, on one side of it: their curvature is not so large that the others
    # vanish, and their gradient so steep that a step, times the learning rate, is not too long.
    raw = np.linspace(0, 1, 2000)
    y = raw - np.where(rng.random(2000) < 0.95, 1e-6, -20.0)
    widths = residual_widths(raw, y, pace=Pace(learning_rate=0.1, narrowest=1 / 50), local=False)
    below, above = widths.broad
    assert above == pytest.approx(below / 50)
    assert widths.table[1] == pytest.approx(0.1 * above)
    assert residual_widths(np.zeros(10), np.zeros(10)).table is None  # nothing to learn
    for degenerate in (np.full(10, 1e-44), np.array([-1e300, 1e300])):
        raw = np.arange(float(len(degenerate)))
        table = residual_widths(raw * 0, -degenerate).table
        assert (table > 0).all() and np.isfinite(table).all()


def test_targets_of_one_value_have_widths_of_their_own():
    # Of 95% of the targets, all 0, the fit is 0.001 off; it is 20 off the others.
    rng = np.random.default_rng(0)
    y = np.where(rng.random(4000) < 0.95, 0.0, 20 + rng.standard_normal(4000))
    raw = rng.choice([-0.001, 0.001], 4000)
    gradient, hessian = AbsoluteError().gradient_hessian(y, raw)
    np.testing.assert_allclose(
        gradient[y > 0] / hessian[y > 0], (raw - y)[y > 0], rtol=1e-5
    )  # no step is cut short
    assert hessian.max() < 1.01 / Pace().narrowest * hessian.min()


def test_the_pair_is_that_of_the_smoothed_loss():
    r, s, step = np.linspace(-9, 9, 1001), 1.7, 1e-6
    gradient, curvature = consistent_pair(r, np.array(s))
    derivative = (huber(s, r + step) - huber(s, r - step)) / (2 * step * s)  # SciPy's Huber function
    np.testing.assert_allclose(gradient, derivative, atol=1e-6)
    # A row alone would step to its target, from further out by four widths.
    np.testing.assert_allclose(gradient / curvature, np.clip(r, -4 * s, 4 * s))


@pytest.mark.parametrize(
    ("noise", "alpha"),
    # Of skewed noise those whose sides differ less than twentyfold, as far as a side's width may be below the
    # other's.
    [*(("normal", alpha) for alpha in (0.1, 0.5, 0.9)), *(("exponential", alpha) for alpha in (0.2, 0.5, 0.9))]
    + [("lognormal", alpha) for alpha in (0.2, 0.5, 0.8)],
)
def test_the_fit_stays_at_the_quantile_whatever_the_noise(alpha, noise):
    """Where the loss itself is smallest, both sides of the smoothed one pull with equal force."""
    rng = np.random.default_rng(0)
    y = rng.exponential(1, 4000) if noise == "exponential" else getattr(rng, noise)(0, 1, 4000)
    loss = Quantile(alpha)
    gradient, _ = loss.gradient_hessian(y, np.full(4000, loss.initial_raw(y)))
    assert abs(gradient.mean()) < 0.03 * np.abs(gradient).mean()
    residual = np.quantile(y, alpha) - y
    one_width = consistent_pair(residual, np.array(widths_of(residual).mean()))[0]
    weighted = np.where(one_width > 0, 1 - alpha, alpha) * one_width
    if (alpha, noise) != (0.5, "normal"):
        assert abs(weighted.mean()) > 0.1 * np.abs(weighted).mean()


def test_a_sample_without_the_rare_rows_looks_further():
    n = 50 * SAMPLE_ROWS
    y = np.zeros(n)
    y[5:40] = 1000.0  # fewer rows than one in so many as a sample leaves out
    gradient, hessian = AbsoluteError().gradient_hessian(y, np.zeros(n))
    np.testing.assert_allclose(gradient[5:40] / hessian[5:40], -1000, rtol=1e-5)
    assert hessian.max() < 10 * hessian.min()
