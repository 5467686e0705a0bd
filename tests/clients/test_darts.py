"""Our regressors in darts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.clients.data import N, assert_near, pair, quantiles, series, stopping

darts = pytest.importorskip("darts")
from darts.models import ConformalNaiveModel, SKLearnModel  # noqa: E402

Y = darts.TimeSeries.from_series(series())


def fitted(model, steps=1):
    return SKLearnModel(lags=12, output_chunk_length=steps, model=model).fit(Y)


def forecast(model, n):
    return model.predict(n).values()[:, 0]


@pytest.mark.parametrize("steps", [1, 4], ids=["recursive", "a model for each step"])
def test_forecasts_are_the_engines(engine, steps):
    ours, stock = (forecast(fitted(model, steps), 8) for model in pair(engine))
    np.testing.assert_allclose(ours, stock, rtol=1e-6)
    assert_near(ours)


def test_it_stops_early_by_the_last_rows(engine):
    model = fitted(stopping(engine))
    assert model.model.best_iteration_ < 500
    np.testing.assert_array_equal(model.model.validation_indices_, np.arange(230, N - 12))
    assert_near(forecast(model, 5))
    model = fitted(stopping(engine), 3)
    assert all(one.best_iteration_ < 500 for one in model.model.estimators_)
    assert_near(forecast(model, 3))


def test_weights_and_several_series(engine):
    other = darts.TimeSeries.from_series(series(seed=1))
    model = SKLearnModel(lags=12, model=stopping(engine, validation="random", random_state=0))
    model.fit([Y, other], sample_weight="linear")
    assert model.model.best_iteration_ < 500
    assert_near(model.predict(5, series=other).values()[:, 0])


def test_past_forecasts_and_intervals(engine):
    model = fitted(stopping(engine), 4)
    past = model.historical_forecasts(Y, start=0.8, forecast_horizon=4, retrain=False)
    assert len(past) > 50
    conformal = ConformalNaiveModel(model, quantiles=[0.1, 0.5, 0.9])
    ends = conformal.predict(3, series=Y, predict_likelihood_parameters=True).values()
    assert (np.diff(ends, axis=1) > 0).all()


def test_quantiles(engine):
    low, mid, high = (forecast(fitted(quantiles(engine, point)), 1)[0] for point in (0.05, 0.5, 0.95))
    assert low < mid < high
    assert_near([mid])
