"""The start value of a training, and whether the loss is finite there in every row.

One row whose loss or gradient is infinite or NaN is enough for a model that predicts nonsense for all rows, or
that keeps its first round: engines sum what they are given, without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.driver import blocks, check_derivatives, derivatives
from ..contract.start import best_beside, constant_rows
from .data_sets import errors_name
from .metrics import has_auto

__all__ = ["check_finite", "checked_start", "finite_start", "start_of", "zero"]


def finite_start(
    loss: Loss,
    names: Sequence[str],
    targets: Sequence[tuple[np.ndarray, np.ndarray | None]],
    offsets: Sequence[np.ndarray | None],
    given: Any = None,
) -> Any:
    """Return the start value of a training, at which every row of every set is finite.

    Parameters
    ----------
    loss : Loss
        The loss.
    names : sequence of str
        What messages call the sets, the one to train on first.
    targets : sequence of (y, sample_weight)
        Targets and weights of the sets, checked.
    offsets : sequence of ndarray or None
        Raw predictions that the start value is added to.
    given : float or ndarray of shape (n_outputs,), optional
        The start value, where it is not to be found.

    Raises
    ------
    ValueError
        If there is no start value, or a row is not finite there, with its set, number and target.
    """

    def check(start: Any) -> None:
        for name, (target, _), offset in zip(names, targets, offsets, strict=True):
            with errors_name(name):
                check_finite(loss, target, offset, start)

    return checked_start(loss, *targets[0], offsets[0], check, given)


def checked_start(
    loss: Loss,
    target: np.ndarray,
    weight: np.ndarray | None,
    offset: np.ndarray | None,
    check: Callable[[Any], None],
    given: Any = None,
) -> Any:
    """Return the start value of checked rows; `check` raises if some row is not finite at a start value."""
    try:
        with np.errstate(all="ignore"):
            start = start_of(loss, target, weight, offset) if given is None else given
    except (ValueError, RuntimeError):
        # Beside a row that is infinite everywhere there is no minimum to find, and that row is the reason.
        check(zero(loss))
        raise
    check(start)
    if not np.isfinite(start).all():
        raise ValueError(f"the start value of {loss!r} must be finite, it is {start}")
    loss._check_start(target, constant_rows(start, len(target), offset), weight)
    return start


def start_of(loss: Loss, target: np.ndarray, weight: np.ndarray | None, offset: np.ndarray | None) -> Any:
    """Return the start value, beside an offset if there is one."""
    if offset is None:
        return loss.initial_raw(target, weight)
    if has_auto(loss):
        # Of residuals, so that what the offset leaves of the target is all that counts.
        return loss.initial_raw(target - offset, weight)
    start = loss.initial_raw(target, weight)
    return best_beside(loss, target.astype(np.float64), weight, offset.astype(np.float64), start)


def zero(loss: Loss) -> float | np.ndarray:
    """Return 0 as a start value."""
    return 0.0 if loss.n_outputs == 1 else np.zeros(loss.n_outputs)


def check_finite(loss: Loss, target: np.ndarray, offset: np.ndarray | None, start: Any) -> None:
    """Raise a `ValueError` that names the first row whose loss or derivatives are not finite at a start value.

    Rows of weight 0 are looked at, too: 0 times infinity is NaN in the engines' sums.
    """
    # A row that is infinite everywhere may make the start value so, too: it is to be named, not row 0.
    start = np.where(np.isfinite(start), start, 0.0)
    raw = constant_rows(start, len(target), offset)
    loss = loss._resolved_at(target, raw, None)
    with np.errstate(all="ignore"):
        for rows in blocks(len(target), loss.n_outputs):
            y = target[rows]
            losses = loss._pointwise(y.astype(np.float64), raw[rows].astype(np.float64))
            if not np.isfinite(losses).all():
                row = int(np.argmin(np.isfinite(losses)))
                raise ValueError(
                    f"{loss!r} must be finite for every target, where the training starts it is {losses[row]} for"
                    f" {y[row]} in row {rows.start + row}: leave such rows out, or take a loss without such"
                    " targets in its domain"
                )
        # Once, as in a training: of each block it would take as long as ten rounds' callbacks.
        known = loss._of_all_rows(target, raw, None)
        for rows in blocks(len(target), loss.n_outputs):
            gradient, curvature = derivatives(loss, target[rows], raw[rows], known, np.float32)
            check_derivatives(loss, target[rows], gradient, curvature, rows.start)
