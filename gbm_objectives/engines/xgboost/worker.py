"""What each worker calls in an XGBoost training on several machines, inside of XGBoost's communicator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xgboost as xgb

from ...contract import Loss
from ...contract.calling import labels_and_weight
from ...contract.start import constant_rows
from ..cluster.collective import Places, global_derivatives, global_results
from ..cluster.communicator import Communicator
from ..metrics import placed
from ..start import finite_start
from .train import base_score, checked_params, paced
from .unit import unit_of_gains, with_penalties_times
from .watching import Directions, InOrder

__all__ = ["Callbacks", "GlobalMetric", "Objective", "for_workers"]


def for_workers(
    params: dict[str, Any],
    loss: Loss,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    metrics: Sequence[Callable[..., Any]] = (),
    exact_rows: int | None = None,
    start: Any = None,
) -> tuple[dict[str, Any], Objective, GlobalMetric]:
    """Return parameters, objective and metric for the `xgboost.train` of each worker.

    Whatever starts the workers can call this: it knows nothing of Dask.

    Parameters
    ----------
    params : dict
        XGBoost's parameters, without an objective.
    loss : Loss
        The loss.
    target, weight : ndarray of shape (n_rows,)
        Targets and weights of all rows, or of a sample of them.
    metrics : sequence of callable, optional
        Metrics of scikit-learn's form.
    exact_rows : int, optional
        The number of all rows, if they are few and each `DMatrix` has the numbers of its own, from 0, as
        `label_lower_bound`: then workers see all rows, else a sample.
    start : float or ndarray of shape (n_outputs,), optional
        The start value, where it is known; by default that of `target` and `weight`.
    """
    params = checked_params(params, loss)
    if start is None:
        start = finite_start(loss, ["target"], [(target, weight)], [None])
    unit = unit_of_gains(loss, target, weight, constant_rows(start, len(target)))
    if unit != 1.0:
        params = with_penalties_times(params, unit)
    params["base_score"] = base_score(loss, start)
    return params, Objective(paced(loss, params), unit, exact_rows), GlobalMetric(loss, metrics)


class Objective:
    """The loss on a worker, with what it needs to know of the rows of the others."""

    def __init__(self, loss: Loss, unit: float, exact_rows: int | None) -> None:
        self.loss, self.unit, self.round, self.exact_rows = loss, np.float32(unit), 0, exact_rows
        self.workers = Communicator()

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian of this worker's rows."""
        with self.workers.failing_together():
            y, raw, weight = _rows(self.loss, raw_prediction, dmatrix)
            self.round += 1
            places = None
            if self.exact_rows is not None:
                own = dmatrix.get_float_info("label_lower_bound").astype(np.intp)
                places = Places(own, self.exact_rows)
            gradient, hessian = global_derivatives(self.loss, y, raw, weight, self.workers, self.round, places)
            self.workers.agree()  # before XGBoost sums
        return gradient * self.unit, hessian * self.unit


class GlobalMetric:
    """Metrics of the rows of all workers, which each of them returns: XGBoost takes the mean over workers."""

    def __init__(self, loss: Loss, metrics: Sequence[Callable[..., Any]]) -> None:
        self.loss, self.metrics = loss, placed(loss, list(metrics), first=False)
        self.directions, self.workers = Directions(), Communicator()

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> list[tuple[str, float]]:
        """Return names and values; XGBoost stops early on the last one, which is the loss by default."""
        with self.workers.failing_together():
            rows = _rows(self.loss, raw_prediction, dmatrix)
            results = global_results(self.loss, self.metrics, *rows, self.workers)
            if len(self.metrics) > 1:
                self.workers.agree()  # the user's are called between our sums and XGBoost's
            return self.directions.noted(results)


class Callbacks(InOrder):
    """The callbacks of a training, some of the user or none: one that fails on a worker is an error of all."""

    def __init__(self, callbacks: Sequence[Any], *, of_user: bool) -> None:
        super().__init__(callbacks)
        self.of_user = of_user
        self.workers = Communicator()

    def before_training(self, model: Any) -> Any:
        """Call one after the other, as below."""
        with self.workers.failing_together():
            return super().before_training(model)

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop."""
        with self.workers.failing_together():
            stops = super().before_iteration(model, epoch, evals_log)
            # XGBoost sums before the objective in the first round, and after a parameter was changed.
            if not stops and (epoch == 0 or self.of_user):
                self.workers.agree()
        return stops

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop."""
        with self.workers.failing_together():
            return super().after_iteration(model, epoch, evals_log)

    def after_training(self, model: Any) -> Any:
        """Leave the other workers when all have finished."""
        with self.workers.failing_together():
            model = super().after_training(model)
            self.workers.agree(leaving=True)
        return model


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
