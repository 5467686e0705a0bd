"""Train on two processes without Dask: what any launcher has to do.

    python docs/examples/any_launcher.py

Here `multiprocessing` starts the workers. With Ray, Spark's barrier mode or a batch system, replace `launched`,
and let each worker read its own rows.
"""

from __future__ import annotations

import multiprocessing
import socket

import lightgbm as lgb
import numpy as np
import xgboost as xgb

from gbm_objectives import AbsoluteError
from gbm_objectives.engines.cluster.communicator import connected, tracker_for
from gbm_objectives.engines.lightgbm.train import complete
from gbm_objectives.engines.lightgbm.worker import Settings, train_on_worker
from gbm_objectives.engines.xgboost.worker import for_workers

LOSS = AbsoluteError()


def sample(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and targets with skewed noise."""
    rng = np.random.default_rng(seed)
    X = rng.random((2000, 3))
    return X, 5 * X[:, 0] + rng.exponential(size=2000)


def rows_of_worker(rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that a worker has: here the lower targets are with one, the higher ones with the other."""
    X, y = sample(0)
    part = np.array_split(np.argsort(y), [1800])[rank]
    return X[part], y[part]


def xgboost_worker(rank: int, tracker: dict, params: dict, objective, metric) -> bytes:
    """Train with the others; each worker has the same model at the end."""
    X, y = rows_of_worker(rank)
    with connected(tracker):
        data = xgb.QuantileDMatrix(X, y)  # its bins are agreed with the others
        evals = [(data, "train")]
        booster = xgb.train(params, data, 50, evals=evals, obj=objective, custom_metric=metric, verbose_eval=False)
    return bytes(booster.save_raw("ubj"))


def lightgbm_worker(rank: int, tracker: dict, params: dict, settings: Settings, bins: np.ndarray) -> str:
    """Train with the others; each worker has the same model at the end."""
    X, y = rows_of_worker(rank)
    text, _, _ = train_on_worker([[(X, y, None, 0)]], bins, params, settings, tracker)
    return text


def launched(worker, arguments: list[tuple]) -> list:
    """Start the workers, all at once, and return what they return."""
    with multiprocessing.get_context("spawn").Pool(len(arguments)) as pool:
        return pool.starmap(worker, arguments, chunksize=1)


def free_ports(n: int) -> list[int]:
    """Return ports that are free on this machine."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    # A sample of all workers' rows: the start value is known from its targets, LightGBM's bins from its features.
    X, y = (np.concatenate(part) for part in zip(*map(rows_of_worker, range(2)), strict=True))

    X_new, y_new = sample(1)
    tracker = tracker_for(2, "127.0.0.1")  # on the driver, as long as the training takes
    params, objective, metric = for_workers({"max_depth": 3}, LOSS, y)
    first, _ = launched(xgboost_worker, [(r, tracker.worker_args(), params, objective, metric) for r in range(2)])
    booster = xgb.Booster(model_file=bytearray(first))
    predicted = booster.predict(xgb.DMatrix(X_new))
    print(f"XGBoost, mean absolute error of new rows: {np.abs(predicted - y_new).mean():.2f}")

    tracker, ports = tracker_for(2, "127.0.0.1"), free_ports(2)
    machines = ",".join(f"127.0.0.1:{port}" for port in ports)
    network = {"machines": machines, "num_machines": 2, "tree_learner": "data", "num_threads": 1, "time_out": 1}
    start = LOSS.initial_raw(y)
    settings = Settings(LOSS, start, num_boost_round=50)
    arguments = [
        (rank, tracker.worker_args(), {**network, "local_listen_port": port}, settings, X)
        for rank, port in enumerate(ports)
    ]
    text, _ = launched(lightgbm_worker, arguments)
    model = complete(lgb.Booster(model_str=text), LOSS, start)
    print(f"LightGBM, mean absolute error of new rows: {np.abs(model.predict(X_new) - y_new).mean():.2f}")
