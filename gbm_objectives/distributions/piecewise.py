"""Distributions that are known by their quantiles, with the methods of SciPy's frozen distributions.

Between two levels the quantile function is a straight line in the quantiles of the normal distribution, and the
outer lines go on: a variable is T(Z), with Z standard normal and T rising in straight pieces. So every piece is a
part of a normal distribution, and all moments have closed forms. Equal quantiles are atoms: values of positive
probability.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .frozen import Frozen

__all__ = ["Piecewise", "PiecewiseNormal", "normal_share"]

LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


class Piecewise(Frozen):
    """What both kinds have in common; x and q broadcast against (n_rows,), as for SciPy's frozen distributions.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Two or more ascending levels, above 0 and below 1.
    quantiles : ndarray of shape (n_rows, n_levels)
        The quantiles of each row, in ascending order.
    low, high : float, optional
        Where values can be: what lies beyond is at these ends.
    """

    def __init__(
        self, levels: ArrayLike, quantiles: ArrayLike, low: float = -np.inf, high: float = np.inf
    ) -> None:
        self._known: np.ndarray = special.ndtri(np.asarray(levels, dtype=np.float64))
        # A level's quantiles side by side, which most loops go through.
        self._values = np.ascontiguousarray(np.asarray(quantiles, dtype=np.float64).T)
        self._ends = float(low), float(high)
        self._rows = np.arange(self._values.shape[1])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._rows)} rows>"

    # ---- the lines ------------------------------------------------------------------------------------------

    def _on_lines(self, z: np.ndarray) -> np.ndarray:
        """Return T(z)."""
        right = np.clip(np.searchsorted(self._known, z), 1, len(self._known) - 1)
        share = (z - self._known[right - 1]) / (self._known[right] - self._known[right - 1])
        low, high = self._values[right - 1, self._rows], self._values[right, self._rows]
        with np.errstate(invalid="ignore"):  # 0 times inf, where a piece is flat
            x = np.where(high == low, low, low + (high - low) * share)
        # A known quantile is exact.
        x = np.where(share == 1.0, high, x)
        return np.where(np.isnan(share), np.nan, np.clip(x, *self._ends))

    def _lines_at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest z with T(z) <= x, and the slope of T there, as if there were no ends."""
        x = np.asarray(x, dtype=np.float64)
        place = np.zeros(np.broadcast_shapes(x.shape, self._rows.shape), dtype=np.intp)
        for values in self._values[1:-1]:
            place += values <= x
        low, high = self._values[place, self._rows], self._values[place + 1, self._rows]
        slope = (high - low) / (self._known[place + 1] - self._known[place])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = self._known[place] + (x - low) / slope
        flat = np.where(x >= low, np.inf, -np.inf)
        return np.where(np.isnan(x), np.nan, np.where(slope == 0.0, flat, z)), slope

    def _z(self, x: ArrayLike) -> np.ndarray:
        """Return the normal quantile of P(X <= x)."""
        at = np.asarray(x, dtype=np.float64)
        z, _ = self._lines_at(at)
        return np.where(at >= self._ends[1], np.inf, np.where(at < self._ends[0], -np.inf, z))

    @abstractmethod
    def _at(self, z: np.ndarray) -> np.ndarray:
        """Return the quantile whose level is that of a normal quantile."""

    # ---- SciPy's methods ------------------------------------------------------------------------------------

    def cdf(self, x: ArrayLike) -> np.ndarray:
        """Return P(X <= x)."""
        return np.asarray(special.ndtr(self._z(x)))

    def sf(self, x: ArrayLike) -> np.ndarray:
        """Return P(X > x)."""
        return np.asarray(special.ndtr(-self._z(x)))

    def logcdf(self, x: ArrayLike) -> np.ndarray:
        """Return log P(X <= x)."""
        return np.asarray(special.log_ndtr(self._z(x)))

    def logsf(self, x: ArrayLike) -> np.ndarray:
        """Return log P(X > x)."""
        return np.asarray(special.log_ndtr(-self._z(x)))

    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Return the quantiles of levels q: the smallest x with P(X <= x) >= q."""
        return self._at(special.ndtri(np.asarray(q, dtype=np.float64)))

    def isf(self, q: ArrayLike) -> np.ndarray:
        """Return the quantiles that shares q lie above."""
        return self._at(-special.ndtri(np.asarray(q, dtype=np.float64)))


class PiecewiseNormal(Piecewise):
    """A distribution for each row that is known by quantiles: pieces of normal distributions between them.

    What `predict_distribution` returns for `MultiQuantile`, and after `calibrate`. It has the methods of SciPy's
    frozen distributions: `cdf`, `sf`, `logcdf`, `logsf`, `ppf`, `isf`, `pdf`, `logpdf`, `mean`, `median`, `var`,
    `std`, `interval`, `support` and `rvs`. Where quantiles of a row are equal, that value is an atom: it has a
    positive probability, `pdf` is infinite at it, `cdf` jumps, and cdf(ppf(q)) is at least q instead of q.

    Parameters
    ----------
    levels : array-like of shape (n_levels,)
        Two or more ascending levels, above 0 and below 1.
    quantiles : array-like of shape (n_rows, n_levels)
        The quantiles of each row, in ascending order. Between levels, and beyond them, they lie on straight lines
        in the quantiles of the normal distribution.
    low, high : float, optional
        Where values can be: what lies beyond is at these ends.

    Examples
    --------
    >>> import numpy as np
    >>> distribution = PiecewiseNormal([0.05, 0.5, 0.95], [[0.0, 1.0, 2.0], [0.0, 1.0, 5.0]])
    >>> distribution.sf(3.0).round(4)  # P(y > 3) of each row
    array([0.0005, 0.2054])
    >>> distribution.ppf([[0.05], [0.5]])
    array([[0., 0.],
           [1., 1.]])
    >>> distribution.mean().round(4)  # the upper piece is four times as wide
    array([1.    , 1.7276])
    """

    def _at(self, z: np.ndarray) -> np.ndarray:
        return self._on_lines(z)

    def pdf(self, x: ArrayLike) -> np.ndarray:
        """Return the density at x; infinite at atoms."""
        return np.asarray(np.exp(self.logpdf(x)))

    def logpdf(self, x: ArrayLike) -> np.ndarray:
        """Return the logarithm of the density at x; infinite at atoms."""
        x = np.asarray(x, dtype=np.float64)
        z, slope = self._lines_at(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_density = np.where(np.isinf(z), -np.inf, -0.5 * z * z - LOG_ROOT_2PI - np.log(slope))
        low, high = self._ends
        log_density = np.where((x < low) | (x > high), -np.inf, log_density)
        return np.where(self._is_atom(x), np.inf, log_density)

    def _is_atom(self, x: np.ndarray) -> np.ndarray:
        """Return whether a value has a positive probability."""
        first, last = self._values[0], self._values[-1]
        # What a line beyond the outer levels would leave is at the end.
        found = (x == self._ends[0]) & ((first <= x) | (self._values[1] > first)) & np.isfinite(x)
        found |= (x == self._ends[1]) & ((last >= x) | (last > self._values[-2])) & np.isfinite(x)
        for left, right in pairwise(self._values):
            found |= (left == right) & (left == x)
        return found

    def _pieces(self) -> Iterator[tuple[Any, Any, Any, Any]]:
        """Yield parts of the normal variable, from a to b, in which X is c + s z."""
        low, high = self._ends
        first, last = self._lines_at(np.array(low))[0], self._lines_at(np.array(high))[0]
        if np.isfinite(low):
            yield np.full_like(first, -np.inf), first, low, 0.0
        edges = np.concatenate([[-np.inf], self._known[1:-1], [np.inf]])
        for i, (a, b) in enumerate(pairwise(edges)):
            slope = (self._values[i + 1] - self._values[i]) / (self._known[i + 1] - self._known[i])
            intercept = self._values[i] - slope * self._known[i]
            yield np.clip(a, first, last), np.clip(b, first, last), intercept, slope
        if np.isfinite(high):
            yield last, np.full_like(last, np.inf), high, 0.0

    def mean(self) -> np.ndarray:
        """Return the mean."""
        return np.asarray(sum(c * normal_share(a, b) + s * (_phi(a) - _phi(b)) for a, b, c, s in self._pieces()))

    def var(self) -> np.ndarray:
        """Return the variance."""
        mean, total = self.mean(), np.zeros(self._rows.shape)
        for a, b, c, s in self._pieces():
            c, p = c - mean, normal_share(a, b)
            total += c * c * p + 2.0 * c * s * (_phi(a) - _phi(b)) + s * s * (p + _z_phi(a) - _z_phi(b))
        return np.maximum(total, 0.0)

    def _crps(self, y: np.ndarray) -> np.ndarray:
        """Return the integral of 2 (1[y < q] - a)(q - y) over the levels a of the quantiles q, for each row."""
        at, score = self._z(y), np.zeros(self._rows.shape)
        for a, b, c, s in self._pieces():
            # Up to y, and mirrored from there, levels count from the nearer side.
            for start, end, sign in (
                (np.minimum(a, at), np.minimum(b, at), -1.0),
                (-np.maximum(b, at), -np.maximum(a, at), 1.0),
            ):
                area, moment = (high - low for high, low in zip(_weighted(end), _weighted(start), strict=True))
                score += 2.0 * sign * ((c - y) * area - sign * s * moment)
        return score


def _phi(z: Any) -> Any:
    """Return the normal density."""
    return np.exp(-0.5 * z * z - LOG_ROOT_2PI)


def _z_phi(z: Any) -> Any:
    """Return z times the normal density, which is 0 at infinity."""
    return np.where(np.isinf(z), 0.0, z) * _phi(z)


def normal_share(a: Any, b: Any) -> Any:
    """Return the probability of a normal variable between a and b, also far out on the right."""
    return np.where(a > 0.0, special.ndtr(-a) - special.ndtr(-b), special.ndtr(b) - special.ndtr(a))


def _weighted(z: Any) -> tuple[Any, Any]:
    """Return the integrals up to z of the normal cdf times the density, and of that times z."""
    below = special.ndtr(z)
    return 0.5 * below * below, special.ndtr(np.sqrt(2.0) * z) / (2.0 * np.sqrt(np.pi)) - _phi(z) * below
