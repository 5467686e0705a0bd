"""Saved models are the same again, damaged files say so, models of earlier releases load."""

from __future__ import annotations

import json
import os
import pickle
import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes

from gbm_objectives import GBMClassifier, GBMRegressor, Hinge, Huber, PoissonDeviance, Quantile
from gbm_objectives.distributions import Gamma, Normal
from gbm_objectives.estimators.saving import sealed
from tests.engine import XGBOOST
from tests.make_fixtures import FIXTURES, answers, class_of, data_of

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
        # What was changed on purpose has the checksum of someone who meant it.
        path.write_text(new if isinstance(new, str) else json.dumps(sealed(new)))
        with pytest.raises(ValueError, match=match):
            cls.load_model(path)

    fails(text[: len(text) // 2], "is not a model file of gbm_objectives, or it is damaged")
    fails("[1, 2]", "is not a model file")
    fails("{}", "is not a model file")
    fails("[" * 100_000, "is not a model file of gbm_objectives, or it is damaged")
    fails({**content, "version": 99}, "has version 99, this package reads 1 to 3")
    fails(content, "holds a GBMRegressor, load it with that class, not GBMClassifier", GBMClassifier)
    fails({**content, "model": content["model"][:300]}, "damaged")
    fails({**content, "model": 3}, "damaged")
    fails({**content, "engine": "os"}, "unknown engine 'os'")
    fails({**content, "loss": {"class": "Huber", "params": {"delta": -1}}}, "delta of Huber must be above 0")
    fails({**content, "loss": {"class": "Huber", "params": {"gamma": 1}}}, "damaged: .*gamma")
    fails({**content, "loss": {"class": "eval", "params": {}}}, "a loss of your own, eval: pass it as loss=")
    fails({k: v for k, v in content.items() if k != "n_features_in"}, "damaged: KeyError 'n_features_in'")
    for n_features in (-1, 0, 3.0, True, "10"):
        fails({**content, "n_features_in": n_features}, "n_features_in must be an integer above 0, got")
    fails({**content, "n_features_in": 11}, "its native model has 10 features, n_features_in is 11")
    fails({**content, "feature_names_in": ["a"]}, "it has 1 feature names for 10 features")
    fails({**content, "classes": {"dtype": "<i8", "labels": [0, 1]}}, "a GBMRegressor has no classes")
    path.write_text(json.dumps(sealed({**content, "loss": {**content["loss"], "class": "Mine"}})))
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


def test_classifiers_files(engine, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    path = tmp_path / "model.json"
    engine.classifier().fit(X, y).save_model(path)
    content = json.loads(path.read_text())

    def fails(new, match, cls=GBMClassifier):
        path.write_text(json.dumps(sealed(new)))
        with pytest.raises(ValueError, match=match):
            cls.load_model(path)

    fails({**content, "classes": None}, "a GBMClassifier needs classes")
    fails({**content, "classes": {"dtype": "<i8", "labels": [1, 1]}}, "two labels or more, each once, got")
    fails({**content, "classes": {"dtype": "<i8", "labels": [1]}}, "two labels or more")
    # A classifier's native model in a regressor's file, and one of other classes.
    squared = {"class": "SquaredError", "params": {}}
    regressor = {**content, "class": "GBMRegressor", "params": {}, "classes": None, "loss": squared}
    fails(regressor, r"its native model was trained as 'binary.*, SquaredError\(\) is trained as", GBMRegressor)
    three = {"class": "CategoricalCrossEntropy", "params": {"n_classes": 3, "hessian": "auto"}}
    fails({**content, "loss": three}, r"its native model has 1 outputs, Categorical.*\(n_classes=3\) has 3")


def test_a_few_characters_changed_are_found(engine, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    path = tmp_path / "model.json"
    engine.regressor(Huber(3.0)).fit(X, y).save_model(path)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for at in rng.integers(300, len(data), 200):
        spoilt = bytearray(data)
        spoilt[at] = (spoilt[at] + 1) % 128
        path.write_bytes(spoilt)
        if spoilt != data:
            with pytest.raises(ValueError, match=r"damaged|is not a model file|has version|a loss of your own"):
                GBMRegressor.load_model(path)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    path = tmp_path / "model.json"
    model = GBMRegressor().fit(X, y)
    model.save_model(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        model.save_model(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_parameters_as_grids_make_them(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    X[::3, 2] = -999
    model = XGBOOST.regressor(missing=np.int64(-999), max_depth=np.int32(2)).fit(X, y)
    # What is trained is saved, not what the next fit would train.
    model.estimator.set_params(missing=np.nan)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.estimator_.missing == -999


class Shifted(GBMRegressor):
    """An estimator of one's own, with a parameter that predictions depend on."""

    def __init__(self, loss=None, estimator=None, shift=0.0):
        super().__init__(loss, estimator)
        self.shift = shift

    def _predicted(self, raw):
        return super()._predicted(raw) + np.sum(self.shift)


class Upper(GBMRegressor):
    """An estimator of one's own that makes its loss itself."""

    def __init__(self, alpha=0.9, estimator=None):
        super().__init__(Quantile(alpha), estimator)
        self.alpha = alpha


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (GBMClassifier, {"class_weight": {0: 1.0, np.int64(1): 3}}),
        (GBMClassifier, {"class_weight": "balanced"}),
        (Shifted, {"shift": (100.0, 1)}),
        (Shifted, {"shift": np.array([1.5, 2.5])}),
        (Upper, {"alpha": 0.8}),
    ],
    ids=str,
)
def test_parameters_of_our_estimators_and_their_subclasses(engine, kind, params, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    model = kind(estimator=engine.estimator(kind is GBMClassifier), **params).fit(X, y)
    model.save_model(tmp_path / "model.json")
    loaded = kind.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert repr({name: loaded.get_params()[name] for name in params}) == repr(params).replace("np.int64(1)", "1")
    np.testing.assert_array_equal(clone(loaded).fit(X, y).predict(X), model.predict(X))


def test_a_parameter_that_no_file_holds(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = Shifted(shift=[0.0]).fit(X, y)
    model.shift = [object()]
    with pytest.raises(TypeError, match=r"shift of Shifted: a model file holds numbers and strings, not <object"):
        model.save_model(tmp_path / "model.json")
    assert [*tmp_path.iterdir()] == []


def test_constraints_and_class_weights_of_the_engines_estimator(engine, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    X = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    # XGBoost takes the names of features that may meet, LightGBM their numbers.
    meeting = [["a", "b"], ["c"]] if engine is XGBOOST else [[0, 1], [2]]
    constraints = {"monotone_constraints": (-1, 0, 0), "interaction_constraints": meeting}
    weights = {"class_weight": {0: 1.0, 1: 9.0}} if engine is not XGBOOST else {"scale_pos_weight": 9.0}
    model = GBMClassifier(estimator=engine.estimator(True, **constraints, **weights)).fit(X, y)
    model.save_model(tmp_path / "model.json")
    loaded = GBMClassifier.load_model(tmp_path / "model.json")
    kept = loaded.estimator.get_params()
    assert {name: kept[name] for name in (*constraints, *weights)} == {**constraints, **weights}
    np.testing.assert_array_equal(loaded.fit(X, y).predict_proba(X), model.predict_proba(X))


def test_types_of_features(tmp_path):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 6, 300), rng.standard_normal(300)])
    y = np.array([3.0, -1, 4, -1, 5, -9])[X[:, 0].astype(int)]
    model = XGBOOST.regressor(Huber(1.0), feature_types=["c", "q"], enable_categorical=True).fit(X, y)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    assert loaded.estimator_.feature_types == ["c", "q"]
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_file_has_the_mode_of_any_other(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model, path = GBMRegressor().fit(X, y), tmp_path / "model.json"
    before = os.umask(0o026)
    try:
        (tmp_path / "other").write_text("")
        model.save_model(path)
        assert path.stat().st_mode == (tmp_path / "other").stat().st_mode
    finally:
        os.umask(before)
    for mode in (0o600, 0o664):
        path.chmod(mode)
        model.save_model(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_labels_that_are_times(engine, unit, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    days = np.array(["2024-02-29", "2025-01-01"], dtype=f"datetime64[{unit}]")
    model = engine.classifier().fit(X, days[y])
    model.save_model(tmp_path / "model.json")
    loaded = GBMClassifier.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.classes_.dtype == days.dtype


def test_a_failed_fit_changes_nothing(engine):
    X, y = load_breast_cancer(return_X_y=True)
    model = engine.classifier().fit(X, np.array(["bad", "good"])[y])
    before, predicted = model.classes_, model.predict(X)
    with pytest.raises(ValueError, match="weight"):
        model.fit(X[:, :5], np.array(["yes", "no"])[y], sample_weight=-np.ones(len(y)))
    assert model.classes_ is before and model.n_features_in_ == X.shape[1]
    np.testing.assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize(
    "path", sorted(FIXTURES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_models_of_earlier_releases_load(path):
    stored = json.loads((path.parent / "predictions" / path.name).read_text(encoding="utf-8"))
    model = class_of(path.stem).load_model(path)
    X, _ = data_of(path.stem)
    # JSON knows no tuples: levels come back as a list, which is the same loss.
    names = [text.translate(str.maketrans("[]", "()")) for text in (repr(model.loss_), stored.pop("loss"))]
    assert names[0] == names[1] and model.noise_scale_ == stored.pop("noise_scale")
    now = answers(model, X[::20])
    for what, values in stored.items():
        if np.asarray(values).dtype.kind == "U":  # labels
            assert now[what] == values
        else:
            np.testing.assert_allclose(now[what], values, rtol=1e-5, atol=1e-6)


def test_there_are_fixtures():
    assert len(list(FIXTURES.glob("*/*.json"))) >= 22, f"see CONTRIBUTING.md; {Path(sys.executable)}"


@pytest.mark.parametrize("loss", [Gamma(), PoissonDeviance(), Normal(), Huber()], ids=repr)
def test_a_loaded_model_can_be_fitted_again(engine, loss, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = engine.regressor(loss).fit(X, y)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    assert loaded.estimator.objective == model.estimator.objective
    for again in (loaded, clone(loaded)):
        np.testing.assert_array_equal(again.fit(X, y).predict(X), model.predict(X))
