"""The checks of `check_loss` for losses whose rows belong together: one row is moved at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..contract import Loss
from .trial import STEP, Trial, worst

__all__ = ["JOINT"]


def _total(loss: Loss, on: Trial, raw: np.ndarray) -> float:
    """Return the sum over queries, or over all rows."""
    return float(loss.pointwise(on.y, raw, on.group).sum())


def _one_number_a_query(on: Trial) -> Iterator[str]:
    """Look at the shape of what `_pointwise` returns."""
    n = len(on.y) if on.loss.scope == "all" else 1 if on.group is None else len(on.group)
    values = on.loss.pointwise(on.y, on.raw, on.group)
    if values.shape != (n,):
        unit = "row" if on.loss.scope == "all" else "query"
        yield f"_pointwise must return the loss of each {unit}, of shape ({n},), got shape {values.shape}"


def _slopes(on: Trial) -> Iterator[str]:
    """Compare the gradient with differences of the sum of the losses."""
    if not on.loss._gradient_is_slope:
        return
    slopes = np.empty_like(on.raw)
    for at in np.ndindex(on.raw.shape):
        moved = {}
        for times in (-2, -1, 1, 2):
            raw = on.raw.copy()
            raw[at] += times * STEP
            moved[times] = _total(on.loss, on, raw)
        slopes[at] = (moved[-2] - 8 * moved[-1] + 8 * moved[1] - moved[2]) / (12 * STEP)
    yield from worst(on.loss.gradient(on.y, on.raw, on.group), slopes, 1e-5, 1e-7, "the gradient")


def _curvatures(on: Trial) -> Iterator[str]:
    """Look for a curvature that no leaf could divide by."""
    curvature = on.loss.curvature(on.y, on.raw, on.group)
    if not (np.isfinite(curvature).all() and (curvature >= 0).all() and (curvature > 0).any()):
        low, high = curvature.min(), curvature.max()
        yield f"the curvature must be finite, not below 0 and not all 0, it goes from {low:.3g} to {high:.3g}"


def _others(on: Trial) -> Iterator[str]:
    """Check whether a row's gradient depends on the rows of another query."""
    if on.group is None or on.loss.scope == "all":
        return
    raw = on.raw.copy()
    raw[on.group[0] :] *= 0.5
    own = slice(0, int(on.group[0]))
    before, after = (on.loss.gradient(on.y, one, on.group)[own] for one in (on.raw, raw))
    yield from worst(after, before, 1e-9, 1e-12, "the gradient, with other raw predictions in other queries,")


def _left_behind(on: Trial) -> Iterator[str]:
    """Look for what a call leaves behind, in the loss or in what it was given."""
    y, raw = on.y.copy(), on.raw.copy()
    first = on.loss.gradient_hessian(y, raw, on.weight, on.group)
    on.loss.gradient_hessian(y, 0.5 * raw, on.weight, on.group)
    if not (np.array_equal(y, on.y, equal_nan=True) and np.array_equal(raw, on.raw)):
        yield "gradient_hessian changes its input"
    again = on.loss.gradient_hessian(y, raw, on.weight, on.group)
    if not all(np.array_equal(one, other) for one, other in zip(first, again, strict=True)):
        yield "gradient_hessian gives something else after a call with other raw predictions"


JOINT = (_one_number_a_query, _slopes, _curvatures, _others, _left_behind)
