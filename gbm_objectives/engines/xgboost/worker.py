"""What each worker calls in an XGBoost training on several machines, inside XGBoost's communicator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xgboost as xgb

from ...contract import Loss
from ...contract.rows import Rows
from ...contract.start import constant_rows
from ..cluster.collective import Places
from ..cluster.communicator import Communicator
from ..cluster.training import SharedTraining
from ..data_sets import Member
from ..metrics import placed
from ..start import finite_start
from .train import base_score, checked_params, paced
from .unit import unit_of_gains, with_penalties_times
from .watching import Directions, InOrder

__all__ = ["Callbacks", "GlobalMetric", "Objective", "for_workers"]

Targets = Callable[[xgb.DMatrix], np.ndarray]


def for_workers(
    params: dict[str, Any],
    loss: Loss,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    metrics: Sequence[Callable[..., Any]] = (),
    numbered: bool = False,
    start: Any = None,
    targets: Targets | None = None,
) -> tuple[dict[str, Any], Objective, GlobalMetric]:
    """Return parameters, objective and metric for the `xgboost.train` of each worker.

    Anything that starts the workers can call this: it knows nothing of Dask.

    Parameters
    ----------
    params : dict
        XGBoost's parameters, without an objective.
    loss : Loss
        The loss.
    target, weight : ndarray of shape (n_rows,)
        Targets, (n_rows, n_columns) if they have several columns, and weights of all rows, or of a sample of them.
    metrics : sequence of callable, optional
        Metrics of scikit-learn's form.
    numbered : bool, default=False
        Whether these are all rows, and few, and the label of each training row is its index among them, from 0:
        workers get rows in a different order. Each worker then sees all of them, otherwise a sample.
    start : float or ndarray of shape (n_outputs,), optional
        The start value, if known; by default that of `target` and `weight`.
    targets : callable, optional
        For targets of several columns: from a worker's data set to the targets of its rows, unless the worker sets
        them as the data set's attribute `target`.
    """
    params, rows = checked_params(params, loss), Rows(target, weight)
    if start is None:
        start = finite_start(loss, [Member(None, "target", rows)])
    unit = unit_of_gains(loss, rows, constant_rows(start, len(rows)))
    if unit != 1.0:
        params = with_penalties_times(params, unit)
    params["base_score"] = base_score(loss, start)
    objective = Objective(paced(loss, params), unit, rows if numbered else None, targets)
    return params, objective, GlobalMetric(objective, metrics)


class Objective:
    """The loss on a worker, with what it needs to know about the rows of the others."""

    def __init__(self, loss: Loss, unit: float, numbered: Rows | None, targets: Targets | None) -> None:
        self.unit, self.numbered, self.targets = np.float32(unit), numbered, targets
        self.workers = Communicator()
        self.training = SharedTraining(loss, self.workers)

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian of this worker's rows."""
        with self.workers.failing_together():
            if self.numbered is None:
                self.find_target(dmatrix)
            elif self.training.places is None:
                self._place(dmatrix, self.numbered)
            gradient, hessian = self.training.gradient_hessian(raw_prediction, dmatrix)
            self.workers.agree()  # before XGBoost sums
        return gradient * self.unit, hessian * self.unit

    def find_target(self, dmatrix: xgb.DMatrix) -> None:
        """Give a data set the targets of its rows, once, where they are not its labels."""
        if self.targets is not None and dmatrix.num_row() and not hasattr(dmatrix, "target"):
            dmatrix.target = self.targets(dmatrix)  # type: ignore[attr-defined]  # our own attribute

    def _place(self, dmatrix: xgb.DMatrix, everyone: Rows) -> None:
        """Read from the labels which of the rows this worker has."""
        own = dmatrix.get_label().astype(np.intp)
        rows = Rows(everyone.y[own], None if everyone.weight is None else everyone.weight[own])
        self.training.members.append(Member(dmatrix, "", rows))
        self.training.places = Places(own, len(everyone))


class GlobalMetric:
    """Metrics for the rows of all workers, returned by each of them: XGBoost takes the mean over workers."""

    def __init__(self, objective: Objective, metrics: Sequence[Callable[..., Any]]) -> None:
        self.objective = objective
        # The objective's training, which knows the summary of the rows that are trained on.
        self.training, self.workers = objective.training, objective.workers
        self.metrics = placed(self.training.loss, list(metrics), first=False)
        self.directions = Directions()

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> list[tuple[str, float]]:
        """Return names and values; XGBoost stops early on the last one, which is the loss by default."""
        with self.workers.failing_together():
            self.objective.find_target(dmatrix)
            results = self.training.results(self.metrics, raw_prediction, dmatrix)
            if len(self.metrics) > 1:
                self.workers.agree()  # the user's metrics are called between our sums and XGBoost's
            return self.directions.noted(results)


class Callbacks(InOrder):
    """The callbacks of a training, with or without the user's: one that fails on a worker is an error on all."""

    def __init__(self, callbacks: Sequence[Any], *, of_user: bool) -> None:
        super().__init__(callbacks)
        self.of_user = of_user
        self.workers = Communicator()

    def before_training(self, model: Any) -> Any:
        """Call one after another, as below."""
        with self.workers.failing_together():
            return super().before_training(model)

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop."""
        with self.workers.failing_together():
            stops = super().before_iteration(model, epoch, evals_log)
            # XGBoost sums before calling the objective in the first round, and after a parameter was changed.
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
