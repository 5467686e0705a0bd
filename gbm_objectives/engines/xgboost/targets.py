"""How targets reach XGBoost's workers on a Dask cluster, those of several columns too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np
import xgboost as xgb
from dask.delayed import delayed
from distributed import get_client

from ..cluster.partitions import Prepared, partitions, vector
from ..data_sets import label_of

__all__ = ["PublishedTargets", "fields_with_targets"]

# XGBoost's data sets have no place for targets of several columns: labels of several make a model of as many
# outputs, and labels must be finite, which the bounds of a survival time are not. But only what is in a data set
# goes where XGBoost on Dask puts its rows. So this field of its survival objectives, which no other objective
# reads and which XGBoost leaves as it is, says which partition a row is from, and each worker fetches the targets
# of its partitions, once. The labels remain those of one machine, for metrics by name.
PARTITION = "label_lower_bound"


class PublishedTargets:
    """What a worker calls for the targets of a data set: it fetches those of the partitions that it has.

    Parameters
    ----------
    name : str
        The name under which the partitions of all data sets are published on the cluster: an objective cannot
        be given futures, since it is not an argument of Dask's task but within one.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, dmatrix: xgb.DMatrix) -> np.ndarray:
        """Return the targets of the data set's rows, (n_rows, n_columns)."""
        numbers = dmatrix.get_float_info(PARTITION).astype(np.intp)
        # A worker has whole partitions, one after the other.
        whole = numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]
        client: Any = get_client()
        parts = client.get_dataset(self.name)
        return np.concatenate(client.gather([parts[number] for number in whole]))


@contextmanager
def fields_with_targets(
    client: Any, task: Prepared
) -> Iterator[tuple[list[dict[str, Any]], PublishedTargets | None]]:
    """Yield the fields of each data set, and what finds their targets on a worker if labels do not hold them."""
    fields = [{"data": X, "label": y, "weight": weight} for X, y, weight in task.sets]
    targets = None
    if task.loss.columns:
        parts: list[Any] = []
        for of_set, counts in zip(fields, task.counts, strict=True):
            own = partitions(of_set["label"])
            of_set["label"] = vector(client, [delayed(label_of)(task.loss, part) for part in own])
            of_set[PARTITION] = vector(client, [np.full(n, i) for i, n in enumerate(counts, len(parts))])
            parts += own
        targets = PublishedTargets(f"gbm_objectives-{uuid4().hex}")
        client.publish_dataset(client.compute(parts), name=targets.name)
    if task.exact:
        # The workers are told all targets in advance, and find their own by these numbers.
        fields[0]["label"] = vector(client, task.numbers())
    try:
        yield fields, targets
    finally:
        if targets is not None:
            client.unpublish_dataset(targets.name)
