"""Queries side by side: of similar length in one array, so that no loop runs over queries or their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contract.rows import Rows
from .gains import bounds_of, gains

__all__ = ["NO_ROW", "Block", "Pairs", "Queries", "Shares", "blocks_of"]

# Numbers of an array: a handful of float32 arrays of 64 kB stay in a core's level-2 cache, and of one query of
# 10,000 rows no pairs are kept, only those of one row at a time.
CELLS = 16384
# Lengths of queries in one block differ by a factor of 2 ** (1 / STEPS) at most: with 4, less than a sixth of the
# numbers belongs to no row; with more there would be more blocks, and calls of NumPy. A block of fewer numbers
# than LEAST takes longer queries in, too: on so few, calls cost more than numbers.
STEPS, LEAST = 4, 4096
# What places without a row have for a prediction, relative to others of the query: no exponential of it is left in
# float32 or float64, and its differences are still finite in float32.
NO_ROW = -1e30


@dataclass(frozen=True)
class Block:
    """Some queries of similar length.

    Parameters
    ----------
    queries : ndarray of int of shape (n_queries,)
        Their numbers.
    sizes : ndarray of int of shape (n_queries,)
        Their lengths.
    rows : ndarray of int of shape (n_queries, longest)
        The number of each row; where a query has none any more, the number of all rows, which is no row's.
    """

    queries: np.ndarray
    sizes: np.ndarray
    rows: np.ndarray


def blocks_of(ends: np.ndarray, some: np.ndarray) -> list[Block]:
    """Return queries in blocks.

    Parameters
    ----------
    ends : ndarray of int of shape (n_queries + 1,)
        The first row of each query, followed by the number of rows.
    some : ndarray of bool of shape (n_queries,)
        The queries to take.

    Returns
    -------
    list of Block
        Each query in one of them, whole.

    Examples
    --------
    >>> (block,) = blocks_of(np.array([0, 8, 15, 16]), np.array([True, True, False]))
    >>> block.rows.tolist()  # the second query has no eighth row
    [[8, 9, 10, 11, 12, 13, 14, 16], [0, 1, 2, 3, 4, 5, 6, 7]]
    """
    sizes = np.diff(ends)
    chosen = np.flatnonzero(some)
    chosen = chosen[np.argsort(sizes[chosen], kind="stable")]
    # Rounding must not move a length that is a power of 2 to the next step.
    steps = np.ceil(STEPS * np.log2(sizes[chosen]) - 1e-9)
    blocks = []
    for alike in _enough(chosen, sizes[chosen], np.flatnonzero(np.diff(steps)) + 1):
        at_once = max(1, CELLS // int(sizes[alike[-1]]))
        for first in range(0, len(alike), at_once):
            queries = alike[first : first + at_once]
            place = np.arange(sizes[queries[-1]])
            of_some = sizes[queries]
            rows = np.where(place < of_some[:, None], ends[queries][:, None] + place, ends[-1])
            blocks.append(Block(queries, of_some, rows))
    return blocks


def _enough(queries: np.ndarray, sizes: np.ndarray, steps: np.ndarray) -> list[np.ndarray]:
    """Return queries, which are sorted by size, cut at steps in size, but not into too small parts."""
    parts, first = [], 0
    for last in [*steps.tolist(), len(queries)]:
        if (last - first) * sizes[last - 1 : last].sum() >= LEAST or last == len(queries) > first:
            parts.append(queries[first:last])
            first = last
    return parts


@dataclass(frozen=True)
class Queries:
    """What losses of queries know of a data set.

    Parameters
    ----------
    ends : ndarray of int of shape (n_queries + 1,)
        The first row of each query, followed by the number of rows.
    counting : ndarray of bool of shape (n_queries,)
        Whether the query has rows that are to be in some order.
    scale : float
        What gradient and curvature are multiplied by for the engines.
    """

    ends: np.ndarray
    counting: np.ndarray
    scale: float


@dataclass(frozen=True)
class Pairs(Queries):
    """The pairs of rows of different relevance, by block: each query's rows from the most relevant one down.

    Parameters
    ----------
    ends, counting, scale
        As in `Queries`; the scale makes the mean curvature of RankNet 1 where all predictions are equal.
    counts : ndarray of shape (n_queries,)
        The number of pairs of each query.
    blocks : list of (Block, ndarray of shape (longest, n_queries))
        The queries that have pairs. The array numbers relevances from the lowest one on, -1 where there is no row;
        as `rows` of its block, which is in the same order here, rows down.
    """

    counts: np.ndarray
    blocks: list[tuple[Block, np.ndarray]]

    @classmethod
    def of(cls, rows: Rows) -> Pairs:
        """Sort the rows of each query."""
        ends = bounds_of(rows)
        _, level = np.unique(rows.y, return_inverse=True)
        query = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        order = np.lexsort((-level, query))
        # Of all pairs those of equal relevance are left out.
        first = np.append(True, (np.diff(level[order]) != 0) | (np.diff(query) != 0))
        alike = np.diff(np.append(np.flatnonzero(first), len(level))).astype(np.float64)
        sizes = np.diff(ends).astype(np.float64)
        equal = np.bincount(query[first], alike * (alike - 1.0) / 2.0, len(sizes))
        counts = sizes * (sizes - 1.0) / 2.0 - equal
        # float32 tells apart integers up to 2 ** 24.
        numbers = np.append(level[order], -1).astype(np.float32 if len(level) < 2**24 else np.float64)
        order = np.append(order, len(level))
        blocks = []
        for block in blocks_of(ends, counts > 0):
            down = np.ascontiguousarray(block.rows.T)
            blocks.append((Block(block.queries, block.sizes, order[down]), numbers[down]))
        # There 2 p (1 - p) is 1/2, and each pair is one of two rows: 1 for a query.
        counting = counts > 0
        scale = float(len(level) / max(1, int(counting.sum())))
        return cls(ends, counting, scale, counts, blocks)


@dataclass(frozen=True)
class Shares(Queries):
    """What each row has of the gains of its query.

    Parameters
    ----------
    ends, counting, scale
        As in `Queries`; the scale makes the mean curvature of ListNet 1 where all predictions are equal.
    query : ndarray of int of shape (n_rows,)
        The number of each row's query.
    share : ndarray of shape (n_rows,)
        The share of each row; 0 in queries without any gain.
    counts : ndarray of bool of shape (n_rows,)
        Whether the row's query has any gain.
    """

    query: np.ndarray
    share: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, owner: Any, rows: Rows) -> Shares:
        """Work out the shares by the gain of `owner`."""
        ends, worth = bounds_of(rows), gains(owner, rows.y)
        query = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        # The largest first: the sum of gains might overflow.
        most = np.maximum.reduceat(worth, ends[:-1])[query]
        worth = worth / np.where(most > 0, most, 1.0)
        total = np.add.reduceat(worth, ends[:-1])[query]
        counts, share = total > 0, worth / np.where(total > 0, total, 1.0)
        lowest, highest = np.minimum.reduceat(share, ends[:-1]), np.maximum.reduceat(share, ends[:-1])
        equal = counts / np.diff(ends)[query]
        curvature = np.maximum(equal, np.abs(equal - share)).sum()
        scale = float(len(share) / curvature) if curvature > 0 else 1.0
        return cls(ends, lowest < highest, scale, query, share, counts)

    def softmax(
        self, raw_prediction: np.ndarray, dtype: Any = np.float64
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return predictions less their query's largest one, exponentials of these, and the sums of those."""
        starts = self.ends[:-1]
        distance = raw_prediction - np.maximum.reduceat(raw_prediction, starts)[self.query]
        size = np.exp(distance.astype(dtype, copy=False))
        # Of long queries a sum in float32 would lose digits.
        return distance, size, np.add.reduceat(size, starts, dtype=np.float64)
