"""Train a complete LightGBM model under one of our losses on a Dask cluster; needs `gbm_objectives[dask]`."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import lightgbm as lgb
import numpy as np
from dask.delayed import delayed
from distributed import wait
from distributed.lock import Lock

from ...contract import Loss
from ...validation import shown
from ..cluster.communicator import CommunicationError, free_later, tracker_for
from ..cluster.partitions import (
    Prepared,
    cancelled,
    named_sets,
    naming_lost_workers,
    partitions,
    prepared,
    sampled,
)
from ..metrics import users_functions, users_metrics
from ..models import unfitted_copy
from ..parameters import check_options
from ..protocol import ClusterFitInputs, Trained
from .estimator import native_params, valid_names
from .network import PortTakenError
from .parameters import METRIC_NAMES, THREAD_NAMES, UNBALANCED, checked_params, given_start, of_known_rows
from .ties import warn_of_ties
from .train import complete
from .watching import EARLY_STOPPING_NAMES
from .worker import Settings, train_on_worker

__all__ = ["class_factors", "local_estimator", "train", "train_estimator"]

# The number of rows from which LightGBM itself makes bins.
BIN_ROWS = 200_000
LEARNER_NAMES = ("tree_learner", "tree", "tree_type", "tree_learner_type")
# The network is set up here, from Dask's workers.
NETWORK_NAMES = ("machines", "workers", "nodes", "num_machines", "num_machine", "local_listen_port", "local_port")
# How long to wait for the worker that failed first, once another has reported a broken connection.
SECONDS_FOR_CAUSE = 5
# How often to check that all workers are there.
SECONDS_BETWEEN_LOOKS = 1
# On a busy machine a port is now and then taken by a connection of Dask or XGBoost.
LOOKS_FOR_PORTS = 4
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
    metrics: Sequence[Callable[..., Any]] | None = None,
    callbacks: Sequence[Any] | None = None,
) -> tuple[lgb.Booster, dict[str, dict[str, list[float]]]]:
    """Train as one machine with all rows would, wherever they are, and return a complete model.

    LightGBM's own Dask estimators start at 0 under a custom objective, and each worker bins features and computes
    metrics on its own rows alone. Here the start value, the widths of residuals, the normalising constant and the
    metrics are those of the rows of all workers, and all workers take their bins from one sample of 200,000 rows.
    LightGBM's data-parallel trees sum histograms in a different order than one machine does.

    Parameters
    ----------
    client, X, y, loss, sample_weight, evals, num_boost_round, metrics
        As in `gbm_objectives.engines.xgboost.dask.train`.
    params : dict
        LightGBM's parameters, without an objective, a metric or a network.
    early_stopping_rounds : int, optional
        Stop when a metric on one of `evals` has not improved for this many rounds; with ``first_metric_only`` only
        the first metric counts, which is the loss unless `metrics` has `loss.metric` elsewhere.
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
        Before any training: if a target is outside the loss's domain or a weight is not valid (the message names
        partition and row), if partitions do not fit, or if a parameter contradicts the loss.
    TypeError
        If `loss` is not a loss of this package, or data are not Dask collections.
    """
    params = _checked_params(params, loss)
    sets = named_sets(X, y, sample_weight, evals, early_stopping_rounds)
    names = [f"validation_{i}" for i in range(len(evals))]
    functions = users_functions(loss, metrics)
    task = prepared(client, loss, sets, given_start(params, loss))
    repeats = [
        one[0] is X and one[1] is y and all(w is None or w is sample_weight for w in one[2:]) for one in evals
    ]
    return _train(
        client, params, task, names, num_boost_round, early_stopping_rounds, functions, callbacks, repeats
    )


def _checked_params(params: dict[str, Any], loss: Loss) -> dict[str, Any]:
    params = checked_params(params, loss)
    for name in NETWORK_NAMES:
        if name in params:
            raise ValueError(f"params[{name!r}] must be left out: the network is set up from Dask's workers")
    for name in LEARNER_NAMES:
        learner = params.pop(name, "data")
        # Feature-parallel learning would need all rows on each worker.
        if not str(learner).startswith(("data", "voting", "serial")):
            raise ValueError(f"params[{name!r}] must be 'data' or 'voting', got {shown(learner)}")
        if str(learner).startswith("voting"):
            params["tree_learner"] = "voting"
    if params.get("linear_tree") or params.get("linear_trees"):
        raise ValueError("linear_tree must be off: LightGBM would train on the rows of one worker alone")
    given = [params[name] for name in METRIC_NAMES if params.get(name, "None") != "None"]
    if given:
        raise ValueError(
            f"metric {shown(given[0])} would be computed on each worker's rows alone: pass a function (metrics= of"
            " train, eval_metric= of fit)"
        )
    return params


def _train(
    client: Any,
    params: dict[str, Any],
    task: Prepared,
    names: Sequence[str],
    num_boost_round: int,
    early_stopping_rounds: int | None,
    metrics: Sequence[Callable[..., Any]],
    callbacks: Sequence[Any] | None,
    repeats: Sequence[bool],
) -> tuple[lgb.Booster, dict[str, dict[str, list[float]]]]:
    """Train on checked data; `repeats` says which evaluation sets are the training set."""
    warn_of_ties(task.loss, task.rows)
    params = of_known_rows(params, task.loss, task.rows, task.start)
    bins = client.scatter(sampled(client, task.sets[0][0], task.counts[0], BIN_ROWS), broadcast=True)
    shares = [_by_worker(client, one, n) for one, n in zip(task.sets, task.counts, strict=True)]
    workers = sorted(shares[0])
    # A worker without rows to train on does not take part; its rows of other sets go to one that does.
    for share in shares[1:]:
        for i, worker in enumerate(sorted(set(share) - set(workers))):
            share.setdefault(workers[i % len(workers)], []).extend(share.pop(worker))
    settings = Settings(
        task.loss,
        task.start,
        sum(task.counts[0]),
        task.exact,
        names,
        num_boost_round,
        early_stopping_rounds,
        metrics,
        [*(callbacks or ()), _stop_if_cancelled],
        repeats,
    )
    # LightGBM has one network in a process: two trainings on the same workers take turns.
    with client.as_current(), Lock(LOCK), naming_lost_workers(client):  # type: ignore[no-untyped-call]  # Dask's
        text, history, best = _train_on_free_ports(client, workers, shares, bins, params, settings)
    booster = complete(lgb.Booster(model_str=text), task.loss, task.start)
    booster.best_iteration = best
    # Those of the last round if there is no best one, as in `lightgbm.train`.
    booster.best_score = {
        name: {metric: values[best - 1] for metric, values in of_set.items()} for name, of_set in history.items()
    }
    return booster, history


def _stop_if_cancelled(env: Any) -> None:
    """End a training that nobody waits for: another may follow, and LightGBM has one network per process."""
    if cancelled():
        raise RuntimeError("the training was cancelled")


def local_estimator(estimator: Any, classifier: bool) -> Any:
    """Return LightGBM's single-machine estimator with the parameters of one of its Dask estimators."""
    params = estimator.get_params()
    del params["client"]
    return unfitted_copy((lgb.LGBMClassifier if classifier else lgb.LGBMRegressor)(**params))


def class_factors(estimator: Any, n_negative: int, n_positive: int) -> tuple[float, float]:
    """Return the factors by which the parameters multiply the weights of labels 0 and 1."""
    params = estimator.get_params()
    negative, positive = 1.0, params.get("scale_pos_weight", 1.0)
    if any(params.get(name) for name in UNBALANCED):
        # LightGBM raises the weight of the rarer class.
        ratio = n_negative / max(n_positive, 1)
        negative, positive = max(1.0, 1.0 / ratio), positive * max(1.0, ratio)
    return negative, positive


def train_estimator(estimator: Any, loss: Loss, data: ClusterFitInputs) -> tuple[Trained, Loss]:
    """Train a complete model with a local estimator's parameters; also return the loss without "auto"."""
    check_options(data.options, ("categorical_feature",), "LightGBM on Dask")
    params = native_params(estimator)
    for name in (*UNBALANCED, "scale_pos_weight"):
        params.pop(name, None)
    if all(value is None for name, value in estimator.get_params().items() if name in THREAD_NAMES):
        del params["num_threads"]  # the workers' own numbers of threads are used
    functions, metric_names = users_metrics(loss, data.eval_metric)
    if metric_names:
        params["metric"] = metric_names
    if data.options.get("categorical_feature") is not None:
        params["categorical_feature"] = data.options["categorical_feature"]
    given = [params.pop(name) for name in EARLY_STOPPING_NAMES if name in params]
    stopping = next((int(rounds) for rounds in given if rounds is not None and int(rounds) > 0), None)
    if stopping is not None and len(data.sets) == 1:
        raise ValueError("early_stopping_round needs an eval_set to compute the loss on")
    params = _checked_params(params, loss)
    task = prepared(data.client, loss, data.sets, given_start(params, loss))
    repeats = data.repeats or [False] * (len(data.sets) - 1)
    names = data.eval_names or valid_names(repeats)
    n_rounds = estimator.n_estimators
    booster, history = _train(
        data.client, params, task, names, n_rounds, stopping, functions, data.callbacks, repeats
    )
    return Trained(booster, history, max(booster.best_iteration, 0) or None), task.loss


def _train_on_free_ports(client: Any, *task: Any) -> tuple[str, dict[str, Any], int]:
    """Train; with other ports if some connection takes one between the search for it and the training."""
    for _ in range(LOOKS_FOR_PORTS - 1):
        with suppress(PortTakenError):
            return _train_on(client, *task)
    return _train_on(client, *task)


def _train_on(
    client: Any,
    workers: list[str],
    shares: list[dict[str, list[Any]]],
    bins: Any,
    params: dict[str, Any],
    settings: Settings,
) -> tuple[str, dict[str, Any], int]:
    """Train on all workers at once; return the first one's model, which is the same on all."""
    network: dict[str, Any] = {}
    of_worker: dict[str, dict[str, int]] = {worker: {} for worker in workers}
    if len(workers) > 1:
        if len(set(client.run(os.getpid, workers=workers).values())) < len(workers):
            raise ValueError(
                "LightGBM has one network in a process: each worker must be a process (processes=True)"
            )
        ports = _free_ports(client, workers)
        machines = ",".join(f"{urlsplit(worker).hostname}:{ports[worker]}" for worker in workers)
        network = {"machines": machines, "num_machines": len(workers), "tree_learner": "data", "time_out": 1}
        of_worker = {worker: {"local_listen_port": port} for worker, port in ports.items()}
    if not any(name in params for name in THREAD_NAMES):
        # Other tasks may run on the machine; LightGBM would take all of its cores.
        for worker, n_threads in client.nthreads(workers).items():
            of_worker[worker]["num_threads"] = n_threads
    tracker, tasks = tracker_for(len(workers), str(urlsplit(workers[0]).hostname)), []
    try:
        for worker in workers:
            task = client.submit(
                train_on_worker,
                [share.get(worker, []) for share in shares],
                bins,
                {**network, **params, **of_worker[worker]},
                settings,
                tracker.worker_args(),
                workers=[worker],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
            tasks.append(task)
        _until_one_fails(client, workers, tasks)
        first: tuple[str, dict[str, Any], int] = client.gather(tasks)[0]
    except Exception as error:
        # A worker that is gone reports nothing.
        with suppress(TimeoutError):
            wait(tasks, timeout=SECONDS_FOR_CAUSE)  # type: ignore[no-untyped-call]  # Dask's
        errors = [task.exception() for task in tasks if task.status == "error"]
        raise next((one for one in errors if not _is_consequence(one)), error) from None
    finally:
        client.cancel(tasks)
        free_later(tracker)
    return first


def _is_consequence(error: BaseException) -> bool:
    """Return whether the error only says that another worker has left a sum; that worker reports why."""
    return isinstance(error, CommunicationError) or (
        isinstance(error, lgb.basic.LightGBMError) and str(error).startswith("Socket ")
    )


def _until_one_fails(client: Any, workers: list[str], tasks: list[Any]) -> None:
    """Wait until all tasks have finished or one has failed; the task of a worker that is gone does neither."""
    while all(task.status == "pending" or task.status == "finished" for task in tasks):
        with suppress(TimeoutError):
            wait(tasks, timeout=SECONDS_BETWEEN_LOOKS)  # type: ignore[no-untyped-call]  # Dask's
            return
        if not set(workers) <= set(client.nthreads()):
            raise RuntimeError("a worker was lost")


def _by_worker(client: Any, one: tuple[Any, Any, Any], counts: list[int]) -> dict[str, list[Any]]:
    """Return the non-empty partitions, as futures of (X, y, weight, first row), by the worker that holds them."""
    X, y, weight = one
    weights = [None] * len(counts) if weight is None else partitions(weight)
    firsts = np.cumsum([0, *counts[:-1]]).tolist()
    rows = zip(partitions(X), partitions(y), weights, firsts, strict=True)
    parts = [delayed(tuple)([*row]) for row, n in zip(rows, counts, strict=True) if n]
    futures = client.compute(parts)
    wait(futures)  # type: ignore[no-untyped-call]  # Dask's
    share: dict[str, list[Any]] = {}
    where = client.who_has(futures)
    for future in futures:
        share.setdefault(where[future.key][0], []).append(future)
    return share


def _free_ports(client: Any, workers: list[str]) -> dict[str, int]:
    """Return a port for each worker; those on one machine are found together, or they might be the same."""
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
