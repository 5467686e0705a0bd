"""GBMRegressor and GBMClassifier as scikit-learn citizens: its checks, searches, pipelines, routing, clones."""

from __future__ import annotations

from inspect import signature

import numpy as np
import pytest
import sklearn
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from xgboost import XGBClassifier, XGBRegressor

from gbm_objectives import BinaryCrossEntropy, Focal, GBMClassifier, GBMRegressor, Hinge, Huber, PoissonDeviance
from tests.engine import version

# LightGBM 4.6 on arrays that it named itself; a later version mended it.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
# XGBoost's sketch of the quantiles sees a weighted row and a repeated one differently: bare XGBClassifier fails
# these two as well (scikit-learn 1.9, XGBoost 3.4), the regressor's data has too few values to show it.
XGBOOST_CLASSIFIER_FAILS = {
    "check_sample_weight_equivalence_on_dense_data": "XGBoost's bins depend on the number of rows",
    "check_sample_weight_equivalence_on_sparse_data": "XGBoost's bins depend on the number of rows",
}


@pytest.mark.skipif(
    version(sklearn) < (1, 9),
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


@pytest.mark.skipif(version(sklearn) < (1, 9), reason="older versions check what newer ones no longer ask for")
@pytest.mark.filterwarnings("ignore")
def test_check_estimator_with_rows_put_aside(engine):
    """A row of weight 0 may be put aside, one that is left out may not; scikit-learn's own boosting fails, too."""
    checks = [f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")]
    for model in (engine.regressor(n_estimators=100), engine.classifier(n_estimators=100)):
        model.set_params(validation_fraction=0.2)
        check_estimator(model, expected_failed_checks=dict.fromkeys(checks, "other rows are put aside"))
    stock = HistGradientBoostingRegressor(early_stopping=True, validation_fraction=0.2)
    results = check_estimator(stock, on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == checks[:1]


def test_nested_search_in_workers(engine):
    X, y = load_diabetes(return_X_y=True)
    grid = {"loss__delta": [1.0, 30.0], f"estimator__{engine.size}": [2, 5]}
    search = GridSearchCV(engine.regressor(Huber()), grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.loss_.delta == search.best_params_["loss__delta"]
    assert len(search.cv_results_["params"]) == 4
    assert len(set(search.cv_results_["mean_test_score"])) == 4


def test_pipelines_cross_validation_calibration(engine):
    X, y = load_breast_cancer(return_X_y=True)
    assert cross_val_score(make_pipeline(StandardScaler(), engine.classifier()), X, y, cv=3).mean() > 0.93
    calibrated = CalibratedClassifierCV(engine.classifier(Hinge()), cv=3).fit(X, y)
    assert calibrated.predict_proba(X).shape == (len(y), 2)
    assert calibrated.score(X, y) > 0.95


def test_metadata_routing(engine):
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = make_pipeline(scaler, engine.regressor().set_fit_request(sample_weight=True))
        routed = model.fit(X, y, sample_weight=weight).predict(X)
    direct = make_pipeline(StandardScaler(), engine.regressor())
    direct.fit(X, y, **{"gbmregressor__sample_weight": weight})
    np.testing.assert_array_equal(routed, direct.predict(X))
    assert np.abs(routed - direct.fit(X, y).predict(X)).max() > 1e-3


def test_offsets_are_routed(engine):
    """Of each fold the rows that are trained on have their offsets, as when folds are cut by hand."""
    rng = np.random.default_rng(0)
    X, exposure = rng.standard_normal((300, 3)), rng.uniform(0.1, 9, 300)
    y = rng.poisson(exposure * np.exp(X[:, 0]))
    folds = list(KFold(3).split(X))
    for name in ("init_score", "base_margin"):
        model = engine.regressor(PoissonDeviance())
        with sklearn.config_context(enable_metadata_routing=True):
            pipeline = make_pipeline(StandardScaler(), model.set_fit_request(**{name: True}))
            given = {name: np.log(exposure)}
            result = cross_validate(pipeline, X, y, cv=folds, params=given, return_estimator=True)
            search = GridSearchCV(pipeline, {"gbmregressor__estimator__n_estimators": [40]}, cv=folds)
            search.fit(X, y, **given)
            with pytest.raises(UnsetMetadataPassedError, match=name):
                cross_validate(engine.regressor(PoissonDeviance()), X, y, cv=folds, params=given)
        for (train, _), fitted in zip(folds, result["estimator"], strict=True):
            scaler = StandardScaler().fit(X[train])
            direct = engine.regressor(PoissonDeviance())
            direct.fit(scaler.transform(X[train]), y[train], init_score=np.log(exposure[train]))
            np.testing.assert_array_equal(fitted.predict(X), direct.predict(scaler.transform(X)))
        np.testing.assert_allclose(search.cv_results_["mean_test_score"], result["test_score"].mean())


def test_evaluation_sets_are_routed_through_a_pipeline(engine):
    X, y = load_diabetes(return_X_y=True)
    late, offset = slice(300, None), np.linspace(-9.0, 9.0, len(y))
    names = ("eval_X", "eval_y", "init_score", "eval_init_score", "eval_sample_weight", "eval_names", "callbacks")
    seen = []
    with sklearn.config_context(enable_metadata_routing=True):
        model = engine.regressor(Huber(20.0)).set_fit_request(**dict.fromkeys(names, True))
        pipeline = Pipeline([("scale", StandardScaler()), ("model", model)], transform_input=["eval_X"])
        pipeline.fit(
            X[:300],
            y[:300],
            eval_X=(X[late],),
            eval_y=(y[late],),
            init_score=offset[:300],
            eval_init_score=[offset[late]],
            eval_sample_weight=[np.ones(len(y[late]))],
            eval_names=["late"],
            callbacks=[engine.callback(seen.append)],
        )
    (history,) = pipeline[-1].evals_result_["late"].values()
    raw = pipeline.predict(X[late]) + offset[late]
    assert history[-1] == pytest.approx(Huber(20.0).value(y[late], raw), rel=1e-5)
    assert len(seen) == len(history) == 40


def test_every_keyword_of_fit_can_be_requested(engine):
    """What the engine's own `fit` is asked for by routing, ours is too."""
    for model in (engine.regressor(), engine.classifier()):
        stock, ours = (signature(one.set_fit_request).parameters for one in (model.estimator, model))
        assert set(stock) - set(ours) == ({"eval_class_weight"} & set(stock))  # which has no counterpart of ours


def test_clone_and_parameters(engine):
    model = engine.regressor(Huber(2.0))
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


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(smoothing=0.05), Focal()], ids=repr)
def test_one_classifier_per_class(engine, loss):
    X, y = load_wine(return_X_y=True)
    model = OneVsRestClassifier(engine.classifier(loss)).fit(X[::2], y[::2])
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-6)
    assert model.score(X[1::2], y[1::2]) > 0.9
