"""What both engines' Dask `train` do alike before they hand over to the engine; needs `gbm_objectives[dask]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask.delayed import delayed

from ..curvature import sample_rows
from ..losses import Loss
from ..validation import as_weight
from .common import check_labels

__all__ = ["Prepared", "partitions", "prepared", "sampled"]

# Of more rows the start value and a scale "auto" are those of a sample: the median is off by a few thousandths of
# the spread.
START_ROWS = 65_536


@dataclass(frozen=True)
class Prepared:
    """A training whose data are checked.

    Parameters
    ----------
    loss : Loss
        The loss, with a number in place of each "auto".
    start : float or ndarray of shape (n_outputs,)
        The start value.
    sets : list of (X, y, sample_weight)
        The rows to train on, then evaluation sets; weights may be None.
    counts : list of list of int
        The number of rows in each partition of each set.
    target, weight : ndarray of shape (n_rows,)
        Targets and weights, or None, of all rows to train on, or of a sample of many.
    """

    loss: Loss
    start: Any
    sets: list[tuple[Any, Any, Any]]
    counts: list[list[int]]
    target: np.ndarray
    weight: np.ndarray | None


def prepared(
    client: Any,
    loss: Loss,
    X: Any,
    y: Any,
    sample_weight: Any,
    evals: Sequence[tuple[Any, ...]],
    early_stopping_rounds: int | None,
) -> Prepared:
    """Check all targets and weights on the workers, and return what is known of all rows before training.

    Raises
    ------
    ValueError
        If a target or a weight is not valid, with its partition and row; partitions do not fit; or there is no set
        to stop early by.
    """
    sets = [(X, y, sample_weight)]
    for i, one in enumerate(evals):
        if not isinstance(one, (tuple, list)) or len(one) not in (2, 3):
            raise ValueError(f"evals[{i}] must be (X, y) or (X, y, sample_weight)")
        sets.append((one[0], one[1], one[2] if len(one) == 3 else None))
    if early_stopping_rounds is not None and not evals:
        raise ValueError("early_stopping_rounds needs evals, sets to compute the loss on")
    names = ["y", *(f"evals[{i}]" for i in range(len(evals)))]
    counts = [_checked_counts(client, loss, *one, name) for one, name in zip(sets, names, strict=True)]
    target = sampled(client, y, counts[0], START_ROWS)
    weight = None if sample_weight is None else sampled(client, sample_weight, counts[0], START_ROWS)
    loss = loss.resolved(target, weight)
    return Prepared(loss, loss.initial_raw(target, weight), sets, counts, target, weight)


def partitions(values: Any) -> list[Any]:
    """Return the partitions of a Dask array or data frame, in order, as delayed values."""
    return list(np.ravel(values.to_delayed()))


def _checked_counts(client: Any, loss: Loss, X: Any, y: Any, weight: Any, name: str) -> list[int]:
    """Return the number of rows of each partition, or raise for the first that is not valid."""
    if y.ndim != 1:
        raise ValueError(f"{name} must be 1-dimensional, got {y.ndim} dimensions: no target distributions here")
    targets, features = partitions(y), len(partitions(X[:, 0] if hasattr(X, "chunks") else X))
    weights = [None] * len(targets) if weight is None else partitions(weight)
    for other, n in (("X", features), ("its weights", len(weights))):
        if n != len(targets):
            raise ValueError(
                f"{name}: the target has {len(targets)} partitions, {other} {n}: they must be the same"
            )
    checks = [delayed(_check)(loss, *both) for both in zip(targets, weights, strict=True)]
    found = client.gather(client.compute(checks))
    for i, (_, message, _) in enumerate(found):
        if message:
            raise ValueError(f"{name}, partition {i}: {message}")
    if not any(n for n, *_ in found):
        raise ValueError(f"{name} is empty: at least one row is needed")
    if not any(weighs for *_, weighs in found):
        raise ValueError(f"{name}: sample_weight must have a value above 0, all weights are zero")
    return [n for n, *_ in found]


def _check(loss: Loss, y: Any, weight: Any) -> tuple[int, str, bool]:
    """Return the number of rows of a partition, what is wrong with it, and whether a row weighs anything."""
    target = np.asarray(y)
    if not len(target):
        return 0, "", False
    try:
        check_labels(loss, target)
        # Of one partition all weights may be 0.
        if weight is not None and np.any(weight):
            as_weight(np.asarray(weight), len(target))
    except (ValueError, TypeError) as error:
        return len(target), str(error), False
    return len(target), "", weight is None or bool(np.any(weight))


def sampled(client: Any, values: Any, counts: list[int], most: int, dtype: Any = np.float32) -> np.ndarray:
    """Return all rows of a collection, or of more than `most` as many, from each partition its share."""
    total = sum(counts)
    quotas = counts if total <= most else [min(n, max(1, n * most // total)) for n in counts]
    parts = [delayed(_some)(part, quota, dtype) for part, quota in zip(partitions(values), quotas, strict=True)]
    return np.concatenate(client.gather(client.compute(parts)))


def _some(values: Any, quota: int, dtype: Any) -> np.ndarray:
    array = np.asarray(values, dtype=dtype)
    return array[sample_rows(len(array), None, 0.0, quota)] if quota else array[:0]
