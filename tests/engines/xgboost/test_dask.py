"""A cluster of two processes trains the model of one machine, however the rows are spread."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

pytest.importorskip("distributed")
import dask.array as da
from dask.distributed import Client, LocalCluster

from gbm_objectives import AbsoluteError, BinaryCrossEntropy, CategoricalCrossEntropy, Huber, PoissonDeviance
from gbm_objectives.distributions import Normal
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.engines.xgboost.dask import train

# Dask's and XGBoost's own.
pytestmark = pytest.mark.filterwarnings("ignore")
N = 900
PARAMS = {"nthread": 1, "max_depth": 4}


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


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


def parted(array, ends):
    """A Dask array with partitions that end at these rows."""
    sizes = tuple(np.diff([0, *ends, len(array)]).tolist())
    return da.from_array(array, chunks=(sizes, *[(n,) for n in array.shape[1:]]))


@pytest.mark.parametrize(
    "loss",
    [AbsoluteError(), Huber(), BinaryCrossEntropy(), CategoricalCrossEntropy(3), PoissonDeviance(), Normal()],
    ids=repr,
)
@pytest.mark.parametrize("ends", [[N // 2], [int(0.9 * N)], [1]], ids=["half", "90/10", "one row"])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_model_of_one_machine(client, loss, ends, weighted):
    X, y, weight = data(loss)
    order = np.argsort(y, kind="stable")
    X, y, weight = X[order], y[order], weight[order] if weighted else None
    alone = on_xgboost.train(PARAMS, xgb.DMatrix(X, y, weight=weight), loss=loss, num_boost_round=10)
    given = None if weight is None else parted(weight, ends)
    booster, _ = train(
        client, PARAMS, parted(X, ends), parted(y, ends), loss=loss, sample_weight=given, num_boost_round=10
    )
    expected, got = (one.predict(xgb.DMatrix(X), output_margin=True) for one in (alone, booster))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        booster.predict(xgb.DMatrix(X)), alone.predict(xgb.DMatrix(X)), rtol=1e-4, atol=1e-4
    )


def test_early_stopping_is_that_of_one_machine(client):
    loss = AbsoluteError()
    X, y, _ = data(loss)
    fit, late = slice(0, 600), slice(600, N)
    results = {}
    alone = on_xgboost.train(
        PARAMS,
        xgb.DMatrix(X[fit], y[fit]),
        loss=loss,
        num_boost_round=200,
        evals=[(xgb.DMatrix(X[late], y[late]), "validation_0")],
        early_stopping_rounds=5,
        evals_result=results,
        verbose_eval=False,
    )
    booster, history = train(
        client,
        PARAMS,
        parted(X[fit], [200]),
        parted(y[fit], [200]),
        loss=loss,
        num_boost_round=200,
        evals=[(parted(X[late], [10]), parted(y[late], [10]))],
        early_stopping_rounds=5,
    )
    assert booster.best_iteration == alone.best_iteration < 199
    expected = results["validation_0"]["absolute_error"]
    np.testing.assert_allclose(history["validation_0"]["absolute_error"], expected, rtol=1e-4)


def test_a_bad_target_names_its_partition_and_the_cluster_is_left_usable(client):
    X, y, weight = data(PoissonDeviance())
    bad = y.copy()
    bad[705] = -1.0
    with pytest.raises(ValueError, match=r"y, partition 1: .* numbers not below 0, got -1.0 in row 5 \(1 such\)"):
        train(client, PARAMS, parted(X, [700]), parted(bad, [700]), loss=PoissonDeviance())
    weight[3] = np.nan
    with pytest.raises(ValueError, match=r"y, partition 0: sample_weight must be finite .* got nan in row 3"):
        train(
            client,
            PARAMS,
            parted(X, [700]),
            parted(y, [700]),
            loss=PoissonDeviance(),
            sample_weight=parted(weight, [700]),
        )
    booster, _ = train(
        client, PARAMS, parted(X, [700]), parted(y, [700]), loss=PoissonDeviance(), num_boost_round=2
    )
    assert booster.num_boosted_rounds() == 2


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
