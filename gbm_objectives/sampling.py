"""Samples of rows: for when a mean over a few thousand rows will do instead of one over all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["GOLDEN_RATIO", "SAMPLE_ROWS", "sample_queries", "sample_rows"]

# If there are more rows than this, a sample of this many will do: a mean over half of them is known within 2%.
# Reading all rows in every round would triple the cost of a callback.
SAMPLE_ROWS = 4096
GOLDEN_RATIO = (5**0.5 - 1) / 2


def sample_rows(
    n_rows: int, weight: np.ndarray | None = None, turn: float = 0.0, most: int = SAMPLE_ROWS
) -> slice | np.ndarray:
    """Return the rows to estimate a mean from: all of them, or `most` if there are more.

    They are spread evenly over the data and depend on nothing but the arguments, so that training is repeatable.
    Each `turn`, from 0 to 1, gives different rows.
    """
    if n_rows <= most:
        return slice(None)
    rows = _spread(n_rows, turn, most)
    if weight is None or weight[rows].any():
        return rows
    # Weights that single out a few rows.
    weighted = np.flatnonzero(weight)
    return weighted[sample_rows(len(weighted), None, turn, most)]


def sample_queries(ends: np.ndarray, weight: np.ndarray | None = None) -> tuple[slice | np.ndarray, np.ndarray]:
    """Return rows to estimate a mean of whole queries from, and how many each of their queries has.

    Parameters
    ----------
    ends : ndarray of int of shape (n_queries + 1,)
        The first row of each query, followed by the number of rows.
    weight : ndarray of shape (n_queries,), optional
        Weights of queries; those without any are left out of a sample.

    Returns
    -------
    rows : slice or ndarray of int
        All rows, or about `SAMPLE_ROWS` if there are more.
    sizes : ndarray of int
        The numbers of rows of the queries that they are.

    Examples
    --------
    >>> rows, sizes = sample_queries(np.arange(0, 10 * SAMPLE_ROWS + 1, 10))
    >>> len(rows), sizes[:3].tolist(), (rows[:10] - rows[0]).tolist()
    (4100, [10, 10, 10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    sizes = np.diff(ends)
    if ends[-1] <= SAMPLE_ROWS:
        return slice(None), sizes
    known = np.arange(len(sizes)) if weight is None else np.flatnonzero(weight)
    most = int(np.ceil(len(known) * SAMPLE_ROWS / max(1, int(sizes[known].sum()))))
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[known[sample_rows(len(known), most=max(1, most))]] = True
    return np.flatnonzero(np.repeat(chosen, sizes)), sizes[chosen]


@lru_cache(maxsize=2)
def _spread(n_rows: int, turn: float, most: int) -> np.ndarray:
    # One row from each of equal strips, its place in the strip given by the golden ratio: always taking the first
    # would fall into step with periodic data (hours of days, cells of a grid).
    strip = np.arange(most)
    return ((strip + (strip * GOLDEN_RATIO + turn) % 1.0) * (n_rows / most)).astype(np.intp)
