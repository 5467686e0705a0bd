"""Our regressors in skforecast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.clients.data import N, assert_near, pair, quantiles, series, stopping

pytest.importorskip("skforecast")
from skforecast.direct import ForecasterDirect
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster, grid_search_forecaster
from skforecast.recursive import ForecasterRecursive, ForecasterRecursiveMultiSeries

Y = series()


def fitted(model, **keywords):
    forecaster = ForecasterRecursive(estimator=model, lags=12)
    forecaster.fit(Y, **keywords)
    return forecaster


def test_forecasts_are_the_engines(engine):
    ours, stock = (fitted(model) for model in pair(engine))
    np.testing.assert_allclose(ours.predict(10), stock.predict(10), rtol=1e-6)
    assert_near(ours.predict(10))
    importances = [one.get_feature_importances().set_index("feature")["importance"] for one in (ours, stock)]
    pd.testing.assert_series_equal(*importances)


def test_it_stops_early_by_the_last_rows(engine):
    forecaster = fitted(stopping(engine))
    model = forecaster.estimator
    assert model.best_iteration_ < 500
    np.testing.assert_array_equal(model.validation_indices_, np.arange(230, N - 12))
    assert_near(forecaster.predict(10))
    direct = ForecasterDirect(estimator=stopping(engine), lags=12, steps=3)
    direct.fit(Y)
    assert_near(direct.predict())
    several = ForecasterRecursiveMultiSeries(estimator=stopping(engine, validation="random"), lags=12)
    several.fit(pd.DataFrame({"a": Y, "b": series(seed=1)}))
    assert_near(several.predict(5).query("level == 'b'")["pred"])


def test_intervals(engine):
    forecaster = fitted(stopping(engine), store_in_sample_residuals=True)
    for method in ("bootstrapping", "conformal"):
        forecast = forecaster.predict_interval(5, interval=0.8, method=method)
        assert (forecast["lower_bound"] < forecast["upper_bound"]).all()
    folds = TimeSeriesFold(steps=10, initial_train_size=200, refit=True)
    metric, _ = backtesting_forecaster(forecaster, Y, cv=folds, metric="mean_absolute_error", show_progress=False)
    assert metric["mean_absolute_error"].item() < 1.5


def test_a_search(engine):
    found = grid_search_forecaster(
        ForecasterRecursive(estimator=stopping(engine), lags=12),
        Y,
        cv=TimeSeriesFold(steps=10, initial_train_size=200),
        param_grid={"validation_fraction": [0.1, 0.2], "estimator__learning_rate": [0.05, 0.1]},
        metric="mean_absolute_error",
        show_progress=False,
    )
    assert len(found) == 4 and found["mean_absolute_error"].notna().all()


def test_quantiles(engine):
    low, mid, high = (fitted(quantiles(engine, point)).predict(1).item() for point in (0.05, 0.5, 0.95))
    assert low < mid < high
    assert_near([mid])
