"""Survival analysis on a Dask cluster: the model of one machine, from bounds or from events and times."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask.array as da
import dask.dataframe as dd
import lightgbm as lgb
import pandas as pd
import xgboost as xgb

from gbm_objectives import CoxPH, GBMSurvival
from gbm_objectives.distributions import Censored, LogNormal, Weibull
from tests.cluster import parted
from tests.engine import LIGHTGBM

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.default_rng(0)
N = 800
X = RNG.integers(0, 100, (N, 3)) / 50.0
TRUE, END = np.exp(X[:, 0] + 0.6 * RNG.standard_normal(N)), RNG.uniform(1.0, 8.0, N)
TIME, EVENT = np.minimum(TRUE, END), TRUE <= END
Y = np.column_stack([TIME, np.where(EVENT, TIME, np.inf)])


@pytest.fixture(autouse=True)
def as_current(client):
    """The estimators find the cluster by themselves."""
    with client.as_current():
        yield


def estimators(engine, loss, **parameters):
    """One on the cluster, and one on this machine."""
    import xgboost.dask  # noqa: F401

    parameters = {"n_estimators": 15, "n_jobs": 1, "verbosity": -1 if engine is LIGHTGBM else 0, **parameters}
    if engine is LIGHTGBM:
        kinds = lgb.DaskLGBMRegressor, lgb.LGBMRegressor
    else:
        kinds = xgb.dask.DaskXGBRegressor, xgb.XGBRegressor
    return [GBMSurvival(loss, kind(**parameters)) for kind in kinds]


@pytest.mark.parametrize("loss", [None, Censored(LogNormal()), Censored(Weibull())], ids=repr)
def test_the_model_is_that_of_one_machine(client, engine, loss):
    spread, alone = estimators(engine, loss)
    rows, target = (parted(client, array, 300, 500, N) for array in (X, Y))
    spread.fit(rows, target, eval_set=[(rows, target)])
    alone.fit(X, Y, eval_set=[(X, Y)])
    assert spread.loss_ == alone.loss_
    constant = -alone.loss_.value(Y, np.tile(alone.loss_.initial_raw(Y), (N, 1))) * N
    gained = alone.log_likelihood(X, Y) - constant
    assert spread.log_likelihood(X, Y) - constant == pytest.approx(gained, rel=0.05)
    np.testing.assert_array_equal(spread.predict(rows).compute(), spread.predict(X))
    np.testing.assert_array_equal(spread.unique_times_, np.unique(TIME))
    (history,) = spread.evals_result_.values()
    mean = -spread.log_likelihood(X, Y) / N
    assert history[spread.loss_.name][-1] == pytest.approx(mean, rel=1e-4)


def test_a_frame_of_events_and_times(client, engine):
    frame = dd.from_pandas(pd.DataFrame({"dead": EVENT, "days": TIME}), npartitions=3)
    features = dd.from_pandas(pd.DataFrame(X, columns=list("abc")), npartitions=3)
    spread, _ = estimators(engine, Censored(LogNormal()))
    by_event = spread.fit(features, frame).predict(X_frame := pd.DataFrame(X, columns=list("abc")))
    bounds = dd.from_pandas(pd.DataFrame({"upper": Y[:, 1], "lower": Y[:, 0]}), npartitions=3)
    np.testing.assert_allclose(spread.fit(features, bounds).predict(X_frame), by_event, atol=1e-5)


def test_bad_input_is_named(client, engine):
    rows, target = parted(client, X, 300, N), parted(client, Y, 300, N)
    spread, _ = estimators(engine, CoxPH())
    with pytest.raises(ValueError, match="compares rows, which are on several workers"):
        spread.fit(rows, target)
    spread, _ = estimators(engine, None)
    wrong = Y.copy()
    wrong[450] = 2.0, 1.0
    with pytest.raises(ValueError, match=r"partition 1: .*0 <= lower <= upper.* in row 150"):
        spread.fit(rows, parted(client, wrong, 300, N))
    with pytest.raises(ValueError, match="columns lower, upper"):
        spread.fit(rows, da.from_array(TIME, chunks=400))
