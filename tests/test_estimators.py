"""GBMRegressor and GBMClassifier as scikit-learn citizens, on either engine."""

from __future__ import annotations

import json
import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import sklearn
import xgboost as xgb
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse, special
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from xgboost import XGBClassifier, XGBRegressor

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GBMClassifier,
    GBMRegressor,
    Hinge,
    Huber,
    SquaredError,
)
from gbm_objectives.engines import lightgbm as on_lightgbm

# LightGBM 4.6 on arrays that it named itself; a later version mended it.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")

LGB = {"n_estimators": 40, "num_leaves": 7, "verbosity": -1, "n_jobs": 1}
XGB = {"n_estimators": 40, "max_depth": 3, "n_jobs": 1}
ENGINES = ["lightgbm", "xgboost"]
engines = pytest.mark.parametrize("engine", ENGINES)


def regressor(engine, loss=None, **params):
    inner = LGBMRegressor(**{**LGB, **params}) if engine == "lightgbm" else XGBRegressor(**{**XGB, **params})
    return GBMRegressor(loss, inner)


def classifier(engine, loss=None, class_weight=None, **params):
    inner = LGBMClassifier(**{**LGB, **params}) if engine == "lightgbm" else XGBClassifier(**{**XGB, **params})
    return GBMClassifier(loss, inner, class_weight)


def early_stopping(engine, rounds=5):
    return {"early_stopping_round" if engine == "lightgbm" else "early_stopping_rounds": rounds}


# ---- scikit-learn's own checks -------------------------------------------------------------------------------

# XGBoost's sketch of the quantiles sees a weighted row and a repeated one differently: bare XGBClassifier fails
# these two as well (scikit-learn 1.9, XGBoost 3.4), the regressor's data has too few values to show it.
XGBOOST_CLASSIFIER_FAILS = {
    "check_sample_weight_equivalence_on_dense_data": "XGBoost's bins depend on the number of rows",
    "check_sample_weight_equivalence_on_sparse_data": "XGBoost's bins depend on the number of rows",
}


@pytest.mark.skipif(
    tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 9),
    reason="older versions check what newer ones no longer ask for",
)
@pytest.mark.filterwarnings("ignore")  # the checks pass odd data on purpose
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (GBMRegressor(estimator=LGBMRegressor(verbosity=-1, n_jobs=1)), {}),
        (GBMClassifier(estimator=LGBMClassifier(verbosity=-1, n_jobs=1)), {}),
        (GBMRegressor(estimator=XGBRegressor(n_jobs=1)), {}),
        (GBMClassifier(estimator=XGBClassifier(n_jobs=1)), XGBOOST_CLASSIFIER_FAILS),
        (GBMRegressor(), {}),
        (GBMClassifier(), {}),
    ],
    ids=lambda value: repr(value).split("(n_jobs")[0] if not isinstance(value, dict) else "",
)
def test_check_estimator(model, expected):
    check_estimator(model, expected_failed_checks=expected)
    for check in expected:
        results = check_estimator(clone(model.estimator), on_fail=None, on_skip=None)
        assert "failed" in {r["status"] for r in results if r["check_name"] == check}  # the bare one fails too


# ---- agreement with the bare engine estimators ---------------------------------------------------------------


def bare(engine, kind, y, weight, **params):
    """The engine's own estimator with its built-in objective, started from the average."""
    if engine == "lightgbm":
        return (LGBMRegressor if kind == "real" else LGBMClassifier)(**{**LGB, **params})
    base = {"base_score": float(np.average(y, weights=weight))} if kind != "multi" else {}
    return (XGBRegressor if kind == "real" else XGBClassifier)(**{**XGB, **base, **params})


@engines
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", ["real", "binary"])
def test_agrees_with_the_bare_estimator(engine, kind, weighted):
    X, y = (load_diabetes if kind == "real" else load_breast_cancer)(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    ours = (regressor if kind == "real" else classifier)(engine)
    theirs = bare(engine, kind, y, weight)
    ours.fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    method = "predict" if kind == "real" else "predict_proba"
    expected = getattr(theirs, method)(X_val)
    np.testing.assert_allclose(getattr(ours, method)(X_val), expected, rtol=1e-5, atol=1e-5)

    # early stopping: the same best iteration
    stop = {**early_stopping(engine), "n_estimators": 300, "learning_rate": 0.3}
    ours = (regressor if kind == "real" else classifier)(engine, **stop)
    theirs = bare(engine, kind, y, weight, **stop)
    ours.fit(X, y, sample_weight=weight, eval_set=[(X_val, y_val)])
    if engine == "xgboost":
        theirs.fit(X, y, sample_weight=weight, eval_set=[(X_val, y_val)], verbose=False)
        assert ours.best_iteration_ == theirs.best_iteration
    else:
        new = tuple(int(part) for part in lgb.__version__.split(".")[:2]) >= (4, 7)
        sets = {"eval_X": (X_val,), "eval_y": (y_val,)} if new else {"eval_set": [(X_val, y_val)]}
        theirs.fit(X, y, sample_weight=weight, **sets)
        assert ours.best_iteration_ == theirs.best_iteration_
    assert ours.best_iteration_ < 299
    np.testing.assert_allclose(getattr(ours, method)(X_val), getattr(theirs, method)(X_val), rtol=1e-5, atol=1e-5)


def test_softmax_agrees_with_bare_xgboost():
    # LightGBM's curvature for several classes is another one (k/(k-1)·p(1-p)), and so are its trees.
    X, y = load_wine(return_X_y=True)
    theirs = XGBClassifier(**XGB, base_score=np.log(np.bincount(y) / len(y)).tolist()).fit(X, y)
    ours = classifier("xgboost").fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-4, atol=1e-5)


# ---- what fit takes ------------------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize(
    "labels",
    [["a", "b"], ["cold", "warm", "hot"], [False, True], [3, 7], [1.0, 2.0, 4.0]],
    ids=["str", "three", "bool", "int", "float"],
)
def test_any_label_type(engine, labels):
    X, codes = load_wine(return_X_y=True)
    rows = codes < len(labels)
    X, y = X[rows], np.array(labels)[codes[rows]]
    model = classifier(engine).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.95
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))
    score = model.decision_function(X)
    assert score.shape == ((len(y),) if len(labels) == 2 else (len(y), len(labels)))


@engines
def test_hinge_has_labels_but_no_probabilities(engine):
    X, y = load_breast_cancer(return_X_y=True)
    model = classifier(engine, Hinge())
    assert not hasattr(model, "predict_proba")
    model.fit(X, np.array(["bad", "good"])[y])
    assert not hasattr(model, "predict_proba")
    assert hasattr(classifier(engine), "predict_proba")
    assert np.mean(model.predict(X) == np.array(["bad", "good"])[y]) > 0.95
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X) == "good")


@engines
def test_categorical_loss_with_two_classes(engine):
    X, y = load_breast_cancer(return_X_y=True)
    model = classifier(engine, CategoricalCrossEntropy(2)).fit(X, y)
    assert model.predict_raw(X).shape == (len(y), 2)
    score = model.decision_function(X)
    np.testing.assert_allclose(special.expit(score), model.predict_proba(X)[:, 1], rtol=1e-4, atol=1e-6)


@engines
@pytest.mark.parametrize("k", [2, 3])
def test_target_distributions(engine, k):
    X, labels = (load_breast_cancer if k == 2 else load_wine)(return_X_y=True)
    target = 0.7 * np.eye(k)[labels] + 0.3 * np.random.default_rng(0).dirichlet(np.ones(k), len(labels))
    model = classifier(engine, n_estimators=100).fit(X, target, eval_set=[(X, target)])
    assert np.abs(model.predict_proba(X) - target).mean() < 0.08
    (history,) = model.evals_result_.values()
    assert history[model.loss_.name][-1] == pytest.approx(
        model.loss_.value(target if k == 3 else target[:, 1], model.predict_raw(X)), rel=1e-4, abs=2e-6
    )
    assert (model.predict(X) == labels).mean() > 0.95


@engines
def test_class_weight(engine):
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["bad", "good"])[y]
    weight = np.where(names == "bad", 5.0, 1.0)
    by_class = classifier(engine, class_weight={"bad": 5.0, "good": 1.0}).fit(X, names)
    by_row = classifier(engine).fit(X, names, sample_weight=weight)
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    balanced = classifier(engine, class_weight="balanced").fit(X, names)
    assert balanced.loss_.initial_raw(y, len(y) / 2 / np.bincount(y)[y]) == pytest.approx(0, abs=1e-9)
    assert np.abs(balanced.predict_proba(X) - by_row.predict_proba(X)).max() > 0.01
    if engine == "lightgbm":  # its own parameter counts too
        inner = GBMClassifier(estimator=LGBMClassifier(**LGB, class_weight={"bad": 5.0, "good": 1.0}))
        np.testing.assert_array_equal(inner.fit(X, names).predict_proba(X), by_row.predict_proba(X))


@engines
def test_data_frames_with_categories_and_missing_values(engine):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.assign(group=pd.cut(X["bmi"], 5, labels=list("abcde")).astype("category"))
    X.iloc[::9, 2] = np.nan
    params = {"enable_categorical": True} if engine == "xgboost" else {}
    model = regressor(engine, AbsoluteError(), **params).fit(X, y)
    np.testing.assert_array_equal(model.feature_names_in_, X.columns)
    names = model.booster_.feature_name() if engine == "lightgbm" else model.booster_.feature_names
    assert list(names) == list(X.columns)
    assert AbsoluteError().value(y, model.predict(X)) < 0.7 * AbsoluteError().value(y, np.full(len(y), y.median()))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[X.columns[::-1]])


@engines
@pytest.mark.parametrize("kind", ["csr", "csc", "polars", "list"])
def test_other_containers(engine, kind):
    X, y = load_diabetes(return_X_y=True)
    X = np.round(X, 2)
    expected = regressor(engine).fit(X, y).predict(X)
    if kind == "polars":
        pl = pytest.importorskip("polars")
        if engine == "xgboost":
            pytest.importorskip("pyarrow")  # XGBoost reads polars by way of it
        if engine == "lightgbm" and tuple(int(p) for p in lgb.__version__.split(".")[:2]) < (4, 7):
            pytest.skip("LightGBM takes polars since 4.7")
        data = pl.DataFrame({f"x{i}": X[:, i] for i in range(X.shape[1])})
    else:
        data = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "list": np.ndarray.tolist}[kind](X)
    if kind in ("csr", "csc") and engine == "xgboost":
        expected = regressor(engine, missing=0.0).fit(X, y).predict(X)  # absent entries are missing ones there
        model = regressor(engine, missing=0.0)
    else:
        model = regressor(engine)
    np.testing.assert_allclose(model.fit(data, y).predict(data), expected, rtol=1e-5)


@engines
def test_evaluation_sets_metrics_and_callbacks(engine):
    X, y = load_breast_cancer(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    weight = np.linspace(0.5, 2, len(y_val))

    def error(y_true, raw, sample_weight=None):
        value = float(np.mean((raw > 0) != y_true))
        return ("error", value, False) if engine == "lightgbm" else value

    calls = []

    class Count(xgb.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            calls.append(epoch)

    model = classifier(engine).fit(
        X,
        y,
        eval_set=[(X, y), (X_val, y_val)],
        eval_sample_weight=[None, weight],
        eval_names=["fit", "late"],
        eval_metric=["auc", error],
        callbacks=[lambda env: calls.append(env.iteration)] if engine == "lightgbm" else [Count()],
    )
    assert calls == list(range(40))
    assert list(model.evals_result_) == ["fit", "late"]
    late = model.evals_result_["late"]
    assert set(late) == {"auc", "error", "binary_cross_entropy"}
    value = BinaryCrossEntropy().value(y_val, model.predict_raw(X_val), weight)
    assert late["binary_cross_entropy"][-1] == pytest.approx(value, rel=1e-5, abs=2e-6)
    assert late["error"][-1] == pytest.approx(1 - model.score(X_val, y_val), abs=1e-6)
    assert model.best_iteration_ is None


@engines
def test_stopped_model_predicts_with_its_best_round(engine):
    X, y = load_diabetes(return_X_y=True)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    model = regressor(engine, Huber(20.0), n_estimators=400, learning_rate=0.3, **early_stopping(engine))
    model.fit(X, y, eval_set=(X_val, y_val))
    (history,) = model.evals_result_.values()
    best = np.argmin(history["huber"])
    assert model.best_iteration_ == best + (engine == "lightgbm")
    assert Huber(20.0).value(y_val, model.predict(X_val)) == pytest.approx(history["huber"][best], rel=1e-5)
    stock = model.booster_.predict(X_val if engine == "lightgbm" else xgb.DMatrix(X_val))
    np.testing.assert_array_equal(stock, model.predict(X_val))


@engines
def test_goes_on_from_a_model(engine):
    X, y = load_diabetes(return_X_y=True)
    whole = regressor(engine, n_estimators=40).fit(X, y)
    half = regressor(engine, n_estimators=20).fit(X, y)
    for model in (half, half.booster_):
        rest = regressor(engine, n_estimators=20).fit(X, y, init_model=model)
        np.testing.assert_allclose(rest.predict(X), whole.predict(X), rtol=1e-4)


# ---- scikit-learn's tools ------------------------------------------------------------------------------------


@engines
def test_nested_search_in_workers(engine):
    X, y = load_diabetes(return_X_y=True)
    leaves = "estimator__num_leaves" if engine == "lightgbm" else "estimator__max_depth"
    grid = {"loss__delta": [1.0, 30.0], leaves: [2, 5]}
    search = GridSearchCV(regressor(engine, Huber()), grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.loss_.delta == search.best_params_["loss__delta"]
    assert len(search.cv_results_["params"]) == 4
    assert len(set(search.cv_results_["mean_test_score"])) == 4


@engines
def test_pipelines_cross_validation_calibration(engine):
    X, y = load_breast_cancer(return_X_y=True)
    assert cross_val_score(make_pipeline(StandardScaler(), classifier(engine)), X, y, cv=3).mean() > 0.93
    calibrated = CalibratedClassifierCV(classifier(engine, Hinge()), cv=3).fit(X, y)
    assert calibrated.predict_proba(X).shape == (len(y), 2)
    assert calibrated.score(X, y) > 0.95


@engines
def test_metadata_routing(engine):
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = make_pipeline(scaler, regressor(engine).set_fit_request(sample_weight=True))
        routed = model.fit(X, y, sample_weight=weight).predict(X)
    direct = make_pipeline(StandardScaler(), regressor(engine))
    direct.fit(X, y, **{"gbmregressor__sample_weight": weight})
    np.testing.assert_array_equal(routed, direct.predict(X))
    assert np.abs(routed - direct.fit(X, y).predict(X)).max() > 1e-3


@engines
def test_clone_and_parameters(engine):
    model = regressor(engine, Huber(2.0))
    copy = clone(model)
    assert copy.loss == model.loss and copy.loss is not model.loss
    copy.set_params(loss__delta=3.0, estimator__n_estimators=7)
    assert (copy.loss.delta, model.loss.delta, copy.estimator.n_estimators) == (3.0, 2.0, 7)
    X, y = load_diabetes(return_X_y=True)
    before = model.get_params()
    model.fit(X, y)
    assert model.get_params() == before  # fit changes nothing it was given
    assert isinstance(model.estimator_, type(model.estimator)) and model.estimator_ is not model.estimator
    assert model.feature_importances_.shape == (10,)
    np.testing.assert_allclose(model.estimator_.predict(X), model.predict(X), rtol=1e-6)


# ---- saving --------------------------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("kind", ["regressor", "str", "int", "object", "hinge"])
def test_saved_models(engine, kind, tmp_path):
    if kind == "regressor":
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        model = regressor(engine, Huber(np.float64(20.0)))
    else:
        X, codes = load_breast_cancer(return_X_y=True)
        y = {"str": np.array(["bad", "good"])[codes], "int": codes * 4, "hinge": codes}.get(kind)
        y = np.array(["bad", "good"], dtype=object)[codes] if kind == "object" else y
        model = classifier(engine, Hinge() if kind == "hinge" else None)
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


@engines
def test_damaged_and_foreign_files(engine, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    path = tmp_path / "model.json"
    regressor(engine, Huber(3.0)).fit(X, y).save_model(path)
    text, content = path.read_text(), json.loads(path.read_text())

    def fails(new, match, cls=GBMRegressor):
        path.write_text(new if isinstance(new, str) else json.dumps(new))
        with pytest.raises(ValueError, match=match):
            cls.load_model(path)

    fails(text[: len(text) // 2], "is not a model file of gbm_objectives, or it is damaged")
    fails("[1, 2]", "is not a model file")
    fails("{}", "is not a model file")
    fails({**content, "version": 99}, "has version 99, this package reads version 1")
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


# ---- small and odd data --------------------------------------------------------------------------------------


@engines
def test_one_row_per_class(engine):
    model = classifier(engine).fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
    proba = model.predict_proba([[0.0], [1.0], [2.0]])
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


@engines
def test_no_tree_grows(engine):
    X, y = np.ones((60, 1)), np.r_[np.zeros(20), np.ones(40)]
    proba = classifier(engine).fit(X, y, eval_set=[(X, y)]).predict_proba(X)
    np.testing.assert_allclose(proba[:, 1], 2 / 3, rtol=1e-5)
    assert regressor(engine).fit(X, y).predict(X) == pytest.approx(2 / 3, rel=1e-5)


@engines
def test_one_row(engine):
    assert regressor(engine).fit([[1.0, 2.0]], [7.0]).predict([[1.0, 2.0]]) == pytest.approx(7.0)
    with pytest.raises(ValueError, match="needs at least 2 classes, y has 1 class: 'a'"):
        classifier(engine).fit([[1.0], [2.0]], ["a", "a"])


# ---- errors --------------------------------------------------------------------------------------------------

X20, Y20 = np.random.default_rng(0).random((20, 3)), np.arange(20.0)
L20 = np.resize(["a", "b"], 20)


@engines
@pytest.mark.parametrize(
    ("fit", "error", "message"),
    [
        (lambda e: regressor(e, Huber).fit(X20, Y20), TypeError, "write it with parentheses"),
        (lambda e: regressor(e, Huber(-1)).fit(X20, Y20), ValueError, "delta of Huber must be above 0"),
        (lambda e: regressor(e, CategoricalCrossEntropy(3)).fit(X20, Y20), ValueError, "must have one output"),
        (lambda e: regressor(e).fit(X20, [*Y20[:-1], np.nan]), ValueError, "finite numbers, got nan in row 19"),
        (lambda e: regressor(e).fit(X20, L20), ValueError, "y must be numbers"),
        (lambda e: regressor(e).fit(X20, Y20[:9]), ValueError, "inconsistent numbers of samples"),
        (lambda e: regressor(e).fit(X20, Y20, sample_weight=-Y20), ValueError, "not negative, got -1.0 in row 1"),
        (lambda e: regressor(e).fit(X20, Y20, typo=1), TypeError, "unexpected keyword argument 'typo'"),
        (lambda e: regressor(e).fit(X20, Y20, eval_set=[X20]), ValueError, r"eval_set\[0\] must be a pair"),
        (
            lambda e: regressor(e).fit(X20, Y20, eval_set=[(X20, Y20)], eval_sample_weight=[None, None]),
            ValueError,
            "eval_sample_weight has 2 entries for 1",
        ),
        (lambda e: regressor(e, objective="quantile").fit(X20, Y20), ValueError, "objective of estimator"),
        (lambda e: GBMRegressor(estimator=LGBMClassifier()).fit(X20, Y20), TypeError, "must be a regressor"),
        (lambda e: GBMRegressor(estimator=StandardScaler()).fit(X20, Y20), TypeError, "LightGBM or XGBoost"),
        (lambda e: classifier(e, Huber()).fit(X20, L20), ValueError, "must be one of class labels"),
        (lambda e: classifier(e, Hinge()).fit(X20, Y20 % 3), ValueError, "tells 2 classes apart, y has 3"),
        (
            lambda e: classifier(e, CategoricalCrossEntropy(4)).fit(X20, L20),
            ValueError,
            "tells 4 classes apart, y has 2",
        ),
        (
            lambda e: classifier(e).fit(X20, L20, eval_set=[(X20, np.resize(["a", "z"], 20))]),
            ValueError,
            r"eval_set\[0\]: y has a label unseen in training, .*'z'.* in row 1",
        ),
        (
            lambda e: regressor(e).fit(X20, Y20, init_model=regressor(e)),
            NotFittedError,
            "is not fitted yet",
        ),
        (
            lambda e: regressor(e).fit(X20, Y20, init_model=object()),
            (TypeError, AttributeError),
            "object|Booster|model",
        ),
        (
            lambda e: regressor(e).fit(X20, Y20 % 2, init_model=classifier(e).fit(X20, L20).booster_),
            ValueError,
            "was trained as 'binary.*goes on from 'reg",
        ),
        (
            lambda e: classifier(e).fit(X20, L20, init_model=classifier(e).fit(X20, np.resize(["x", "y"], 20))),
            ValueError,
            "init_model knows the classes",
        ),
        (
            lambda e: regressor(e, Huber(1.0)).fit(X20, Y20, eval_set=[(X20, Y20)], eval_metric=Huber(2.0).metric),
            ValueError,
            "two metrics are named 'huber'",
        ),
        (
            lambda e: classifier(e, class_weight="balanced").fit(X20, np.full((20, 3), 1 / 3)),
            ValueError,
            "class_weight needs labels",
        ),
        (
            lambda e: regressor(e).fit(X20, Y20, eval_set=[(X20, Y20)], eval_names=["a", "b"]),
            ValueError,
            "eval_names has 2 entries for 1",
        ),
        (lambda e: classifier(e).fit(X20, np.array(["a", None] * 10, object)), ValueError, "got None"),
        (lambda e: classifier(e, scale_pos_weight=3).fit(X20, L20), ValueError, "scale_pos_weight"),
        (lambda e: classifier(e).fit(X20, np.full((20, 2), 0.7)), ValueError, "sum to 1"),
    ],
)
def test_errors(engine, fit, error, message):
    with pytest.raises(error, match=message):
        fit(engine)


def test_default_is_squared_error_on_lightgbm():
    X, y = load_diabetes(return_X_y=True)
    model = GBMRegressor().fit(X, y)
    assert model.loss_ == SquaredError()
    assert isinstance(model.booster_, lgb.Booster) and isinstance(model.estimator_, LGBMRegressor)
    native = on_lightgbm.train({"verbosity": -1}, lgb.Dataset(X, y), loss=SquaredError())
    np.testing.assert_allclose(model.predict(X), native.predict(X), rtol=1e-9)
