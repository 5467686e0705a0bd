"""What fit takes: labels, class weights, containers, evaluation sets, models to go on from, odd data."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, special
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import train_test_split

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CategoricalFocal,
    GBMClassifier,
    Hinge,
    Huber,
)
from gbm_objectives.contract.start import constant_rows
from tests.engine import LIGHTGBM, XGBOOST, version

# LightGBM 4.6 on arrays that it named itself; a later version mended it.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")


@pytest.mark.parametrize(
    "labels",
    [["a", "b"], ["cold", "warm", "hot"], [False, True], [3, 7], [1.0, 2.0, 4.0]],
    ids=["str", "three", "bool", "int", "float"],
)
def test_any_label_type(engine, labels):
    X, codes = load_wine(return_X_y=True)
    rows = codes < len(labels)
    X, y = X[rows], np.array(labels)[codes[rows]]
    model = engine.classifier().fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.95
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))
    score = model.decision_function(X)
    assert score.shape == ((len(y),) if len(labels) == 2 else (len(y), len(labels)))


def test_hinge_has_labels_but_no_probabilities(engine):
    X, y = load_breast_cancer(return_X_y=True)
    model = engine.classifier(Hinge())
    assert not hasattr(model, "predict_proba")
    model.fit(X, np.array(["bad", "good"])[y])
    assert not hasattr(model, "predict_proba")
    assert hasattr(engine.classifier(), "predict_proba")
    assert np.mean(model.predict(X) == np.array(["bad", "good"])[y]) > 0.95
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X) == "good")


def test_categorical_loss_with_two_classes(engine):
    X, y = load_breast_cancer(return_X_y=True)
    model = engine.classifier(CategoricalCrossEntropy(2)).fit(X, y)
    assert model.predict_raw(X).shape == (len(y), 2)
    score = model.decision_function(X)
    np.testing.assert_allclose(special.expit(score), model.predict_proba(X)[:, 1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_target_distributions(engine, k):
    X, labels = (load_breast_cancer if k == 2 else load_wine)(return_X_y=True)
    target = 0.7 * np.eye(k)[labels] + 0.3 * np.random.default_rng(0).dirichlet(np.ones(k), len(labels))
    model = engine.classifier(n_estimators=100).fit(X, target, eval_set=[(X, target)])
    assert np.abs(model.predict_proba(X) - target).mean() < 0.08
    (history,) = model.evals_result_.values()
    assert history[model.loss_.name][-1] == pytest.approx(
        model.loss_.value(target if k == 3 else target[:, 1], model.predict_raw(X)), rel=1e-4, abs=2e-6
    )
    assert (model.predict(X) == labels).mean() > 0.95


def test_focal_loss_of_target_distributions(engine):
    X, labels = load_wine(return_X_y=True)
    target = 0.7 * np.eye(3)[labels] + 0.3 * np.random.default_rng(0).dirichlet(np.ones(3), len(labels))
    plain, cross = (engine.classifier(loss).fit(X, target) for loss in (CategoricalFocal(3, 0.0), None))
    np.testing.assert_allclose(plain.predict_proba(X), cross.predict_proba(X), atol=1e-3)  # gamma = 0 is the same
    focal = engine.classifier(CategoricalFocal(3)).fit(X, target)
    assert (focal.predict(X) == labels).mean() > 0.95
    start = focal.loss_.value(target, constant_rows(focal.loss_.initial_raw(target), len(target)))
    assert focal.loss_.value(target, focal.predict_raw(X)) < 0.6 * start


def test_class_weight(engine):
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["bad", "good"])[y]
    weight = np.where(names == "bad", 5.0, 1.0)
    by_class = engine.classifier(class_weight={"bad": 5.0, "good": 1.0}).fit(X, names)
    by_row = engine.classifier().fit(X, names, sample_weight=weight)
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    balanced = engine.classifier(class_weight="balanced").fit(X, names)
    assert balanced.loss_.initial_raw(y, len(y) / 2 / np.bincount(y)[y]) == pytest.approx(0, abs=1e-9)
    assert np.abs(balanced.predict_proba(X) - by_row.predict_proba(X)).max() > 0.01
    if engine is LIGHTGBM:  # its own parameter counts too
        inner = GBMClassifier(estimator=engine.estimator(True, class_weight={"bad": 5.0, "good": 1.0}))
        np.testing.assert_array_equal(inner.fit(X, names).predict_proba(X), by_row.predict_proba(X))


def test_data_frames_with_categories_and_missing_values(engine):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.assign(group=pd.cut(X["bmi"], 5, labels=list("abcde")).astype("category"))
    X.iloc[::9, 2] = np.nan
    params = {"enable_categorical": True} if engine is XGBOOST else {}
    model = engine.regressor(AbsoluteError(), **params).fit(X, y)
    np.testing.assert_array_equal(model.feature_names_in_, X.columns)
    assert list(engine.feature_names(model.booster_)) == list(X.columns)
    np.testing.assert_array_equal(model.estimator_.feature_names_in_, X.columns)
    array = X.iloc[:, :2].to_numpy()
    fitted = engine.regressor().fit(array, y).estimator_
    # LightGBM's before 4.7 has names of an array, too.
    assert hasattr(fitted, "feature_names_in_") == hasattr(clone(fitted).fit(array, y), "feature_names_in_")
    assert AbsoluteError().value(y, model.predict(X)) < 0.7 * AbsoluteError().value(y, np.full(len(y), y.median()))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[X.columns[::-1]])


@pytest.mark.parametrize("kind", ["csr", "csc", "polars", "list"])
def test_other_containers(engine, kind):
    X, y = load_diabetes(return_X_y=True)
    X = np.round(X, 2)
    expected = engine.regressor().fit(X, y).predict(X)
    if kind == "polars":
        pl = pytest.importorskip("polars")
        if engine is XGBOOST:
            pytest.importorskip("pyarrow")  # XGBoost reads polars by way of it
        if engine is LIGHTGBM and version(lgb) < (4, 7):
            pytest.skip("LightGBM takes polars since 4.7")
        data = pl.DataFrame({f"x{i}": X[:, i] for i in range(X.shape[1])})
    else:
        data = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "list": np.ndarray.tolist}[kind](X)
    if kind in ("csr", "csc") and engine is XGBOOST:
        expected = engine.regressor(missing=0.0).fit(X, y).predict(X)  # absent entries are missing ones there
        model = engine.regressor(missing=0.0)
    else:
        model = engine.regressor()
    np.testing.assert_allclose(model.fit(data, y).predict(data), expected, rtol=1e-5)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_sparse_counts_and_flags(engine, container, dtype):
    """One-hot columns and counts of words come as integers; LightGBM knows floats alone."""
    X, y = np.random.default_rng(0).integers(0, 3, (100, 4)).astype(dtype), np.arange(100.0)
    data, floats = container(X), sparse.csr_matrix(X.astype(np.float64))
    expected = engine.regressor().fit(floats, y).predict(floats)
    model = engine.regressor().fit(data, y, eval_set=[(data, y)])
    np.testing.assert_array_equal(model.predict(data), expected)
    assert data.dtype == dtype  # what was given is left as it was


def test_a_generator_as_random_state(engine):
    """It draws a seed, as in the engines' own estimators."""
    X, y = load_diabetes(return_X_y=True)
    params = {"subsample": 0.5, **({"subsample_freq": 1} if engine is LIGHTGBM else {})}
    seed = int(np.random.default_rng(3).integers(np.iinfo(np.int32).max))
    drawn, known, other = (
        engine.regressor(random_state=state, **params).fit(X, y).predict(X)
        for state in (np.random.default_rng(3), seed, seed + 1)
    )
    np.testing.assert_array_equal(drawn, known)
    assert np.abs(drawn - other).max() > 0


def test_evaluation_sets_metrics_and_callbacks(engine):
    X, y = load_breast_cancer(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    weight = np.linspace(0.5, 2, len(y_val))

    def error(y_true, y_pred, sample_weight=None):
        value = float(np.mean((y_pred > 0.5) != y_true))
        return ("error", value, False) if engine is LIGHTGBM else value

    calls = []
    model = engine.classifier().fit(
        X,
        y,
        eval_set=[(X, y), (X_val, y_val)],
        eval_sample_weight=[None, weight],
        eval_names=["fit", "late"],
        eval_metric=["auc", error],
        callbacks=[engine.callback(calls.append)],
    )
    assert calls == list(range(40))
    assert list(model.evals_result_) == ["fit", "late"]
    late = model.evals_result_["late"]
    assert set(late) == {"auc", "error", "binary_cross_entropy"}
    value = BinaryCrossEntropy().value(y_val, model.predict_raw(X_val), weight)
    assert late["binary_cross_entropy"][-1] == pytest.approx(value, rel=1e-5, abs=2e-6)
    assert late["error"][-1] == pytest.approx(1 - model.score(X_val, y_val), abs=1e-6)
    assert model.best_iteration_ is None


def test_stopped_model_predicts_with_its_best_round(engine):
    X, y = load_diabetes(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    model = engine.regressor(Huber(20.0), n_estimators=400, learning_rate=0.3, **engine.early_stopping())
    model.fit(X, y, eval_set=(X_val, y_val))
    (history,) = model.evals_result_.values()
    best = np.argmin(history["huber"])
    assert model.best_iteration_ == best + 1
    assert Huber(20.0).value(y_val, model.predict(X_val)) == pytest.approx(history["huber"][best], rel=1e-5)
    stock = engine.response(model.booster_, X_val)
    np.testing.assert_array_equal(stock, model.predict(X_val))


def test_goes_on_from_a_model(engine):
    X, y = load_diabetes(return_X_y=True)
    whole = engine.regressor(n_estimators=40).fit(X, y)
    half = engine.regressor(n_estimators=20).fit(X, y)
    for model in (half, half.booster_):
        rest = engine.regressor(n_estimators=20).fit(X, y, init_model=model)
        np.testing.assert_allclose(rest.predict(X), whole.predict(X), rtol=1e-4)


def test_one_row_per_class(engine):
    model = engine.classifier().fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
    proba = model.predict_proba([[0.0], [1.0], [2.0]])
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


def test_no_tree_grows(engine):
    X, y = np.ones((60, 1)), np.r_[np.zeros(20), np.ones(40)]
    proba = engine.classifier().fit(X, y, eval_set=[(X, y)]).predict_proba(X)
    np.testing.assert_allclose(proba[:, 1], 2 / 3, rtol=1e-5)
    assert engine.regressor().fit(X, y).predict(X) == pytest.approx(2 / 3, rel=1e-5)


def test_one_row(engine):
    assert engine.regressor().fit([[1.0, 2.0]], [7.0]).predict([[1.0, 2.0]]) == pytest.approx(7.0)
    with pytest.raises(ValueError, match="needs at least 2 classes, y has 1 class: 'a'"):
        engine.classifier().fit([[1.0], [2.0]], ["a", "a"])
