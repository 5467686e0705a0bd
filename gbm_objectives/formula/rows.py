"""Numbers of a formula: its loss and derivatives in each row, and where each row's loss is least."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .derivatives import Derived

__all__ = ["Lowest", "Numbers"]

# A search for a row's lowest loss begins at this fraction of how far it may go, a power of 2, and ends when the
# place is known to this fraction of its distance: a step of a leaf is the mean of many rows' steps, each of which
# may be inexact.
NEAREST, HALVINGS = 20, 6
# Infinite slopes are limited to this, so that they are not multiplied by 0.
LARGEST = np.finfo(np.float64).max
# If nothing is found one step aside, this fraction of the step is tried: rows may differ a thousandfold.
NEARER = 1e-4


class Lowest(NamedTuple):
    """Where rows' losses are least, from `low` to `high`; NaN if no place is known.

    `below` and `above` are the sizes of the slopes a little outside it: for a kink, those at the kink.
    """

    low: Any
    high: Any
    below: Any
    above: Any

    def distance(self, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far raw predictions are from the lowest loss, and on which side: -1, 0 or 1."""
        beyond = f - np.minimum(np.maximum(f, self.low), self.high)
        return np.abs(beyond), np.sign(beyond)

    def take(self, rows: Any) -> Lowest:
        """Return the same for some of the rows."""
        return Lowest(*(part if np.ndim(part) == 0 else part[rows] for part in self))

    def beside(self, side: np.ndarray) -> np.ndarray:
        """Return the slope next to the lowest loss on each row's side."""
        return np.where(side > 0, self.above, self.below)


@dataclass(frozen=True)
class Numbers:
    """A formula with values for its parameters.

    For a formula in only f - y, targets are 0 here, and raw predictions are residuals.

    Parameters
    ----------
    derived : Derived
        The compiled formula.
    values : tuple of float
        Values of the parameters.
    response_to_raw : callable
        The link, infinite at the ends of the response's range: it gives the place where most formulas are least.
    endless : bool, default=False
        Whether a loss that is least nowhere else falls for ever, as that of a class label does.
    reach : tuple of float
        The residuals between which float64 holds the formula. Beyond them it continues in a straight line.
    found : tuple of float
        Residuals at which the loss is least, found by search.
    """

    derived: Derived
    values: tuple[float, ...]
    response_to_raw: Callable[[Any], Any]
    endless: bool = False
    reach: tuple[float, float] = (-np.inf, np.inf)
    found: tuple[float, ...] = ()

    def _call(self, function: Callable[..., Any], y: Any, f: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            result = np.asarray(function(y, f, *self.values), dtype=np.float64)
        shape = np.broadcast(y, f).shape
        # A formula may return a number, or its argument itself.
        fresh = result.shape == shape and result is not y and result is not f
        return result if fresh else np.array(np.broadcast_to(result, shape))

    def _inside(self, f: Any) -> Any:
        return f if self.reach == (-np.inf, np.inf) else np.clip(f, *self.reach)

    def value(self, y: Any, f: Any) -> np.ndarray:
        """Return the loss of each row."""
        inside = self._inside(f)
        value = self._call(self.derived.value, y, inside)
        if inside is not f:
            value += self._call(self.derived.gradient, y, inside) * (f - inside)
        return value

    def gradient(self, y: Any, f: Any) -> np.ndarray:
        """Return the slope of each row's loss."""
        return self._call(self.derived.gradient, y, self._inside(f))

    def second(self, y: Any, f: Any) -> np.ndarray:
        """Return the second derivative of each row's loss."""
        return self._call(self.derived.second, y, self._inside(f))

    def places(self, y: Any) -> list[np.ndarray]:
        """Return where the slope of each row's loss may jump; NaN if a place is not a number."""
        return [self._call(place, y, 0.0) for place in self.derived.places]

    def candidates(self, y: Any) -> list[np.ndarray]:
        """Return where each row's loss may be least."""
        if self.found:
            return [np.asarray(place) for place in self.found]
        with np.errstate(all="ignore"):
            by_link = np.asarray(self.response_to_raw(y), dtype=np.float64)
        valleys = (self._call(valley, y, 0.0) for valley in self.derived.valleys)
        return [*self.places(y), *valleys, by_link]

    def lowest(self, y: Any, step: float) -> Lowest:
        """Return where each row's loss is least: at candidates with a slope down towards them on both sides."""
        candidates = self.candidates(y)
        lowest = self._lowest_of(candidates, y, step)
        # That far aside, the loss of some rows may be flat, or belong to another place.
        missed = np.isnan(lowest.low) & np.any([np.isfinite(place) for place in candidates], axis=0)
        if missed.any():
            nearer = self._lowest_of(candidates, y, NEARER * step)
            lowest = Lowest(*(np.where(missed, *pair) for pair in zip(nearer, lowest, strict=True)))
        if self.found and np.isnan(lowest.low):
            return Lowest(np.float64(min(self.found)), np.float64(max(self.found)), np.zeros(()), np.zeros(()))
        return lowest

    def _lowest_of(self, candidates: list[np.ndarray], y: Any, step: float) -> Lowest:
        low, high = np.full((2, *np.shape(y)), np.nan)
        below, above = np.zeros((2, *np.shape(y)))
        for place in candidates:
            aside = beside(place, step)
            left, right = self.gradient(y, place - aside), self.gradient(y, place + aside)
            good = (left <= 0) & (right >= 0) & (left < right)
            lower, higher = good & ~(place >= low), good & ~(place <= high)
            low, below = np.where(lower, place, low), np.where(lower, -left, below)
            high, above = np.where(higher, place, high), np.where(higher, right, above)
        return Lowest(low, high, np.minimum(below, LARGEST), np.minimum(above, LARGEST))

    def search(self, y: np.ndarray, f: np.ndarray, gradient: np.ndarray, most: float) -> np.ndarray:
        """Return how far downhill each row's loss is least; infinity if that is farther than `most`."""
        downhill = -np.sign(gradient)

        def crossed(distance: np.ndarray) -> np.ndarray:
            return np.asarray(self.gradient(y, f + downhill * distance) * gradient <= 0)

        # First among powers of 2, also by bisection: a slope that has changed its sign does not change it back.
        low, high = np.full(f.shape, -NEAREST - 1), np.full(f.shape, 1)
        while (between := high - low > 1).any():
            middle = (low + high) // 2
            beyond = crossed(np.ldexp(most, middle))
            low, high = np.where(between & ~beyond, middle, low), np.where(between & beyond, middle, high)
        near = np.where(low < -NEAREST, 0.0, np.ldexp(most, low))
        far = np.where(high > 0, np.inf, np.ldexp(most, high))
        known = high <= 0
        for _ in range(HALVINGS):
            middle = np.where(known, 0.5 * (near + far), near)
            beyond = crossed(middle)
            near, far = np.where(beyond, near, middle), np.where(known & beyond, middle, far)
        return far


def beside(place: np.ndarray, step: float) -> np.ndarray:
    """Return a step away from a place, large enough not to be lost in the place's digits."""
    with np.errstate(invalid="ignore"):
        return np.maximum(step, 16.0 * np.spacing(np.abs(place)))
