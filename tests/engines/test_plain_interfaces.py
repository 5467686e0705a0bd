"""The loss as the engines' own objective, its metric as their metric, natively and through their wrappers."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import Cauchy, ProportionalOdds, SquaredError, Tukey, Welsch
from tests.catalogue import TRAINABLE, real_data
from tests.engine import LIGHTGBM, ROUNDS, XGBOOST, num_class, trained_limit

# With several outputs that are no classes: see test_several_outputs.
ONE_OUTPUT = [
    case
    for case in TRAINABLE
    # Redescending losses do not find back from the engines' own start, 0, which is far from the target here.
    # The metric of ordered classes is for our own `train`, which knows the thresholds of the training rows.
    if not (case.loss.outputs or isinstance(case.loss, (Cauchy, ProportionalOdds, Tukey, Welsch)))
]
trainable = pytest.mark.parametrize("case", ONE_OUTPUT, ids=lambda case: case.id)


def as_many_outputs(loss):
    """Whether there are as many outputs as the engines' classifiers have for that many classes."""
    return loss.n_classes == max(loss.n_outputs, 2)


def native_lightgbm(case, X, y, weight):
    data, history = lgb.Dataset(X, y, weight=weight), {}
    booster = lgb.train(
        {**LIGHTGBM.params, **num_class(case.loss), "objective": case.loss, "metric": "None"},
        data,
        ROUNDS,
        valid_sets=[data],
        feval=case.loss.metric,
        callbacks=[lgb.record_evaluation(history)],
    )
    return booster.predict(X, raw_score=True), history["training"][case.loss.name]


def sklearn_lightgbm(case, X, y, weight):
    sets = LIGHTGBM.bare_evaluation(X, y)
    kind = lgb.LGBMClassifier if as_many_outputs(case.loss) else lgb.LGBMRegressor
    model = kind(objective=case.loss, n_estimators=ROUNDS, **{**LIGHTGBM.params, "metric": "None"})
    model.fit(X, y, sample_weight=weight, **sets, eval_sample_weight=[weight], eval_metric=case.loss.metric)
    return model.predict(X, raw_score=True), next(iter(model.evals_result_.values()))[case.loss.name]


def native_xgboost(case, X, y, weight):
    data, history = xgb.DMatrix(X, y, weight=weight), {}
    booster = xgb.train(
        {
            **XGBOOST.params,
            **num_class(case.loss),
            # XGBClassifier declares this one, which moves XGBoost's own start value.
            **({"objective": "binary:logistic"} if case.target == "binary" else {}),
            "disable_default_eval_metric": True,
        },
        data,
        ROUNDS,
        obj=case.loss,
        custom_metric=case.loss.metric,
        evals=[(data, "training")],
        evals_result=history,
        verbose_eval=False,
    )
    return booster.predict(data, output_margin=True), history["training"][case.loss.name]


def sklearn_xgboost(case, X, y, weight):
    kind = xgb.XGBClassifier if as_many_outputs(case.loss) else xgb.XGBRegressor
    model = kind(
        objective=case.loss,
        eval_metric=case.loss.metric,
        n_estimators=ROUNDS,
        disable_default_eval_metric=True,
        **XGBOOST.params,
    )
    model.fit(X, y, sample_weight=weight, eval_set=[(X, y)], sample_weight_eval_set=[weight], verbose=False)
    return model.predict(X, output_margin=True), model.evals_result()["validation_0"][case.loss.name]


INTERFACES = {"lightgbm": (native_lightgbm, sklearn_lightgbm), "xgboost": (native_xgboost, sklearn_xgboost)}


# XGBModel hands the parameters of every parameter that has get_params, ours included, to the native learner,
# which then says that it does not use them.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")  # LightGBM 4.6 on itself
@pytest.mark.filterwarnings('ignore:[^"]*Parameters. . "objective__:UserWarning')
@trainable
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_plain_interfaces(engine, case, weighted):
    X, y = real_data(case)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    interfaces = INTERFACES[engine.name]
    (native, native_history), (wrapped, wrapped_history) = (
        interface(case, X, y, weight) for interface in interfaces
    )
    np.testing.assert_array_equal(native, wrapped)
    np.testing.assert_allclose(native_history, wrapped_history, rtol=1e-12)
    # The metric is the loss's own value on the engine's own predictions (XGBoost prints six decimals).
    assert native_history[-1] == pytest.approx(case.loss.value(y, native, weight), abs=2e-6, rel=1e-5)
    assert case.loss.value(y, native, weight) < trained_limit(case, y, weight)


@trainable
def test_cross_validation_of_both_engines(case):
    X, y = real_data(case)
    stratified = not case.is_number
    result = lgb.cv(
        {**LIGHTGBM.params, **num_class(case.loss), "objective": case.loss, "metric": "None"},
        lgb.Dataset(X, y),
        10,
        nfold=3,
        stratified=stratified,
        feval=case.loss.metric,
    )
    means = result[f"valid {case.loss.name}-mean"]
    assert len(means) == 10 and min(means) < means[0]
    table = xgb.cv(
        {**XGBOOST.params, **num_class(case.loss), "disable_default_eval_metric": True},
        xgb.DMatrix(X, y),
        10,
        nfold=3,
        stratified=stratified,
        obj=case.loss,
        custom_metric=case.loss.metric,
        as_pandas=False,
    )
    means = table[f"test-{case.loss.name}-mean"]
    assert len(means) == 10 and min(means) < means[0]


def test_metric_for_people_and_for_the_wrappers():
    metric, y, raw, weight = SquaredError().metric, np.zeros(2), np.array([1.0, 2.0]), np.array([3.0, 1.0])
    assert metric(y, raw) == 2.5 and metric(y, raw, weight) == metric(y, raw, sample_weight=weight) == 1.75
    assert metric(y, raw, weight, None) == ("squared_error", 1.75, False)


def test_bytes_in_another_machines_order(engine):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    model = engine.regressor(SquaredError()).fit(X, X[:, 0])
    for kind in (">f8", ">f4", "<f8"):
        np.testing.assert_allclose(model.predict(X.astype(kind)), model.predict(X), rtol=1e-5)
    swapped = engine.regressor(SquaredError()).fit(X.astype(">f8"), X[:, 0])
    np.testing.assert_allclose(swapped.predict(X), model.predict(X))
