"""Whether a formula can be trained on given targets: checked in their unit, before training begins."""

from __future__ import annotations

import numpy as np

from ..sampling import sample_rows
from .pair import BESIDE, LEAST_SHARE, SHARP, Rows, typical_distance
from .rows import Numbers
from .shape import check_jumps

__all__ = ["check_on"]

# Enough targets to see each branch of a formula, and enough predictions to see each of its minima.
TARGETS, PREDICTIONS = 64, 257
# Slopes below this share of a row's largest are rounding.
ROUNDING = 1e-9
# A row counts as lost if its slope is below this share of the largest on its way down: a twentieth of the force
# takes twenty times as many rounds.
LEAST_FORCE = 0.05
# A kink at one place for all rows is next to the start if it is nearer than this share of a typical distance. Rows
# there hold so much of the Hessian that LightGBM considers all others too few to split off: with a start 0.03
# away, absolute error plus a third of abs(f) left 0.06 of what there was to learn, with a start at the kink all of
# it.
NEXT_TO = 0.05
# Outliers are meant to be lost, but a level of the target that is lost is never fitted: one of six equal levels
# was, and with it 0.36 of what there was to learn.
MOST_LOST = 0.1
POSITIVE_ONLY = '; if predictions can only be positive write exp(f) for them, with link="log"'


def check_on(numbers: Numbers, rows: Rows, weight: np.ndarray | None, of_target: bool) -> None:
    """Raise a `ValueError` that says why, if a formula cannot be trained on rows, with f as their start value.

    `of_target` says whether f has the unit of the target.
    """
    some = sample_rows(len(rows.f), weight, most=TARGETS**2)
    few, counts = rows.take(some), None if weight is None else weight[some]
    _check_overflow(numbers, few.f)
    if np.ndim(rows.y):
        _check_minima(numbers, np.unique(np.quantile(few.y, np.linspace(0, 1, TARGETS), method="nearest")), few.f)
        _check_fixed_kinks(numbers, few)
    _check_force(numbers, few, counts, of_target)


def _check_overflow(numbers: Numbers, f: np.ndarray) -> None:
    """Look for residuals, or differences between targets, for which the formula overflows."""
    room = float(np.diff(np.quantile(f, [0.1, 0.9]))[0])
    low, high = numbers.reach
    if f.min() < low or f.max() > high or room > min(-low, high):
        raise ValueError(
            f"formula overflows on these targets: it has no number for f - y beyond {low:.3g} or {high:.3g}, and"
            f" their spread is {room:.3g}; divide f - y by a parameter of that size"
        )


def _check_minima(numbers: Numbers, y: np.ndarray, start: np.ndarray) -> None:
    """Look for targets whose loss has a jump, several minima, or no value, for any possible prediction."""
    places = np.concatenate([np.broadcast_to(place, y.shape) for place in numbers.candidates(y)] + [start])
    places = places[np.isfinite(places)]
    room = np.ptp(places) or abs(float(places[0])) or 1.0
    f = np.linspace(places.min() - 0.5 * room, places.max() + 0.5 * room, PREDICTIONS)
    for target in y:
        check_jumps(numbers, float(target), float(room))
    slope, value = numbers.gradient(y[:, None], f), numbers.value(y[:, None], f)
    none = np.isnan(slope) | np.isnan(value)
    if none.any():
        row, column = np.argwhere(none)[0]
        raise ValueError(
            f"formula must have a value and a slope for any f and y, it has none at f = {f[column]:.4g} for"
            f" y = {y[row]:.4g}{POSITIVE_ONLY}"
        )
    size = np.abs(slope)
    # At a pole the slope is infinite, and compared with that all others would be rounding.
    slope[size <= ROUNDING * np.where(np.isfinite(size), size, 0.0).max(axis=1, keepdims=True)] = 0.0
    again = (np.maximum.accumulate(slope, axis=1) > 0) & (slope < 0)
    if again.any():
        row, column = np.argwhere(again)[0]
        rises = float(f[np.argmax(slope[row] > 0)])
        raise ValueError(
            f"formula must have one minimum in f: for y = {y[row]:.4g} it rises at f = {rises:.4g} and falls again"
            f" at {f[column]:.4g}, and training would end in either{POSITIVE_ONLY if y.min() > 0 else ''}"
        )
    # A pole between two predictions: the loss moves one way at both, but has moved the other way between them.
    scale = ROUNDING * np.where(np.isfinite(value), np.abs(value), 0.0).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        change = np.diff(value)
    way = np.where(np.sign(slope[:, 1:]) == np.sign(slope[:, :-1]), np.sign(slope[:, 1:]), 0.0)
    against = (way * np.sign(change) < 0) & (np.abs(change) > scale)
    if against.any():
        row, column = np.argwhere(against)[0]
        raise ValueError(
            f"formula must not jump: for y = {y[row]:.4g} it goes from {value[row, column]:.3g} to"
            f" {value[row, column + 1]:.3g} between f = {f[column]:.4g} and {f[column + 1]:.4g}, against its slope"
            f"{POSITIVE_ONLY}"
        )


def _check_fixed_kinks(numbers: Numbers, rows: Rows) -> None:
    """Look for a kink that is at one place for all targets, such as 0, with the start of most rows next to it."""
    with np.errstate(all="ignore"):
        spread = np.abs(rows.f - numbers.response_to_raw(rows.y))
    if numbers.endless or not np.isfinite(spread).any():
        return  # labels have only two targets: what is next to a kink has been learned
    unit = float(np.median(spread[np.isfinite(spread)]))
    slope = float(np.mean(np.abs(numbers.gradient(rows.y, rows.f))))
    for place in numbers.places(rows.y):
        if np.ptp(rows.y) == 0 or not np.isfinite(place).all() or np.ptp(place) > ROUNDING * unit:
            continue
        step = SHARP * unit
        jump = numbers.gradient(rows.y, place + step) - numbers.gradient(rows.y, place - step)
        near = np.abs(rows.f - place) < NEXT_TO * unit
        if np.mean(near) > 0.5 and np.mean(np.abs(jump)) > LEAST_SHARE * slope:
            raise ValueError(
                f"formula has a kink at f = {place[0]:.4g} for every target, and there the training starts: rows"
                " would be held by it, whatever their targets. Move it, or make the loss smooth there"
            )


def _check_force(numbers: Numbers, rows: Rows, weight: np.ndarray | None, of_target: bool) -> None:
    """Look for a loss that flattens far out where too many rows are."""
    lowest = numbers.lowest(rows.y, BESIDE * typical_distance(numbers, rows))
    distance, side = lowest.distance(rows.f)
    known = np.isfinite(distance) & (side != 0)
    edge = np.where(side > 0, lowest.high, lowest.low)
    nearer = np.where(known, distance, 1.0) * 2.0 ** -np.arange(0.0, 12.0, 0.5)[:, None]
    size = np.abs(numbers.gradient(rows.y, np.where(known, edge, 0.0) + side * nearer))
    lost = known & (size[0] < LEAST_FORCE * np.nan_to_num(size).max(axis=0))
    share = float(np.average(lost, weights=weight))
    if share > MOST_LOST:
        advice = (
            "take Cauchy, Welsch or Tukey" if of_target else "compare on the scale of the link, as in f - log(y)"
        )
        raise ValueError(
            f"formula flattens too near to its minimum for these targets: at the start value {share:.0%} of them"
            f" have less than {LEAST_FORCE:.0%} of the slope that they would have nearer to it, and would hardly"
            f" be learned. Make it wider, in the unit of the target, or {advice}"
        )
