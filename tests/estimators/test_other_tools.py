"""The native model in other people's hands: shap, treelite, ONNX give what the engine gives, or refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gbm_objectives import Huber
from tests.catalogue import TRAINABLE, real_data
from tests.engine import LIGHTGBM

# The converters tell losses apart by link and outputs: the first loss of each link, and every distribution.
ONE_OF_EACH = {type(c.loss) if c.loss.outputs else c.loss.link.name: c for c in reversed(TRAINABLE)}
cases = pytest.mark.parametrize("case", ONE_OF_EACH.values(), ids=lambda case: case.id)
# Of the losses that XGBoost serves through exp in several columns treelite applies it to the first one alone.
MIXED_BY_TREELITE = ("Gamma", "LogLogistic", "NegativeBinomial", "Weibull")
PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")
# The converters' own warnings, and those of what they import, are not ours.
pytestmark = pytest.mark.filterwarnings("ignore")


def trained(engine, case):
    X, y = real_data(case)
    X = X.astype(np.float32)  # as ONNX and treelite take them
    return engine.train(case.loss, X, y, rounds=20), X


def close(got, expected):
    np.testing.assert_allclose(np.squeeze(got), expected, rtol=1e-4, atol=1e-4)


@cases
def test_shap_values_sum_to_the_raw_prediction(engine, case):
    shap = pytest.importorskip("shap")
    booster, X = trained(engine, case)
    explainer = shap.TreeExplainer(booster)
    total = np.asarray(explainer.shap_values(X)).sum(axis=1) + np.asarray(explainer.expected_value)
    close(total, engine.raw(booster, X))


@cases
def test_treelite(engine, case):
    treelite = pytest.importorskip("treelite")
    booster, X = trained(engine, case)
    load = treelite.frontend.from_lightgbm if engine is LIGHTGBM else treelite.frontend.from_xgboost
    if engine is LIGHTGBM and case.loss.outputs:
        with pytest.raises(treelite.TreeliteError, match="obj_name_"):
            load(booster)
        return
    model = load(booster)
    close(treelite.gtil.predict(model, X, pred_margin=True), engine.raw(booster, X))
    if type(case.loss).__name__ in MIXED_BY_TREELITE:
        assert f"`{type(case.loss).__name__}`" in PAGE.partition("## treelite")[2].partition("## ONNX")[0]
    else:
        close(treelite.gtil.predict(model, X), engine.response(booster, X))


@cases
@pytest.mark.parametrize("saved", [False, True], ids=["trained", "saved"])
def test_onnx(engine, case, saved, tmp_path):
    onnxmltools = pytest.importorskip("onnxmltools")
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster, X = trained(engine, case)
    served = engine.response(booster, X)
    if saved:
        booster.save_model(tmp_path / "booster.json")
        booster = type(booster)(model_file=tmp_path / "booster.json")
    types = [("X", FloatTensorType([None, X.shape[1]]))]

    def convert():
        if engine is LIGHTGBM:
            return onnxmltools.convert_lightgbm(booster, initial_types=types, zipmap=False)
        return onnxmltools.convert_xgboost(booster, initial_types=types)

    # Of LightGBM's "binary" objective the converter would take the sigmoid, 2, for 1: that one must not pass.
    refused = engine is LIGHTGBM and case.loss.link.name in ("half logit", "log1p")
    if case.loss.outputs or refused:
        with pytest.raises((NotImplementedError, RuntimeError), match=r"[Uu]n(supported|expected).* objective"):
            convert()
        return
    session = onnxruntime.InferenceSession(convert().SerializeToString(), providers=["CPUExecutionProvider"])
    response = np.asarray(session.run(None, {"X": X})[-1])
    close(response[:, -1] if case.loss.link.name == "logit" else response, served)


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
