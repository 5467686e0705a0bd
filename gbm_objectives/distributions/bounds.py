"""Targets of which only bounds are known: their kinds, and the start at which they are likeliest."""

from __future__ import annotations

import numpy as np

from ..contract.formulas import Formulas
from ..contract.start import descent
from ..sampling import sample_rows
from .location_scale import LocationScale

__all__ = ["kinds_of", "start_of_bounds"]

# A scale so many times that of the bounds as if they were values is on its way to infinity.
WIDEST = 10.0


def kinds_of(law: LocationScale, y_true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return which rows are observed, right-censored, left-censored and in an interval."""
    lower, upper = y_true.T
    observed = lower == upper
    right = np.isinf(upper) & ~observed
    left = (lower <= (0.0 if law.of_logarithm else -np.inf)) & ~right & ~observed
    return observed, right, left, ~(observed | right | left)


def start_of_bounds(
    loss: Formulas, law: LocationScale, y_true: np.ndarray, sample_weight: np.ndarray | None
) -> np.ndarray:
    """Return the raw prediction, (2,), at which bounds are likeliest.

    Parameters
    ----------
    loss : Censored
        The loss of bounds.
    law : LocationScale
        Its distribution.
    y_true : ndarray of shape (n_samples, 2)
        Bounds, checked.
    sample_weight : ndarray of shape (n_samples,), optional
        Weights, checked.

    Raises
    ------
    ValueError
        If the likelihood has no maximum, because all rows are censored on the same side.
    """
    if sample_weight is not None:
        y_true, sample_weight = y_true[sample_weight > 0], sample_weight[sample_weight > 0]
    observed, right, left, _ = kinds_of(law, y_true)
    if observed.all():
        return np.asarray(law._initial_raw(y_true[:, 0], sample_weight))
    for rows, direction, needed in ((right, "above", "upper"), (left, "below", "lower")):
        if rows.all():
            raise ValueError(
                f"the target of {type(loss).__name__} must have rows with a finite bound {needed}, or be observed:"
                f" all {len(y_true)} rows only say that it is {direction} something, so there is no maximum of the"
                " likelihood (are event and time in the right order?)"
            )
    given = guess = _as_if_values(law, y_true, sample_weight)
    few = sample_rows(len(y_true), sample_weight)
    of_few = None if sample_weight is None else sample_weight[few]
    for y, weight in ((y_true[few], of_few), (y_true, sample_weight)):
        scale = float(np.exp(law._places(guess[None])[1][0]))
        guess = descent(loss, y, weight, None, guess, np.array([scale, 1.0]))
    # If no value lies between the bounds of others, the likelihood of all rows may rise without end with the
    # scale. That of rows with the same features need not, so training starts at a scale of their size.
    wider = law._places(guess[None])[1][0] - law._places(given[None])[1][0]
    return guess if wider < np.log(WIDEST) else given


def _as_if_values(law: LocationScale, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
    """Return the start of the distribution if bounds, or the middles of intervals, were values."""
    observed, right, left, _ = kinds_of(law, y_true)
    lower, upper = y_true.T
    value = np.where(right | observed, lower, np.where(left, upper, 0.5 * lower + 0.5 * upper))
    usable = (value >= law.domain.low) & (value <= law.domain.high)
    of_usable = None if sample_weight is None else sample_weight[usable]
    guess = np.asarray(law._initial_raw(value[usable], of_usable))
    if len(np.unique(y_true[observed, 0])) < 2:
        # Bounds alone, of one inspection, say, may tell nothing of the scale: it starts at their size.
        size = 1.0 if law.of_logarithm else float(np.abs(value[usable]).max()) or 1.0
        guess[1] = max(law._towards_scale * guess[1], np.log(size)) * law._towards_scale
    return guess
