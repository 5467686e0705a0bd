"""The first checks of `check_loss`: do formulas take and return what they should? All others presuppose that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .trial import Trial

__all__ = ["FIRST", "SECOND"]


def _formulas(on: Trial) -> Iterator[str]:
    """Check what the two formulas return, before anything is computed from it."""
    loss, y, raw = on.loss, on.y.astype(np.float64), on.raw.copy()
    values = np.asarray(loss._pointwise(y, raw))
    if values.shape != (len(y),):
        yield f"_pointwise must return the loss of each row, of shape ({len(y)},), got shape {values.shape}"
    elif np.isnan(values).any():
        yield f"_pointwise is nan in row {np.flatnonzero(np.isnan(values))[0]} ({np.isnan(values).sum()} such)"
    pair = loss._derivatives(y, raw)
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        got = f"an array of shape {np.shape(pair)}" if isinstance(pair, np.ndarray) else repr(pair)[:80]
        yield f"_derivatives must return two arrays, gradient and curvature, got {got}"
        return
    gradient, curvature = map(np.asarray, pair)
    if gradient.shape != raw.shape:
        yield f"_derivatives must return a gradient of shape {raw.shape}, got {gradient.shape}"
    if curvature.ndim and curvature.shape != raw.shape:
        yield f"_derivatives must return a curvature of shape {raw.shape} or a number, got {curvature.shape}"
    if loss.curvature_kind == "bound" and raw.ndim == 1:
        yield "a bound is one on the Hessian of several outputs: with one output the kind is another"


def _calls(on: Trial) -> Iterator[str]:
    """Look for what a call leaves behind, in the loss or in what it was given."""
    loss, weight = on.loss, on.weight
    calls: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
        "pointwise": loss.pointwise,
        "gradient": loss.gradient,
        "curvature": loss.curvature,
        "value": lambda y, raw: loss.value(y, raw, weight),
        "initial_raw": lambda y, raw: loss.initial_raw(y, weight),
        "gradient_hessian": lambda y, raw: loss.gradient_hessian(y, raw, weight),
        "check_target": lambda y, raw: loss.check_target(y),
        "metric": lambda y, raw: loss.metric(y, raw),
    }
    backwards = on.y[::-1].copy(), 0.5 * on.raw[::-1]
    for name, call in calls.items():
        y, raw = on.y.copy(), on.raw.copy()
        first = call(y, raw)
        if not (np.array_equal(y, on.y, equal_nan=True) and np.array_equal(raw, on.raw)):
            yield f"{name} changes its input"
        call(*backwards)
        again = call(on.y.copy(), on.raw.copy())
        if not np.array_equal(_stacked(first), _stacked(again), equal_nan=True):
            yield f"{name} gives something else after a call with other rows"


def _stacked(result: Any) -> np.ndarray:
    return np.stack(
        [np.asarray(part, dtype=float) for part in (result if isinstance(result, tuple) else (result,))]
    )


# If formulas return something else, all further findings would be noise.
FIRST = (_formulas,)
# Before the checks that a changed row would mislead.
SECOND = (_calls,)
