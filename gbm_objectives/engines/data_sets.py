"""The engines' data sets: targets, weights and offsets, checked, and held by one training at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.calling import labels_and_weight
from ..validation import as_weight, first_offender

__all__ = ["alone_with", "as_offset", "check_labels", "errors_name", "target_and_weight"]


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
    """Hold data sets that a training changes for a while, and raise if another training holds one of them.

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


def target_and_weight(loss: Loss, dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return target and weights of a data set, checked; errors name the data set as the user knows it."""
    with errors_name(name):
        target, weight = labels_and_weight(dataset)
        check_labels(loss, target)
        return target, as_weight(weight, len(target))


def check_labels(loss: Loss, target: np.ndarray) -> None:
    """Raise unless the loss is defined for the target, and float32, in which engines keep labels, holds it."""
    loss.check_target(target)
    limit = np.finfo(np.float32).max
    if offender := first_offender(target, (np.abs(target) <= limit).reshape(len(target), -1).all(axis=1)):
        raise ValueError(f"the target must be numbers that float32 holds, not beyond {limit:.2g}, got {offender}")


def as_offset(loss: Loss, offset: np.ndarray, n_rows: int) -> np.ndarray | None:
    """Return an offset in the shape of raw predictions, None if it has another.

    One number a row is for the first of several outputs that are no classes, the mean or the rate, of which
    exposure is a factor, and for others that say so.
    """
    k = loss.n_outputs
    if loss.outputs and offset.shape == (n_rows,):
        takes = [i == 0 or output.takes_offset for i, output in enumerate(loss.outputs)]
        return np.where(takes, offset[:, None], 0.0)
    return offset if offset.shape == ((n_rows,) if k == 1 else (n_rows, k)) else None
