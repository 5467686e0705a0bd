"""A cluster of two processes trains the model of one machine, however the rows are spread."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed")
from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    FormulaLoss,
    Huber,
    MultiQuantile,
    PoissonDeviance,
    SquaredError,
)
from gbm_objectives.contract.start import constant_rows
from gbm_objectives.distributions import Normal
from tests.cluster import parted
from tests.engine import LIGHTGBM, XGBOOST

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
N = 900
LOSSES = [
    AbsoluteError(),
    Normal(),
    *(
        pytest.param(loss, marks=pytest.mark.slow)
        for loss in (
            SquaredError(),
            Huber(),
            BinaryCrossEntropy(),
            CategoricalCrossEntropy(3),
            PoissonDeviance(),
            MultiQuantile((0.1, 0.9)),
        )
    ),
]


def train(engine, *arguments, **keywords):
    return import_module(f"gbm_objectives.engines.{engine.name}.dask").train(*arguments, **keywords)


def data(loss):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 200, (N, 4)) / 100.0
    signal = 3 * np.sin(X[:, 0]) + X[:, 1]
    y = {
        "binary_cross_entropy": lambda: (signal + rng.standard_normal(N) > 2).astype(float),
        "categorical_cross_entropy": lambda: np.digitize(signal + rng.standard_normal(N), [1.0, 3.0]).astype(
            float
        ),
        "poisson_deviance": lambda: rng.poisson(np.exp(signal / 3)).astype(float),
    }.get(loss.name, lambda: signal + rng.exponential(size=N))()
    return X, y, rng.integers(0, 3, N).astype(float)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_model_of_one_machine(client, engine, loss, weighted):
    X, y, weight = data(loss)
    order = np.argsort(y, kind="stable")
    X, y, weight = X[order], y[order], weight[order] if weighted else None
    alone = engine.raw(engine.train(loss, X, y, weight, rounds=15), X)
    constant = loss.value(y, constant_rows(loss.initial_raw(y, weight), N), weight)
    halves, most, one_row = ([N // 2], [int(0.9 * N)], [1])
    first = None
    for ends in (halves, most, one_row, [N // 2, N // 2, N // 2]):  # the last with empty partitions
        rows, target = parted(client, X, *ends), parted(client, y, *ends)
        given = None if weight is None else parted(client, weight, *ends)
        booster, _ = train(
            engine, client, engine.params, rows, target, loss=loss, sample_weight=given, num_boost_round=15
        )
        got = engine.raw(booster, X)
        first = got if first is None else first
        # However rows are spread, it is one model.
        np.testing.assert_allclose(got, first, rtol=1e-5, atol=1e-5)
        if engine is XGBOOST:
            np.testing.assert_allclose(got, alone, rtol=1e-5, atol=1e-5)
        elif loss == SquaredError() and not weighted:
            np.testing.assert_allclose(got, alone, rtol=1e-10, atol=1e-10)
        else:
            # LightGBM's workers sum histograms in another order, and splits of equal gain are many. As far below
            # the constant's loss as one machine comes.
            best = loss.value(y, alone, weight)
            assert loss.value(y, got, weight) - best < 0.05 * (constant - best)


def test_the_model_is_complete(client, engine):
    loss = BinaryCrossEntropy()
    X, y, _ = data(loss)
    booster, _ = train(
        engine,
        client,
        engine.params,
        parted(client, X, 300),
        parted(client, y, 300),
        loss=loss,
        num_boost_round=15,
    )
    np.testing.assert_allclose(engine.response(booster, X), loss.response(engine.raw(booster, X)), rtol=1e-5)


def test_early_stopping(client, engine):
    loss = AbsoluteError()
    X, y, _ = data(loss)
    fit, late = slice(0, 600), slice(600, N)
    booster, history = train(
        engine,
        client,
        engine.params,
        parted(client, X[fit], 200),
        parted(client, y[fit], 200),
        loss=loss,
        num_boost_round=500,
        # One of its rows is with one worker, the rest with the other.
        evals=[(parted(client, X[late], 1), parted(client, y[late], 1))],
        early_stopping_rounds=10,
    )
    curve = history["validation_0"]["absolute_error"]
    best = booster.best_iteration + (1 if engine is XGBOOST else 0)
    assert best == np.argmin(curve) + 1 < 490
    (staged,) = engine.staged_raw(booster, X[late], [best])
    assert curve[best - 1] == pytest.approx(loss.value(y[late], staged), rel=1e-5)


def high_quantile_score(y_true, y_pred):
    residual = y_true - y_pred
    return "score", -np.maximum(0.9 * residual, -0.1 * residual).mean(), True


def test_the_list_of_metrics_says_what_is_watched(client, engine):
    """The score is at its best in another round than the loss, and higher is better."""
    loss = AbsoluteError()
    X, y, _ = data(loss)
    rows, target = parted(client, X[:600], 200), parted(client, y[:600], 200)
    evals = [(parted(client, X[600:], 100), parted(client, y[600:], 100))]
    first = engine is LIGHTGBM
    params = engine.params | ({"first_metric_only": True} if first else {})
    keywords = {"loss": loss, "num_boost_round": 200, "evals": evals, "early_stopping_rounds": 20}
    metrics = [high_quantile_score, loss.metric] if first else [loss.metric, high_quantile_score]
    booster, history = train(engine, client, params, rows, target, metrics=metrics, **keywords)
    curves = history["validation_0"]
    best = booster.best_iteration + (0 if first else 1)
    assert best == np.argmax(curves["score"]) + 1 != np.argmin(curves["absolute_error"]) + 1


def test_a_bad_target_names_its_partition_and_the_cluster_is_left_usable(client, engine):
    loss = PoissonDeviance()
    X, y, weight = data(loss)
    rows, target = parted(client, X, 700), parted(client, y, 700)
    bad, odd = y.copy(), weight.copy()
    bad[705], odd[3] = -1.0, np.nan
    with pytest.raises(ValueError, match=r"y, partition 1: .* numbers not below 0, got -1.0 in row 5 \(1 such\)"):
        train(engine, client, engine.params, rows, parted(client, bad, 700), loss=loss)
    with pytest.raises(ValueError, match=r"y, partition 0: sample_weight must be finite .* got nan in row 3"):
        train(engine, client, engine.params, rows, target, loss=loss, sample_weight=parted(client, odd, 700))
    with pytest.raises(ValueError, match=r"evals\[0\], partition 1: .* got -1.0 in row 5"):
        train(engine, client, engine.params, rows, target, loss=loss, evals=[(rows, parted(client, bad, 700))])
    booster, _ = train(engine, client, engine.params, rows, target, loss=loss, num_boost_round=2)
    assert np.isfinite(engine.raw(booster, X)).all()


def fails(y_true, y_pred):
    raise RuntimeError("this metric fails")


def test_an_error_on_the_workers_is_the_users_and_the_cluster_is_left_usable(client, engine):
    X, y, _ = data(SquaredError())
    rows, target = parted(client, X, 450), parted(client, y, 450)
    given = {"loss": SquaredError(), "num_boost_round": 3, "evals": [(rows, target)]}
    for _ in range(3):
        with pytest.raises(RuntimeError, match="this metric fails"):
            train(engine, client, engine.params, rows, target, metrics=[fails], **given)
        train(engine, client, engine.params, rows, target, **given)


def test_two_trainings_at_once(client, engine):
    loss = SquaredError()
    X, y, _ = data(loss)
    rows, target = parted(client, X, 450), parted(client, y, 450)

    def run(_):
        return train(engine, client, engine.params, rows, target, loss=loss, num_boost_round=10)[0]

    with ThreadPoolExecutor(2) as pool:
        first, second = (engine.raw(booster, X) for booster in pool.map(run, range(2)))
    np.testing.assert_array_equal(first, second)


def test_bad_arguments(client, engine):
    X, y, weight = data(AbsoluteError())
    rows, target = parted(client, X, 450), parted(client, y, 450)
    for arguments, message in (
        ({"y": parted(client, y, 300, 600)}, r"y: the target has 3 partitions, X 2: they must be the same"),
        ({"sample_weight": parted(client, weight)}, r"y: the target has 2 partitions, its weights 1"),
        ({"evals": [(rows,)]}, r"evals\[0\] must be \(X, y\) or \(X, y, sample_weight\)"),
        ({"evals": [(rows, target, None, "name")]}, r"evals\[0\] must be"),
        ({"early_stopping_rounds": 5}, "early_stopping_rounds needs evals"),
        ({"y": parted(client, np.stack([y, y], axis=1), 450)}, "y must be 1-dimensional, got 2 dimensions"),
        ({"sample_weight": parted(client, 0 * weight, 450)}, "all weights are zero"),
        ({"params": {"objective": "x"}}, r"params\['objective'\] must be left out"),
    ):
        given = {"params": engine.params, "X": rows, "y": target, "loss": AbsoluteError(), **arguments}
        with pytest.raises(ValueError, match=message):
            train(engine, client, **given)
    with pytest.raises(TypeError, match="loss must be a Loss"):
        train(engine, client, engine.params, rows, target, loss="mae")
    with pytest.raises(TypeError, match=r"X must be a Dask array or data frame, got numpy\.ndarray"):
        train(engine, client, engine.params, X, target, loss=AbsoluteError())


def test_more_rows_than_a_sample_holds(client, engine):
    """Up to 16,384 rows are the one machine's, which computes widths from evenly spread ones of them."""
    rng = np.random.default_rng(0)
    n, loss = 9000, AbsoluteError()
    X = rng.integers(0, 200, (n, 3)) / 100.0
    y = 3 * np.sin(X[:, 0]) + rng.exponential(size=n)
    order = np.argsort(y)
    X, y = X[order], y[order]
    alone = engine.raw(engine.train(loss, X, y, rounds=10), X)
    rows, target = parted(client, X, 7000, 8000), parted(client, y, 7000, 8000)
    booster, _ = train(engine, client, engine.params, rows, target, loss=loss, num_boost_round=10)
    got = engine.raw(booster, X)
    if engine is XGBOOST:
        np.testing.assert_allclose(got, alone, rtol=1e-5, atol=1e-5)
    else:
        assert loss.value(y, got) == pytest.approx(loss.value(y, alone), rel=0.02)


INTERRUPTED = """
import os, signal, sys, threading
import numpy as np
from importlib import import_module
from pathlib import Path
from dask.distributed import Client, LocalCluster
from gbm_objectives import AbsoluteError
from tests.cluster import parted

if __name__ == "__main__":
    train = import_module(f"gbm_objectives.engines.{sys.argv[1]}.dask").train
    options = dict(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        X = np.random.default_rng(0).random((2000, 3))
        given = (client, {}, parted(client, X, 900), parted(client, X[:, 0], 900))
        train(*given, loss=AbsoluteError(), num_boost_round=2)
        # A process that a shell started in the background ignores it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            train(*given, loss=AbsoluteError(), num_boost_round=10**6)
        except KeyboardInterrupt:
            train(*given, loss=AbsoluteError(), num_boost_round=2)
            print("trained again")
"""


def test_ctrl_c_ends_the_training_on_the_workers(engine, tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, script, engine.name], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.endswith("trained again\n"), done.stderr
    assert done.returncode == 0


def test_a_loss_that_is_infinite_in_some_row(client, engine):
    """Named by set, partition, and row in it; both engines would train on, to a model of nonsense."""
    X, y = np.random.default_rng(0).random((90, 2)), np.ones(90)
    y[50] = 0.0
    loss = FormulaLoss("(log(y) - f)**2", domain_name="non-negative")
    rows, bad, good = (parted(client, values, 45) for values in (X, y, np.ones(90)))
    with pytest.raises(ValueError, match=r"y, partition 1: .* must be finite .* inf for 0\.0 in row 5"):
        train(engine, client, engine.params, rows, bad, loss=loss)
    with pytest.raises(ValueError, match=r"evals\[0\], partition 1: .* must be finite .* inf for 0\.0 in row 5"):
        train(engine, client, engine.params, rows, good, loss=loss, evals=[(rows, bad)])


def test_a_launcher_that_is_not_dask():
    """The documentation's example, as it stands. Exponential noise is log 2 = .69 from its median, on average."""
    script = Path(__file__).parents[3] / "docs" / "examples" / "any_launcher.py"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=120)
    errors = [float(line.split()[-1]) for line in done.stdout.splitlines() if "mean absolute error" in line]
    assert len(errors) == 2 and all(0.65 < error < 0.8 for error in errors), done.stderr


def test_rare_events_of_many_rows(client, engine):
    """The start value is that of all rows: a sample might hold none of these."""
    n = 100_000
    X, y, weight = np.zeros((n, 1)), np.zeros(n), np.zeros(n)
    X[::2], y[12_345], weight[[5, 12_345, 60_000]] = 1.0, 1.0, 1.0
    rows, target = parted(client, X, n // 2), parted(client, y, n // 2)
    given = {"loss": BinaryCrossEntropy(), "num_boost_round": 1}
    booster, _ = train(engine, client, engine.params, rows, target, **given)
    assert engine.response(booster, X).mean() == pytest.approx(1 / n, rel=0.3)
    booster, _ = train(
        engine, client, engine.params, rows, target, sample_weight=parted(client, weight, n // 2), **given
    )
    assert engine.response(booster, X)[0] == pytest.approx(1 / 3, rel=0.3)


def test_what_lightgbm_would_do_on_each_worker_alone(client):
    X, y, _ = data(SquaredError())
    rows, target = parted(client, X, 450), parted(client, y, 450)
    for params, message in (
        ({"linear_tree": True}, "linear_tree must be off"),
        ({"tree_learner": "feature"}, "must be 'data' or 'voting', got 'feature'"),
        ({"machines": "a:1"}, r"params\['machines'\] must be left out"),
        ({"metric": "auc"}, "metric 'auc' would be computed on each worker's rows alone"),
    ):
        with pytest.raises(ValueError, match=message):
            train(LIGHTGBM, client, params, rows, target, loss=SquaredError())
    with pytest.raises(ValueError, match="X has nothing to split by"):
        train(LIGHTGBM, client, {"verbosity": -1}, parted(client, 0 * X, 450), target, loss=SquaredError())
