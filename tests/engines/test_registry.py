"""A new engine is a folder and a line of the registry: shown with a fake one."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from gbm_objectives import GBMRegressor, Quantile, check_loss
from gbm_objectives.engines import registry
from gbm_objectives.plotting import plot_learning_curves
from tests.engines import fakegbm


@pytest.fixture
def fake(monkeypatch):
    # As if it were installed: estimators are told by the package that their class comes from.
    monkeypatch.setitem(sys.modules, "fakegbm", fakegbm)
    monkeypatch.setattr(fakegbm.FakeRegressor, "__module__", "fakegbm")
    monkeypatch.setitem(registry.ENGINES, "fakegbm", "fakegbm")
    return fakegbm


def test_estimators_train_save_and_load_on_it(fake, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    X = X[:, [2]]  # body mass index
    model = GBMRegressor(Quantile(0.9), fake.FakeRegressor()).fit(X, y, eval_set=[(X, y)])
    loss = model.loss_
    constant = loss.value(y, np.full(len(y), loss.initial_raw(y)))
    assert loss.value(y, model.predict(X)) < 0.95 * constant
    assert model.evals_result_["set_0"]["quantile"][-1] == pytest.approx(loss.value(y, model.predict(X)))
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.feature_importances_.tolist() == [1.0]
    assert model.log_likelihood(X, y) < 0
    assert plot_learning_curves(model).get_ylabel() == "quantile"


def test_check_loss_trains_on_it(fake, monkeypatch):
    asked = []
    monkeypatch.setattr(fake, "train_estimator", lambda *arguments: asked.append(1) or 1 / 0)
    with pytest.raises(AssertionError, match=r"training: raises ZeroDivisionError"):
        check_loss(Quantile(0.9))
    assert asked


def test_unknown_engines(fake):
    with pytest.raises(ValueError, match="unknown engine 'catboost'; expected one of lightgbm, xgboost, fakegbm"):
        registry.engine_named("catboost")
    with pytest.raises(TypeError, match="scikit-learn estimator of lightgbm or xgboost or fakegbm"):
        registry.engine_of(object())
