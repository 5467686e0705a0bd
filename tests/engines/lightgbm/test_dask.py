"""A cluster of two processes trains about the model of one machine, however the rows are spread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest

pytest.importorskip("distributed")
from dask.distributed import Client, LocalCluster

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    PoissonDeviance,
    SquaredError,
)
from gbm_objectives.distributions import Normal
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines.lightgbm.dask import train
from tests.engines.xgboost.test_dask import N, data, parted

# Dask's and LightGBM's own.
pytestmark = pytest.mark.filterwarnings("ignore")
PARAMS = {"num_threads": 1, "num_leaves": 7, "verbosity": -1, "deterministic": True}


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def value(loss, booster, X, y):
    return loss.value(y, booster.predict(X, raw_score=True))


@pytest.mark.parametrize(
    "loss",
    [
        SquaredError(),
        AbsoluteError(),
        BinaryCrossEntropy(),
        CategoricalCrossEntropy(3),
        PoissonDeviance(),
        Normal(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_model_of_one_machine(client, loss, weighted):
    X, y, weight = data(loss)
    order = np.argsort(y, kind="stable")
    X, y, weight = X[order], y[order], weight[order] if weighted else None
    alone = on_lightgbm.train(PARAMS, lgb.Dataset(X, y, weight=weight), loss=loss, num_boost_round=15)
    boosters = []
    for ends in ([N // 2], [int(0.9 * N)], [1, 1]):
        given = None if weight is None else parted(weight, ends)
        booster, _ = train(
            client, PARAMS, parted(X, ends), parted(y, ends), loss=loss, sample_weight=given, num_boost_round=15
        )
        boosters.append(booster)
        if isinstance(loss, SquaredError) and not weighted:
            np.testing.assert_allclose(booster.predict(X), alone.predict(X), rtol=1e-10, atol=1e-10)
        constant = loss.value(
            y,
            np.tile(loss.initial_raw(y, weight), (N, 1))
            if loss.n_outputs > 1
            else np.full(N, loss.initial_raw(y, weight)),
        )
        # As far below the constant's loss as one machine comes.
        assert value(loss, booster, X, y) - value(loss, alone, X, y) < 0.05 * abs(
            constant - value(loss, alone, X, y)
        )


def test_early_stopping(client):
    loss = AbsoluteError()
    X, y, _ = data(loss)
    fit, late = slice(0, 600), slice(600, N)
    booster, history = train(
        client,
        PARAMS,
        parted(X[fit], [200]),
        parted(y[fit], [200]),
        loss=loss,
        num_boost_round=500,
        # All of its rows are with one worker, or one row with the other.
        evals=[(parted(X[late], [1]), parted(y[late], [1]))],
        early_stopping_rounds=10,
    )
    curve = history["validation_0"]["absolute_error"]
    assert booster.best_iteration == np.argmin(curve) + 1 < 500
    best = loss.value(y[late], booster.predict(X[late], num_iteration=booster.best_iteration))
    assert curve[booster.best_iteration - 1] == pytest.approx(best, rel=1e-6)  # labels are float32


def test_a_bad_target_names_its_partition_and_the_cluster_is_left_usable(client):
    loss = PoissonDeviance()
    X, y, _ = data(loss)
    bad = y.copy()
    bad[705] = -1.0
    with pytest.raises(ValueError, match=r"y, partition 1: .* numbers not below 0, got -1.0 in row 5 \(1 such\)"):
        train(client, PARAMS, parted(X, [700]), parted(bad, [700]), loss=loss)
    booster, _ = train(client, PARAMS, parted(X, [700]), parted(y, [700]), loss=loss, num_boost_round=2)
    assert booster.num_trees() == 2


def test_two_trainings_at_once_take_turns(client):
    loss = SquaredError()
    X, y, _ = data(loss)
    dX, dy = parted(X, [450]), parted(y, [450])
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(train, client, PARAMS, dX, dy, loss=loss, num_boost_round=10) for _ in range(2)]
        first, second = (call.result(timeout=60)[0].predict(X) for call in calls)
    np.testing.assert_array_equal(first, second)


def test_bad_arguments(client):
    X, y, weight = data(AbsoluteError())
    dX, dy = parted(X, [450]), parted(y, [450])
    for arguments, message in (
        ({"y": parted(y, [300, 600])}, r"y: the target has 3 partitions, X 2: they must be the same"),
        ({"sample_weight": parted(weight, [])}, r"y: the target has 2 partitions, its weights 1"),
        ({"evals": [(dX,)]}, r"evals\[0\] must be \(X, y\) or \(X, y, sample_weight\)"),
        ({"evals": [(dX, dy, None, "name")]}, r"evals\[0\] must be"),
        ({"early_stopping_rounds": 5}, "early_stopping_rounds needs evals"),
        ({"y": parted(np.stack([y, y], axis=1), [450])}, "y must be 1-dimensional, got 2 dimensions"),
        ({"sample_weight": parted(0 * weight, [450])}, "all weights are zero"),
    ):
        with pytest.raises(ValueError, match=message):
            train(client, PARAMS, **{"X": dX, "y": dy, "loss": AbsoluteError(), **arguments})
    with pytest.raises(ValueError, match=r"params\['objective'\] must be left out"):
        train(client, {"objective": "x"}, dX, dy, loss=AbsoluteError())
    with pytest.raises(TypeError, match="loss must be a Loss"):
        train(client, PARAMS, dX, dy, loss="mae")
    with pytest.raises(TypeError, match="X must be a Dask array, got DataFrame"):
        train(client, PARAMS, dX.to_dask_dataframe(columns=list("abcd")), dy, loss=AbsoluteError())
