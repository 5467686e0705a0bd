"""Our regressors in mlforecast: one model for several series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.clients.data import assert_near, dates, pair, quantiles, series, stopping

mlforecast = pytest.importorskip("mlforecast")

FRAME = pd.concat(
    [pd.DataFrame({"unique_id": f"s{k}", "ds": dates(), "y": series(seed=k).to_numpy()}) for k in range(3)],
    ignore_index=True,
)


def forecaster(**models):
    return mlforecast.MLForecast(models=models, freq="D", lags=[1, 2, 12])


def test_forecasts_are_the_engines(engine):
    ours, stock = pair(engine)
    forecast = forecaster(ours=ours, stock=stock).fit(FRAME).predict(10)
    np.testing.assert_allclose(forecast["ours"], forecast["stock"], rtol=1e-6)
    for _, of_series in forecast.groupby("unique_id"):
        assert_near(of_series["ours"])


def test_it_stops_early_by_the_last_dates_of_all_series(engine):
    model = forecaster(ours=stopping(engine))
    # Rows are sorted by series, so that the last ones would be those of one series alone.
    of_rows = model.preprocess(FRAME)["ds"]
    model.fit(FRAME, models_fit_kwargs={"ours": {"groups": of_rows}})
    fitted = model.models_["ours"]
    assert fitted.best_iteration_ < 500
    assert set(of_rows.iloc[fitted.validation_indices_]) == set(np.unique(of_rows)[-58:])
    assert len(fitted.validation_indices_) == 3 * 58
    assert_near(model.predict(10).query("unique_id == 's1'")["ours"])


def test_a_model_for_each_step(engine):
    model = forecaster(ours=stopping(engine, validation="random", random_state=0)).fit(FRAME, max_horizon=3)
    assert all(one.best_iteration_ < 500 for one in model.models_["ours"].values())
    assert_near(model.predict(3).query("unique_id == 's0'")["ours"])


def test_cross_validation_and_intervals(engine):
    windows = forecaster(ours=stopping(engine)).cross_validation(FRAME, n_windows=2, h=5)
    assert (windows["ours"] - windows["y"]).abs().mean() < 1.5
    intervals = mlforecast.utils.PredictionIntervals(n_windows=4, h=5)
    model = forecaster(ours=stopping(engine)).fit(FRAME, prediction_intervals=intervals)
    forecast = model.predict(5, level=[80])
    assert (forecast["ours-lo-80"] < forecast["ours"]).all() and (forecast["ours"] < forecast["ours-hi-80"]).all()


def test_quantiles(engine):
    low, mid, high = (quantiles(engine, point) for point in (0.05, 0.5, 0.95))
    forecast = forecaster(low=low, mid=mid, high=high).fit(FRAME).predict(1)
    assert (forecast["low"] < forecast["mid"]).all() and (forecast["mid"] < forecast["high"]).all()


def test_categories(engine):
    frame = FRAME.assign(kind=FRAME["unique_id"].astype("category"))
    ours, stock = pair(engine)
    if engine.name == "xgboost":
        ours.set_params(estimator__enable_categorical=True)
        stock.set_params(enable_categorical=True)
    forecast = forecaster(ours=ours, stock=stock).fit(frame, static_features=["kind"]).predict(5)
    np.testing.assert_allclose(forecast["ours"], forecast["stock"], rtol=1e-6)
