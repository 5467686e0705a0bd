"""The checks of `check_loss` on distributions: is it a density, the one that its frozen distribution has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ..distributions import Distribution
from ..distributions.mixed import Mixed
from .trial import Trial

__all__ = ["DISTRIBUTIONS"]

# Rows to integrate over, and draws of each for the mean of the gradient.
ROWS, DRAWS = 20, 4000
# Levels between whose quantiles to integrate: most of the probability, and no end where a density may be infinite.
LEVELS = 0.3, 0.5, 0.7
# Of an integral over the middle of a density, which may have a kink.
CLOSE = 1e-3


def _density(on: Trial) -> Iterator[str]:
    """Compare the integral of exp(-pointwise) between two quantiles with their distribution function."""
    loss = on.loss
    if not isinstance(loss, Distribution) or not loss.noise.likelihood:
        return
    raw = 0.5 * on.raw[:ROWS]
    frozen = loss._frozen(loss.response(raw))
    continuous = getattr(frozen, "rest", frozen)
    ends = [np.asarray(continuous.ppf(level), dtype=np.float64) for level in LEVELS]
    for low, high in pairwise(ends):
        of_frozen = np.asarray(frozen.cdf(high)) - np.asarray(frozen.cdf(low))
        # Those with a probability of their own are checked by differences of log-densities.
        if hasattr(frozen, "probability"):
            of_frozen = of_frozen - _of_values(frozen, low, high)
        if hasattr(frozen, "pdf"):
            node, weight = np.polynomial.legendre.leggauss(100)
            y = low + 0.5 * (high - low) * (1.0 + node[:, None])
            density = np.exp(-_losses(loss, y, raw))
            of_loss = 0.5 * (high - low) * np.tensordot(weight, density, axes=1)
        else:
            counts = low + np.arange(1.0, max(2.0, float((high - low).max())) + 1.0)[:, None]
            values = frozen.values if hasattr(frozen, "probability") else ()
            inside = (counts <= high) & ~np.isin(counts, values)
            of_loss = np.where(inside, np.exp(-_losses(loss, counts, raw)), 0.0).sum(axis=0)
        miss = np.where(np.isfinite(of_loss), np.abs(of_loss - of_frozen), np.inf) - CLOSE
        if miss.max() > 0:
            row = int(miss.argmax())
            yield (
                f"between {low[row]:.4g} and {high[row]:.4g}, exp(-pointwise) sums to {of_loss[row]:.4f} in row"
                f" {row}, and the distribution of _frozen has {of_frozen[row]:.4f}: is a term missing?"
            )
            return


def _losses(loss: Distribution, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
    tiled = np.tile(raw, (len(y), 1))
    return np.asarray(loss._pointwise(y.ravel(), tiled)).reshape(y.shape)


def _of_values(frozen: Mixed, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the probability of values of their own, above one number and up to another."""
    total = np.zeros(len(low))
    for value in frozen.values:
        inside = (low < value) & (value <= high)
        total += np.where(inside, frozen.probability(value), 0.0)
    return total


def _mean_gradient(on: Trial) -> Iterator[str]:
    """Yield where the gradient's mean over draws of the distribution is not 0, as it is for its own parameters."""
    loss = on.loss
    if not isinstance(loss, Distribution):
        return
    raw = 0.5 * on.raw[:ROWS]
    drawn = np.asarray(loss._frozen(loss.response(raw)).rvs(size=(DRAWS, len(raw)), random_state=5), dtype=float)
    rows = np.array([loss.domain.accepts(of_row) for of_row in drawn.T])
    if not rows.any():
        return
    drawn, raw = drawn[:, rows], raw[rows]
    gradient = loss._gradient(drawn.ravel(), np.tile(raw, (DRAWS, 1))).reshape(DRAWS, *raw.shape)
    spread = gradient.std(axis=0)
    # In standard deviations of the gradient of one target: its sign may differ from row to row.
    score = np.sqrt(DRAWS) * gradient.mean(axis=0) / np.where(spread > 0.0, spread, 1.0)
    far = np.abs(score).max(axis=0) > 7.0
    if far.any():
        output = int(far.argmax())
        row = int(np.abs(score[:, output]).argmax())
        yield (
            f"the gradient's mean over draws of _frozen must be 0, by output {output} it is"
            f" {gradient.mean(axis=0)[row, output]:.4g} ± {spread[row, output] / np.sqrt(DRAWS):.2g} in row"
            f" {np.flatnonzero(rows)[row]}"
        )


DISTRIBUTIONS = (_density, _mean_gradient)
