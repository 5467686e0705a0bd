"""Train a complete XGBoost model under one of our losses on a Dask cluster; needs `gbm_objectives[dask]`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import xgboost as xgb
import xgboost.dask
from dask.array import asarray

from ...contract import Loss
from ..cluster.communicator import TIMEOUT
from ..cluster.partitions import Prepared, cancelled, named_sets, naming_lost_workers, prepared
from ..metrics import users_functions, users_metrics
from ..models import unfitted_copy
from ..parameters import check_options
from ..protocol import ClusterFitInputs, Trained
from .estimator import best_model, feature_weights, native_params
from .model_json import KeptCategories
from .targets import fields_with_targets
from .train import checked_params
from .worker import Callbacks, for_workers

__all__ = ["class_factors", "local_estimator", "train", "train_estimator"]


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
    metrics: Sequence[Callable[..., Any]] | None = None,
    callbacks: Sequence[Any] | None = None,
) -> tuple[xgb.Booster, dict[str, dict[str, list[float]]]]:
    """Train as one machine with all rows would, wherever they are, and return a complete model.

    The start value, the widths of residuals, the normalising constant, and the metrics are those of the rows of
    all workers. With at most 16,384 rows, or a loss that does not look at other rows, and at most 256 values of
    each feature, the model is that of one machine, up to rounding. With more rows, what a loss must know about all
    of them comes from a sample of 4,096 in each round.

    Parameters
    ----------
    client : distributed.Client
        The client of the cluster.
    params : dict
        XGBoost's parameters, without an objective.
    X : dask.array.Array or dask.dataframe.DataFrame of shape (n_samples, n_features)
        Features; partitions may be empty, and categories of a data frame may differ between them.
    y : dask.array.Array or dask.dataframe.Series of shape (n_samples,)
        Target, or labels 0, 1, …, partitioned like X. For a loss with `columns` an array (n_samples, n_columns),
        or a data frame that has columns of these names.
    loss : Loss
        The loss to train with.
    sample_weight : dask.array.Array or dask.dataframe.Series of shape (n_samples,), optional
        Weights, partitioned like X.
    evals : sequence of (X, y) or (X, y, sample_weight), optional
        Sets on which the loss is computed after each round, named "validation_0" and so on.
    num_boost_round : int, default=100
        Number of rounds.
    early_stopping_rounds : int, optional
        Stop when the last metric on the last of `evals` has not improved for this many rounds: the loss, unless
        `metrics` has `loss.metric` before another one.
    metrics : sequence of callable, optional
        Functions ``f(y_true, y_pred)`` of the response, optionally with ``sample_weight``, that return a value
        (lower is better) or ``(name, value, higher_is_better)``.
        In each round the rows of `evals` are gathered for them on every worker.
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
        Before any training: if a target is outside the loss's domain or a weight is not valid (the message names
        partition and row), if partitions do not fit, or if a parameter contradicts the loss.
    TypeError
        If `loss` is not a loss of this package.
    """
    checked_params(params, loss)
    sets = named_sets(X, y, sample_weight, evals, early_stopping_rounds)
    names = [f"validation_{i}" for i in range(len(evals))]
    functions = users_functions(loss, metrics)
    task = prepared(client, loss, sets)
    return _train(client, params, task, names, num_boost_round, early_stopping_rounds, functions, callbacks)


def _train(
    client: Any,
    params: dict[str, Any],
    task: Prepared,
    names: Sequence[str],
    num_boost_round: int,
    early_stopping_rounds: int | None,
    metrics: Sequence[Callable[..., Any]],
    callbacks: Sequence[Any] | None,
    **matrix: Any,
) -> tuple[xgb.Booster, dict[str, dict[str, list[float]]]]:
    """Train on checked data; `matrix` is passed to XGBoost's data sets."""
    rows = task.rows.y, task.rows.weight
    matrix = {"enable_categorical": True, **matrix}
    # XGBoost computes data with the current client, whichever it is given.
    with (
        client.as_current(),
        naming_lost_workers(client),
        fields_with_targets(client, task) as (fields, targets),
    ):
        params, objective, metric = for_workers(params, task.loss, *rows, metrics, task.exact, task.start, targets)
        watched = metric.directions.beside(
            {
                "callbacks": [*(callbacks or ()), KeptCategories(), _StopIfCancelled()],
                "early_stopping_rounds": early_stopping_rounds,
                "verbose_eval": False,
            }
        )
        watched["callbacks"] = [Callbacks(watched["callbacks"], of_user=bool(callbacks))]
        dtrain, *others = [xgboost.dask.DaskDMatrix(client, **of_set, **matrix) for of_set in fields]
        result = xgboost.dask.train(
            client,
            params,
            dtrain,
            num_boost_round,
            evals=list(zip(others, names, strict=True)),
            obj=objective,
            custom_metric=metric,
            **watched,
            coll_cfg=xgb.collective.Config(timeout=TIMEOUT, tracker_timeout=TIMEOUT),
        )
    return result["booster"], result["history"]


class _StopIfCancelled(xgb.callback.TrainingCallback):
    """End a training that nobody waits for."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        if cancelled():
            raise RuntimeError("the training was cancelled")
        return False


def local_estimator(estimator: Any, classifier: bool) -> Any:
    """Return XGBoost's single-machine estimator with the parameters of one of its Dask estimators."""
    local = xgb.XGBClassifier() if classifier else xgb.XGBRegressor()
    params = estimator.get_params()
    if params["objective"] == type(estimator)().objective:
        del params["objective"]  # its default differs from the single-machine one
    return unfitted_copy(local.set_params(**params))


def class_factors(estimator: Any, n_negative: int, n_positive: int) -> tuple[float, float]:
    """Return the factors by which the parameters multiply the weights of labels 0 and 1."""
    return 1.0, 1.0 if estimator.scale_pos_weight is None else estimator.scale_pos_weight


def train_estimator(estimator: Any, loss: Loss, data: ClusterFitInputs) -> tuple[Trained, Loss]:
    """Train a complete model with a local estimator's parameters; also return the loss without "auto"."""
    check_options(data.options, ("feature_weights",), "XGBoost on Dask")
    params = native_params(estimator)
    params.pop("scale_pos_weight", None)
    functions, metric_names = users_metrics(loss, estimator.eval_metric, data.eval_metric)
    if metric_names:
        params["eval_metric"] = metric_names
    checked_params(params, loss)
    stopping = estimator.early_stopping_rounds
    if stopping is not None and len(data.sets) == 1:
        raise ValueError("early_stopping_rounds needs an eval_set to compute the loss on")
    task = prepared(data.client, loss, data.sets)
    weights = feature_weights(estimator, data.options)
    weights = None if weights is None else asarray(weights)  # type: ignore[no-untyped-call]  # Dask's
    booster, history = _train(
        data.client,
        params,
        task,
        data.eval_names or [f"validation_{i}" for i in range(len(data.sets) - 1)],
        estimator.get_num_boosting_rounds(),
        stopping,
        functions,
        [*(estimator.callbacks or []), *(data.callbacks or [])],
        missing=estimator.missing,
        feature_types=estimator.feature_types,
        enable_categorical=estimator.enable_categorical,
        feature_weights=weights,
    )
    return best_model(booster, history), task.loss
