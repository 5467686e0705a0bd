"""The start value of a training, and whether the loss is finite there in every row.

A single row whose loss or gradient is infinite or NaN is enough for a model that predicts nonsense for all rows,
or that keeps only its first round: engines silently sum what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.driver import blocks, check_derivatives, derivatives
from ..contract.rows import Rows
from ..sampling import SAMPLE_ROWS
from .data_sets import Member, errors_name

__all__ = ["check_finite", "checked_start", "finite_start", "rows_at_start", "start_of", "zero"]


def finite_start(
    loss: Loss, members: Sequence[Member], given: Any = None, loss_on: Callable[[Any], Loss] | None = None
) -> Any:
    """Return the start value of a training, at which every row of every set is finite; see `ready`.

    `loss_on` returns the loss with what it prepared of a data set, if a training keeps that.
    """

    def check(start: Any) -> None:
        for one in members:
            with errors_name(one.name):
                known = loss if loss_on is None else loss_on(one.data)
                check_finite(known, one.rows, one.offset, start)
                if known.joint:
                    # Of rows that cannot be compared the loss is a constant: early stopping would end at once.
                    known._check_start(
                        one.rows.y, rows_at_start(start, len(one.rows), one.offset), one.rows.weight
                    )

    return checked_start(loss, members[0].rows, members[0].offset, check, given)


def checked_start(
    loss: Loss,
    rows: Rows,
    offset: np.ndarray | None,
    check: Callable[[Any], None],
    given: Any = None,
) -> Any:
    """Return the start value for checked rows; `check` raises if some row is not finite at a start value."""
    try:
        with np.errstate(all="ignore"):
            start = start_of(loss, rows, offset) if given is None else given
    except (ValueError, RuntimeError):
        # If a row is infinite everywhere there is no minimum to find, and that row is the reason to report.
        check(zero(loss))
        raise
    check(start)
    if not np.isfinite(start).all():
        raise ValueError(f"the start value of {loss!r} must be finite, it is {start}")
    if not loss.joint:
        loss._check_start(rows.y, rows_at_start(start, len(rows), offset), rows.weight)
    return start


def start_of(loss: Loss, rows: Rows, offset: np.ndarray | None) -> Any:
    """Return the start value, in addition to an offset if there is one."""
    if offset is None or loss.joint:
        return loss.initial_raw(rows.y, rows.weight)
    return loss._initial_beside(rows.y, rows.weight, offset)


def zero(loss: Loss) -> float | np.ndarray:
    """Return 0 as a start value."""
    return 0.0 if loss.n_outputs == 1 else np.zeros(loss.n_outputs)


def check_finite(loss: Loss, rows: Rows, offset: np.ndarray | None, start: Any) -> None:
    """Raise a `ValueError` that names the first row whose loss or derivatives are not finite at a start value.

    Rows of weight 0 are checked, too: 0 times infinity is NaN in the engines' sums.
    """
    # A row that is infinite everywhere may make the start value infinite, too: that row must be named, not row 0.
    start = np.where(np.isfinite(start), start, 0.0)
    target = rows.y
    raw = rows_at_start(start, len(rows), offset)
    loss = loss._resolved_at(target, raw, None)
    with np.errstate(all="ignore"):
        valued = loss._valued_on(target, raw, rows.weight, rows.queries)
        for part in _parts(loss, target, offset):
            y = target[part]
            losses = valued._pointwise(y.astype(np.float64), raw[part].astype(np.float64))
            if not np.isfinite(losses).all():
                row = int(np.argmin(np.isfinite(losses)))
                what, of = ("query", "") if loss.scope == "query" else ("row", f" for {y[row]}")
                raise ValueError(
                    f"{loss!r} must be finite for every target, where the training starts it is {losses[row]}{of}"
                    f" in {what} {part.start + row}: leave such rows out, or take a loss without such targets in"
                    " its domain"
                )
        # Once, as in a training: of each block it would take as long as ten rounds' callbacks.
        loss = loss.on(target, raw, None, rows.queries)
        for part in _parts(loss, target, offset):
            gradient, curvature = derivatives(loss, target[part], raw[part].copy(), np.float32)
            check_derivatives(loss, target[part], gradient, curvature, part.start)


def _parts(loss: Loss, target: np.ndarray, offset: np.ndarray | None) -> list[slice]:
    """Return the rows to check: blocks of all; of labels, where all rows start alike, the first of each."""
    if loss.joint:
        return [slice(0, len(target))]
    if offset is None and loss.classifies and loss.n_outputs > 1 and target.ndim == 1:
        firsts = np.sort(np.unique(target, return_index=True)[1])
        if len(firsts) <= SAMPLE_ROWS:
            return [slice(row, row + 1) for row in firsts.tolist()]
    return list(blocks(len(target), loss.n_outputs))


def rows_at_start(start: Any, n_rows: int, offset: np.ndarray | None) -> np.ndarray:
    """Return the raw predictions of rows where the training starts; without an offset, a view of one row's.

    Of many classes, those of all rows would take more memory than the training.
    """
    return np.broadcast_to(start, (n_rows, *np.shape(start))) if offset is None else offset + start
