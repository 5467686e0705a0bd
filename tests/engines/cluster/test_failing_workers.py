"""A worker of a cluster that fails ends the training on all of them, wherever it was, and leaves them usable."""

from __future__ import annotations

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from threading import Lock

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

pytest.importorskip("distributed")
from gbm_objectives import PoissonDeviance
from gbm_objectives.engines.cluster.communicator import Communicator, connected, free_later, tracker_for
from gbm_objectives.engines.lightgbm.network import network
from tests.cluster import parted, two_processes
from tests.engine import LIGHTGBM, XGBOOST

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
rng = np.random.default_rng(0)
X = rng.random((900, 3))
Y = rng.poisson(np.exp(X[:, 0])).astype(float)


def on_worker(address):
    from distributed import get_worker

    try:
        return get_worker().address == address
    except ValueError:
        return False


class Sick(PoissonDeviance):
    """It fails on one worker, and never looks at the rows of others: what follows is the engine's sum."""

    def __init__(self, address):
        self.address = address

    def check_params(self):
        pass

    def _derivatives(self, y_true, raw_prediction):
        if on_worker(self.address):
            raise ZeroDivisionError("this loss fails on one worker")
        return super()._derivatives(y_true, raw_prediction)


class SickMetric:
    __name__ = "sick"

    def __init__(self, address):
        self.address = address

    def __call__(self, y_true, y_pred):
        if on_worker(self.address):
            raise ZeroDivisionError("this metric fails on one worker")
        return 0.0


def sick_callback(engine, address, action, when="after"):
    """A callback that does something on one worker, in the third round."""

    def lightgbm(env):
        if env.iteration == 2 and on_worker(address):
            action()

    lightgbm.before_iteration = when == "before"

    class Xgboost(xgb.callback.TrainingCallback):
        def _call(self, epoch):
            return bool(epoch == 2 and on_worker(address) and action())

        def before_iteration(self, model, epoch, evals_log):
            return self._call(epoch) if when == "before" else False

        def after_iteration(self, model, epoch, evals_log):
            return self._call(epoch) if when == "after" else False

    return lightgbm if engine is LIGHTGBM else Xgboost()


def divides():
    return 1 / 0


def dies():
    os.kill(os.getpid(), signal.SIGKILL)


def stops_lightgbm():
    raise lgb.callback.EarlyStopException(1, [])


def stops_xgboost():
    return True


def train(client, engine, loss=None, **keywords):
    rows, target = parted(client, X, 450), parted(client, Y, 450)
    module = import_module(f"gbm_objectives.engines.{engine.name}.dask")
    keywords.setdefault("evals", [(rows, target)] if "metrics" in keywords else [])
    given = {"loss": loss or PoissonDeviance(), "num_boost_round": 6, **keywords}
    return module.train(client, engine.params, rows, target, **given)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("where", ["loss", "metric", "before", "after"])
def test_an_error_of_one_worker_is_one_of_all(client, engine, where, which):
    """0.2.0: where LightGBM's sum came next, the other worker stayed in it for ever."""
    address = sorted(client.nthreads())[which]
    keywords = {
        "loss": lambda: {"loss": Sick(address)},
        "metric": lambda: {"metrics": [SickMetric(address)]},
        "before": lambda: {"callbacks": [sick_callback(engine, address, divides, "before")]},
        "after": lambda: {"callbacks": [sick_callback(engine, address, divides, "after")]},
    }[where]()
    with pytest.raises(ZeroDivisionError, match=r"fails on one worker|division by zero"):
        train(client, engine, **keywords)
    train(client, engine)


def fails_inside(name, action):
    """Let the engine fail on this worker once, when the others are already inside of its sum."""
    owner, method = {"lightgbm": (lgb.Booster, "_Booster__boost"), "xgboost": (xgb.Booster, "boost")}[name]
    original = getattr(owner, method)

    def boost(*arguments, **keywords):
        setattr(owner, method, original)
        time.sleep(0.2)
        action()

    setattr(owner, method, boost)


def test_an_error_of_the_engine_while_others_sum(client, engine):
    error = {"lightgbm": lgb.basic.LightGBMError, "xgboost": xgb.core.XGBoostError}[engine.name]

    def action():
        raise error("a check of the engine failed")

    for address in sorted(client.nthreads()):
        client.run(fails_inside, engine.name, action, workers=[address])
        with pytest.raises(error, match="a check of the engine failed" if engine is LIGHTGBM else ""):
            train(client, engine)
        train(client, engine)


@pytest.fixture
def mortal():
    """A cluster of its own for a test that kills its workers."""
    yield from two_processes()


def test_a_worker_that_dies_is_named(mortal, engine):
    address = sorted(mortal.nthreads())[1]
    mortal.run(fails_inside, engine.name, dies, workers=[address])
    with pytest.raises(RuntimeError, match=f"the training lost the worker {address}"):
        train(mortal, engine)
    mortal.wait_for_workers(2)
    train(mortal, engine)


def test_workers_that_do_not_stop_together(client, engine):
    address = sorted(client.nthreads())[0]
    stops = stops_lightgbm if engine is LIGHTGBM else stops_xgboost
    with pytest.raises(RuntimeError, match="some workers have finished the training, others have not"):
        train(client, engine, callbacks=[sick_callback(engine, address, stops)])
    train(client, engine)


def test_a_callback_of_another_engine(client):
    with pytest.raises(TypeError, match=r"callbacks must be xgboost\.callback\.TrainingCallback, got"):
        train(client, XGBOOST, callbacks=[lgb.log_evaluation()])


def test_a_callback_that_cannot_be_sent_leaves_no_tracker_behind(client, monkeypatch):
    """0.2.0: Python printed the error of a tracker to which no worker had come, whenever it went."""
    module, freed, lock = import_module("gbm_objectives.engines.lightgbm.dask"), [], Lock()
    monkeypatch.setattr(module, "free_later", lambda tracker: freed.append(free_later(tracker)))
    with pytest.raises(TypeError, match="Could not serialize"):
        train(client, LIGHTGBM, callbacks=[lambda env: lock.locked()])
    assert len(freed) == 1


def run_in_threads(function, size=3):
    """Call a function of a communicator on workers that are threads; return what they return or raise."""
    tracker = tracker_for(size, "127.0.0.1")

    def work(_):
        workers = Communicator()
        with connected(tracker.worker_args()):
            try:
                with workers.failing_together():
                    return function(workers)
            except BaseException as error:
                return error

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, range(size)))


class Unsendable(Exception):
    """It takes one argument and hands on two, so that no other process can build it."""

    def __init__(self, text):
        super().__init__(text, len(text))


@pytest.mark.parametrize(
    "error, others, message",
    [
        (KeyError("a"), KeyError, "'a'"),
        (KeyboardInterrupt(), RuntimeError, "KeyboardInterrupt: "),
        (Unsendable("odd"), RuntimeError, r"Unsendable: ('odd', 3)"),
    ],
    ids=["sendable", "interrupt", "unsendable"],
)
def test_all_workers_hear_of_an_error_and_where_it_was(error, others, message):
    def function(workers):
        workers.sum(np.ones(2))
        if workers.rank == 1:
            raise error
        return workers.sum(np.ones(1000))  # the message of who failed is a short one

    errors = run_in_threads(function)
    assert sum(one is error for one in errors) == 1
    told = [one for one in errors if one is not error]
    assert [(type(one), str(one)) for one in told] == [(others, message)] * 2
    assert all("On worker 1:\n" in one.__notes__[0] and "raise error" in one.__notes__[0] for one in told)


def test_several_errors_at_once_are_each_workers_own():
    def function(workers):
        raise ValueError(f"worker {workers.rank}")

    assert sorted(map(str, run_in_threads(function))) == ["worker 0", "worker 1", "worker 2"]


@pytest.mark.parametrize("shape", [(), (3, 2), (64,), (65,), (40, 5)])
def test_sums_of_few_and_of_many_numbers(shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) / 3
    for got in run_in_threads(lambda workers: workers.sum((1 + workers.rank) * values)):
        np.testing.assert_allclose(got, 6 * values)
        assert got.shape == shape


def test_other_ports_are_looked_for_where_one_is_taken(client, monkeypatch):
    module = import_module("gbm_objectives.engines.lightgbm.dask")
    right, looks = module._free_ports, []
    with socket.socket() as taken:
        taken.bind(("", 0))

        def free_ports(client, workers):
            looks.append(right(client, workers))
            first = {workers[0]: taken.getsockname()[1]} if len(looks) == 1 else {}
            return {**looks[-1], **first}

        monkeypatch.setattr(module, "_free_ports", free_ports)
        rows, target = parted(client, X, 450), parted(client, Y, 450)
        params = {"num_threads": 1, "verbose": -1}
        booster, _ = module.train(client, params, rows, target, loss=PoissonDeviance(), num_boost_round=2)
    assert booster.num_trees() == 2 and len(looks) == 2


def port_that_nobody_is_given():
    """Return a free port below those that systems give to whoever asks for any, as the tests beside do."""
    for port in range(20_000 + os.getpid() % 8_000, 30_000):
        with socket.socket() as one, suppress(OSError):
            one.bind(("", port))
            return port
    raise OSError("no port below 30,000 is free")


def test_a_port_that_was_taken_meanwhile():
    """LightGBM itself would let the other worker wait for a minute, and end its process."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        port, other = taken.getsockname()[1], port_that_nobody_is_given()

        def function(workers):
            own = port if workers.rank == 1 else other
            params = {"machines": f"127.0.0.1:{other},127.0.0.1:{port}", "local_listen_port": own}
            with network(params, workers):
                pass

        errors = run_in_threads(function, 2)
    assert [str(one) for one in errors] == [
        f"port {port}, found for LightGBM on this worker, is not free any more"
    ] * 2
