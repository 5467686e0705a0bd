"""Faults: interrupted trainings, threads and processes side by side, seeds, and models of earlier releases."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes, load_wine

from gbm_objectives import AbsoluteError, CategoricalCrossEntropy, GBMClassifier, GBMRegressor, Huber, Quantile
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from tests.make_fixtures import FIXTURES, data_of

X, Y = load_diabetes(return_X_y=True)
LGB = {"num_leaves": 7, "num_threads": 1, "verbosity": -1}
XGB = {"max_depth": 3, "nthread": 1}


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


def stop_in_third_round(error):
    def lightgbm_callback(env):
        if env.iteration == 2:
            raise error("third round")

    class XGBoostCallback(xgb.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            if epoch == 2:
                raise error("third round")
            return False

    return lightgbm_callback, XGBoostCallback()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("where", ["callback", "loss"])
@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
def test_an_interrupted_training_leaves_everything_as_it_was(engine, where, error):
    loss = FailsOnThirdCall([], error) if where == "loss" else Huber()
    callback = stop_in_third_round(error)[engine == "xgboost"]
    keywords = {"num_boost_round": 10, "callbacks": [callback] if where == "callback" else None}
    params = dict(LGB if engine == "lightgbm" else XGB)
    before = dict(params)
    if engine == "lightgbm":
        data, valid = lgb.Dataset(X, Y), lgb.Dataset(X[:50], Y[:50])
        with pytest.raises(error, match="third"):
            on_lightgbm.train(params, data, loss=loss, valid_sets=[valid], **keywords)
        assert data.get_init_score() is None and valid.get_init_score() is None
        again = on_lightgbm.train(params, data, loss=Huber(), valid_sets=[valid], num_boost_round=5)
        fresh = on_lightgbm.train(params, lgb.Dataset(X, Y), loss=Huber(), num_boost_round=5)
        np.testing.assert_array_equal(again.predict(X), fresh.predict(X))
        # The stock engine finds no trace either.
        stock = [lgb.train({**params, "objective": "l2"}, d, 3).predict(X) for d in (data, lgb.Dataset(X, Y))]
        np.testing.assert_array_equal(*stock)
    else:
        data = xgb.DMatrix(X, Y)
        with pytest.raises(error, match="third"):
            on_xgboost.train(params, data, loss=loss, evals=[(data, "t")], verbose_eval=False, **keywords)
        np.testing.assert_array_equal(data.get_label(), Y.astype(np.float32))
        again = on_xgboost.train(params, data, loss=Huber(), num_boost_round=5)
        fresh = on_xgboost.train(params, xgb.DMatrix(X, Y), loss=Huber(), num_boost_round=5)
        np.testing.assert_array_equal(again.predict(data), fresh.predict(data))
    assert params == before


def test_target_distributions_survive_an_interruption():
    wine, labels = load_wine(return_X_y=True)
    data = xgb.DMatrix(wine, 0.9 * np.eye(3)[labels] + 0.1 / 3)
    before = data.get_label()
    with pytest.raises(KeyboardInterrupt):
        on_xgboost.train(
            XGB, data, loss=CategoricalCrossEntropy(3), callbacks=[stop_in_third_round(KeyboardInterrupt)[1]]
        )
    np.testing.assert_array_equal(data.get_label(), before)
    assert not hasattr(data, "target_distribution")


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
def test_an_estimator_whose_fit_failed_keeps_its_model(engine):
    model = fitted(engine, 0.5)
    before = model.predict(X)
    with pytest.raises(ValueError, match="finite numbers, got nan"):
        model.fit(X, np.where(Y > 300, np.nan, Y))
    assert model.loss == Quantile(0.5)
    np.testing.assert_array_equal(model.predict(X), before)


def fitted(engine, alpha):
    """Fit a quantile of the diabetes data; on module level, so that another process finds it."""
    if engine == "lightgbm":
        estimator = lgb.LGBMRegressor(
            n_estimators=30, subsample=0.7, subsample_freq=1, random_state=7, n_jobs=1, verbosity=-1
        )
    else:
        estimator = xgb.XGBRegressor(n_estimators=30, subsample=0.7, random_state=7, n_jobs=1)
    return GBMRegressor(Quantile(alpha), estimator).fit(X, Y)


def prediction(engine, alpha):
    return fitted(engine, alpha).predict(X)


ALPHAS = [0.1, 0.3, 0.5, 0.7, 0.9]


@pytest.mark.parametrize("engine", ["lightgbm", "xgboost"])
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
        return on_lightgbm.train(LGB, lgb.Dataset(X, y), loss=loss, num_boost_round=30).predict(X)

    alone = [train(Y), train(-5 * Y)]
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(list(pool.map(train, [Y, -5 * Y])), alone)


@pytest.mark.parametrize(
    "path", sorted(FIXTURES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_models_of_earlier_releases_load(path):
    stored = json.loads((path.parent / "predictions" / path.name).read_text(encoding="utf-8"))
    cls = GBMClassifier if "classifier" in path.stem else GBMRegressor
    model = cls.load_model(path)
    X, _ = data_of(path.stem)
    np.testing.assert_allclose(model.predict_raw(X[::20]), stored["raw"], rtol=1e-5, atol=1e-6)
    assert (
        model.predict(X[::20]).tolist() == pytest.approx(stored["prediction"], rel=1e-5)
        if cls is GBMRegressor
        else (model.predict(X[::20]).tolist() == stored["prediction"])
    )
    assert repr(model.loss_) == stored["loss"]
    assert model.noise_scale_ == stored["noise_scale"]


def test_there_are_fixtures():
    assert len(list(FIXTURES.glob("*/*.json"))) >= 4, f"see CONTRIBUTING.md; {Path(sys.executable)}"
