"""The rows of a data set, as losses see them: targets, weights, and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..validation import brief, shown

__all__ = [
    "BOUNDS",
    "Rows",
    "are_numbered",
    "check_order",
    "described",
    "ends_of",
    "in_columns",
    "instead_of_columns",
    "names_of",
    "numbered_columns",
    "without_rows",
]

# The columns of a target of which only bounds are known.
BOUNDS = ("lower", "upper")


@dataclass(frozen=True)
class Rows:
    """Targets, weights and queries of a data set.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_columns)
        Targets.
    weight : ndarray of shape (n_rows,), optional
        Weights.
    queries : ndarray of int of shape (n_queries + 1,), optional
        The first row of each query, followed by the number of rows.

    Examples
    --------
    >>> rows = Rows(np.array([2.0, 0.0, 1.0]), None, ends_of([2, 1], 3))
    >>> [rows.y[one].tolist() for one in rows.each_query()]
    [[2.0, 0.0], [1.0]]
    """

    y: np.ndarray
    weight: np.ndarray | None = None
    queries: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def group(self) -> np.ndarray | None:
        """The number of rows of each query."""
        return None if self.queries is None else np.diff(self.queries)

    def each_query(self) -> list[slice]:
        """Return the rows of each query; without queries, all rows as one."""
        ends = [0, len(self.y)] if self.queries is None else self.queries.tolist()
        return [slice(first, last) for first, last in pairwise(ends)]

    def mean(self, losses: np.ndarray) -> float:
        """Return the weighted mean of the losses of rows, or of queries."""
        weight = self.weight_of_queries()
        # On few rows np.average takes as long as the losses.
        total = np.add.reduce(losses) if weight is None else losses @ weight
        return float(total / (len(losses) if weight is None else np.add.reduce(weight, dtype=np.float64)))

    def weight_of_queries(self) -> np.ndarray | None:
        """Return the mean weight of each query's rows."""
        if self.weight is None or self.queries is None:
            return self.weight
        return np.asarray(np.add.reduceat(self.weight, self.queries[:-1]) / np.diff(self.queries))


def in_columns(y: Any, columns: tuple[str, ...], name: str) -> Any:
    """Return a target with the columns of a loss in their order, of a data frame or a structured array by name.

    Names that are not strings, such as a data frame has of an array, say nothing, nor do any where the loss only
    numbers its columns.

    Raises
    ------
    ValueError
        If there are names, and one of the columns is not among them.
    """
    given = names_of(y)
    if are_numbered(columns):
        return np.column_stack([y[one] for one in y.dtype.names]) if hasattr(y, "dtype") and given else y
    if not columns or given is None or not any(isinstance(one, str) for one in given):
        return y
    if missing := [one for one in columns if one not in given]:
        raise ValueError(
            f"{name} must have the columns {', '.join(columns)}: {missing[0]} is not among {shown(list(given))}"
            f"{instead_of_columns(columns) if len(missing) == len(columns) else ''}"
        )
    return np.column_stack([np.asarray(y[one]) for one in columns])


def names_of(y: Any) -> tuple[Any, ...] | None:
    """Return the names of the columns of a data frame or a structured array; None if there are none."""
    of_frame = getattr(y, "column_names", getattr(y, "columns", None))  # pyarrow's `columns` are data
    given = getattr(getattr(y, "dtype", None), "names", None) if of_frame is None else of_frame
    return None if given is None else tuple(given)


def check_order(known: Any, names: Any, where: str) -> None:
    """Raise unless the names of columns without names of their own are those known, in their order.

    Names that are not strings say nothing.
    """
    told = all(given is not None and all(isinstance(one, str) for one in given) for given in (known, names))
    if told and tuple(known) != tuple(names):
        raise ValueError(
            f"y must have the columns {brief(', '.join(known))}, in this order, as {where}, got"
            f" {brief(', '.join(names))}"
        )


def numbered_columns(n_columns: int) -> tuple[str, ...]:
    """Return the names of columns that have an order, and no names of their own."""
    return tuple(f"target {number}" for number in range(n_columns))


def are_numbered(columns: tuple[str, ...]) -> bool:
    """Return whether a loss only numbers its columns, so that a data frame's own names tell their order."""
    return bool(columns) and columns == numbered_columns(len(columns))


def described(columns: tuple[str, ...]) -> str:
    """Return what columns a target must have, for messages."""
    return f"{len(columns)} columns" if are_numbered(columns) else f"the columns {', '.join(columns)}"


def instead_of_columns(columns: tuple[str, ...]) -> str:
    """Return how people get bounds, who mostly have events and times, for messages; "" for other columns."""
    if columns != BOUNDS:
        return ""
    return (
        "; of events and times the bounds are np.column_stack([time, np.where(event, time, np.inf)]), and"
        " GBMSurvival takes events and times as they are"
    )


def without_rows(columns: tuple[str, ...]) -> np.ndarray:
    """Return the target of no rows, of as many columns as one of some rows, and as precise."""
    return np.empty((0, len(columns))) if columns else np.empty(0, dtype=np.float32)


def ends_of(group: object, n_rows: int) -> np.ndarray:
    """Return the first row of each query and the number of rows, from the number of rows of each query.

    Raises
    ------
    ValueError
        If they are not positive integers that sum to the number of rows.
    """
    sizes = np.asarray(group)
    if sizes.ndim != 1 or sizes.dtype.kind not in "iuf" or not ((sizes >= 1) & (sizes == np.floor(sizes))).all():
        raise ValueError(f"group must be the number of rows of each query, one or more, got {shown(group)}")
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    if ends[-1] != n_rows:
        raise ValueError(f"group must sum to the number of rows, it sums to {ends[-1]} of {n_rows}")
    return ends
