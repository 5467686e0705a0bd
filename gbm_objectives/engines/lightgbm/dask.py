"""Train a complete LightGBM model under one of our losses on a Dask cluster; needs `gbm_objectives[dask]`."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import lightgbm as lgb
import numpy as np
from dask.delayed import delayed
from distributed import get_worker, wait
from distributed.lock import Lock

from ...losses import Loss
from ...losses.metric import labels_and_weight
from ...losses.start import constant_rows
from ..collective import global_derivatives, global_value
from ..communicator import Communicator, connected, tracker_for
from ..partitions import partitions, prepared, sampled
from .train import checked_params, complete

__all__ = ["train"]

# LightGBM's own number of rows from which it makes bins.
BIN_ROWS = 200_000
THREAD_NAMES = ("num_threads", "num_thread", "nthread", "nthreads", "n_jobs")
LOCK = "gbm_objectives.engines.lightgbm.dask"


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
) -> tuple[lgb.Booster, dict[str, dict[str, list[float]]]]:
    """Train as one machine with all rows would, wherever they are, and return a complete model.

    LightGBM's own Dask estimators start at 0 under a custom objective, bin features on each worker, and compute
    metrics on its rows alone. Here start value, widths of residuals, the constant that normalises and the metric
    are those of the rows of all workers, and all take their bins from one sample. LightGBM's data-parallel trees
    sum histograms in another order than one machine.

    Parameters
    ----------
    client, X, y, loss, sample_weight, evals, num_boost_round
        As in `gbm_objectives.engines.xgboost.dask.train`; X as a Dask array.
    params : dict
        LightGBM's parameters, without an objective.
    early_stopping_rounds : int, optional
        Stop when the loss on one of `evals` has not fallen for so many rounds.
    callbacks : sequence of callable, optional
        LightGBM's callbacks; each worker calls its own copies.

    Returns
    -------
    booster : lightgbm.Booster
        A complete native model, as from `gbm_objectives.engines.lightgbm.train`.
    evals_result : dict
        The loss by set, name and round.

    Raises
    ------
    ValueError
        Before any training: if a target is outside the loss's domain or a weight is not valid, with the partition
        and the row; partitions do not fit; or a parameter contradicts the loss.
    TypeError
        If `loss` is not a loss of this package, or X no Dask array.
    """
    params = checked_params(params, loss)
    for features in (X, *(one[0] for one in evals)):
        if not hasattr(features, "chunks"):
            raise TypeError(f"X must be a Dask array, got {type(features).__name__}")
    task = prepared(client, loss, X, y, sample_weight, evals, early_stopping_rounds)
    bins = client.scatter(sampled(client, X, task.counts[0], BIN_ROWS, np.float64), broadcast=True)
    shares = [_placed(client, one, n) for one, n in zip(task.sets, task.counts, strict=True)]
    workers = sorted(shares[0])
    # A worker without rows to train on is not asked; its rows of other sets go to one that is.
    for share in shares[1:]:
        for i, worker in enumerate(sorted(set(share) - set(workers))):
            share.setdefault(workers[i % len(workers)], []).extend(share.pop(worker))
    settings = (task.loss, task.start, num_boost_round, early_stopping_rounds, list(callbacks or ()))
    # LightGBM has one network in a process: two trainings on the same workers take turns.
    with client.as_current(), Lock(LOCK):  # type: ignore[no-untyped-call]  # Dask's
        text, history, best = _train_on(client, workers, shares, bins, params, settings)
    booster = complete(lgb.Booster(model_str=text), task.loss, task.start)
    booster.best_iteration = best
    return booster, history


def _train_on(
    client: Any,
    workers: list[str],
    shares: list[dict[str, list[Any]]],
    bins: Any,
    params: dict[str, Any],
    settings: tuple[Any, ...],
) -> tuple[str, dict[str, Any], int]:
    """Train on all workers at once; return the model of the first, which all of them have."""
    network: dict[str, Any] = {}
    ports: dict[str, int] = {}
    if len(workers) > 1:
        ports = _free_ports(client, workers)
        machines = ",".join(f"{urlsplit(worker).hostname}:{ports[worker]}" for worker in workers)
        network = {"machines": machines, "num_machines": len(workers), "tree_learner": "data", "time_out": 1}
    tracker = tracker_for(len(workers), str(urlsplit(workers[0]).hostname))
    tasks = [
        client.submit(
            _train_on_worker,
            [share.get(worker, []) for share in shares],
            bins,
            {**params, **network, **({"local_listen_port": ports[worker]} if network else {})},
            settings,
            tracker.worker_args(),
            workers=[worker],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        for worker in workers
    ]
    first: tuple[str, dict[str, Any], int] = client.gather(tasks)[0]
    return first


def _placed(client: Any, one: tuple[Any, Any, Any], counts: list[int]) -> dict[str, list[Any]]:
    """Return the partitions that have rows, as futures of (X, y, weight), by the worker that holds them."""
    X, y, weight = one
    weights = [None] * len(counts) if weight is None else partitions(weight)
    rows = zip(partitions(X), partitions(y), weights, strict=True)
    parts = [delayed(tuple)([*row]) for row, n in zip(rows, counts, strict=True) if n]
    futures = client.compute(parts)
    wait(futures)  # type: ignore[no-untyped-call]  # Dask's
    share: dict[str, list[Any]] = {}
    where = client.who_has(futures)
    for future in futures:
        share.setdefault(where[future.key][0], []).append(future)
    return share


def _free_ports(client: Any, workers: list[str]) -> dict[str, int]:
    """Return a port for each worker; those on one machine are looked for at once, or they might be the same."""
    ports: dict[str, int] = {}
    for host in {urlsplit(worker).hostname for worker in workers}:
        there = [worker for worker in workers if urlsplit(worker).hostname == host]
        found = client.run(_open_ports, len(there), workers=there[:1])[there[0]]
        ports.update(zip(there, found, strict=True))
    return ports


def _open_ports(n_ports: int) -> list[int]:
    with ExitStack() as sockets:
        opened = [sockets.enter_context(socket.socket()) for _ in range(n_ports)]
        for one in opened:
            one.bind(("", 0))
        return [int(one.getsockname()[1]) for one in opened]


def _rows(parts: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the rows of partitions as arrays."""
    X = np.concatenate([np.asarray(part[0], dtype=np.float64) for part in parts])
    y = np.concatenate([np.asarray(part[1]) for part in parts])
    weight = None if parts[0][2] is None else np.concatenate([np.asarray(part[2]) for part in parts])
    return X, y, weight


def _train_on_worker(
    shares: list[list[Any]], bins: np.ndarray, params: dict[str, Any], settings: tuple[Any, ...], tracker: Any
) -> tuple[str, dict[str, Any], int]:
    """Train on the rows of this worker, together with the others; return the model, which all of them have."""
    loss, start, num_boost_round, early_stopping_rounds, callbacks = settings
    # No built-in objective, which would refuse num_class.
    params = {"verbosity": -1, **params, "objective": "none"}
    if not any(name in params for name in THREAD_NAMES):
        # Other tasks may run on the machine; LightGBM would take all of its cores.
        params["num_threads"] = get_worker().state.nthreads
    reference = lgb.Dataset(bins, np.zeros(len(bins)), params=params, free_raw_data=False).construct()

    def dataset(parts: list[Any], aligned: lgb.Dataset) -> lgb.Dataset:
        # A set of which this worker has no rows: one that weighs nothing.
        X, y, weight = _rows(parts) if parts else (bins[:1], np.ones(1), np.zeros(1))
        return lgb.Dataset(
            X, y, weight=weight, init_score=constant_rows(start, len(y)), reference=aligned, params=params
        )

    communicator = Communicator()
    rounds = iter(range(1, num_boost_round + 1))

    def objective(raw: np.ndarray, data: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        y, weight = labels_and_weight(data)
        return global_derivatives(loss, y, raw, weight, communicator, next(rounds))

    def metric(raw: np.ndarray, data: lgb.Dataset) -> tuple[str, float, bool]:
        y, weight = labels_and_weight(data)
        return loss.name, global_value(loss, y, raw, weight, communicator), False

    history: dict[str, Any] = {}
    watchers = [lgb.record_evaluation(history)] if len(shares) > 1 else []
    if early_stopping_rounds is not None:
        watchers.append(lgb.early_stopping(early_stopping_rounds, verbose=False))
    own = dataset(shares[0], reference)
    with connected(tracker):
        booster = lgb.train(
            {**params, "objective": objective},
            own,
            num_boost_round,
            valid_sets=[dataset(parts, own) for parts in shares[1:]],
            valid_names=[f"validation_{i}" for i in range(len(shares) - 1)],
            feval=metric,
            callbacks=[*watchers, *callbacks],
            keep_training_booster=True,
        )
        booster.free_network()
    return booster.model_to_string(), history, booster.best_iteration
