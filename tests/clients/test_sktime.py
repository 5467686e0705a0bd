"""Our regressors in sktime's reductions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.clients.data import N, assert_near, pair, quantiles, series, stopping

pytest.importorskip("sktime")
from sktime.forecasting.compose import make_reduction
from sktime.forecasting.conformal import ConformalIntervals
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter

Y = series().to_period("D")


def reduced(model, strategy="recursive"):
    return make_reduction(model, strategy=strategy, window_length=12)


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_forecasts_are_the_engines(engine, strategy):
    ours, stock = (reduced(model, strategy).fit(Y, fh=range(1, 6)).predict() for model in pair(engine))
    np.testing.assert_allclose(ours, stock, rtol=1e-6)
    assert_near(ours)


def test_it_stops_early_by_the_last_rows(engine):
    forecaster = reduced(stopping(engine)).fit(Y, fh=range(1, 6))
    model = forecaster.estimator_
    assert model.best_iteration_ < 500
    np.testing.assert_array_equal(model.validation_indices_, np.arange(230, N - 12))
    assert_near(forecaster.predict())


def test_a_search(engine):
    grid = {"estimator__validation_fraction": [0.1, 0.2], "estimator__estimator__learning_rate": [0.05, 0.1]}
    folds = ExpandingWindowSplitter(initial_window=200, step_length=50, fh=[1, 2])
    search = ForecastingGridSearchCV(reduced(stopping(engine)), cv=folds, param_grid=grid).fit(Y, fh=[1, 2])
    assert set(search.best_params_) == set(grid)


def test_intervals_and_quantiles(engine):
    forecaster = ConformalIntervals(reduced(stopping(engine)), initial_window=250).fit(Y, fh=[1, 2])
    ends = forecaster.predict_interval(coverage=0.8).to_numpy()
    assert (ends[:, 0] < ends[:, 1]).all()
    models = (reduced(quantiles(engine, point)) for point in (0.05, 0.5, 0.95))
    low, mid, high = (model.fit(Y, fh=[1]).predict().item() for model in models)
    assert low < mid < high
    assert_near([mid])
