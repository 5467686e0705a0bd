"""Saved models are the same again, damaged files say so, models of earlier releases load."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from gbm_objectives import GBMClassifier, GBMRegressor, Hinge, Huber
from tests.make_fixtures import FIXTURES, data_of

# LightGBM 4.6 on arrays that it named itself; a later version mended it.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")


@pytest.mark.parametrize("kind", ["regressor", "str", "int", "object", "hinge"])
def test_saved_models(engine, kind, tmp_path):
    if kind == "regressor":
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        model = engine.regressor(Huber(np.float64(20.0)))
    else:
        X, codes = load_breast_cancer(return_X_y=True)
        y = {"str": np.array(["bad", "good"])[codes], "int": codes * 4, "hinge": codes}.get(kind)
        y = np.array(["bad", "good"], dtype=object)[codes] if kind == "object" else y
        model = engine.classifier(Hinge() if kind == "hinge" else None)
    model.fit(X, y, eval_set=[(X, y)])
    model.save_model(tmp_path / "model.json")
    loaded = type(model).load_model(tmp_path / "model.json")
    for copy in (loaded, pickle.loads(pickle.dumps(model)), pickle.loads(pickle.dumps(loaded))):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        np.testing.assert_array_equal(copy.predict_raw(X), model.predict_raw(X))
        assert copy.loss_ == model.loss_
        assert copy.evals_result_ == model.evals_result_
        np.testing.assert_array_equal(copy.feature_importances_, model.feature_importances_)
        if kind != "regressor":
            np.testing.assert_array_equal(copy.classes_, model.classes_)
            assert copy.classes_.dtype == model.classes_.dtype
        else:
            np.testing.assert_array_equal(copy.feature_names_in_, X.columns)
    loaded.save_model(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "model.json").read_text()


def test_damaged_and_foreign_files(engine, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    path = tmp_path / "model.json"
    engine.regressor(Huber(3.0)).fit(X, y).save_model(path)
    text, content = path.read_text(), json.loads(path.read_text())

    def fails(new, match, cls=GBMRegressor):
        path.write_text(new if isinstance(new, str) else json.dumps(new))
        with pytest.raises(ValueError, match=match):
            cls.load_model(path)

    fails(text[: len(text) // 2], "is not a model file of gbm_objectives, or it is damaged")
    fails("[1, 2]", "is not a model file")
    fails("{}", "is not a model file")
    fails({**content, "version": 99}, "has version 99, this package reads 1 to 2")
    fails(content, "holds a GBMRegressor, load it with that class, not GBMClassifier", GBMClassifier)
    fails({**content, "model": content["model"][:300]}, "damaged")
    fails({**content, "model": 3}, "damaged")
    fails({**content, "engine": "os"}, "unknown engine, 'os'")
    fails({**content, "loss": {"class": "Huber", "params": {"delta": -1}}}, "delta of Huber must be above 0")
    fails({**content, "loss": {"class": "Huber", "params": {"gamma": 1}}}, "damaged: .*gamma")
    fails({**content, "loss": {"class": "eval", "params": {}}}, "a loss of your own, eval: pass it as loss=")
    fails({k: v for k, v in content.items() if k != "n_features_in"}, "damaged: KeyError 'n_features_in'")
    path.write_text(json.dumps({**content, "loss": {**content["loss"], "class": "Mine"}}))
    mine = type("Mine", (Huber,), {})
    assert GBMRegressor.load_model(path, loss=mine(3.0)).predict(X).shape == (len(y),)
    with pytest.raises(ValueError, match=r"was trained with the parameters .*'delta': 3\.0.*, loss= is Mine\(\)"):
        GBMRegressor.load_model(path, loss=mine())
    with pytest.raises(ValueError, match=r"was trained with Mine, loss= is Huber\(\)"):
        GBMRegressor.load_model(path, loss=Huber())
    with pytest.raises(TypeError, match="write it with parentheses"):
        GBMRegressor.load_model(path, loss=Huber)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not a model file"):
        GBMRegressor.load_model(path)
    with pytest.raises(FileNotFoundError):
        GBMRegressor.load_model(tmp_path / "none.json")


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
