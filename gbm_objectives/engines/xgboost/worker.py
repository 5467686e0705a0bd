"""What each worker calls in an XGBoost training on several machines, inside of XGBoost's communicator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xgboost as xgb

from ...losses import Loss
from ...losses.metric import labels_and_weight
from ..collective import Places, global_derivatives, global_results
from ..communicator import Communicator

__all__ = ["GlobalMetric", "Objective"]


class Objective:
    """The loss on a worker, with what it needs to know of the rows of the others."""

    def __init__(self, loss: Loss, unit: float, exact_rows: int | None) -> None:
        self.loss, self.unit, self.round, self.exact_rows = loss, np.float32(unit), 0, exact_rows

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian of this worker's rows."""
        y, raw, weight = _rows(self.loss, raw_prediction, dmatrix)
        self.round += 1
        places = None
        if self.exact_rows is not None:
            own = dmatrix.get_float_info("label_lower_bound").astype(np.intp)
            places = Places(own, self.exact_rows)
        gradient, hessian = global_derivatives(self.loss, y, raw, weight, Communicator(), self.round, places)
        return gradient * self.unit, hessian * self.unit


class GlobalMetric:
    """Metrics of the rows of all workers, which each of them returns: XGBoost takes the mean over workers."""

    def __init__(self, loss: Loss, metrics: Sequence[Callable[..., Any]]) -> None:
        self.loss, self.metrics = loss, metrics

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> list[tuple[str, float]]:
        """Return names and values, the loss last."""
        rows = _rows(self.loss, raw_prediction, dmatrix)
        own, *users = global_results(self.loss, self.metrics, *rows, Communicator())
        # In this order, since XGBoost stops early on the last one.
        return [(name, value) for name, value, _ in (*users, own)]


def _rows(
    loss: Loss, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return target, raw predictions and weights of a worker's rows, of which there may be none."""
    if dmatrix.num_row():
        y, weight = labels_and_weight(dmatrix)
    else:
        y, weight = np.empty(0, dtype=np.float32), None
    raw = raw_prediction.reshape(len(y), loss.n_outputs)
    return y, raw[:, 0] if loss.n_outputs == 1 else raw, weight
