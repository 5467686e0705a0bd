"""Ordered classes on a Dask cluster: thresholds of all workers' rows, labels in their order."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask.dataframe as dd
import lightgbm as lgb
import pandas as pd
import xgboost as xgb

from gbm_objectives import GBMClassifier, ProportionalOdds
from tests.cluster import parted
from tests.engine import LIGHTGBM, XGBOOST

# Dask's and the engines' own.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
RNG = np.random.default_rng(0)
N = 600
X = RNG.integers(0, 100, (N, 3)) / 50.0
CODES = np.digitize(3 * X[:, 0] + RNG.logistic(size=N), [1.5, 3.0, 4.0])
GRADES = ["poor", "fair", "good", "excellent"]


def estimators(engine, **keywords):
    """One on the cluster, and one on this machine."""
    import xgboost.dask  # noqa: F401

    parameters = {"n_estimators": 8, "n_jobs": 1, "verbosity": -1 if engine is LIGHTGBM else 0}
    if engine is LIGHTGBM:
        kinds = lgb.DaskLGBMClassifier, lgb.LGBMClassifier
    else:
        kinds = xgb.dask.DaskXGBClassifier, xgb.XGBClassifier
    return [GBMClassifier(ProportionalOdds(4), kind(**parameters), **keywords) for kind in kinds]


def test_the_model_is_that_of_one_machine(client, engine):
    """Rows are sorted by class, so that neither worker has them all; weights balance classes."""
    order = np.argsort(CODES, kind="stable")
    y = np.array(GRADES)[CODES]
    rows, target = (parted(client, array[order], 200, N) for array in (X, y))
    with client.as_current():
        spread, alone = estimators(engine, classes=GRADES, class_weight="balanced")
        spread.fit(rows, target, eval_set=[(rows, target)])
        alone.fit(X[order], y[order], eval_set=[(X[order], y[order])])
        assert spread.classes_.tolist() == GRADES
        np.testing.assert_allclose(spread.loss_.summary, alone.loss_.summary, rtol=0.05, atol=0.05)
        expected = alone.log_likelihood(X, y)
        assert spread.log_likelihood(X, y) == pytest.approx(expected, rel=0.02 if engine is LIGHTGBM else 1e-4)
        (on_cluster,), (here,) = spread.evals_result_.values(), alone.evals_result_.values()
        # LightGBM finds bins on each worker, and its trees differ.
        rtol = 0.05 if engine is LIGHTGBM else 1e-4
        np.testing.assert_allclose(on_cluster["proportional_odds"], here["proportional_odds"], rtol=rtol)
        lazy = spread.predict(rows).compute()
    np.testing.assert_array_equal(lazy, spread.predict(X[order]))


def test_the_order_of_a_categorical(client):
    """Also of categories that no row has, but not of categories that Dask does not know."""
    kind = pd.CategoricalDtype([*GRADES, "perfect"], ordered=True)
    y = pd.Series(np.array(GRADES)[CODES]).astype(kind)
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abc")), npartitions=2)
    target = dd.from_pandas(y, npartitions=2)
    with client.as_current():
        spread, _ = estimators(XGBOOST)
        spread.set_params(loss__n_classes=5).fit(frame, target)
        assert spread.classes_.tolist() == [*GRADES, "perfect"]
        assert spread.predict_proba(pd.DataFrame(X, columns=list("abc")))[:, 4].max() < 1e-3
        with pytest.raises(ValueError, match=r"categories of y must be known: call y\.cat\.as_known\(\)"):
            spread.fit(frame, target.cat.as_unknown())
