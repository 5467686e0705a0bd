"""Sums over the workers of a distributed training, and a sample of all their rows.

Each worker has some of the rows, maybe none. What a loss needs to know of all of them (widths of residuals, the
constant that normalises, the start value, the metric) comes from sums, or from a sample that is the same on every
worker. All workers make the same calls in the same order, those without rows too; else the others wait for ever.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..curvature import SAMPLE_ROWS, sample_rows
from ..losses import Loss
from ..losses.driver import weighted_float32

__all__ = ["Collective", "LocalCollective", "gathered", "global_derivatives", "global_value"]

GOLDEN_RATIO = (5**0.5 - 1) / 2

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


class Collective(Protocol):
    """The workers of a training: how many there are, which this is, and sums over them."""

    @property
    def rank(self) -> int:
        """The number of this worker, from 0."""

    @property
    def size(self) -> int:
        """The number of workers."""

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over the workers of arrays of one shape, float64."""

    def max(self, values: np.ndarray) -> np.ndarray:
        """Return the maximum over the workers of arrays of one shape, float64."""


class LocalCollective:
    """One worker, which has all rows."""

    rank, size = 0, 1

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the values."""
        return values

    def max(self, values: np.ndarray) -> np.ndarray:
        """Return the values."""
        return values


def gathered(
    collective: Collective, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None, turn: float, most: int
) -> Rows | None:
    """Return target, raw prediction and weight of all rows, or of more than `most` of a sample; None of no rows.

    Every worker gets the same, in the order of the workers. Rows without weight are left out; where there are no
    weights they are 1.

    Parameters
    ----------
    collective : Collective
        The workers.
    y, raw, weight : ndarray
        The rows of this worker.
    turn : float
        Each, from 0 to 1, gives another sample.
    most : int
        The size of the sample; each worker gives as large a part as it has of the rows, at least one row.
    """
    if weight is not None and not weight.all():
        weighs = weight > 0
        y, raw, weight = y[weighs], raw[weighs], weight[weighs]
    counts = np.zeros(collective.size)
    counts[collective.rank] = len(y)
    counts = collective.sum(counts)
    total = counts.sum()
    if total == 0:
        return None
    quotas = counts if total <= most else np.minimum(np.maximum(np.floor(counts * (most / total)), 1.0), counts)
    ends = np.cumsum(quotas).astype(int)
    parts = (y, raw, np.ones(len(y)) if weight is None else weight)
    columns = [part[:, None] if part.ndim == 1 else part for part in parts]
    width = [part.shape[1] for part in columns]
    everyone = np.zeros((ends[-1], sum(width)))
    if len(y):
        own = int(quotas[collective.rank])
        rows = sample_rows(len(y), None, turn, own)
        everyone[ends[collective.rank] - own : ends[collective.rank]] = np.hstack(columns)[rows]
    target, prediction, weights = np.split(collective.sum(everyone), np.cumsum(width)[:-1], axis=1)
    return (
        target if np.ndim(y) == 2 else target[:, 0],
        prediction if np.ndim(raw) == 2 else prediction[:, 0],
        weights[:, 0],
    )


def global_derivatives(
    loss: Loss,
    y: np.ndarray,
    raw: np.ndarray,
    weight: np.ndarray | None,
    collective: Collective,
    round_number: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian of this worker's rows as one machine with all rows would."""
    looks = loss.normalised or type(loss)._of_all_rows is not Loss._of_all_rows
    # Another sample in each round, the same on all workers.
    turn = (round_number * GOLDEN_RATIO) % 1.0
    sample = gathered(collective, y, raw, weight, turn, SAMPLE_ROWS) if looks else None
    if not len(y):
        return np.empty(raw.shape, dtype=np.float32), np.empty(raw.shape, dtype=np.float32)
    return weighted_float32(loss, y, raw, weight, sample)


def global_value(
    loss: Loss, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None, collective: Collective
) -> float:
    """Return the weighted mean loss of the rows of all workers."""
    total, share = 0.0, 0.0
    if len(y):
        losses = loss.pointwise(y, raw)
        total = float(losses.sum() if weight is None else weight @ losses)
        share = float(len(y) if weight is None else np.sum(weight, dtype=np.float64))
    total, share = collective.sum(np.array([total, share]))
    return float(total / share)
