"""The queries that `fit` takes: which rows belong together, in whatever order they come, and what they weigh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..contract import Loss
from ..contract.rows import ends_of
from ..engines.protocol import FitInputs
from ..validation import as_weight
from .validation_rows import numbered, taken

__all__ = ["in_order", "numbers_of", "of_sets", "weight_of"]


def numbers_of(
    loss: Loss, group: Any, qid: Any, n_rows: int, names: tuple[str, str] = ("group", "qid")
) -> np.ndarray | None:
    """Return the number of each row's query, from the sizes of queries or from the query of each row.

    Raises
    ------
    ValueError
        If the loss compares rows of queries and none are given, or vice versa; if they do not fit the rows.
    """
    if group is not None and qid is not None:
        raise ValueError(f"{names[0]} and {names[1]} say the same: give one of them")
    if loss.scope != "query":
        if group is not None or qid is not None:
            name = names[0] if qid is None else names[1]
            raise ValueError(f"{name} must be left out: {loss!r} does not compare the rows of a query")
        return None
    if group is None and qid is None:
        raise ValueError(
            f"{names[0]} or {names[1]} must be given: {loss!r} compares the rows of a query; inside scikit-learn's"
            " tools metadata routing passes qid on (enable_metadata_routing=True)"
        )
    if qid is not None:
        return numbered(qid, n_rows, names[1])
    try:
        sizes = np.diff(ends_of(group, n_rows))
    except ValueError as error:
        raise ValueError(str(error).replace("group", names[0], 1)) from None
    return np.repeat(np.arange(len(sizes)), sizes)


def of_sets(loss: Loss, fit_params: dict[str, Any], n_of_sets: list[int]) -> list[np.ndarray | None]:
    """Remove the queries of evaluation sets from the fit parameters; return the numbers of their rows' queries."""
    given = []
    for name in ("eval_group", "eval_qid"):
        of_name = fit_params.pop(name, None)
        if len(n_of_sets) == 1 and np.ndim(of_name) == 1 and next(iter(of_name), None) is not None:
            of_name = [of_name]  # that of a single set may stand alone
        if of_name is not None and len(of_name) != len(n_of_sets):
            raise ValueError(f"{name} has {len(of_name)} entries for {len(n_of_sets)} evaluation sets")
        given.append([None] * len(n_of_sets) if of_name is None else list(of_name))
    return [
        numbers_of(loss, group, qid, n, (f"eval_group[{i}]", f"eval_qid[{i}]"))
        for i, (group, qid, n) in enumerate(zip(*given, n_of_sets, strict=True))
    ]


def weight_of(sample_weight: Any, query: np.ndarray | None, n_rows: int) -> np.ndarray | None:
    """Return the weights of rows, from those of rows or of queries, which are in the order of their numbers."""
    if sample_weight is None or query is None:
        return as_weight(sample_weight, n_rows)
    n_queries = int(query.max()) + 1
    if np.ndim(sample_weight) == 1 and len(sample_weight) not in (n_rows, n_queries):
        raise ValueError(
            f"sample_weight has {len(sample_weight)} values: it must have one for each of {n_rows} rows, or of"
            f" {n_queries} queries"
        )
    if np.ndim(sample_weight) != 1 or len(sample_weight) == n_rows:
        return as_weight(sample_weight, n_rows)
    weight = as_weight(sample_weight, n_queries)
    return None if weight is None else weight[query]


def in_order(data: FitInputs, query: np.ndarray | None, eval_query: list[np.ndarray | None]) -> FitInputs:
    """Return the inputs of a training with the rows of each query together, the queries in order, in all sets.

    `query` and `eval_query` are the numbers of their rows' queries; None for a loss that compares no rows.
    """
    if query is None:
        return data
    offsets = data.eval_offsets or [None] * len(data.eval_sets)
    sets = [
        _together(of_set, numbers, *one)
        for one, of_set, numbers in zip(data.eval_sets, offsets, eval_query, strict=True)
    ]
    X, y, weight, offset, group = _together(data.offset, query, data.X, data.y, data.sample_weight)
    return replace(
        data,
        X=X,
        y=y,
        sample_weight=weight,
        offset=offset,
        group=group,
        eval_sets=[one[:3] for one in sets],
        eval_offsets=[one[3] for one in sets],
        eval_group=[one[4] for one in sets],
    )


def _together(
    offset: np.ndarray | None, query: Any, X: Any, y: np.ndarray, weight: np.ndarray | None
) -> tuple[Any, ...]:
    """Return features, target, weight and offset in the order of queries, and the number of rows of each."""
    _, sizes = np.unique(query, return_counts=True)
    if (np.diff(query) >= 0).all():
        return X, y, weight, offset, sizes
    # Stable: rows of a query stay as they came, which counts where predictions are equal.
    rows = np.argsort(query, kind="stable")
    weight, offset = (None if array is None else array[rows] for array in (weight, offset))
    return taken(X, rows), y[rows], weight, offset, sizes
