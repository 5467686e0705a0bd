"""What a formula is: which curvature it gets, and whether it can be trained at all, judged by its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..contract.domain import BINARY, NON_NEGATIVE, POSITIVE, UNIT_INTERVAL, Domain
from ..contract.formulas import CurvatureKind
from ..contract.links import IDENTITY, LOG, LOG1P, LOGIT, Link
from .derivatives import derivatives_of
from .rows import Lowest, Numbers, beside

__all__ = ["Shape", "check_jumps", "shape_of"]

# Sizes of residuals in any unit: from negligible next to any target to more than float32 holds.
SIZES = np.geomspace(1e-30, 1e30, 601)
# With other links than the identity, predictions are logarithms, and so are their distances.
DISTANCES = np.geomspace(1e-4, 30.0, 61)
# Slopes are equal up to rounding.
ROUNDING = 1e-9
LINKS_BEYOND: dict[str, Callable[[Any], Any]] = {
    IDENTITY.name: lambda y: y,
    LOG.name: np.log,
    LOG1P.name: np.log1p,
    LOGIT.name: lambda y: np.log(y) - np.log1p(-y),
}


@dataclass(frozen=True)
class Shape:
    """A formula's numbers, and what was found in them."""

    numbers: Numbers
    kind: CurvatureKind
    slopes: tuple[float, float] | None = None  # of a quantile loss, below and above
    centre: float = 0.0  # the residual where the loss is least

    @property
    def steps_are_exact(self) -> bool:
        """Whether the second derivative is right whatever the data; not in f - y, only samples show that."""
        return self.kind == "exact" and self.numbers.derived.of_residual


@lru_cache(maxsize=256)
def shape_of(formula: str, parameters: tuple[tuple[str, float], ...], link: Link, domain: Domain) -> Shape:
    """Return what a formula is.

    Raises
    ------
    ValueError
        If it is not a formula, or one in only f - y that has no minimum, several, a jump, a cusp, or no value
        somewhere.
    """
    derived = derivatives_of(formula, tuple(name for name, _ in parameters))
    values = tuple(float(value) for _, value in parameters)
    endless = domain is BINARY or domain is UNIT_INTERVAL
    numbers = Numbers(derived, values, LINKS_BEYOND[link.name], endless)
    if derived.of_residual and link == IDENTITY:
        return _of_residual(numbers)
    return Shape(replace(numbers, derived=derived._replace(of_residual=False)), _kind(numbers, domain, link))


def _of_residual(numbers: Numbers) -> Shape:
    """Return what a formula in only f - y is: it is judged at all sizes, whatever the unit."""
    numbers = replace(numbers, reach=_reach(numbers))
    r = np.concatenate([-SIZES[::-1], [0.0], SIZES])
    r = r[(r >= numbers.reach[0]) & (r <= numbers.reach[1])]
    check_jumps(numbers, 0.0, 1.0)
    low, high = _valley(numbers, r)
    numbers = replace(numbers, found=tuple({low, high}))
    lowest = numbers.lowest(0.0, max(1e-25, 1e-12 * max(abs(low), abs(high))))
    distance, side = lowest.distance(r)
    outside = side != 0
    r, distance, side = r[outside], distance[outside], side[outside]
    size, second = np.abs(numbers.gradient(0.0, r)), numbers.second(0.0, r)
    slopes = _slopes_at(numbers, lowest)
    jumps = [_jump(numbers, float(place)) for place in numbers.places(0.0)]
    if max(*slopes, *jumps, 0.0) > 0:
        even = [
            np.allclose(size[side == s], slope, rtol=ROUNDING) for s, slope in zip((-1, 1), slopes, strict=True)
        ]
        linear = all(even) and min(slopes) > 0 and lowest.low == lowest.high
        return Shape(numbers, "consistent", slopes if linear else None, float(lowest.low))
    # Near the lowest loss, slopes may be mere rounding where large numbers cancel, as in Fair's loss.
    unit = _steps_from(0.0, numbers)[2]
    known = (distance > unit) | (size > ROUNDING * np.abs(numbers.gradient(0.0, lowest.high + unit)))
    kind = _smooth_kind(size[known], second[known], distance[known], side[known])
    if kind == "exact" and lowest.low < lowest.high:
        # If most rows are content, a curvature of 0 for them would leave nothing to average.
        kind = "surrogate"
    return Shape(numbers, kind, centre=float(lowest.low))


def _reach(numbers: Numbers) -> tuple[float, float]:
    """Return the residuals between which float64 holds the formula and its derivatives."""
    ends = []
    for sign in (-1.0, 1.0):
        r = sign * SIZES
        parts = numbers.value(0.0, r), numbers.gradient(0.0, r), numbers.second(0.0, r)
        bad = ~np.isfinite(parts).all(axis=0)
        if not bad.any():
            ends.append(sign * np.inf)
            continue
        first = int(bad.argmax())
        with np.errstate(all="ignore"):
            # With exponents up to 16,384, something that has merely overflowed is still a number.
            more = numbers.derived.value(np.longdouble(0.0), np.longdouble(r[first]), *numbers.values)
        if np.isnan(more) or first == 0:
            raise ValueError(
                f"formula must have a value and a slope for any f and y, it has none at f - y = {r[first]:.3g}"
            )
        ends.append(float(r[first - 1]))
    return ends[0], ends[1]


def _valley(numbers: Numbers, r: np.ndarray) -> tuple[float, float]:
    """Return the residuals between which the loss is least."""
    slope = numbers.gradient(0.0, r)
    sign = np.sign(slope)
    falls, rises = np.flatnonzero(sign < 0), np.flatnonzero(sign > 0)
    if not falls.size and not rises.size:
        raise ValueError("formula must change with f - y, its gradient is 0 everywhere")
    if not falls.size or not rises.size or falls[0] > rises[0]:
        raise ValueError(
            "formula must have a minimum: as f - y grows it "
            + ("rises only" if not falls.size else "falls only" if not rises.size else "rises, then falls")
        )
    if falls[-1] > rises[0]:
        raise ValueError(
            f"formula must have one minimum in f: as f - y grows it rises at {r[rises[0]]:.3g} and falls again at"
            f" {r[falls[-1]]:.3g}, and training would end in either"
        )
    return _edge(numbers, float(r[falls[-1]]), float(r[falls[-1] + 1]), 1.0), _edge(
        numbers, float(r[rises[0]]), float(r[rises[0] - 1]), -1.0
    )


def _edge(numbers: Numbers, outside: float, inside: float, inwards: float) -> float:
    """Return the end of the valley between a residual outside it and one inside."""
    if min(outside, inside) <= 0.0 <= max(outside, inside) and max(abs(outside), abs(inside)) <= SIZES[0]:
        return 0.0
    for place in sorted(float(p) for p in numbers.candidates(0.0) if np.isfinite(p)):
        if min(outside, inside) <= place <= max(outside, inside):
            aside = float(beside(np.asarray(place), 0.0))
            left, right = numbers.gradient(0.0, np.array([place - aside, place + aside])) * inwards
            if (left < 0 <= right) if inwards > 0 else (right < 0 <= left):
                return place
    for _ in range(200):
        middle = 0.5 * (outside + inside)
        if numbers.gradient(0.0, middle) * inwards < 0:
            outside = middle
        else:
            inside = middle
    return inside


def _slopes_at(numbers: Numbers, lowest: Lowest) -> tuple[float, float]:
    """Return the slopes below and above the lowest loss; 0 where they vanish towards it."""
    slopes = []
    for place, sign in ((lowest.low, -1.0), (lowest.high, 1.0)):
        near, less_near, far = sign * numbers.gradient(0.0, place + sign * _steps_from(float(place), numbers))
        if near > 2.0 * less_near > ROUNDING * far:
            raise ValueError(
                "formula must have a finite slope, near its minimum at f - y ="
                f" {float(place):.3g} it grows without end: every target would be a minimum of its own"
            )
        slopes.append(float(near) if near > max(0.5 * less_near, ROUNDING * far) else 0.0)
    return slopes[0], slopes[1]


def _jump(numbers: Numbers, place: float) -> float:
    """Return by how much the slope jumps upwards at a place; 0 if it does not."""
    steps = _steps_from(place, numbers)
    left, right = numbers.gradient(0.0, place - steps), numbers.gradient(0.0, place + steps)
    near, less_near, _ = right - left
    return float(near) if near > max(0.5 * less_near, ROUNDING * max(abs(left[2]), abs(right[2]))) else 0.0


def _steps_from(place: float, numbers: Numbers) -> np.ndarray:
    """Return two steps as short as a place's digits allow, and one that is not short for the formula's numbers.

    If slopes at the first two are equal, there is a kink, unless they are mere rounding compared with the third.
    """
    size = min([1.0, *(abs(value) for value in numbers.values if value)])
    short = np.array([1e-25, 1e-15]) if place == 0 else abs(place) * np.array([1e-12, 1e-6])
    return np.append(short, max(size, short[1]))


def check_jumps(numbers: Numbers, y: float, unit: float) -> None:
    """Raise if the loss itself jumps at one of the places where it switches branches."""
    for place in (float(p) for p in numbers.places(y) if np.isfinite(p)):
        wide, narrow = np.array([1e-6, 1e-9]) * (abs(place) or unit)
        values = numbers.value(y, place + np.array([-wide, -narrow, 0.0, narrow, wide]))
        far, near = abs(values[4] - values[0]), abs(values[3] - values[1])
        # A continuous loss changes a thousandfold less over a thousandth of the step, up to rounding.
        rounding = max(ROUNDING * np.abs(values).max(), 1e-7 * np.abs(values - values[2]).max())
        if near > max(0.5 * far, rounding):
            of_residual = numbers.derived.of_residual
            where = f"f - y = {place:.3g}" if of_residual else f"f = {place:.4g} for y = {y:.4g}"
            raise ValueError(f"formula must not jump: at {where} it goes from {values[1]:.3g} to {values[3]:.3g}")


def _smooth_kind(size: np.ndarray, second: np.ndarray, distance: np.ndarray, side: np.ndarray) -> CurvatureKind:
    """Return what the curvature of a formula without kinks is."""
    # A step of a row by itself goes to the lowest loss, not beyond.
    if (second > 0).all() and (size <= (1 + ROUNDING) * second * distance)[np.isfinite(distance)].all():
        return "exact"
    left, right = ((size / distance)[side == s] for s in (-1, 1))
    if left.size != right.size or not np.allclose(left[::-1], right, rtol=1e-6):
        return "surrogate"
    # A tangent parabola lies above an even function whose slope divided by distance falls.
    return "majorizer" if (right[1:] <= (1 + 1e-6) * right[:-1]).all() else "surrogate"


def _kind(numbers: Numbers, domain: Domain, link: Link) -> CurvatureKind:
    """Return what the curvature of a formula in y and f is, on targets of its domain from small to large."""
    sizes = np.geomspace(1e-2, 1e2, 9)
    targets = {
        NON_NEGATIVE: np.concatenate([[0.0], sizes]),
        POSITIVE: sizes,
        UNIT_INTERVAL: np.array([0.0, 0.01, 0.2, 0.5, 0.9, 1.0]),
        BINARY: np.array([0.0, 1.0]),
    }.get(domain, np.concatenate([-sizes[::-1], [0.0], sizes]))
    kinds: set[CurvatureKind] = set()
    for y in targets:
        lowest = numbers.lowest(y, 1e-9)
        if np.isnan(lowest.low):
            f = np.concatenate([-DISTANCES[::-1], DISTANCES])
            kinds.add("exact" if (numbers.second(y, f) > 0).all() else "surrogate")
            continue
        f = np.concatenate([lowest.low - DISTANCES[::-1], lowest.high + DISTANCES])
        distance, side = lowest.distance(f)
        size, second = np.abs(numbers.gradient(y, f)), numbers.second(y, f)
        less_near = numbers.lowest(y, 1e-6)
        slopes = ((lowest.below, less_near.below), (lowest.above, less_near.above))
        # A slope that vanishes towards the lowest loss is a thousandth of the slope a thousand times as far away.
        kinked = any(near > max(0.5 * further, 1e-6 * size[distance <= 1.0].max()) for near, further in slopes)
        kinds.add("consistent" if kinked else _smooth_kind(size, second, distance, side))
    order: tuple[CurvatureKind, ...] = ("consistent", "surrogate", "majorizer", "exact")
    return next(kind for kind in order if kind in kinds)
