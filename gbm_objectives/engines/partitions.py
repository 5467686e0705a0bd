"""Targets and weights of Dask collections: checked where they are, and sampled; needs `gbm_objectives[dask]`."""

from __future__ import annotations

from typing import Any

import numpy as np
from dask.delayed import delayed

from ..curvature import sample_rows
from ..losses import Loss
from ..validation import as_weight
from .common import check_labels

__all__ = ["checked_counts", "partitions", "sampled", "target_sample"]

# Of more rows the start value and a scale "auto" are those of a sample: the median is off by a few thousandths of
# the spread.
START_ROWS = 65_536


def partitions(values: Any) -> list[Any]:
    """Return the partitions of a Dask array or data frame, in order, as delayed values."""
    return list(np.ravel(values.to_delayed()))


def checked_counts(client: Any, loss: Loss, y: Any, weight: Any, name: str) -> list[int]:
    """Return the number of rows of each partition, or raise a `ValueError` for the first that is not valid."""
    targets = partitions(y)
    weights = [None] * len(targets) if weight is None else partitions(weight)
    if len(weights) != len(targets):
        raise ValueError(f"{name}: the target has {len(targets)} partitions, its weights have {len(weights)}")
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


def target_sample(client: Any, y: Any, weight: Any, counts: list[int]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return targets and weights of all rows, or of a sample of many, in float32 as the engines keep them."""
    target = sampled(client, y, counts, START_ROWS)
    return target, None if weight is None else sampled(client, weight, counts, START_ROWS)


def sampled(client: Any, values: Any, counts: list[int], most: int, dtype: Any = np.float32) -> np.ndarray:
    """Return all rows of a collection, or of more than `most` as many, from each partition its share."""
    total = sum(counts)
    quotas = counts if total <= most else [min(n, max(1, n * most // total)) for n in counts]
    parts = [delayed(_some)(part, quota, dtype) for part, quota in zip(partitions(values), quotas, strict=True)]
    return np.concatenate(client.gather(client.compute(parts)))


def _some(values: Any, quota: int, dtype: Any) -> np.ndarray:
    array = np.asarray(values, dtype=dtype)
    return array[sample_rows(len(array), None, 0.0, quota)] if quota else array[:0]
