"""The engines' data sets: checks of targets, weights and offsets; use by one training at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.calling import require_queries, rows_of
from ..contract.rows import Rows
from ..validation import as_weight, first_offender

__all__ = [
    "Member",
    "alone_with",
    "as_offset",
    "check_known",
    "check_labels",
    "check_queries",
    "errors_name",
    "label_of",
    "member",
    "needs_target",
    "require_rows_alone",
]


@contextmanager
def errors_name(name: str) -> Iterator[None]:
    """Put the name of the data set in front of an error's message."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


_in_training: set[int] = set()
_lock = threading.Lock()


@contextmanager
def alone_with(sets: Sequence[tuple[Any, str]]) -> Iterator[None]:
    """Hold data sets that a training changes temporarily; raise if another training holds one of them.

    Start values and labels are kept in the data set itself: two trainings at once would see each other's.
    """
    with _lock:
        for dataset, name in sets:
            if id(dataset) in _in_training:
                raise ValueError(
                    f"{name} is in use by another training, in another thread or around this one: give each"
                    " training a data set of its own"
                )
        held = {id(dataset) for dataset, _ in sets}
        _in_training.update(held)
    try:
        yield
    finally:
        with _lock:
            _in_training.difference_update(held)


def check_labels(loss: Loss, target: np.ndarray) -> None:
    """Raise unless the loss is defined for the target and it fits into float32, in which engines keep labels."""
    loss.check_target(target)
    limit = np.finfo(np.float32).max
    # A domain may include infinity, as the upper end of something unbounded, or NaN, where a target is not known.
    size = np.abs(target)
    held = ~(size > limit) | (size == np.inf)
    if offender := first_offender(target, held.reshape(len(target), -1).all(axis=1)):
        raise ValueError(f"the target must be numbers that float32 holds, not beyond {limit:.2g}, got {offender}")


def label_of(loss: Loss, y: np.ndarray) -> np.ndarray:
    """Return one number per row of a target of several columns, for an engine that keeps only one.

    For a distribution, the most probable class; for a loss's own columns, the first, which folds and named metrics
    look at.
    """
    if y.ndim == 1:
        return y
    return np.where(np.isfinite(y[:, 0]), y[:, 0], 0.0) if loss.columns else y.argmax(axis=1)


def needs_target(loss: Loss, y: np.ndarray) -> bool:
    """Return whether a data set must be given its target beside labels: an engine keeps one float32 for each row.

    A gain may have a step at a relevance that float32 rounds, and relevances that float32 cannot tell apart, such
    as times, would be no pair.
    """
    return y.ndim == 2 or (loss.scope == "query" and bool((y.astype(np.float32) != y).any()))


def check_queries(loss: Loss, queries: np.ndarray | None) -> None:
    """Raise unless a data set has queries if and only if the loss compares their rows."""
    require_queries(loss, queries)
    if queries is not None and loss.scope != "query":
        raise ValueError(f"group and qid must not be set: {loss!r} does not compare the rows of a query")


def require_rows_alone(loss: Loss) -> None:
    """Raise if a loss compares rows, which on a cluster are on several workers."""
    if loss.joint:
        raise ValueError(f"{loss!r} is not supported on a cluster: it compares rows, which are on several workers")


@dataclass(frozen=True)
class Member:
    """A data set of a training.

    Parameters
    ----------
    data : lightgbm.Dataset or xgboost.DMatrix
        The engine's own data set.
    name : str
        Its name in messages.
    rows : Rows
        Checked targets, weights and queries.
    offset : ndarray, optional
        Raw predictions that training adds to.
    """

    data: Any
    name: str
    rows: Rows
    offset: np.ndarray | None = None


def member(loss: Loss, data: Any, name: str, offset: np.ndarray | None = None) -> Member:
    """Return a data set as a member of a training, with its rows checked; errors use the user's name for it."""
    with errors_name(name):
        rows = rows_of(data, loss.columns)
        check_labels(loss, rows.y)
        check_queries(loss, rows.queries)
        weight = as_weight(rows.weight, len(rows))
        check_known(loss, rows.y, weight)
        return Member(data, name, Rows(rows.y, weight, rows.queries), offset)


def check_known(loss: Loss, target: np.ndarray, weight: np.ndarray | None) -> None:
    """Raise if there is no row to compute a mean loss of."""
    if loss.columns and not loss._counts(target, weight).any():
        raise ValueError(f"the targets of {loss!r} must be known in some row: all are missing, or of weight 0")


def as_offset(loss: Loss, offset: np.ndarray, n_rows: int) -> np.ndarray | None:
    """Return an offset in the shape of raw predictions, or None if its shape does not fit.

    With several outputs that are not classes, one number per row is for the first of them, the mean or the rate,
    of which exposure is a factor, and for others that declare `takes_offset`.
    """
    k = loss.n_outputs
    if loss.outputs and offset.shape == (n_rows,):
        takes = [i == 0 or output.takes_offset for i, output in enumerate(loss.outputs)]
        return np.where(takes, offset[:, None], 0.0)
    return offset if offset.shape == ((n_rows,) if k == 1 else (n_rows, k)) else None
