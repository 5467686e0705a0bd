"""The estimators agree with the engines' own, and by default are squared error on LightGBM."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import train_test_split

from gbm_objectives import GBMRegressor, SquaredError
from gbm_objectives.engines import lightgbm as on_lightgbm
from tests.engine import XGBOOST

# LightGBM 4.6 on arrays that it named itself; a later version mended it.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")


def bare(engine, kind, y, weight, **params):
    """The engine's own estimator with its built-in objective, started from the average."""
    base = {"base_score": float(np.average(y, weights=weight))} if engine is XGBOOST else {}
    return engine.estimator(kind == "binary", **base, **params)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", ["real", "binary"])
def test_agrees_with_the_bare_estimator(engine, kind, weighted):
    X, y = (load_diabetes if kind == "real" else load_breast_cancer)(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    ours = (engine.regressor if kind == "real" else engine.classifier)()
    theirs = bare(engine, kind, y, weight)
    ours.fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    method = "predict" if kind == "real" else "predict_proba"
    expected = getattr(theirs, method)(X_val)
    np.testing.assert_allclose(getattr(ours, method)(X_val), expected, rtol=1e-5, atol=1e-5)

    # early stopping: the same best iteration
    stop = {**engine.early_stopping(), "n_estimators": 300, "learning_rate": 0.3}
    ours = (engine.regressor if kind == "real" else engine.classifier)(**stop)
    theirs = bare(engine, kind, y, weight, **stop)
    ours.fit(X, y, sample_weight=weight, eval_set=[(X_val, y_val)])
    theirs.fit(X, y, sample_weight=weight, **engine.bare_evaluation(X_val, y_val))
    assert ours.best_iteration_ == engine.bare_best_iteration(theirs)
    assert ours.best_iteration_ < 299
    np.testing.assert_allclose(getattr(ours, method)(X_val), getattr(theirs, method)(X_val), rtol=1e-5, atol=1e-5)


def test_softmax_agrees_with_bare_xgboost():
    # LightGBM's curvature for several classes is another one (k/(k-1)·p(1-p)), and so are its trees.
    X, y = load_wine(return_X_y=True)
    theirs = XGBOOST.estimator(True, base_score=np.log(np.bincount(y) / len(y)).tolist()).fit(X, y)
    ours = XGBOOST.classifier().fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-4, atol=1e-5)


def test_default_is_squared_error_on_lightgbm():
    X, y = load_diabetes(return_X_y=True)
    model = GBMRegressor().fit(X, y)
    assert model.loss_ == SquaredError()
    assert isinstance(model.booster_, lgb.Booster) and isinstance(model.estimator_, LGBMRegressor)
    native = on_lightgbm.train({"verbosity": -1}, lgb.Dataset(X, y), loss=SquaredError())
    np.testing.assert_allclose(model.predict(X), native.predict(X), rtol=1e-9)
