"""What a worker does in a LightGBM training on several machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from ...contract import Loss
from ...contract.start import constant_rows
from ..cluster.collective import Places
from ..cluster.communicator import Communicator, connected
from ..cluster.rows import concatenated
from ..cluster.training import SharedTraining
from ..data_sets import label_of
from ..metrics import placed
from .network import ONE_AT_A_TIME, leave, network
from .parameters import ObjectiveIsNone, drops_trees, paced
from .watching import n_watched, triples

__all__ = ["Settings", "train_on_worker"]


@dataclass(frozen=True)
class Settings:
    """What all workers of a training are told."""

    loss: Loss
    start: Any
    n_rows: int | None = None  # to train on, of all workers together
    exact: bool = False  # whether they are few enough for each worker to see all of them
    names: Sequence[str] = ()  # of the evaluation sets
    num_boost_round: int = 100
    early_stopping_rounds: int | None = None
    metrics: Sequence[Callable[..., Any]] = ()
    callbacks: Sequence[Callable[..., Any]] = ()
    repeats: Sequence[bool] = ()  # which evaluation sets are the training set


def train_on_worker(
    shares: list[list[Any]], bins: Any, params: dict[str, Any], settings: Settings, tracker: Any
) -> tuple[str, dict[str, Any], int]:
    """Train on the rows of this worker, together with the others; return the model, which is the same on all.

    Anything that starts the workers and hands each its rows can call this: it knows nothing of Dask.

    Parameters
    ----------
    shares : list of list of (X, y, sample_weight, first_row)
        The parts that this worker has: first those of the rows to train on, at least one, then those of each
        evaluation set; none is empty. Targets of several columns are arrays, weights may be None; `first_row` is
        the index of a part's first row among all.
    bins : array, sparse matrix or data frame
        The rows from which bins are made, the same for all workers.
    params : dict
        LightGBM's parameters, including its network.
    settings : Settings
        The same for all workers.
    tracker : dict
        How the workers find each other: see `gbm_objectives.engines.cluster.communicator`.
    """
    workers = Communicator()
    with ONE_AT_A_TIME, connected(tracker), workers.failing_together():
        leave()  # the network of a failed training by LightGBM's own estimators
        return _train(shares, bins, params, settings, workers)


def _train(
    shares: list[list[Any]], bins: Any, params: dict[str, Any], settings: Settings, workers: Communicator
) -> tuple[str, dict[str, Any], int]:
    loss = settings.loss
    # Not a built-in objective, which would refuse num_class.
    params = {"verbosity": -1, "metric": "None", **params, "objective": "none"}
    nothing = np.zeros(bins.shape[0])
    reference = lgb.Dataset(bins, nothing, params=params, free_raw_data=False).construct()
    if all(reference.feature_num_bin(column) < 2 for column in range(reference.num_feature())):
        raise ValueError("X has nothing to split by: all of its columns are constant, or there are too few rows")

    def dataset(parts: list[Any], aligned: lgb.Dataset) -> lgb.Dataset:
        # A set of which this worker has no rows gets one of weight 0, with a target that is known to be valid.
        stand_in = [(bins[:1],), (shares[0][0][1][:1],), (np.zeros(1),)]
        fields = list(zip(*parts, strict=True)) if parts else stand_in
        X, y = map(concatenated, fields[:2])
        weight = None if fields[2][0] is None else concatenated(fields[2])
        label, start = label_of(loss, y), constant_rows(settings.start, len(y))
        made = lgb.Dataset(X, label, weight=weight, init_score=start, reference=aligned, params=params)
        if loss.columns:
            made.target = y  # type: ignore[attr-defined]  # our own attribute
        return made

    metrics = placed(loss, list(settings.metrics), first=True)
    places = None
    if settings.exact and settings.n_rows is not None:
        own = [first + np.arange(X.shape[0]) for X, _, _, first in shares[0]]
        places = Places(np.concatenate(own), settings.n_rows)
    training = SharedTraining(paced(loss, params, settings.n_rows), workers, places)

    def objective(raw: np.ndarray, data: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        pair = training.gradient_hessian(raw, data)
        workers.agree()  # before LightGBM sums
        return pair

    def metric(raw: np.ndarray, data: lgb.Dataset) -> list[tuple[str, float, bool]]:
        return triples(training.results(metrics, raw, data), n_watched({}, callbacks))

    history: dict[str, Any] = {}
    callbacks = [lgb.record_evaluation(history)] if len(shares) > 1 else []
    if settings.early_stopping_rounds is not None:
        stopping = lgb.early_stopping(
            settings.early_stopping_rounds,
            first_metric_only=bool(params.get("first_metric_only")),
            min_delta=params.get("early_stopping_min_delta", 0.0),
            verbose=False,
        )
        callbacks.append(stopping)
    callbacks += [*settings.callbacks, ObjectiveIsNone()]
    own_set = dataset(shares[0], reference)
    repeats = settings.repeats or [False] * (len(shares) - 1)
    valid_sets = [
        own_set if same and not drops_trees(params) else dataset(parts, own_set)
        for parts, same in zip(shares[1:], repeats, strict=True)
    ]
    with network(params, workers) as params:
        booster = lgb.train(
            {**params, "objective": objective},
            own_set,
            settings.num_boost_round,
            valid_sets=valid_sets,
            valid_names=list(settings.names),
            feval=metric,
            callbacks=callbacks,
            keep_training_booster=True,
        )
    return booster.model_to_string(), history, booster.best_iteration
