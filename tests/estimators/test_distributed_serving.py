"""Lazy predictions beside offsets, and of frames whose categories are in another order than on the cluster."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask.dataframe as dd
import pandas as pd
import xgboost as xgb

from gbm_objectives import GBMRegressor, SquaredError
from gbm_objectives.distributions import Normal
from tests.cluster import parted
from tests.engine import XGBOOST

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
N = 900
RNG = np.random.default_rng(0)
X = RNG.integers(0, 200, (N, 4)) / 100.0
Y = 3 * np.sin(X[:, 0]) + X[:, 1] + RNG.exponential(size=N)


def test_predictions_of_collections_take_offsets(client):
    shift = np.linspace(0.0, 5.0, N)
    both = np.column_stack([shift, -shift])
    frame = pd.DataFrame(X, columns=list("abcd"))
    for features, rows, part in (
        (X, parted(client, X, 300), lambda values: parted(client, values, 300)),
        (
            frame,
            dd.from_pandas(frame, npartitions=3),
            lambda values: dd.from_pandas(as_pandas(values), npartitions=3),
        ),
    ):
        model = GBMRegressor(Normal(), XGBOOST.estimator(False, n_estimators=5)).fit(features, Y)
        for offset in (shift, both):
            lazy = model.predict_interval(rows, 0.8, offset=part(offset))
            np.testing.assert_allclose(
                lazy.compute(), model.predict_interval(features, 0.8, offset=offset), rtol=1e-6
            )
        lazy = model.predict(rows, offset=part(shift))
        np.testing.assert_allclose(lazy.compute(), model.predict(features, offset=shift), rtol=1e-6)
    with pytest.raises(ValueError, match="offset must be in the partitions of X, as a Dask series"):
        model.predict(rows, offset=shift)


def as_pandas(values):
    return pd.Series(values) if values.ndim == 1 else pd.DataFrame(values)


def on_both(client, frame):
    """A half on each worker: XGBoost wants some rows with categories on each."""
    halves = zip((frame[: N // 2], frame[N // 2 :]), sorted(client.nthreads()), strict=True)
    futures = [client.scatter(half, workers=[worker], hash=False) for half, worker in halves]
    return dd.from_delayed(futures, meta=frame[:0], verify_meta=False)


def test_a_model_of_a_cluster_that_stopped_early_keeps_categories(client):
    import xgboost.dask  # noqa: F401

    names = np.array(["low", "middle", "high"])
    values = names[np.digitize(X[:, 0], [0.7, 1.4])]
    frame, other = (pd.DataFrame({"level": pd.Categorical(values, order)}) for order in (names, names[::-1]))
    rows, y, noise = (on_both(client, part) for part in (frame, pd.Series(Y), pd.Series(RNG.permutation(Y))))
    engine = xgb.dask.DaskXGBRegressor(
        n_estimators=100, n_jobs=1, verbosity=0, enable_categorical=True, early_stopping_rounds=3
    )
    with client.as_current():
        model = GBMRegressor(SquaredError(), engine).fit(rows, y, eval_set=[(rows, noise)])
    assert model.best_iteration_ < 50 and np.ptp(model.predict(frame)) > 0.1
    np.testing.assert_array_equal(model.predict(other), model.predict(frame))
