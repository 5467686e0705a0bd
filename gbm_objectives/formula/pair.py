"""Gradient and curvature that the engines get for a formula: kinks as consistent pairs, the rest unchanged.

Each row's loss falls towards the place where it is least, its *lowest*, and at a distance d from there on one side
its slope has the size A(d). That is split into layers: up to the slope next to the lowest place, it belongs to the
kink there; up to the jump of the slope at a further kink, to that one; and what is left is smooth::

    A(d) = min(A(d), A(0+)) + min(rest, jump of a further kink) + ... + smooth rest

Where A falls with d (a loss that flattens far out), the layers are weights of the kink's rows, as in iteratively
re-weighted absolute error. A kink's layer is smoothed as `gbm_objectives.curvature` describes. The smooth rest
keeps its gradient, and its curvature is the second derivative or, where that is less, the secant to the lowest
place, rest/d: with it no row by itself oversteps.

What counts as a kink is decided in the unit of the data: A(0+) is the slope a hundredth of a typical d away from
the lowest place. So `sqrt(1 + (f - y)**2)` is smooth for targets of the order of 1, and absolute error for targets
of the order of 1e6.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ..curvature import Pace, consistent_pair
from ..losses.quantile import WEAKER_SIDE
from ..losses.residual import longest_step, no_longer, rows_of_round, weighted_quantile, widths_of
from ..losses.widths import Widths
from ..sampling import sample_rows
from .rows import Lowest, Numbers, beside

__all__ = ["Known", "Rows", "known_of", "pair"]

# The slope at this fraction of a typical distance from the lowest loss counts as that of the kink there. It must
# be well above rounding, and so small that a parabola has almost no slope there.
BESIDE = 1e-2
# A kink with less than this share of all slopes is not worth a pair.
LEAST_KINK = 0.1
# Nor is one whose slope falls below this share on the way from there to a ten thousandth of that distance: that is
# smooth, though narrow, and a tangent parabola suits it. The slope of a parabola falls to 1e-4, that of |r|**1.5
# to 1e-2.
LEAST_SHARPNESS = 0.02
# Further kinks are either sharp or not kinks: over so small a fraction of a typical distance a smooth slope hardly
# changes, and by less than this share of all slopes.
SHARP, LEAST_SHARE = 1e-6, 1e-3
# Under a loss that lets go of rows far out, these count in the curvature with at least this share of the median:
# LightGBM takes a leaf's share of the Hessian for its share of rows, and would count none.
LEAST_WEIGHT = 1e-3
# The lowest loss is searched for up to this many typical distances away.
FAR = 1e3
# The number of the kink where the loss is least; further kinks have the number of their place.
LOWEST = -1


class Rows(NamedTuple):
    """Rows as `Numbers` takes them: for a formula in f - y, the target is 0 and f is the residual."""

    y: Any
    f: np.ndarray
    raw: np.ndarray  # the raw prediction, by which rows are grouped
    shift: Any  # added to a place on f's axis to get one on raw's

    def take(self, rows: Any) -> Rows:
        """Return some of the rows."""
        y, shift = (part if np.ndim(part) == 0 else part[rows] for part in (self.y, self.shift))
        return Rows(y, self.f[rows], self.raw[rows], shift)


@dataclass(frozen=True)
class Known:
    """What is known about all rows.

    Parameters
    ----------
    typical : float
        The median distance of raw predictions from the rows' lowest losses.
    lowest : Lowest, optional
        Where the loss is least, if that is the same for all rows.
    widths : dict of int to Widths
        The widths of each kink.
    pulls : dict of int to (float, float)
        For each kink, the mean of its smoothed slope over that of the true one, below and above it. The pair is
        divided by it if there is more than one kink, so that everything pulls with its true force.
    least : float
        The least curvature.
    longest : float
        The longest step of a row by itself, see `ResidualLoss`.
    pair : (ndarray, ndarray, ndarray), optional
        Raw predictions with the gradient and curvature of their rows, if the rows are few enough to be their own
        sample.
    """

    typical: float
    lowest: Lowest | None = None
    widths: dict[int, Widths] = field(default_factory=dict)
    pulls: dict[int, tuple[float, float]] = field(default_factory=dict)
    least: float = 0.0
    longest: float = np.inf
    pair: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None


class Kink(NamedTuple):
    """A kink's share of the rows' slopes."""

    place: Any  # where it is, on f's axis
    residual: np.ndarray  # how far above it a raw prediction is, negative below
    slope: np.ndarray  # the size of its slope in each row
    least: Any = 0.0  # its curvature is at least that of this slope


class Layers(NamedTuple):
    """The slopes of rows, split into those of kinks and a smooth rest."""

    gradient: np.ndarray
    distance: np.ndarray
    side: np.ndarray
    kinks: dict[int, Kink]
    rest: np.ndarray

    def among(self, which: Collection[int]) -> Layers | None:
        """Return the layers of only these kinks; None if they would have to be computed afresh."""
        if not which:
            return self._replace(kinks={}, rest=np.abs(self.gradient))
        return self if set(which) == set(self.kinks) else None


def layers(
    numbers: Numbers, rows: Rows, lowest: Lowest, typical: float, which: Collection[int] | None = None
) -> Layers:
    """Return the slopes of rows, split into those of all kinks or of some, and a rest."""
    y, f, step = rows.y, rows.f, BESIDE * typical
    gradient = numbers.gradient(y, f)
    distance, side = lowest.distance(f)
    size = np.abs(gradient)
    unknown: Any = np.isnan(lowest.low)
    if np.any(unknown):
        unknown = np.broadcast_to(unknown, f.shape)
        side[unknown] = np.sign(gradient[unknown])
        distance[unknown] = np.inf
        if not numbers.endless:
            asked = unknown & (gradient != 0)
            distance[asked] = numbers.search(y[asked], f[asked], gradient[asked], FAR * typical)
    if which is not None and not which:
        return Layers(gradient, distance, side, {}, size)
    at_kink = lowest.beside(side)
    near = distance < step
    size[near] = at_kink[near]
    slope = np.minimum(size, at_kink)
    smaller, larger = np.minimum(lowest.below, lowest.above), np.maximum(lowest.below, lowest.above)
    # Where the loss is flat, a row is content; it holds its leaf like a row at the kink.
    content = gradient == 0
    to_kink = side * np.where(unknown | content, 0.0, distance)
    place = lowest.low if np.all(lowest.low == lowest.high) else f - to_kink
    least = np.where(content, larger, (smaller > 0) * WEAKER_SIDE * larger)
    kinks = {LOWEST: Kink(place, to_kink, slope, least)}
    rest = size - slope
    edge = np.where(side > 0, lowest.high, lowest.low)
    for number, at in enumerate(numbers.places(y)):
        if which is not None and number not in which:
            continue
        outwards = side * (at - edge)
        beyond = (outwards > 2.0 * step) & (distance > outwards)
        if beyond.any():
            aside = side * beside(at, SHARP * typical)
            jump = side * (numbers.gradient(y, at + aside) - numbers.gradient(y, at - aside))
            slope = np.where(beyond, np.minimum(rest, np.fmax(jump, 0.0)), 0.0)
            rest = rest - slope
            kinks[number] = Kink(at, side * np.where(beyond, distance - outwards, 0.0), slope)
    return Layers(gradient, distance, side, kinks, rest)


def known_of(numbers: Numbers, rows: Rows, weight: np.ndarray | None, pace: Pace) -> Known:
    """Return what must be known about all rows."""
    some = sample_rows(len(rows.f), weight)
    few, counts = rows.take(some), None if weight is None else weight[some]
    typical = typical_distance(numbers, few)
    lowest = numbers.lowest(few.y, BESIDE * typical)
    split = layers(numbers, few, lowest, typical)
    total = float(np.average(np.abs(split.gradient), weights=counts))
    shares = {n: float(np.average(kink.slope, weights=counts)) for n, kink in split.kinks.items()}
    worth = {n: LEAST_SHARE for n in shares}
    nearer = numbers.lowest(few.y, SHARP * typical).beside(split.side)
    sharp = np.mean(nearer) > LEAST_SHARPNESS * np.mean(lowest.beside(split.side))
    worth[LOWEST] = LEAST_KINK if sharp else np.inf
    kinks = [n for n, share in shares.items() if share > worth[n] * total]
    widths: dict[int, Widths] = {}
    pulls: dict[int, tuple[float, float]] = {}
    if kinks:
        kinks = sorted({LOWEST, *kinks})  # the slopes of further kinks come on top of the lowest one's
        whole = split.among(kinks) if isinstance(some, slice) else None
        widths = _widths(numbers, rows, weight, pace, typical, kinks, whole)
        if len(kinks) > 1 or np.average(split.rest, weights=counts) > LEAST_SHARE * total:
            pulls = {n: _pull(split.kinks[n], widths[n], few, counts) for n in widths}
    known = Known(typical, lowest if np.ndim(few.y) == 0 else None, widths, pulls)
    gradient, curvature = pair(numbers, few, known, split.among(widths))
    used = curvature > 0 if counts is None else (curvature > 0) & (counts > 0)
    middle = (
        weighted_quantile(curvature[used], 0.5, None if counts is None else counts[used]) if used.any() else 0.0
    )
    known = replace(known, least=LEAST_WEIGHT * middle)
    if numbers.derived.of_residual and not widths:
        # As in `ResidualLoss`; with other links than the identity, curvatures differ anyway.
        known = replace(known, longest=longest_step(gradient, curvature, counts))
    if not isinstance(some, slice):
        return known
    return replace(known, pair=(rows.raw, gradient, _floored(gradient, curvature, known)))


def _floored(gradient: np.ndarray, curvature: np.ndarray, known: Known) -> np.ndarray:
    """Return the curvature with which no row by itself steps too far, and none counts as nothing."""
    return np.asarray(np.maximum(no_longer(gradient, curvature, known.longest), known.least))


def typical_distance(numbers: Numbers, rows: Rows) -> float:
    """Return the median distance of raw predictions from the rows' lowest losses; 1 if there is none."""
    sizes = [np.abs(rows.f - place) for place in numbers.candidates(rows.y)]
    scales = [_median(far) for size in sizes if (far := size[np.isfinite(size) & (size > 0)]).size]
    if not scales:
        return 1.0
    distance, _ = numbers.lowest(rows.y, 1e-6 * min(scales)).distance(rows.f)
    far = distance[np.isfinite(distance) & (distance > 0)]
    return _median(far) if far.size else min(scales)


def _median(values: np.ndarray) -> float:
    """Return the median of some numbers. np.median takes twice as long."""
    half = len(values) // 2
    parted = np.partition(values, half)
    upper = float(parted[half])
    return upper if len(values) % 2 else 0.5 * (float(parted[:half].max()) + upper)


def _widths(
    numbers: Numbers,
    rows: Rows,
    weight: np.ndarray | None,
    pace: Pace,
    typical: float,
    kinked: list[int],
    split: Layers | None = None,
) -> dict[int, Widths]:
    """Return the widths of each kink: of rows by their share in it."""
    some = rows_of_round(rows.raw, weight)
    if not isinstance(some, slice):
        few = rows.take(some), None if weight is None else weight[some]
        widths = _widths(numbers, *few, pace, typical, kinked)
        if len(widths) == len(kinked) and all(one.table is not None for one in widths.values()):
            return widths
        # Most rows have no share in a kink, and the sample holds no others.
    split = split or layers(numbers, rows, numbers.lowest(rows.y, BESIDE * typical), typical, kinked)
    widths = {}
    for number in kinked:
        if kink := split.kinks.get(number):
            even = number == LOWEST and all(_even(kink.slope[split.side == side]) for side in (-1, 1))
            counts = weight if even else kink.slope if weight is None else kink.slope * weight
            widths[number] = widths_of(_target(kink, rows), rows.raw, counts, pace)
    return widths


def _even(slopes: np.ndarray) -> bool:
    return slopes.size == 0 or bool(slopes.min() == slopes.max() > 0)


def _target(kink: Kink, rows: Rows) -> np.ndarray:
    """Return a kink's place among the raw predictions."""
    return np.asarray(np.broadcast_to(kink.place + rows.shift, rows.f.shape))


def _pull(kink: Kink, widths: Widths, rows: Rows, weight: np.ndarray | None) -> tuple[float, float]:
    gradient, _ = consistent_pair(kink.residual, *widths.of_rows(kink.residual, rows.raw, _target(kink, rows)))
    counts = kink.slope if weight is None else kink.slope * weight
    pulls = []
    for side in (kink.residual < 0, kink.residual > 0):
        total = counts[side].sum()
        pulls.append(float((counts * np.abs(gradient))[side].sum() / total) if total > 0 else 1.0)
    return pulls[0] or 1.0, pulls[1] or 1.0


def pair(numbers: Numbers, rows: Rows, known: Known, split: Layers | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature of rows, whose layers may be known."""
    step = BESIDE * known.typical
    lowest = known.lowest or numbers.lowest(rows.y, step)
    split = split or layers(numbers, rows, lowest, known.typical, known.widths)
    second = numbers.second(rows.y, rows.f)
    second[~np.isfinite(second)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        secant = split.rest / split.distance
    if not known.widths:
        near = split.distance < step
        if near.any():
            # Near the lowest loss a slope like that of |r|**1.5 has an unbounded secant, which would stop all
            # others in the leaf; at the lowest loss, 0/0 says nothing.
            slope = lowest.take(near).beside(split.side[near])
            secant[near] = np.fmin(secant[near], 2.0 * (slope / step))
            secant[split.distance == 0] = 0.0
        curvature = np.fmax(second, secant)
        # A slope that leads away from the lowest loss: there are several minima, and no distance to divide by.
        astray = split.gradient * split.side < 0
        if astray.any():
            size = np.abs(second) + np.abs(split.gradient) / known.typical
            curvature = np.where(astray, size, curvature)
        return split.gradient, _floored(split.gradient, curvature, known)
    gradient = split.side * split.rest
    curvature = np.where(split.rest > 0, np.fmax(second, secant), 0.0)
    for number, widths in known.widths.items():
        if kink := split.kinks.get(number):
            smoothed, sharp = consistent_pair(
                kink.residual, *widths.of_rows(kink.residual, rows.raw, _target(kink, rows))
            )
            smoothed *= kink.slope
            sharp *= np.maximum(kink.slope, kink.least)
            if number in known.pulls:
                below, above = known.pulls[number]
                pull = np.where(kink.residual > 0, above, below)
                smoothed /= pull
                sharp /= pull
            gradient += smoothed
            curvature += sharp
    return gradient, np.maximum(curvature, known.least)
