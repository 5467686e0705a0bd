"""Predictions for Dask collections: lazy, by partition. Dask is imported where it is used: it is an extra."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

__all__ = ["gathered", "is_collection", "lazily", "without_client"]

Method = TypeVar("Method", bound=Callable[..., Any])


def is_collection(values: Any) -> bool:
    """Return whether something is a Dask collection."""
    return hasattr(values, "__dask_graph__")


def gathered(*values: Any) -> tuple[Any, ...]:
    """Return values, those that are Dask collections computed, all at once."""
    if not any(map(is_collection, values)):
        return values
    import dask.base

    compute: Any = dask.base.compute  # has no types
    return tuple(compute(*values))


def lazily(method: Method) -> Method:
    """Let a method that predicts for features X take a Dask collection, too: it returns a Dask array then."""

    @wraps(method)
    def either(self: Any, X: Any, *arguments: Any, **keywords: Any) -> Any:
        if not is_collection(X):
            return method(self, X, *arguments, **keywords)
        return _by_partition(self, method.__name__, X, arguments, keywords)

    return cast(Method, either)


def _by_partition(model: Any, name: str, X: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return what a method returns for each partition of X, as a Dask array; or named columns as a data frame."""
    import dask.array as da

    from ..engines.cluster.partitions import in_rows

    frame = not hasattr(X, "chunks")
    split = {key: in_rows(keywords[key]) for key in ("groups", "offset") if keywords.get(key) is not None}
    same = {key: values for key, values in keywords.items() if key not in split}
    for key, values in split.items():
        fits = is_collection(values) and frame != hasattr(values, "chunks")
        if not fits or values.npartitions != in_rows(X).npartitions:
            raise ValueError(f"{key} must be in the partitions of X, as a Dask {'series' if frame else 'array'}")
    # The result for one row has the type and the shape of all.
    row = _missing_row(X._meta) if frame else np.zeros((1, X.shape[1]))
    known = {key: _of_one_row(model, key, values) for key, values in split.items()}
    example = getattr(model, name)(row, *arguments, **same, **known)
    # Not by delayed, which loses the hold on a persisted collection's data.
    of_part = _OfPart(without_client(model), name, arguments, same, list(split), example[:0])
    if not frame:
        rows = [item for values in split.values() for item in (values, "im"[: values.ndim])]
        out, axes = ("ik", {"k": example.shape[1]}) if example.ndim == 2 else ("i", {})
        X, meta = in_rows(X), example[:0]
        blockwise: Any = da.blockwise  # has no types
        return blockwise(of_part, out, X, "ij", *rows, new_axes=axes, concatenate=True, meta=meta)
    meta = of_part.in_frame(example[:0], row[:0])
    result = X.map_partitions(of_part, *split.values(), meta=meta)
    return result if example.dtype.names else result.values


def _of_one_row(model: Any, key: str, values: Any) -> Any:
    """Return a group that the model knows, or an offset, for one row."""
    if key == "offset":
        return np.zeros((1, *values.shape[1:]))
    return None if model.calibration_ is None else model.calibration_.groups[:1]


@dataclass(frozen=True)
class _OfPart:
    """What a method returns for a partition."""

    model: Any
    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    keys: list[str]
    nothing: np.ndarray

    def __call__(self, X: Any, *others: Any) -> Any:
        keywords = {**self.keywords, **dict(zip(self.keys, others, strict=True))}
        result = getattr(self.model, self.name)(X, *self.arguments, **keywords) if X.shape[0] else self.nothing
        return self.in_frame(result, X) if hasattr(X, "index") else result

    def in_frame(self, result: np.ndarray, X: Any) -> Any:
        """Return an array as a series or data frame with the index of X."""
        import pandas as pd

        return (pd.Series if result.ndim == 1 and not result.dtype.names else pd.DataFrame)(result, index=X.index)


def _missing_row(meta: Any) -> Any:
    """Return a data frame's row with all values missing, of types that engines accept."""
    flags = {column: bool for column, kind in meta.dtypes.items() if kind == np.dtype(bool)}
    return meta.reindex([0]).astype(flags)


def without_client(model: Any) -> Any:
    """Return a copy that can be sent to workers."""
    bare = copy.copy(model)
    bare.estimator = None
    return bare
