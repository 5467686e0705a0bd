"""A training on several machines, as run on each worker: the same as on one machine, by sums over all workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...contract import Loss
from ...contract.rows import Rows, without_rows
from ...sampling import GOLDEN_RATIO, SAMPLE_ROWS
from ..data_sets import label_of
from ..metrics import Result, called, distinct, is_own
from ..training import Everyone, Training
from .collective import Collective, Places, gathered, placed_rows

__all__ = ["SharedTraining", "looks_at_all_rows"]


def looks_at_all_rows(loss: Loss) -> bool:
    """Return whether the derivatives of a row depend on other rows."""
    return loss.normalised or loss.scope != "row"


class SharedTraining(Training):
    """What a worker's engine calls: objective and metrics for the rows of all workers.

    Parameters
    ----------
    loss : Loss
        The loss; its rows must not belong together, since no worker sees all of them.
    workers : Collective
        The workers.
    places : Places, optional
        The positions of this worker's training rows among all rows, if these are few. Then all of them are
        gathered in each round, in their order, and what the loss must know is the same as on one machine, up to
        the last digits of a sum. Otherwise it comes from a sample.
    """

    sees_others = True

    def __init__(self, loss: Loss, workers: Collective, places: Places | None = None) -> None:
        super().__init__(loss)
        self.workers, self.places = workers, places

    def rows(self, data: Any) -> Rows:
        """Return this worker's rows of a data set; there may be none."""
        if hasattr(data, "num_row") and not data.num_row():
            return Rows(without_rows(self.loss.columns))
        return super().rows(data)

    def gradient_hessian(self, raw_prediction: np.ndarray, data: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian of a round for this worker's rows."""
        rows = self.rows(data)
        raw = self._shaped(raw_prediction, rows)
        self._look(rows, raw)
        loss = self.loss
        self.has_trained(1)
        if not len(rows):
            return np.empty(raw.shape, dtype=np.float32), np.empty(raw.shape, dtype=np.float32)
        return loss._for_engines(rows.y, raw, rows.weight)

    def _seen(self, rows: Rows, raw_prediction: np.ndarray) -> Everyone | None:
        """Return targets, raw predictions and weights of all workers' rows, or of a sample."""
        if not looks_at_all_rows(self.loss):
            return None
        if self.places is not None:
            return placed_rows(self.workers, rows, raw_prediction, slice(None), self.places.own, self.places.total)
        # A different sample each time, the same on all workers.
        return gathered(self.workers, rows, raw_prediction, (self.rounds * GOLDEN_RATIO) % 1.0, SAMPLE_ROWS)

    def value(self, raw_prediction: np.ndarray, data: Any) -> float:
        """Return the weighted mean loss of the rows of all workers."""
        rows, loss, total, share = self.rows(data), self.loss, 0.0, 0.0
        raw = self._shaped(raw_prediction, rows)
        if loss._has_auto and (sample := gathered(self.workers, rows, raw, most=SAMPLE_ROWS)) is not None:
            loss = loss._resolved_at(*sample)
        if len(rows):
            losses = loss.pointwise(rows.y, raw)
            total = float(losses.sum() if rows.weight is None else rows.weight @ losses)
            share = float(np.sum(loss._counts(rows.y, rows.weight), dtype=np.float64))
        total, share = self.workers.sum(np.array([total, share]))
        if not share:
            raise ValueError(f"the targets of {loss!r} must be known in some row: all are missing, or of weight 0")
        return float(total / share)

    def results(
        self, metrics: Sequence[Callable[..., Any]], raw_prediction: np.ndarray, data: Any
    ) -> list[Result]:
        """Return the results of metrics of scikit-learn's form, including the loss's own.

        A metric may need all rows at once (an AUC does), so they are gathered for it.
        """
        rows = self.rows(data)
        others = any(not is_own(metric, self.loss) for metric in metrics)
        everyone = gathered(self.workers, rows, self._shaped(raw_prediction, rows)) if others else None
        results: list[Result] = []
        for metric in metrics:
            if is_own(metric, self.loss):
                results.append((self.loss.name, self.value(raw_prediction, data), False))
            elif everyone is not None:
                y, raw, weight = everyone
                # As on one machine: of a distribution over classes the most probable one, of columns all.
                y = y if self.loss.columns else label_of(self.loss, y)
                results += called(metric, self.loss, y, raw, weight)
        return distinct(results)

    def _shaped(self, raw_prediction: np.ndarray, rows: Rows) -> np.ndarray:
        """Return raw predictions as (n_rows,) or (n_rows, n_outputs), even if there are no rows."""
        raw = raw_prediction.reshape(len(rows), self.loss.n_outputs) if not len(rows) else raw_prediction
        return raw[:, 0] if self.loss.n_outputs == 1 and raw.ndim == 2 else raw
