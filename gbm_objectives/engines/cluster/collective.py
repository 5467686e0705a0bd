"""Sums over the workers of a distributed training, and a sample of all their rows.

Each worker has some of the rows, possibly none. What a loss needs to know about all of them (widths of residuals,
the normalising constant, the start value, the metric) comes from sums, or from a sample that is the same on every
worker. All workers, even those without rows, make the same calls in the same order; otherwise the others would
wait for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...contract.rows import Rows
from ...sampling import sample_rows
from ..training import Everyone

__all__ = ["EXACT_ROWS", "Collective", "Places", "gathered", "placed_rows"]

# Up to this many rows each worker sees all of them in each round, 400 kB for one output; beyond, a sample will do.
EXACT_ROWS = 16_384


class Collective(Protocol):
    """The workers of a training: how many there are, which one this is, and sums over them."""

    @property
    def rank(self) -> int:
        """The number of this worker, from 0."""

    @property
    def size(self) -> int:
        """The number of workers."""

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over the workers of equally shaped arrays, float64."""


@dataclass(frozen=True)
class Places:
    """The positions of this worker's rows among all rows, used when there are few.

    Parameters
    ----------
    own : ndarray of int of shape (n_rows,)
        The index of each of this worker's rows among all, from 0.
    total : int
        How many rows all workers have.
    """

    own: np.ndarray
    total: int


def gathered(
    collective: Collective, own: Rows, raw: np.ndarray, turn: float = 0.0, most: float = np.inf
) -> Everyone | None:
    """Return target, raw prediction and weight of all rows, or of a sample if there are more than `most`.

    None where there are no rows.

    Every worker gets the same rows, in the order of the workers. Rows of weight 0 are left out.

    Parameters
    ----------
    collective : Collective
        The workers.
    own : Rows
        The rows of this worker.
    raw : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Their raw predictions.
    turn : float
        Each number from 0 to 1 gives a different sample.
    most : float
        The size of the sample, an integer, or infinity; each worker contributes in proportion to its share of the
        rows, at least one row.
    """
    if own.weight is not None and not own.weight.all():
        weighs = own.weight > 0
        own, raw = Rows(own.y[weighs], own.weight[weighs]), raw[weighs]
    counts = np.zeros(collective.size)
    counts[collective.rank] = len(own)
    counts = collective.sum(counts)
    total = counts.sum()
    if total == 0:
        return None
    quotas = counts if total <= most else np.minimum(np.maximum(np.floor(counts * (most / total)), 1.0), counts)
    ends = np.cumsum(quotas).astype(int)
    quota = int(quotas[collective.rank])
    some = sample_rows(len(own), None, turn, quota) if quota else slice(0)
    first = ends[collective.rank] - quota
    return placed_rows(collective, own, raw, some, slice(first, first + quota), ends[-1])


def placed_rows(
    collective: Collective, own: Rows, raw: np.ndarray, some: Any, places: Any, total: int
) -> Everyone:
    """Return target, raw prediction and weight of `total` rows; each worker contributes `some` of its own."""
    y = own.y
    parts = (y, raw, np.ones(len(y)) if own.weight is None else own.weight)
    columns = [part[:, None] if part.ndim == 1 else part for part in parts]
    width = [part.shape[1] for part in columns]
    everyone = np.zeros((total, sum(width)))
    everyone[places] = np.hstack(columns)[some]
    target, prediction, weights = np.split(collective.sum(everyone), np.cumsum(width)[:-1], axis=1)
    # The same as on one machine: in the engine's precision, and no weights where all are 1.
    return (
        target.astype(y.dtype).reshape(total, *y.shape[1:]),
        prediction.astype(raw.dtype).reshape(total, *raw.shape[1:]),
        None if (weights == 1.0).all() else weights[:, 0],
    )
