"""The continuous ranked probability score of any predicted distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from .mixed import Mixed
from .piecewise import PiecewiseNormal

__all__ = ["crps"]

# For wider distributions of counts, a sum over all counts would take long, and steps of 1 are fine enough for an
# integral.
WIDEST = 4096
# Beyond these quantiles the square of the distribution function is negligible.
TAIL = 1e-9
# Numbers in memory at once.
CHUNK = 1 << 20


def crps(distribution: Any, y_true: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of each target, in its unit; lower is better.

    With the distribution function F it is the integral of (F(x) - 1[x >= y])² over x. It generalises the absolute
    error, which it equals for a point distribution, and is finite wherever the mean is.

    Parameters
    ----------
    distribution : frozen distribution of scipy.stats, or what else `predict_distribution` returns
        With one entry per row.
    y_true : ndarray of shape (n_samples,)
        Targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        The score of each row, to about eight digits; to five if the density has a kink, like Laplace's; and to
        four for counts that spread over thousands. From quantiles, by a formula.

    References
    ----------
    Gneiting and Raftery (2007). *Strictly proper scoring rules, prediction, and estimation*. Journal of the
    American Statistical Association 102, 359-378, section 4.2.

    Examples
    --------
    >>> from scipy import stats
    >>> crps(stats.norm([0.0, 0.0], [1.0, 1e-9]), np.array([0.0, 3.0])).round(4)  # (√2 - 1)/√π, |0 - 3|
    array([0.2337, 3.    ])
    """
    y = np.asarray(y_true, dtype=np.float64)
    if isinstance(distribution, PiecewiseNormal):
        return distribution._crps(y)
    if isinstance(distribution, Mixed):
        return _of_mixed(distribution, y)
    if hasattr(distribution, "pdf"):
        return _integral(distribution, y)
    # On the lattice of the counts; a target need not be on it.
    first = distribution.ppf(TAIL)
    low = first - np.maximum(np.ceil(first - y), 0.0)
    high = np.maximum(distribution.isf(TAIL), y)
    if not np.isfinite(high - low).all() or (high - low).max() > WIDEST:
        return _integral(distribution, y)
    n_counts = int((high - low).max()) + 1
    score = np.zeros(len(y))
    step = max(1, CHUNK // len(y))
    for start in range(0, n_counts, step):
        counts = low + np.arange(start, min(start + step, n_counts))[:, None]
        below = np.clip(
            y - counts, 0.0, 1.0
        )  # the part of the step from a count to the next that is below the target
        share = distribution.cdf(counts)
        score += (below * np.square(share) + (1.0 - below) * np.square(1.0 - share)).sum(axis=0)
    return score


def _of_mixed(mixed: Mixed, y: np.ndarray) -> np.ndarray:
    """Return E|Y - y| - E|Y - Y'|/2, both as sums over values and everything else."""
    rest, p, others = mixed.rest, mixed.probabilities, mixed.remaining
    with np.errstate(invalid="ignore"):
        mean, lowest = rest.mean(), rest.ppf(TAIL)
        # Half of the mean distance of two draws, from the mean distance of a draw to a point below all.
        half = mean - lowest - crps(rest, lowest)

        def distance(x: np.ndarray) -> np.ndarray:
            return np.where(others > 0.0, crps(rest, x) + half, 0.0)

        score = others * (distance(y) - others * np.where(others > 0.0, half, 0.0))
        for i, value in enumerate(mixed.values):
            score = score + p[i] * (np.abs(value - y) - others * distance(np.full(len(y), value)))
            score = score - sum(p[i] * p[j] * abs(value - other) for j, other in enumerate(mixed.values[:i]))
    return np.where(np.isinf(mean) & (others > 0.0), np.inf, score)


def _integral(distribution: Any, y: np.ndarray) -> np.ndarray:
    """Integrate 2 (1[y < q] - a)(q - y) over the levels a of the quantiles q, up to the level of y and from there.

    This uses the tanh-sinh rule, which copes with the infinite slopes of quantiles at 0 and 1.
    """
    t = np.linspace(-3.0, 3.0, 61)  # levels from 2e-14 to 1 - 2e-14: nearer to the ends there are no floats
    nodes = 1.0 / (1.0 + np.exp(np.pi * np.sinh(-t)))
    weights = (t[1] - t[0]) * np.pi * np.cosh(t) * nodes * (1.0 - nodes)
    below, above = distribution.cdf(y), distribution.sf(y)
    score = np.zeros(len(y))
    for node, weight in zip(nodes, weights, strict=True):
        for share, quantile, sign in ((below, distribution.ppf, -1.0), (above, distribution.isf, 1.0)):
            level = node * share
            # An end beyond which nothing lies is infinitely far away; and so, where SciPy computes 1 - level, is
            # one beyond which almost nothing lies.
            far = sign * (quantile(level) - y)
            far[~np.isfinite(far)] = 0.0
            score += 2.0 * weight * share * level * far
    return score
