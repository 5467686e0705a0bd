"""Sums over the workers of a distributed training, and a sample of all their rows.

Each worker has some of the rows, maybe none. What a loss needs to know of all of them (widths of residuals, the
constant that normalises, the start value, the metric) comes from sums, or from a sample that is the same on every
worker. All workers make the same calls in the same order, those without rows too; else the others wait for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...contract import Loss
from ...contract.driver import weighted_float32
from ...sampling import GOLDEN_RATIO, SAMPLE_ROWS, sample_rows
from ..metrics import Result, called, has_auto, is_own

__all__ = [
    "EXACT_ROWS",
    "Collective",
    "Places",
    "gathered",
    "global_derivatives",
    "global_results",
    "global_value",
    "looks_at_all_rows",
]

# Up to so many rows each worker sees all of them in each round, 400 kB for one output; of more a sample will do.
EXACT_ROWS = 16_384

Rows = tuple[np.ndarray, np.ndarray, np.ndarray | None]


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


@dataclass(frozen=True)
class Places:
    """Where this worker's rows stand among all rows, of which there are few.

    Parameters
    ----------
    own : ndarray of int of shape (n_rows,)
        The number of each of this worker's rows, from 0.
    total : int
        How many rows all workers have.
    """

    own: np.ndarray
    total: int


def gathered(
    collective: Collective,
    y: np.ndarray,
    raw: np.ndarray,
    weight: np.ndarray | None,
    turn: float = 0.0,
    most: float = np.inf,
) -> Rows | None:
    """Return target, raw prediction and weight of all rows, or a sample where there are more than `most`.

    None where there are no rows.

    Every worker gets the same, in the order of the workers. Rows without weight are left out.

    Parameters
    ----------
    collective : Collective
        The workers.
    y, raw, weight : ndarray
        The rows of this worker.
    turn : float
        Each, from 0 to 1, gives another sample.
    most : float
        The size of the sample, an integer, or infinity; each worker gives as large a part as it has of the rows,
        at least one row.
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
    own = int(quotas[collective.rank])
    rows = sample_rows(len(y), None, turn, own) if own else slice(0)
    first = ends[collective.rank] - own
    return _placed(collective, y, raw, weight, rows, slice(first, first + own), ends[-1])


def _placed(
    collective: Collective,
    y: np.ndarray,
    raw: np.ndarray,
    weight: np.ndarray | None,
    rows: Any,
    places: Any,
    total: int,
) -> Rows:
    """Return target, raw prediction and weight of `total` rows, to which each worker gives some of its own."""
    parts = (y, raw, np.ones(len(y)) if weight is None else weight)
    columns = [part[:, None] if part.ndim == 1 else part for part in parts]
    width = [part.shape[1] for part in columns]
    everyone = np.zeros((total, sum(width)))
    everyone[places] = np.hstack(columns)[rows]
    target, prediction, weights = np.split(collective.sum(everyone), np.cumsum(width)[:-1], axis=1)
    # As one machine has them: in the engine's precision, and no weights where all are 1.
    return (
        target.astype(y.dtype).reshape(total, *y.shape[1:]),
        prediction.astype(raw.dtype).reshape(total, *raw.shape[1:]),
        None if (weights == 1.0).all() else weights[:, 0],
    )


def looks_at_all_rows(loss: Loss) -> bool:
    """Return whether the derivatives of a row depend on other rows."""
    return loss.normalised or type(loss)._of_all_rows is not Loss._of_all_rows


def global_derivatives(
    loss: Loss,
    y: np.ndarray,
    raw: np.ndarray,
    weight: np.ndarray | None,
    collective: Collective,
    round_number: int,
    places: Places | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian of this worker's rows as one machine with all rows would.

    With `places` all rows are gathered, in their order: the pair is the one machine's to the last digits of a sum.
    Without, a sample of them.
    """
    sample = None
    if looks_at_all_rows(loss) and places is not None:
        sample = _placed(collective, y, raw, weight, slice(None), places.own, places.total)
    elif looks_at_all_rows(loss):
        # Another sample in each round, the same on all workers.
        turn = (round_number * GOLDEN_RATIO) % 1.0
        sample = gathered(collective, y, raw, weight, turn, SAMPLE_ROWS)
    if not len(y):
        return np.empty(raw.shape, dtype=np.float32), np.empty(raw.shape, dtype=np.float32)
    return weighted_float32(loss, y, raw, weight, sample)


def global_value(
    loss: Loss, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None, collective: Collective
) -> float:
    """Return the weighted mean loss of the rows of all workers."""
    total, share = 0.0, 0.0
    if has_auto(loss) and (sample := gathered(collective, y, raw, weight, most=SAMPLE_ROWS)) is not None:
        loss = loss._resolved_at(*sample)
    if len(y):
        losses = loss.pointwise(y, raw)
        total = float(losses.sum() if weight is None else weight @ losses)
        share = float(len(y) if weight is None else np.sum(weight, dtype=np.float64))
    total, share = collective.sum(np.array([total, share]))
    return float(total / share)


def global_results(
    loss: Loss,
    metrics: Sequence[Callable[..., Any]],
    y: np.ndarray,
    raw: np.ndarray,
    weight: np.ndarray | None,
    collective: Collective,
) -> list[Result]:
    """Return the results of metrics of scikit-learn's form, among them the loss's own.

    A metric may look at all rows at once (an AUC does), so they are gathered for it.
    """
    others = any(not is_own(metric, loss) for metric in metrics)
    rows = gathered(collective, y, raw, weight) if others else None
    results: list[Result] = []
    for metric in metrics:
        if is_own(metric, loss):
            results.append((loss.name, global_value(loss, y, raw, weight, collective), False))
        elif rows is not None:
            results += called(metric, loss, *rows)
    return results
