"""What both engines' Dask `train` have in common before the engine takes over; needs `gbm_objectives[dask]`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from distributed import get_worker

from ...contract import Loss
from ...contract.rows import Rows, in_columns
from ...validation import as_weight
from ..data_sets import check_labels, require_rows_alone
from ..start import check_finite, checked_start
from .collective import EXACT_ROWS
from .communicator import CommunicationError
from .rows import concatenated, some
from .training import looks_at_all_rows

__all__ = [
    "Prepared",
    "cancelled",
    "check_collections",
    "first_message",
    "in_rows",
    "named_sets",
    "naming_lost_workers",
    "partitions",
    "persisted",
    "prepared",
    "sampled",
    "vector",
]

# With more rows, the start value and a scale "auto" come from a sample. This many targets take 40 MB on the
# client, of several columns 80 MB each; a smaller sample could miss a rare label or a large claim, and the start
# would be far off.
START_ROWS = 10_000_000
# How long it may take the scheduler to notice that a worker is gone.
SECONDS_TO_MISS = 2

DataSet = tuple[Any, Any, Any]  # features, target, weights or None


@dataclass(frozen=True)
class Prepared:
    """A training whose data have been checked.

    Parameters
    ----------
    loss : Loss
        The loss, with a number in place of every "auto".
    sets : list of (X, y, sample_weight)
        The rows to train on, then evaluation sets; weights may be None.
    counts : list of list of int
        The number of rows in each partition of each set.
    rows : Rows
        Targets and weights of all rows to train on, or of a sample if there are many.
    start : float or ndarray of shape (n_outputs,)
        The start value for those targets and weights.
    exact : bool
        Whether the loss looks at all rows, and they are few enough for each worker to see them all.
    """

    loss: Loss
    sets: list[DataSet]
    counts: list[list[int]]
    rows: Rows
    start: Any
    exact: bool

    def numbers(self) -> list[np.ndarray]:
        """Return the number of each row to train on, from 0, by partition."""
        return np.split(np.arange(sum(self.counts[0])), np.cumsum(self.counts[0])[:-1])


def named_sets(
    X: Any, y: Any, sample_weight: Any, evals: Sequence[tuple[Any, ...]], early_stopping_rounds: int | None
) -> list[tuple[str, DataSet]]:
    """Return the rows to train on and the evaluation sets, each with the name of its target for messages."""
    sets = [("y", (X, y, sample_weight))]
    for i, one in enumerate(evals):
        if not isinstance(one, (tuple, list)) or len(one) not in (2, 3):
            raise ValueError(f"evals[{i}] must be (X, y) or (X, y, sample_weight)")
        sets.append((f"evals[{i}]", (one[0], one[1], one[2] if len(one) == 3 else None)))
    if early_stopping_rounds is not None and not evals:
        raise ValueError("early_stopping_rounds needs evals, sets to compute the loss on")
    return sets


def prepared(client: Any, loss: Loss, sets: Sequence[tuple[str, DataSet]], start: Any = None) -> Prepared:
    """Check all targets and weights on the workers, and return what is known about all rows before training.

    The start value is found, unless one is given.

    Raises
    ------
    ValueError
        If a target or a weight is not valid, with its partition and row, or partitions do not fit.
    TypeError
        If something is not a Dask collection.
    """
    require_rows_alone(loss)
    for name, one in sets:
        check_collections(name, *one, loss.columns)
    with client.as_current():
        X = _with_known_categories(sets[0][1][0])
    rows = [persisted(client, _with_categories_of(X, features), *others) for _, (features, *others) in sets]
    counts = [_checked_counts(client, loss, name, *one) for one, (name, _) in zip(rows, sets, strict=True)]
    if loss.columns:
        rows = [(features, _table(client, loss.columns, y), weight) for features, y, weight in rows]
    y, weight = rows[0][1:]
    # Labels are float32 in the engines. Several columns stay outside, float64, as in estimators on one machine.
    target = sampled(client, y, counts[0], START_ROWS)
    target = np.asarray(target, dtype=np.float64 if loss.columns else np.float32)
    weights = None
    if weight is not None:
        weights = np.asarray(sampled(client, weight, counts[0], START_ROWS), dtype=np.float32)

    known = Rows(target, weights)

    def check(start: Any) -> None:
        for (name, _), (_, y, _) in zip(sets, rows, strict=True):
            checks = [delayed(_check_start)(loss, start, part) for part in partitions(y)]
            first_message(name, client.gather(client.compute(checks)))

    start = checked_start(loss, known, None, check, start)
    exact = sum(counts[0]) <= EXACT_ROWS and looks_at_all_rows(loss)
    return Prepared(loss, rows, counts, known, start, exact)


def partitions(values: Any) -> list[Any]:
    """Return the partitions of a Dask array or data frame, in order, as delayed values."""
    return list(np.ravel(values.to_delayed()))


def persisted(client: Any, X: Any, y: Any, weight: Any) -> DataSet:
    """Return collections in whole rows, computed once for checks, samples and training, not once for each."""
    X, y, weight = (None if values is None else client.persist(in_rows(values)) for values in (X, y, weight))
    return X, y, weight


@contextmanager
def naming_lost_workers(client: Any) -> Iterator[None]:
    """Say which workers died when a training failed: the others only report a broken connection."""
    before = set(client.nthreads())
    try:
        yield
    except Exception as error:
        # The scheduler may notice a missing worker later than the others, which wait for its part of a sum.
        end = time.monotonic() + (SECONDS_TO_MISS if isinstance(error, CommunicationError) else 0)
        while not (lost := sorted(before - set(client.nthreads()))) and time.monotonic() < end:
            time.sleep(0.1)
        if lost:
            raise RuntimeError(f"the training lost the worker {', '.join(lost)}") from error
        raise


def cancelled() -> bool:
    """Return whether nobody waits any more for the result of this worker's thread, as after Ctrl-C."""
    worker = get_worker()
    state = worker.state.tasks.get(worker.get_current_task())
    return state is None or state.state == "cancelled"


def vector(client: Any, parts: Sequence[Any], columns: tuple[str, ...] = ()) -> Any:
    """Return a Dask array made from vectors, or tables of columns, delayed ones or arrays, which are computed."""
    dask_array: Any = da  # its functions have no types
    futures = client.compute([delayed(part) for part in parts])
    # Their lengths are declared unknown, or Dask would drop empty ones.
    shape = (np.nan, len(columns)) if columns else (np.nan,)
    vectors = [dask_array.from_delayed(future, shape, np.float64) for future in futures]
    return dask_array.concatenate(vectors, allow_unknown_chunksizes=True)


def check_collections(name: str, X: Any, y: Any, weight: Any, columns: tuple[str, ...] = ()) -> None:
    """Raise unless all are Dask collections with the right number of dimensions, and the target of columns."""
    where = "" if name == "y" else f"{name}: "
    for what, values in (("X", X), ("y", y), ("sample_weight", weight)):
        # A Delayed pretends to have any attribute; its class does not.
        if values is not None and not (hasattr(type(values), "to_delayed") and hasattr(type(values), "ndim")):
            kind = f"{type(values).__module__}.{type(values).__name__}"
            raise TypeError(f"{where}{what} must be a Dask array or data frame, got {kind}")
    if X.ndim != 2:
        raise ValueError(f"{where}X must be 2-dimensional, got {X.ndim} dimensions")
    if np.isnan(X.shape[1]):
        raise ValueError(f"{where}X must have a known number of columns: call its compute_chunk_sizes() first")
    if columns:
        meta = in_columns(y._meta, columns, name)
        width = (y.shape if meta is y._meta else meta.shape)[1:]
        if width != (len(columns),):
            raise ValueError(f"{name} must have the columns {', '.join(columns)}, not {width[0] if width else 1}")
    elif y.ndim != 1:
        raise ValueError(
            f"{name} must be 1-dimensional, got {y.ndim} dimensions: take a column, not a table of one"
        )


def _with_known_categories(X: Any) -> Any:
    """Return features whose categories, in a data frame, are the same in all partitions, whatever these hold."""
    unknown = [column for column in _categorical(X) if not X[column].cat.known]
    return X.categorize(columns=unknown) if unknown else X


def _with_categories_of(X: Any, other: Any) -> Any:
    """Return the features of another set with the categories of `X`, whose codes the model uses."""
    kinds = {column: X.dtypes[column] for column in _categorical(X) if column in getattr(other, "columns", ())}
    return other.astype(kinds) if kinds else other


def _categorical(X: Any) -> list[Any]:
    kinds = getattr(X, "dtypes", None)
    return [] if kinds is None else [column for column, kind in kinds.items() if kind == "category"]


def in_rows(X: Any) -> Any:
    """Return a collection whose partitions consist of whole rows."""
    columns = X.chunks[1:] if hasattr(X, "chunks") else ()
    return X.rechunk({1: X.shape[1]}) if columns and len(columns[0]) > 1 else X


def _table(client: Any, columns: tuple[str, ...], y: Any) -> Any:
    """Return a checked target of several columns as an array of these."""
    return vector(client, [delayed(_in_columns)(part, columns) for part in partitions(y)], columns)


def _in_columns(y: Any, columns: tuple[str, ...]) -> np.ndarray:
    return np.asarray(in_columns(y, columns, "y"), dtype=np.float64)


def _checked_counts(client: Any, loss: Loss, name: str, X: Any, y: Any, weight: Any) -> list[int]:
    """Return the number of rows of each partition, or raise for the first invalid one."""
    targets, features = partitions(y), partitions(X)
    weights = [None] * len(targets) if weight is None else partitions(weight)
    for other, n in (("X", len(features)), ("its weights", len(weights))):
        if n != len(targets):
            raise ValueError(
                f"{name}: the target has {len(targets)} partitions, {other} {n}: they must be the same"
                " (for columns of a data frame that is read from files, call its persist() first)"
            )
    checks = [delayed(_check)(loss, *rows) for rows in zip(features, targets, weights, strict=True)]
    found = client.gather(client.compute(checks))
    first_message(name, [message for _, message, _ in found])
    if not any(n for n, *_ in found):
        raise ValueError(f"{name} is empty: at least one row is needed")
    if not any(weighs for *_, weighs in found):
        raise ValueError(f"{name}: sample_weight must have a value above 0, all weights are zero")
    return [n for n, *_ in found]


def first_message(name: str, messages: Sequence[str]) -> None:
    """Raise for the first partition that has a message."""
    for i, message in enumerate(messages):
        if message:
            raise ValueError(f"{name}, partition {i}: {message}")


def _check(loss: Loss, X: Any, y: Any, weight: Any) -> tuple[int, str, bool]:
    """Return the number of rows of a partition, what is wrong with it, and whether any weight is above 0."""
    n = len(y)
    for name, values in (("X", X), ("sample_weight", weight)):
        if values is not None and values.shape[0] != n:
            return n, f"{name} has {values.shape[0]} rows, the target {n}", False
    if not n:
        return 0, "", False
    try:
        check_labels(loss, np.asarray(in_columns(y, loss.columns, "y")))
        # In a single partition all weights may be 0.
        if weight is not None and np.any(weight):
            as_weight(np.asarray(weight), n)
    except (ValueError, TypeError) as error:
        return n, str(error), False
    return n, "", weight is None or bool(np.any(weight))


def _check_start(loss: Loss, start: Any, y: Any) -> str:
    """Return what is wrong with the rows of a partition at the start value."""
    target = np.asarray(y)
    try:
        if len(target):
            check_finite(loss, Rows(target), None, start)
    except ValueError as error:
        return str(error)
    return ""


def sampled(client: Any, values: Any, counts: list[int], most: int) -> Any:
    """Return all rows of a collection; of more than `most`, that many, in proportion from each partition."""
    total = sum(counts)
    quotas = counts if total <= most else [min(n, max(1, n * most // total)) for n in counts]
    parts = [delayed(some)(part, quota) for part, quota in zip(partitions(values), quotas, strict=True) if quota]
    return concatenated(client.gather(client.compute(parts)))
