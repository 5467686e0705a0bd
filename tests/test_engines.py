"""Both engines, native and scikit-learn: the plain doors, and the complete models of `engines.*.train`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    Quantile,
    SquaredError,
)
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from tests.catalogue import CASES, TRAINABLE, real_data

ROUNDS = 60
LIGHTGBM = tuple(int(part) for part in lgb.__version__.split(".")[:2])
LGB = {"verbosity": -1, "num_leaves": 7, "num_threads": 1, "seed": 0, "deterministic": True}
XGB = {"max_depth": 3, "nthread": 1, "seed": 0}
trainable = pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case.id)

# Training loss after 60 rounds over the best constant's, at the most. The plain doors start at 0 or 0.5 with
# the target far away, so the losses without a link have farther to go there.
MARGIN = {"real": 0.75, "binary": 0.25, "label": 0.25}


def classes(case):
    return {} if case.loss.n_outputs == 1 else {"num_class": case.loss.n_outputs}


def constant_value(loss, y, weight=None):
    start = loss.initial_raw(y, weight)
    return loss.value(y, np.full((len(y), *np.shape(start)), start), weight)


# ---- the plain doors: the loss as objective, its metric as metric --------------------------------------------


def native_lightgbm(case, X, y, weight):
    data, history = lgb.Dataset(X, y, weight=weight), {}
    booster = lgb.train(
        {**LGB, **classes(case), "objective": case.loss, "metric": "None"},
        data,
        ROUNDS,
        valid_sets=[data],
        feval=case.loss.metric,
        callbacks=[lgb.record_evaluation(history)],
    )
    return booster.predict(X, raw_score=True), history["training"][case.loss.name]


def sklearn_lightgbm(case, X, y, weight):
    # The name of the evaluation sets' parameters changed in 4.7.
    sets = {"eval_set": [(X, y)]} if LIGHTGBM < (4, 7) else {"eval_X": (X,), "eval_y": (y,)}
    kind = lgb.LGBMRegressor if case.target == "real" else lgb.LGBMClassifier
    model = kind(objective=case.loss, n_estimators=ROUNDS, **{**LGB, "metric": "None"})
    model.fit(X, y, sample_weight=weight, **sets, eval_sample_weight=[weight], eval_metric=case.loss.metric)
    return model.predict(X, raw_score=True), next(iter(model.evals_result_.values()))[case.loss.name]


def native_xgboost(case, X, y, weight):
    data, history = xgb.DMatrix(X, y, weight=weight), {}
    booster = xgb.train(
        {
            **XGB,
            **classes(case),
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
    kind = xgb.XGBRegressor if case.target == "real" else xgb.XGBClassifier
    model = kind(
        objective=case.loss,
        eval_metric=case.loss.metric,
        n_estimators=ROUNDS,
        disable_default_eval_metric=True,
        **XGB,
    )
    model.fit(X, y, sample_weight=weight, eval_set=[(X, y)], sample_weight_eval_set=[weight], verbose=False)
    return model.predict(X, output_margin=True), model.evals_result()["validation_0"][case.loss.name]


# XGBModel hands the parameters of every parameter that has get_params, ours included, to the native learner,
# which then says that it does not use them.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")  # LightGBM 4.6 on itself
@pytest.mark.filterwarnings('ignore:[^"]*Parameters. . "objective__:UserWarning')
@trainable
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "doors", [(native_lightgbm, sklearn_lightgbm), (native_xgboost, sklearn_xgboost)], ids=["lightgbm", "xgboost"]
)
def test_plain_doors(case, weighted, doors):
    X, y = real_data(case)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    (native, native_history), (wrapped, wrapped_history) = (door(case, X, y, weight) for door in doors)
    np.testing.assert_array_equal(native, wrapped)
    np.testing.assert_allclose(native_history, wrapped_history, rtol=1e-12)
    # The metric is the loss's own value on the engine's own predictions (XGBoost prints six decimals).
    assert native_history[-1] == pytest.approx(case.loss.value(y, native, weight), abs=2e-6, rel=1e-5)
    assert case.loss.value(y, native, weight) < MARGIN[case.target] * constant_value(case.loss, y, weight)


@trainable
def test_cross_validation_of_both_engines(case):
    X, y = real_data(case)
    stratified = case.target != "real"
    result = lgb.cv(
        {**LGB, **classes(case), "objective": case.loss, "metric": "None"},
        lgb.Dataset(X, y),
        10,
        nfold=3,
        stratified=stratified,
        feval=case.loss.metric,
    )
    means = result[f"valid {case.loss.name}-mean"]
    assert len(means) == 10 and min(means) < means[0]
    table = xgb.cv(
        {**XGB, **classes(case), "disable_default_eval_metric": True},
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


# ---- complete models -----------------------------------------------------------------------------------------


class OnLightGBM:
    @staticmethod
    def data(X, y=None, weight=None):
        return lgb.Dataset(X, y, weight=weight, free_raw_data=False)

    @staticmethod
    def train(loss, X, y, weight=None, rounds=ROUNDS, params=(), **keywords):
        data = OnLightGBM.data(X, y, weight)
        return on_lightgbm.train({**LGB, **dict(params)}, data, loss=loss, num_boost_round=rounds, **keywords)

    @staticmethod
    def train_builtin(loss, X, y, weight=None):
        objective = "regression" if isinstance(loss, SquaredError) else "binary"
        return lgb.train({**LGB, "objective": objective}, OnLightGBM.data(X, y, weight), ROUNDS)

    @staticmethod
    def response(booster, X):
        return booster.predict(X)

    @staticmethod
    def raw(booster, X):
        return booster.predict(X, raw_score=True)


class OnXGBoost:
    data = staticmethod(xgb.DMatrix)

    @staticmethod
    def train(loss, X, y, weight=None, rounds=ROUNDS, params=(), **keywords):
        data = xgb.DMatrix(X, y, weight=weight)
        return on_xgboost.train({**XGB, **dict(params)}, data, loss=loss, num_boost_round=rounds, **keywords)

    @staticmethod
    def train_builtin(loss, X, y, weight=None):
        objective = "reg:squarederror" if isinstance(loss, SquaredError) else "binary:logistic"
        average = float(np.average(y, weights=weight))
        return xgb.train(
            {**XGB, "objective": objective, "base_score": average}, xgb.DMatrix(X, y, weight=weight), ROUNDS
        )

    @staticmethod
    def response(booster, X):
        return booster.predict(xgb.DMatrix(X))

    @staticmethod
    def raw(booster, X):
        return booster.predict(xgb.DMatrix(X), output_margin=True)


engines = pytest.mark.parametrize("engine", [OnLightGBM, OnXGBoost])


@engines
@trainable
def test_complete_model(case, engine):
    X, y = real_data(case)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    booster = engine.train(case.loss, X, y, weight)
    raw, response = engine.raw(booster, X), engine.response(booster, X)
    np.testing.assert_allclose(response, case.loss.response(raw), rtol=1e-5, atol=1e-6)
    assert case.loss.value(y, raw, weight) < MARGIN[case.target] * constant_value(case.loss, y, weight)


@engines
@trainable
def test_starts_at_the_best_constant(case, engine):
    X, y = real_data(case)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    rate = "learning_rate" if engine is OnLightGBM else "eta"
    booster = engine.train(case.loss, X, y, weight, rounds=1, params={rate: 1e-9})
    start = case.loss.initial_raw(y, weight)
    np.testing.assert_allclose(
        engine.raw(booster, X), np.full((len(y), *np.shape(start)), start), rtol=1e-5, atol=1e-6
    )


@engines
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", [SquaredError(), BinaryCrossEntropy()], ids=repr)
def test_equals_the_built_in_objective(engine, loss, weighted):
    load = load_diabetes if isinstance(loss, SquaredError) else load_breast_cancer
    X, y = load(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    ours, theirs = engine.train(loss, X, y, weight), engine.train_builtin(loss, X, y, weight)
    np.testing.assert_allclose(engine.response(ours, X), engine.response(theirs, X), rtol=1e-5, atol=1e-5)


@engines
@pytest.mark.parametrize("loss", [Huber(10.0), BinaryCrossEntropy(), CategoricalCrossEntropy(3)], ids=repr)
def test_stock_engine_serves_the_saved_model(engine, loss, tmp_path):
    load = {1: load_diabetes if isinstance(loss, Huber) else load_breast_cancer, 3: load_wine}[loss.n_outputs]
    X, y = load(return_X_y=True)
    booster = engine.train(loss, X, y)
    booster.save_model(tmp_path / "model.json")
    np.save(tmp_path / "X.npy", X)
    script = {
        OnLightGBM: "import lightgbm; p = lightgbm.Booster(model_file='model.json').predict(X)",
        OnXGBoost: "import xgboost; p = xgboost.Booster(model_file='model.json').predict(xgboost.DMatrix(X))",
    }[engine]
    script = (
        f"import sys; sys.modules['gbm_objectives'] = None; import numpy; X = numpy.load('X.npy'); {script};"
        " numpy.save('p.npy', p)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), engine.response(booster, X))


@engines
def test_contributions_sum_to_the_raw_prediction(engine):
    X, y = load_breast_cancer(return_X_y=True)
    booster = engine.train(BinaryCrossEntropy(), X, y)
    data = X if engine is OnLightGBM else xgb.DMatrix(X)
    contributions = booster.predict(data, **{"pred_contrib" if engine is OnLightGBM else "pred_contribs": True})
    np.testing.assert_allclose(contributions.sum(axis=1), engine.raw(booster, X), atol=1e-4)


@engines
@trainable
def test_early_stopping_on_the_loss(case, engine):
    X, y = real_data(case)
    order = np.random.default_rng(0).permutation(len(y))
    fit, late, other = order[: len(y) // 2], order[len(y) // 2 : -40], order[-40:]
    sets = [engine.data(X[rows], y[rows]) for rows in (other, late)]
    if engine is OnLightGBM:
        history = {}
        booster = engine.train(
            case.loss,
            X[fit],
            y[fit],
            rounds=400,
            params={"early_stopping_round": 5, "first_metric_only": True, "learning_rate": 0.3},
            valid_sets=[sets[1]],
            valid_names=["late"],
            callbacks=[lgb.record_evaluation(history)],
        )
        values, best = history["late"][case.loss.name], booster.best_iteration
        assert set(booster.best_score["late"]) == {case.loss.name}  # no other metric sneaks in
        raw = engine.raw(booster, X[late])
    else:
        history = {}
        booster = engine.train(
            case.loss,
            X[fit],
            y[fit],
            rounds=400,
            early_stopping_rounds=5,
            evals=[(sets[0], "other"), (sets[1], "late")],
            evals_result=history,
            verbose_eval=False,
        )
        assert set(history["late"]) == {case.loss.name}
        values, best = history["late"][case.loss.name], booster.best_iteration + 1
        raw = booster.predict(sets[1], output_margin=True, iteration_range=(0, best))
    assert best == np.argmin(values) + 1 < 400
    # The validation set starts where the training set starts: its metric is that of the final model.
    assert values[best - 1] == pytest.approx(case.loss.value(y[late], raw), rel=1e-5, abs=2e-6)


@engines
def test_user_metrics_are_kept(engine):
    X, y = load_breast_cancer(return_X_y=True)
    data, loss, history = engine.data(X, y), BinaryCrossEntropy(), {}

    def error(raw, dataset):
        value = float(np.mean((raw > 0) != dataset.get_label()))
        return ("error", value, False) if engine is OnLightGBM else ("error", value)

    if engine is OnLightGBM:
        engine.train(
            loss,
            X,
            y,
            params={"metric": "auc"},
            valid_sets=[data],
            feval=[error, loss.metric],
            callbacks=[lgb.record_evaluation(history)],
        )
        assert sorted(history["valid_0"]) == ["auc", "binary_cross_entropy", "error"]
    else:
        params = {"eval_metric": ["auc", "logloss"]}
        engine.train(
            loss,
            X,
            y,
            params=params,
            evals=[(data, "v")],
            custom_metric=error,
            evals_result=history,
            verbose_eval=False,
        )
        assert list(history["v"]) == ["auc", "logloss", "error", "binary_cross_entropy"]
        # XGBoost applies the declared link before its own metrics.
        np.testing.assert_allclose(history["v"]["logloss"], history["v"]["binary_cross_entropy"], atol=2e-6)


@engines
@pytest.mark.parametrize("loss", [Huber(10.0), CategoricalCrossEntropy(3)], ids=repr)
def test_training_goes_on_from_a_model(engine, loss):
    X, y = (load_diabetes if loss.n_outputs == 1 else load_wine)(return_X_y=True)
    whole, half = engine.train(loss, X, y, rounds=20), engine.train(loss, X, y, rounds=10)
    rest = engine.train(loss, X, y, rounds=10, **{"init_model" if engine is OnLightGBM else "xgb_model": half})
    np.testing.assert_allclose(engine.raw(rest, X), engine.raw(whole, X), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(engine.response(rest, X), loss.response(engine.raw(rest, X)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", [Huber(10.0), CategoricalCrossEntropy(3)], ids=repr)
def test_one_lightgbm_data_set_serves_many_trainings(loss):
    X, y = (load_diabetes if loss.n_outputs == 1 else load_wine)(return_X_y=True)

    def data():
        return lgb.Dataset(X, y, free_raw_data=False)

    shared = data()
    first = on_lightgbm.train(LGB, shared, loss=loss, num_boost_round=5)
    for _ in range(2):  # on from the same model, and after that from none
        second = on_lightgbm.train(LGB, shared, loss=loss, num_boost_round=5, init_model=first)
        expected = on_lightgbm.train(LGB, data(), loss=loss, num_boost_round=5, init_model=first)
        np.testing.assert_array_equal(second.predict(X), expected.predict(X))
        assert shared.get_init_score() is None
    again = on_lightgbm.train(LGB, shared, loss=loss, num_boost_round=5)
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_data_sets_are_left_as_they_were():
    X, y = load_wine(return_X_y=True)
    loss, params = CategoricalCrossEntropy(3), dict(LGB)
    train_set = lgb.Dataset(X, y)
    valid_set = lgb.Dataset(X, y, reference=train_set)
    first = on_lightgbm.train(params, train_set, loss=loss, num_boost_round=5, valid_sets=[valid_set])
    assert train_set.get_init_score() is None and valid_set.get_init_score() is None

    def interrupt(env):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_lightgbm.train(params, train_set, loss=loss, valid_sets=[valid_set], callbacks=[interrupt])
    assert train_set.get_init_score() is None and valid_set.get_init_score() is None
    again = on_lightgbm.train(params, train_set, loss=loss, num_boost_round=5, valid_sets=valid_set)
    assert params == LGB
    np.testing.assert_array_equal(first.predict(X), again.predict(X))


@engines
def test_distributions_as_target(engine):
    X, labels = load_wine(return_X_y=True)
    rng = np.random.default_rng(0)
    target = 0.8 * np.eye(3)[labels] + 0.2 * rng.dirichlet(np.ones(3), len(labels))
    loss = CategoricalCrossEntropy(3)
    if engine is OnXGBoost:
        data = xgb.DMatrix(X, target)
        booster = on_xgboost.train(
            XGB, data, loss=loss, num_boost_round=ROUNDS, evals=[(data, "t")], verbose_eval=False
        )
        assert data.get_label().size == target.size and not hasattr(data, "target_distribution")
        plain = xgb.train(XGB, data, ROUNDS, obj=loss)
        assert loss.value(target, plain.predict(data, output_margin=True)) < constant_value(loss, target)
    else:
        data = lgb.Dataset(X, labels, free_raw_data=False)
        data.target_distribution = target
        booster = on_lightgbm.train(LGB, data, loss=loss, num_boost_round=ROUNDS)
    floor = loss.value(target, np.log(target))  # the entropy of the target
    start = constant_value(loss, target)
    assert loss.value(target, engine.raw(booster, X)) - floor < 0.1 * (start - floor)
    # Trained on the distributions and not on the labels: those would drive the probabilities to 0 and 1.
    assert np.abs(engine.response(booster, X) - target).mean() < 0.05


def test_distributions_survive_subsets_of_lightgbm():
    X, _ = load_wine(return_X_y=True)
    data, loss = lgb.Dataset(X, np.zeros(len(X)), free_raw_data=False), CategoricalCrossEntropy(3)
    data.target_distribution = np.full((len(X), 3), 1 / 3)
    result = lgb.cv(
        {**LGB, "num_class": 3, "objective": loss, "metric": "None"},
        data,
        5,
        nfold=3,
        stratified=False,
        feval=loss.metric,
    )
    # The entropy of the target; trained on the labels, all 0, it would fall.
    np.testing.assert_allclose(result["valid categorical_cross_entropy-mean"], np.log(3), rtol=1e-6)


@engines
def test_constant_target_with_large_weights(engine):
    X, _ = load_diabetes(return_X_y=True)
    y, weight = np.ones(len(X)), np.full(len(X), 1e9)
    for loss in (AbsoluteError(), Quantile(0.9), Huber()):
        assert engine.raw(engine.train(loss, X, y, weight, rounds=3), X) == pytest.approx(1.0, abs=1e-3)
        grad, hess = loss.gradient_hessian(1e15 * np.arange(100.0), np.zeros(100), np.full(100, 1e-30))
        assert np.isfinite(grad).all() and hess.any()


def test_few_rows_and_early_stopping():
    X, y = load_diabetes(return_X_y=True)
    data = OnLightGBM.data(X[:30], y[:30])
    booster = OnLightGBM.train(Huber(), X[:30], y[:30], params={"early_stopping_round": 5}, valid_sets=[data])
    np.testing.assert_allclose(booster.predict(X), Huber().initial_raw(y[:30]))


def test_iterators_and_names_of_xgboost():
    X, y = load_diabetes(return_X_y=True)
    data = xgb.DMatrix(X, y)

    class PrecisionError(type(SquaredError())):  # XGBoost would maximise a metric that begins with "pre"
        pass

    assert PrecisionError().name == "precision_error"
    histories = {}
    for loss in (SquaredError(), PrecisionError()):
        booster = on_xgboost.train(
            XGB,
            data,
            loss=loss,
            num_boost_round=20,
            evals=zip([data], ["t"], strict=True),
            early_stopping_rounds=3,
            verbose_eval=False,
        )
        histories[loss] = booster.best_iteration
    assert set(histories.values()) == {19}


def test_metric_for_people_and_for_the_wrappers():
    metric, y, raw, weight = SquaredError().metric, np.zeros(2), np.array([1.0, 2.0]), np.array([3.0, 1.0])
    assert metric(y, raw) == 2.5 and metric(y, raw, weight) == metric(y, raw, sample_weight=weight) == 1.75
    assert metric(y, raw, weight, None) == ("squared_error", 1.75, False)


@engines
def test_soft_binary_target(engine):
    X, labels = load_breast_cancer(return_X_y=True)
    y = 0.1 + 0.8 * labels
    p = engine.response(engine.train(BinaryCrossEntropy(), X, y, rounds=200), X)
    assert np.abs(p - y).mean() < 0.02


def test_linear_trees_hold_the_start_value():
    X, y = load_diabetes(return_X_y=True)
    X[::7, 2] = np.nan  # rows with a missing value fall back to the leaf's constant
    data, loss, history = lgb.Dataset(X, y, free_raw_data=False), Huber(10.0), {}
    booster = on_lightgbm.train(
        {**LGB, "linear_tree": True},
        data,
        loss=loss,
        num_boost_round=20,
        valid_sets=[data],
        valid_names=["t"],
        callbacks=[lgb.record_evaluation(history)],
    )
    assert loss.value(y, booster.predict(X)) == pytest.approx(history["t"]["huber"][-1], rel=1e-6)


@engines
@pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case.id)
def test_without_a_usable_feature_the_model_is_the_best_constant(engine, case):
    _, y = real_data(case)
    X = np.zeros((len(y), 2))
    booster = engine.train(case.loss, X, y, rounds=3)
    raw = engine.raw(booster, X)
    np.testing.assert_array_equal(raw, np.broadcast_to(raw[0], raw.shape))
    # XGBoost takes a Newton step in the root, where a smoothed gradient is 0 close to the best constant, not at
    # it.
    assert case.loss.value(y, raw) <= 1.1 * constant_value(case.loss, y)
    np.testing.assert_allclose(engine.response(booster, X), case.loss.response(raw), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:[^`]*`booster=dart` is deprecated:UserWarning")  # XGBoost 3.4
@engines
@pytest.mark.parametrize("booster", ["dart", "goss", "bagging"])
def test_other_boosters(engine, booster):
    X, y = load_breast_cancer(return_X_y=True)
    params = {
        (OnLightGBM, "dart"): {"boosting": "dart"},
        (OnLightGBM, "goss"): {"data_sample_strategy": "goss"},
        (OnLightGBM, "bagging"): {"bagging_freq": 1, "bagging_fraction": 0.5},
        (OnXGBoost, "dart"): {"booster": "dart", "rate_drop": 0.1},
        (OnXGBoost, "goss"): {"subsample": 0.3, "sampling_method": "uniform"},
        (OnXGBoost, "bagging"): {"subsample": 0.5},
    }[engine, booster]
    loss = BinaryCrossEntropy()
    model = engine.train(loss, X, y, params=params)
    assert loss.value(y, engine.raw(model, X)) < 0.25 * constant_value(loss, y)


@engines
def test_own_loss_with_log_link(engine):
    """The README's example of a loss of one's own, on the link that none of ours has."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    namespace = {}
    exec(re.search(r"for counts:\n\n```python\n(.*?)```", readme, re.DOTALL)[1], namespace)
    Poisson = namespace["Poisson"]
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (500, 2))
    y = rng.poisson(np.exp(1 + X[:, 0]))
    booster = engine.train(Poisson(), X, y)
    raw = engine.raw(booster, X)
    np.testing.assert_allclose(engine.response(booster, X), np.exp(raw), rtol=1e-5)
    assert Poisson().value(y, raw) < constant_value(Poisson(), y) - 0.1


def test_trainable_cases_cover_every_loss():
    assert {type(case.loss) for case in TRAINABLE} == {type(case.loss) for case in CASES}
