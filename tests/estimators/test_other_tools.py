"""The native model in other people's hands: shap, treelite, ONNX."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from gbm_objectives import Hinge, Huber
from tests.engine import LIGHTGBM

kinds = pytest.mark.parametrize("kind", ["regressor", "binary", "classes", "hinge"])
# The converters' own warnings, and those of what they import, are not ours.
pytestmark = pytest.mark.filterwarnings("ignore")


def fitted(engine, kind):
    load = {"regressor": load_diabetes, "classes": load_wine}.get(kind, load_breast_cancer)
    X, y = load(return_X_y=True)
    X = X.astype(np.float32)  # as ONNX and treelite take them
    if kind == "regressor":
        return engine.regressor(Huber(20.0)).fit(X, y), X
    return engine.classifier(Hinge() if kind == "hinge" else None).fit(X, y), X


@kinds
def test_shap_values_sum_to_the_raw_prediction(engine, kind):
    shap = pytest.importorskip("shap")
    model, X = fitted(engine, kind)
    explainer = shap.TreeExplainer(model.booster_)
    total = np.asarray(explainer.shap_values(X)).sum(axis=1) + np.asarray(explainer.expected_value)
    np.testing.assert_allclose(total, model.predict_raw(X), rtol=1e-4, atol=1e-4)


@kinds
def test_treelite(engine, kind):
    treelite = pytest.importorskip("treelite")
    model, X = fitted(engine, kind)
    load = treelite.frontend.from_lightgbm if engine is LIGHTGBM else treelite.frontend.from_xgboost
    response = np.asarray(treelite.gtil.predict(load(model.booster_), X)).squeeze()
    np.testing.assert_allclose(response, model.loss_.response(model.predict_raw(X)), rtol=1e-4, atol=1e-5)


@kinds
def test_onnx(engine, kind):
    onnxmltools = pytest.importorskip("onnxmltools")
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnxmltools.convert.common.data_types import FloatTensorType

    model, X = fitted(engine, kind)
    types = [("X", FloatTensorType([None, X.shape[1]]))]
    if engine is LIGHTGBM:
        onnx = onnxmltools.convert_lightgbm(model.booster_, initial_types=types, zipmap=False)
    else:
        onnx = onnxmltools.convert_xgboost(model.booster_, initial_types=types)
    session = onnxruntime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
    response = np.asarray(session.run(None, {"X": X})[-1]).squeeze()
    if kind == "binary":
        response = response[:, 1]
    np.testing.assert_allclose(response, model.loss_.response(model.predict_raw(X)), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")  # MAPIE's own
def test_mapie_takes_our_estimators(engine):
    """Cross-conformal intervals of our regressor, and split-conformal ones around a fitted one."""
    mapie = pytest.importorskip("mapie.regression")
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (900, 2))
    y = X[:, 0] + 0.3 * rng.standard_normal(900)
    cross = mapie.CrossConformalRegressor(engine.regressor(Huber(0.5)), confidence_level=0.9, cv=3)
    _, interval = cross.fit_conformalize(X[:600], y[:600]).predict_interval(X[600:])
    held = (interval[:, 0, 0] <= y[600:]) & (y[600:] <= interval[:, 1, 0])
    assert 0.84 < held.mean() < 0.97
    split = mapie.SplitConformalRegressor(engine.regressor(Huber(0.5)).fit(X[:300], y[:300]), confidence_level=0.9)
    _, interval = split.conformalize(X[300:600], y[300:600]).predict_interval(X[600:])
    held = (interval[:, 0, 0] <= y[600:]) & (y[600:] <= interval[:, 1, 0])
    assert 0.84 < held.mean() < 0.97
