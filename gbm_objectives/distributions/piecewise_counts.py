"""Distributions of counts that are known by their quantiles."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .piecewise import Piecewise, PiecewiseNormal, normal_share

__all__ = ["PiecewiseCounts"]

# Sums over wider distributions of counts would take long; there, rounding up adds a half.
WIDEST = 512
# A share of rows beyond which nothing is summed.
TAIL = 1e-12


class PiecewiseCounts(Piecewise):
    """A distribution of counts for each row that is known by quantiles; see `PiecewiseNormal`.

    What `predict_distribution` returns for counts after `calibrate`: the variable of `PiecewiseNormal`, rounded
    up. So a known quantile is that of its level, and the probability between two levels is spread over the counts
    between their quantiles. It has `pmf` and `logpmf` in place of `pdf` and `logpdf`.

    Parameters
    ----------
    levels, quantiles, low, high
        As in `PiecewiseNormal`.

    Examples
    --------
    >>> distribution = PiecewiseCounts([0.25, 0.5, 0.75], [[0.0, 1.0, 4.0]], low=0.0)
    >>> distribution.ppf([[0.25], [0.5], [0.6], [0.75]]).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    >>> distribution.pmf([[0.0], [1.0], [1.5]]).round(4).ravel().tolist()
    [0.25, 0.25, 0.0]
    """

    def _at(self, z: np.ndarray) -> np.ndarray:
        return np.ceil(self._on_lines(z))

    def _z(self, x: ArrayLike) -> np.ndarray:
        return super()._z(np.floor(np.asarray(x, dtype=np.float64)))

    def pmf(self, k: ArrayLike) -> np.ndarray:
        """Return the probability of k."""
        k = np.asarray(k, dtype=np.float64)
        z, before = self._z(k), self._z(k - 1.0)
        return np.where(k == np.floor(k), np.maximum(normal_share(before, z), 0.0), np.where(np.isnan(k), k, 0.0))

    def logpmf(self, k: ArrayLike) -> np.ndarray:
        """Return the logarithm of the probability of k."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.pmf(k)))

    def mean(self) -> np.ndarray:
        """Return the mean; to about a hundredth of a count where they spread over hundreds."""
        return self._moments()[0]

    def var(self) -> np.ndarray:
        """Return the variance."""
        return self._moments()[1]

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        smooth = PiecewiseNormal(special.ndtr(self._known), self._values.T, *self._ends)
        mean, var = smooth.mean() + 0.5, smooth.var()
        low, high = self.ppf(TAIL), self.isf(TAIL)
        narrow = high - low <= WIDEST
        if narrow.any():
            part = copy(self)
            part._values, part._rows = self._values[:, narrow], self._rows[: narrow.sum()]
            mean[narrow], var[narrow] = part._sums(low[narrow], int((high - low)[narrow].max()))
        return mean, var

    def _sums(self, low: np.ndarray, n_counts: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance from the probabilities of more than each count from `low` on."""
        first, second = np.zeros((2, len(low)))  # of what is above `low`
        for k in range(n_counts):
            above = self.sf(low + k)
            first += above
            second += (2.0 * k + 1.0) * above
        return low + first, np.maximum(second - np.square(first), 0.0)
