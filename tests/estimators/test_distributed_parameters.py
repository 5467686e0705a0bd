"""On a cluster, too, parameters that an engine's wrapper handles itself do what they do on one machine."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")
import lightgbm as lgb
import xgboost as xgb

from gbm_objectives import GBMRegressor
from tests.cluster import parted

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")

rng = np.random.default_rng(0)
X = rng.integers(0, 200, (900, 4)) / 100.0
Y = 3 * np.sin(X[:, 0]) + X[:, 1] + rng.exponential(size=900)


def test_on_lightgbm(client):
    # The start at 0, and the training set among the evaluation sets, by which no training is stopped.
    params = {"boost_from_average": False, "learning_rate": 0.5, "early_stopping_round": 50, "n_estimators": 20}
    params |= {"n_jobs": 1, "verbosity": -1}
    rows, others = ((parted(client, part, 300, 600), parted(client, Y, 300, 600)) for part in (X, X[::-1]))
    with client.as_current():
        spread = GBMRegressor(None, lgb.DaskLGBMRegressor(**params)).fit(*rows, eval_set=[rows, others])
    one = GBMRegressor(None, lgb.LGBMRegressor(**params)).fit(X, Y, eval_set=[(X, Y), (X[::-1], Y)])
    np.testing.assert_allclose(spread.predict(X), one.predict(X), rtol=1e-5)
    assert spread.best_iteration_ == one.best_iteration_ < 20
    assert list(spread.evals_result_) == ["training", "valid_1"]
    for name, scores in one.estimator_.best_score_.items():
        assert spread.estimator_.best_score_[name] == pytest.approx(scores, rel=1e-5)


def test_on_xgboost(client):
    import xgboost.dask

    params = {"colsample_bynode": 0.5, "feature_weights": [1e-6, 1e-6, 1.0, 1.0], "random_state": 0, "n_jobs": 1}
    with client.as_current():
        spread = GBMRegressor(None, xgboost.dask.DaskXGBRegressor(n_estimators=10, **params))
        spread.fit(parted(client, X, 300, 600), parted(client, Y, 300, 600))
    one = xgb.XGBRegressor(n_estimators=10, **params).fit(X, Y)
    np.testing.assert_allclose(spread.predict(X), one.predict(X), rtol=1e-5)
    assert one.feature_importances_[:2].max() < 0.1


@pytest.mark.parametrize("own", [{"validation_fraction": 0.1}, {"n_iter_no_change": 5}], ids=lambda own: min(own))
def test_what_puts_rows_aside_is_refused(client, own):
    model = GBMRegressor(None, lgb.DaskLGBMRegressor(client=client), **own)
    with pytest.raises(TypeError, match=f"{min(own)} is not supported on a cluster"):
        model.fit(parted(client, X, 300, 600), parted(client, Y, 300, 600))
