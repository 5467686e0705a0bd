"""Faults: interrupted trainings, threads and processes side by side, seeds."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes

from gbm_objectives import AbsoluteError, Huber, Quantile
from tests.engine import LIGHTGBM

X, Y = load_diabetes(return_X_y=True)


class FailsOnThirdCall(Huber):
    """A loss with a mistake that shows late; the list counts calls."""

    def __init__(self, calls=None, error=RuntimeError):
        super().__init__()
        self.calls = calls
        self.error = error

    def check_params(self):
        pass

    def gradient_hessian(self, y_true, raw_prediction, sample_weight=None):
        self.calls.append(1)
        if len(self.calls) == 3:
            raise self.error("third call")
        return Huber().gradient_hessian(y_true, raw_prediction, sample_weight)

    def __deepcopy__(self, memo):  # LightGBM copies its parameters; the list is shared on purpose
        return self


def stop_in_third_round(engine, error):
    def stop(round_number):
        if round_number == 2:
            raise error("third round")

    return engine.callback(stop)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("where", ["callback", "loss"])
def test_an_interrupted_training_leaves_everything_as_it_was(engine, where, error):
    loss = FailsOnThirdCall([], error) if where == "loss" else Huber()
    callbacks = [stop_in_third_round(engine, error)] if where == "callback" else []
    keywords = {"loss": loss, "num_boost_round": 10}
    params, train = dict(engine.params), engine.ours.train
    before = dict(params)
    if engine is LIGHTGBM:
        data, valid = lgb.Dataset(X, Y), lgb.Dataset(X[:50], Y[:50])
        with pytest.raises(error, match="third"):
            train(params, data, **keywords, **engine.evaluation({"v": valid}, callbacks=callbacks))
        assert data.get_init_score() is None and valid.get_init_score() is None
        again = train(params, data, loss=Huber(), valid_sets=[valid], num_boost_round=5)
        fresh = train(params, lgb.Dataset(X, Y), loss=Huber(), num_boost_round=5)
        np.testing.assert_array_equal(again.predict(X), fresh.predict(X))
        # The stock engine finds no trace either.
        stock = [lgb.train({**params, "objective": "l2"}, d, 3).predict(X) for d in (data, lgb.Dataset(X, Y))]
        np.testing.assert_array_equal(*stock)
    else:
        data = xgb.DMatrix(X, Y)
        with pytest.raises(error, match="third"):
            train(params, data, **keywords, **engine.evaluation({"t": data}, callbacks=callbacks))
        np.testing.assert_array_equal(data.get_label(), Y.astype(np.float32))
        again = train(params, data, loss=Huber(), num_boost_round=5)
        fresh = train(params, xgb.DMatrix(X, Y), loss=Huber(), num_boost_round=5)
        np.testing.assert_array_equal(again.predict(data), fresh.predict(data))
    assert params == before


def test_an_estimator_whose_fit_failed_keeps_its_model(engine):
    model = fit_quantile(engine, 0.5)
    before = model.predict(X)
    with pytest.raises(ValueError, match="finite numbers, got nan"):
        model.fit(X, np.where(Y > 300, np.nan, Y))
    assert model.loss == Quantile(0.5)
    np.testing.assert_array_equal(model.predict(X), before)


def fit_quantile(engine, alpha):
    """Fit a quantile of the diabetes data; on module level, so that another process finds it."""
    sample = {"lightgbm": {"subsample_freq": 1}, "xgboost": {}}[engine.name]
    return engine.regressor(Quantile(alpha), n_estimators=30, subsample=0.7, random_state=7, **sample).fit(X, Y)


def prediction(engine, alpha):
    return fit_quantile(engine, alpha).predict(X)


ALPHAS = [0.1, 0.3, 0.5, 0.7, 0.9]


def test_trainings_side_by_side(engine):
    alone = [prediction(engine, alpha) for alpha in ALPHAS]
    with ThreadPoolExecutor(2) as pool:
        threads = list(pool.map(prediction, [engine] * 5, ALPHAS))
    np.testing.assert_array_equal(threads, alone)  # also: the same seed gives the same model
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        processes = list(pool.map(prediction, [engine] * 2, ALPHAS[:2]))
    np.testing.assert_array_equal(processes, alone[:2])


def test_one_loss_object_trains_in_two_threads():
    loss = AbsoluteError()

    def train(y):
        return LIGHTGBM.train(loss, X, y, rounds=30).predict(X)

    alone = [train(Y), train(-5 * Y)]
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(list(pool.map(train, [Y, -5 * Y])), alone)
