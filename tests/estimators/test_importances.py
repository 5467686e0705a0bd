"""Importances by output add up to the engine's own, and find what moves the spread; so do SHAP values."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import GBMRegressor, MultiQuantile, SquaredError
from gbm_objectives.distributions import Normal
from tests.engine import LIGHTGBM, XGBOOST, version

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (1500, 4))
Y = 3 * X[:, 0] + np.exp(1.5 * X[:, 1]) * RNG.standard_normal(1500)
KINDS = {"lightgbm": ("split", "gain"), "xgboost": ("weight", "gain", "cover", "total_gain", "total_cover")}


def own(model, kind):
    """What the engine's native model says."""
    if hasattr(model.booster_, "feature_importance"):
        return model.booster_.feature_importance(kind)
    score = model.booster_.get_score(importance_type=kind)
    return np.array([score.get(f"f{i}", 0.0) for i in range(4)])


@pytest.mark.parametrize("loss", [Normal(), MultiQuantile((0.1, 0.5, 0.9)), SquaredError()], ids=repr)
def test_outputs_add_up_to_the_engines_own(engine, loss):
    stopping = engine.early_stopping(5)
    fit = {"eval_set": [(X[1000:], Y[1000:])]}
    for model in (
        engine.regressor(loss).fit(X, Y),
        engine.regressor(loss, **{**stopping, "n_estimators": 300, "learning_rate": 0.3}).fit(
            X[:1000], Y[:1000], **fit
        ),
    ):
        for kind in KINDS[engine.name]:
            expected = own(model, kind)
            np.testing.assert_allclose(model.feature_importances(importance_type=kind), expected, rtol=1e-5)
            parts = [model.feature_importances(k, kind) for k in range(loss.n_outputs)]
            if kind not in ("gain", "cover") or engine.name == "lightgbm":
                np.testing.assert_allclose(np.sum(parts, axis=0), expected, rtol=1e-5)
            for k, output in enumerate(loss.outputs or ()):
                np.testing.assert_array_equal(model.feature_importances(output.name, kind), parts[k])
    for kind in KINDS[engine.name]:
        model.estimator_.importance_type = kind
        default = model.feature_importances()
        np.testing.assert_array_equal(default, model.feature_importances(importance_type=kind))
        share = default / default.sum()
        np.testing.assert_allclose(model.feature_importances_ / model.feature_importances_.sum(), share, rtol=1e-5)


def test_each_output_has_its_own(engine):
    model = engine.regressor(Normal(scale_step=1.0)).fit(X, Y)
    kind = "gain" if engine.name == "lightgbm" else "total_gain"
    assert model.feature_importances("loc", kind).argmax() == 0
    assert model.feature_importances("scale", kind).argmax() == 1
    labels = np.where(np.abs(X[:, 2]) > 0.8, "out", np.where(X[:, 3] > 0, "up", "down"))
    classifier = engine.classifier().fit(X, labels)
    assert classifier.feature_importances("out", kind).argmax() == 2
    assert classifier.feature_importances("up", kind).argmax() == 3
    np.testing.assert_array_equal(
        classifier.feature_importances("out", kind),
        classifier.feature_importances(classifier.classes_.tolist().index("out"), kind),
    )


@pytest.mark.filterwarnings("ignore:[^`]*`booster=dart` is deprecated:UserWarning")  # XGBoost 3.4, once a process
@pytest.mark.parametrize("params", [{"num_parallel_tree": 2}, {"booster": "dart", "rate_drop": 0.3}])
def test_xgboosts_other_trees(params):
    model = XGBOOST.regressor(Normal(), **params).fit(X, Y)
    parts = [model.feature_importances(k, "total_gain") for k in range(2)]
    np.testing.assert_allclose(np.sum(parts, axis=0), own(model, "total_gain"), rtol=1e-5)


@pytest.mark.parametrize("params", [{"boosting_type": "dart"}, {"linear_tree": True}])
def test_lightgbms_other_trees(params):
    model = LIGHTGBM.regressor(Normal(), **params).fit(X, Y)
    parts = [model.feature_importances(k, "gain") for k in range(2)]
    np.testing.assert_allclose(np.sum(parts, axis=0), own(model, "gain"), rtol=1e-5)


def test_a_loaded_model_has_the_same(engine, tmp_path):
    model = engine.regressor(Normal()).fit(X, Y)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    expected = model.feature_importances("scale")
    np.testing.assert_allclose(loaded.feature_importances("scale"), expected, rtol=1e-6)


def test_bad_arguments(engine):
    model = engine.regressor(Normal(), n_estimators=2).fit(X, Y)
    for output, error, message in (
        ("mean", ValueError, "output must be one of 'loc', 'scale', got 'mean'"),
        (2, ValueError, "output must be 0 to 1, got 2"),
        (-1, ValueError, "output must be 0 to 1, got -1"),
        (True, TypeError, "output must be a number or a name, got True"),
        (0.0, TypeError, "output must be a number or a name, got 0.0"),
    ):
        with pytest.raises(error, match=message):
            model.feature_importances(output)
    with pytest.raises(ValueError, match=r"importance_type must be one of '.*, got 'shap'"):
        model.feature_importances(0, "shap")
    with pytest.raises(ValueError, match="output must be a number: they have no names, got 'loc'"):
        engine.regressor(n_estimators=2).fit(X, Y).feature_importances("loc")


@pytest.mark.filterwarnings("ignore:[^`]*`gblinear`:UserWarning", "ignore:.*booster=gblinear:UserWarning")
def test_models_without_trees_of_their_own_say_so():
    model = XGBOOST.regressor(n_estimators=3, booster="gblinear", max_depth=None).fit(X, Y)
    with pytest.raises(
        ValueError, match="a linear booster has no trees: its coefficients are coef_ of estimator_"
    ):
        model.feature_importances()
    model = XGBOOST.regressor(Normal(), n_estimators=3, multi_strategy="multi_output_tree", tree_method="hist")
    with pytest.raises(ValueError, match="output must be left out: under multi_output_tree"):
        model.fit(X, Y).feature_importances("scale")


@pytest.mark.parametrize("loss", [Normal(), SquaredError()], ids=repr)
def test_shap_values_of_an_output_add_up_to_its_raw_prediction(engine, loss):
    """As in the recipes; no package beside the engines."""
    model = engine.regressor(loss).fit(X, Y)
    if engine.name == "lightgbm":
        contributions = model.booster_.predict(X, pred_contrib=True)
    else:
        contributions = model.booster_.predict(engine.data(X), pred_contribs=True)
    contributions = contributions.reshape(len(X), loss.n_outputs, -1)
    assert contributions.shape[2] == 5  # the last one is the start value
    raw = model.predict_raw(X).reshape(len(X), -1)
    if engine is XGBOOST and version(xgb) < (3, 2):
        # XGBoost 3.1 writes the start value of the first output for all of them.
        contributions[:, :, -1] += (raw - contributions.sum(axis=2)).mean(axis=0)
    np.testing.assert_allclose(contributions.sum(axis=2), raw, rtol=1e-3, atol=1e-4)
    if loss == Normal():
        size = np.abs(contributions[:, :, :-1]).mean(axis=0)
        assert size.argmax(axis=1).tolist() == [0, 1]
