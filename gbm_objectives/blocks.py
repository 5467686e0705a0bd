"""Rows in blocks that stay in cache."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["BLOCK_ROWS", "blocks"]

# Numbers per block: a block's temporaries (a handful of float32 arrays of 128 kB) stay in a core's level-2
# cache. Whole columns at once would write and read each temporary through main memory; blocks of half the size
# cost a tenth more, in calls of NumPy.
BLOCK_ROWS = 32_768


def blocks(n_rows: int, n_outputs: int = 1) -> Iterator[slice]:
    """Yield slices that cover `n_rows` rows, about `BLOCK_ROWS` numbers each.

    Examples
    --------
    >>> list(blocks(40_000))
    [slice(0, 32768, None), slice(32768, 40000, None)]
    """
    step = max(1, BLOCK_ROWS // n_outputs)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
