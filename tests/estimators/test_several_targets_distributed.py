"""Several targets on a Dask cluster: the model of one machine, missing targets included."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask.dataframe as dd
import lightgbm as lgb
import pandas as pd
import xgboost as xgb

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    GBMClassifier,
    GBMRegressor,
    MultiTarget,
    SquaredError,
)
from tests.cluster import parted
from tests.engine import LIGHTGBM

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.default_rng(0)
N = 800
X = RNG.integers(0, 100, (N, 3)) / 50.0
Y = np.column_stack([X[:, 0] + X[:, 1], np.sin(3 * X[:, 2]), X[:, 1] * X[:, 2]]) + 0.3 * RNG.normal(size=(N, 3))
HOLES = RNG.random((N, 3)) < [0.4, 0.0, 0.2]
# One partition that has no value of the first target.
HOLES[:300, 0] = True
Y = np.where(HOLES, np.nan, Y)


@pytest.fixture(autouse=True)
def as_current(client):
    """The estimators find the cluster by themselves."""
    with client.as_current():
        yield


def estimators(engine, classifies=False, **parameters):
    """One on the cluster, and one on this machine."""
    import xgboost.dask  # noqa: F401

    parameters = {"n_estimators": 15, "n_jobs": 1, "verbosity": -1 if engine is LIGHTGBM else 0, **parameters}
    kind = "Classifier" if classifies else "Regressor"
    home, dask = (lgb, lgb) if engine is LIGHTGBM else (xgb, xgb.dask)
    prefix = "LGBM" if engine is LIGHTGBM else "XGB"
    return [getattr(dask, f"Dask{prefix}{kind}")(**parameters), getattr(home, f"{prefix}{kind}")(**parameters)]


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError()], ids=repr)
def test_the_model_is_that_of_one_machine(client, engine, loss):
    spread, alone = (GBMRegressor(MultiTarget(loss, 3), one) for one in estimators(engine))
    rows, target = (parted(client, array, 300, 500, N) for array in (X, Y))
    spread.fit(rows, target, eval_set=[(rows, target)])
    alone.fit(X, Y, eval_set=[(X, Y)])
    assert spread.score(X, Y) == pytest.approx(alone.score(X, Y), abs=0.02)
    assert alone.score(X, Y) > 0.5
    np.testing.assert_allclose(spread.predict(rows).compute(), spread.predict(X))
    (history,) = spread.evals_result_.values()
    assert history["multi_target"][-1] == pytest.approx(spread.loss_.value(Y, spread.predict_raw(X)), rel=1e-4)
    if engine is not LIGHTGBM:
        np.testing.assert_allclose(spread.predict(X), alone.predict(X), rtol=1e-4, atol=1e-4)


def test_labels_in_a_frame(client, engine):
    labels = np.where(HOLES, np.nan, Y > 0.8)
    frame = dd.from_pandas(pd.DataFrame(labels, columns=["red", "green", "blue"]), npartitions=3)
    features = dd.from_pandas(pd.DataFrame(X, columns=list("abc")), npartitions=3)
    spread, alone = (GBMClassifier(MultiTarget(BinaryCrossEntropy(), 3), one) for one in estimators(engine, True))
    spread.fit(features, frame)
    alone.fit(pd.DataFrame(X, columns=list("abc")), labels)
    got, expected = (one.predict_proba(pd.DataFrame(X, columns=list("abc"))) for one in (spread, alone))
    assert np.abs(got - expected).mean() < 0.02
    assert np.abs(expected - expected.mean(axis=0)).mean() > 0.2
    with pytest.raises(ValueError, match="class_weight must be left out where a row has several labels"):
        GBMClassifier(spread.loss, spread.estimator, "balanced").fit(features, frame)


def test_bad_targets_are_named(client, engine):
    spread, _ = estimators(engine)
    bad = Y.copy()
    bad[310, 1] = np.inf
    rows, target = (parted(client, array, 300, 500, N) for array in (X, bad))
    with pytest.raises(
        ValueError, match=r"y, partition 1: target 1 of .* must be finite numbers, got inf in row 10"
    ):
        GBMRegressor(MultiTarget(SquaredError(), 3), spread).fit(rows, target)
