"""A frozen distribution whose distribution function is an integral over its density."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .frozen import Frozen
from .information import near
from .quadrature import MOST_LOST, PANELS, SCALES, nodes_of

__all__ = ["NumericDensity", "near"]

# Steps towards a quantile: Newton's, or halvings of the interval known to hold it.
STEPS = 30
# Where this share of a moment comes from the far ends of the line, it is infinite: the last nodes, and targets so
# large that their squares are hardly floating-point numbers.
HEAVY, LAST_NODES, LARGEST_TARGET = 1e-3, 24, 1e150
# The width of a density that hardly has floating-point numbers in it, as a share of its place.
NARROW = 1e-13
# To which probabilities are met, as a share of the smaller side's; and the width in u of an interval that is not
# divided further.
CLOSE, ROUNDING = 1e-9, 1e-15
NODE, WEIGHT = np.polynomial.legendre.leggauss(8)


class NumericDensity(Frozen):
    """The densities of some rows, with distribution functions and quantiles to about six digits.

    Parameters
    ----------
    log_density : callable
        From targets, (n_rows, n_points), to the logarithm of each row's density.
    scale : {"real", "positive", "probability"}
        What the targets are.
    near : ndarray of shape (n_rows, n_guesses)
        Where a peak may be, see `nodes_of`.
    """

    def __init__(self, log_density: Callable[[np.ndarray], np.ndarray], scale: str, near: np.ndarray) -> None:
        self._of_rows = log_density
        self._to_target, self._from_target, self._log_slope = SCALES[scale]
        self._ends = self._to_target(np.array([-np.inf, np.inf]))
        self.nodes = nodes_of(log_density, scale, near)
        total = self.nodes.mass.sum(axis=1)
        self._total = np.where(np.abs(total - 1.0) <= MOST_LOST, total, np.nan)
        # A density between two floating-point numbers, as of targets that are all equal, is all at its peak.
        narrow = self.nodes.width.max(axis=0) <= NARROW * np.abs(self.nodes.peak)
        self._is_point = np.isnan(self._total) & narrow
        self._point = self._to_target(self.nodes.peak)
        # Ends of panels, negative below the peak.
        self._u = np.concatenate([-PANELS[:0:-1], PANELS])

    # ---- on the line ---------------------------------------------------------------------------------------

    def _x(self, u: np.ndarray, below_peak: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x, and its slope by u."""
        width = np.where(below_peak, self.nodes.width[0], self.nodes.width[1])
        return self.nodes.peak + width * np.sinh(u), width * np.cosh(u)

    def _log_density(self, y: np.ndarray) -> np.ndarray:
        """Return the log-density of targets, (..., n_rows)."""
        with np.errstate(all="ignore"):
            of_rows = self._of_rows(y.reshape(-1, len(self._total)).T)
        return np.asarray(
            np.broadcast_to(of_rows, (len(self._total), y.size // len(self._total))).T.reshape(y.shape)
        )

    def _density(self, u: np.ndarray, below_peak: np.ndarray) -> np.ndarray:
        """Return the density of u."""
        x, slope = self._x(u, below_peak)
        with np.errstate(all="ignore"):
            height = np.exp(self._log_density(self._to_target(x)) + self._log_slope(x))
            return np.nan_to_num(height * slope, nan=0.0, posinf=0.0)

    def _since(self, panel: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the probability from the lower end of a panel to u in it."""
        below_peak = panel < len(PANELS) - 1
        half = 0.5 * (u - self._u[panel])
        inside = self._u[panel] + half * (1.0 + NODE.reshape(-1, *np.ones(u.ndim, dtype=int)))
        return np.asarray(np.tensordot(WEIGHT, self._density(inside, below_peak[None]), axes=1) * half)

    def _place(self, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return panel and u of targets."""
        with np.errstate(all="ignore"):
            x = self._from_target(np.asarray(y, dtype=np.float64))
        x = np.where(np.isnan(x), -np.inf, x)  # the logarithm of a negative number
        distance = x - self.nodes.peak
        width = np.where(distance < 0.0, self.nodes.width[0], self.nodes.width[1])
        u = np.clip(np.arcsinh(distance / width), self._u[0], self._u[-1])
        return np.clip(np.searchsorted(self._u, u, side="right") - 1, 0, len(self._u) - 2), u

    # ---- the distribution ----------------------------------------------------------------------------------

    def logpdf(self, x: ArrayLike) -> np.ndarray:
        """Return the log-density."""
        x = np.asarray(x, dtype=np.float64)
        x = np.broadcast_to(x, np.broadcast_shapes(x.shape, self._total.shape))
        return np.where((x > self._ends[0]) & (x < self._ends[1]), self._log_density(x), -np.inf)

    def pdf(self, x: ArrayLike) -> np.ndarray:
        """Return the density."""
        return np.exp(self.logpdf(x))

    def cdf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of at most x."""
        panel, u = self._place(x)
        rows = np.broadcast_to(np.arange(len(self._total)), u.shape)
        share = np.clip((self.nodes.below[rows, panel] + self._since(panel, u)) / self._total, 0.0, 1.0)
        return np.where(self._is_point, np.asarray(x) >= self._point, share)

    def sf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of more than x."""
        panel, u = self._place(x)
        rows = np.broadcast_to(np.arange(len(self._total)), u.shape)
        share = np.clip((self.nodes.above[rows, panel] - self._since(panel, u)) / self._total, 0.0, 1.0)
        return np.where(self._is_point, np.asarray(x) < self._point, share)

    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Return the quantile of a level."""
        return self._quantile(np.asarray(q, dtype=np.float64), self.nodes.below, 1.0)

    def isf(self, q: ArrayLike) -> np.ndarray:
        """Return the number that is exceeded with a probability."""
        return self._quantile(np.asarray(q, dtype=np.float64), self.nodes.above, -1.0)

    def _quantile(self, q: np.ndarray, ends: np.ndarray, sign: float) -> np.ndarray:
        """Return where the probability from below (sign 1) or above (-1), known at ends of panels, is q."""
        wanted = q * self._total
        panel = np.full(wanted.shape, -1)
        for end in ends.T:
            panel += sign * wanted >= sign * end
        panel = np.clip(panel, 0, len(self._u) - 2)
        low, high = self._u[panel], self._u[panel + 1]
        rows = np.broadcast_to(np.arange(len(self._total)), wanted.shape)
        below_peak = panel < len(PANELS) - 1
        here, there = ends[rows, panel], ends[rows, panel + 1]
        with np.errstate(all="ignore"):
            part = np.clip(np.nan_to_num((wanted - here) / (there - here), nan=0.5), 0.01, 0.99)
        u = low + part * (high - low)
        least = CLOSE * np.minimum(wanted, self._total - wanted) + ROUNDING
        for _ in range(STEPS):
            miss = sign * (here - wanted) + self._since(panel, u)
            low, high = np.where(miss < 0.0, u, low), np.where(miss > 0.0, u, high)
            with np.errstate(all="ignore"):
                newton = u - miss / self._density(u, below_peak)
            far = (np.abs(miss) > least) & (high - low > CLOSE)
            if not far.any():
                break
            u = np.where(far, np.where((newton > low) & (newton < high), newton, 0.5 * (low + high)), u)
        with np.errstate(over="ignore"):
            result = self._to_target(self._x(u, below_peak)[0])
        first, last = self._ends if sign > 0 else self._ends[::-1]
        result = np.where(self._is_point, self._point, result)
        result = np.where(q == 0.0, first, np.where(q == 1.0, last, result))
        known = np.isfinite(self._total) | self._is_point
        return np.where((q >= 0.0) & (q <= 1.0) & known, result, np.nan)

    def _moment(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values at the nodes: infinite, or NaN, where far ends of the line have much of it."""
        with np.errstate(all="ignore"):
            part = self.nodes.mass * np.where(self.nodes.mass > 0.0, values, 0.0)
            far = np.abs(values) > LARGEST_TARGET
            far[:, :LAST_NODES] = far[:, -LAST_NODES:] = True
            at_ends = np.where(far, part, 0.0)
            most = HEAVY * np.abs(part).sum(axis=1)
            upper, lower = (
                np.maximum(at_ends, 0.0).sum(axis=1) > most,
                np.minimum(at_ends, 0.0).sum(axis=1) < -most,
            )
            result = part.sum(axis=1) / self._total
            return result + np.where(upper, np.inf, 0.0) - np.where(lower, np.inf, 0.0)

    def _targets(self) -> np.ndarray:
        with np.errstate(over="ignore"):
            return self._to_target(self.nodes.x)

    def mean(self) -> np.ndarray:
        """Return the mean; infinite, or NaN, if there is none."""
        distance = self._moment(self._targets() - self._point[:, None])
        return np.asarray(self._point + np.where(self._is_point, 0.0, distance))

    def var(self) -> np.ndarray:
        """Return the variance; infinite, or NaN, if there is none."""
        with np.errstate(over="ignore", invalid="ignore"):
            of_nodes = self._moment(np.square(self._targets() - self.mean()[:, None]))
        return np.where(self._is_point, 0.0, of_nodes)
