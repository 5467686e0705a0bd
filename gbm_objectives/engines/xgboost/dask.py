"""Train a complete XGBoost model under one of our losses on a Dask cluster; needs `gbm_objectives[dask]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xgboost as xgb
import xgboost.dask

from ...losses import Loss
from ...losses.metric import labels_and_weight
from ..collective import global_derivatives, global_value
from ..communicator import TIMEOUT, Communicator
from ..partitions import prepared
from .train import base_score, checked_params
from .unit import unit_of_gains, with_penalties_times

__all__ = ["train"]


def train(
    client: Any,
    params: dict[str, Any],
    X: Any,
    y: Any,
    *,
    loss: Loss,
    sample_weight: Any = None,
    evals: Sequence[tuple[Any, ...]] = (),
    num_boost_round: int = 100,
    early_stopping_rounds: int | None = None,
    callbacks: Sequence[Any] | None = None,
) -> tuple[xgb.Booster, dict[str, dict[str, list[float]]]]:
    """Train as one machine with all rows would, wherever they are, and return a complete model.

    The start value, the widths of residuals, the constant that normalises, and the loss as the metric are those of
    the rows of all workers. Up to 4,096 rows, or with a loss that does not look at other rows, and up to 256
    values of each feature, the model is that of one machine, up to rounding; beyond, what is known of all rows is
    known from a sample of them.

    Parameters
    ----------
    client : distributed.Client
        The client of the cluster.
    params : dict
        XGBoost's parameters, without an objective.
    X : dask.array.Array or dask.dataframe.DataFrame of shape (n_samples, n_features)
        Features.
    y : dask.array.Array or dask.dataframe.Series of shape (n_samples,)
        Target, or labels 0, 1, …, in the partitions of X.
    loss : Loss
        The loss to train with.
    sample_weight : dask.array.Array or dask.dataframe.Series of shape (n_samples,), optional
        Weights, in the partitions of X.
    evals : sequence of (X, y) or (X, y, sample_weight), optional
        Sets on which the loss is computed after each round, named "validation_0" and so on.
    num_boost_round : int, default=100
        Number of rounds.
    early_stopping_rounds : int, optional
        Stop when the loss on the last of `evals` has not fallen for so many rounds.
    callbacks : sequence of xgboost.callback.TrainingCallback, optional
        XGBoost's callbacks; each worker calls its own copies.

    Returns
    -------
    booster : xgboost.Booster
        A complete native model, as from `gbm_objectives.engines.xgboost.train`.
    evals_result : dict
        The loss by set, name and round.

    Raises
    ------
    ValueError
        Before any training: if a target is outside the loss's domain or a weight is not valid, with the partition
        and the row; partitions do not fit; or a parameter contradicts the loss.
    TypeError
        If `loss` is not a loss of this package.
    """
    params = checked_params(params, loss)
    task = prepared(client, loss, X, y, sample_weight, evals, early_stopping_rounds)
    loss, start = task.loss, task.start
    unit = unit_of_gains(loss, task.target, task.weight, start)
    if unit != 1.0:
        params = with_penalties_times(params, unit)
    params["base_score"] = base_score(loss, start)
    own = [
        xgboost.dask.DaskDMatrix(client, features, label, weight=weights, enable_categorical=True)
        for features, label, weights in task.sets
    ]
    if early_stopping_rounds is not None:
        stopping = xgb.callback.EarlyStopping(early_stopping_rounds, metric_name=loss.name, maximize=False)
        callbacks = [*(callbacks or ()), stopping]
    result = xgboost.dask.train(
        client,
        params,
        own[0],
        num_boost_round,
        evals=[(matrix, f"validation_{i}") for i, matrix in enumerate(own[1:])],
        obj=_Objective(loss, unit),
        custom_metric=_Metric(loss),
        callbacks=callbacks,
        verbose_eval=False,
        coll_cfg=xgb.collective.Config(timeout=TIMEOUT, tracker_timeout=TIMEOUT),
    )
    return result["booster"], result["history"]


class _Objective:
    """The loss on a worker, with what it needs to know of the rows of the others."""

    def __init__(self, loss: Loss, unit: float) -> None:
        self.loss, self.unit, self.round = loss, np.float32(unit), 0

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        y, raw, weight = _rows(self.loss, raw_prediction, dmatrix)
        self.round += 1
        gradient, hessian = global_derivatives(self.loss, y, raw, weight, Communicator(), self.round)
        return gradient * self.unit, hessian * self.unit


class _Metric:
    """The loss of the rows of all workers, which each of them returns: XGBoost takes the mean over workers."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def __call__(self, raw_prediction: np.ndarray, dmatrix: xgb.DMatrix) -> tuple[str, float]:
        y, raw, weight = _rows(self.loss, raw_prediction, dmatrix)
        return self.loss.name, global_value(self.loss, y, raw, weight, Communicator())


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
