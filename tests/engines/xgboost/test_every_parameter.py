"""Every parameter of XGBoost at every door: the model that its own objective gives, or refused by name.

XGBoost's models list the parameters that they know, so that one of a new version is not forgotten.
"""

from __future__ import annotations

import json
from functools import cache
from inspect import signature

import numpy as np
import pytest
import xgboost as xgb
from xgboost import XGBClassifier, XGBRegressor

from gbm_objectives import BinaryCrossEntropy, GBMClassifier, GBMRegressor, SquaredError
from gbm_objectives.engines.xgboost import train
from tests.engines.xgboost.parameters import BASE, CHANGES, IDLE, NATIVE_ONLY, OWN, REFUSED

# XGBoost's own: of parameters that it does not use, and of those that it prefers others to.
pytestmark = pytest.mark.filterwarnings("ignore:.*WARNING:UserWarning")
ROUNDS = 10

rng = np.random.default_rng(0)
N_ROWS = 400
X = rng.normal(size=(N_ROWS, 6))
X[::7, 1] = np.nan
X[rng.random(N_ROWS) < 0.6, 2] = 0.0
X[:, 5] = rng.integers(0, 12, N_ROWS)
Y = 3 * X[:, 0] + np.nan_to_num(X[:, 1]) ** 2 + X[:, 2] * X[:, 3] + 2 * rng.normal(size=12)[X[:, 5].astype(int)]
Y += rng.normal(size=N_ROWS) + 20
LABELS = (np.median(Y) < Y).astype(int)


def columns(params):
    """Types of the columns: the last is one of categories, where XGBoost can train on them."""
    plain = params.get("booster") == "gblinear" or params.get("tree_method") == "exact" or "updater" in params
    return {"feature_types": [*"qqqqq", "q" if plain else "c"], "enable_categorical": not plain}


def in_train(params, ours):
    """The native training."""
    data = xgb.DMatrix(X, Y, nthread=1, **columns(params))
    if ours:
        return train(params, data, loss=SquaredError(), num_boost_round=ROUNDS).predict(data)
    return xgb.train({"objective": "reg:squarederror", **params}, data, ROUNDS).predict(data)


def as_the_wrapper_spells_them(params):
    spelled = {"nthread": "n_jobs", "seed": "random_state"}
    return {spelled.get(name, name): value for name, value in params.items()}


def in_regressor(params, ours):
    model = XGBRegressor(**{"n_estimators": ROUNDS, **columns(params), **as_the_wrapper_spells_them(params)})
    return (GBMRegressor(SquaredError(), model) if ours else model).fit(X, Y).predict(X)


def in_classifier(params, ours):
    model = XGBClassifier(**{"n_estimators": ROUNDS, **columns(params), **as_the_wrapper_spells_them(params)})
    return (GBMClassifier(BinaryCrossEntropy(), model) if ours else model).fit(X, LABELS).predict_proba(X)[:, 1]


DOORS = {"train": in_train, "regressor": in_regressor, "classifier": in_classifier}


@cache
def as_it_is(door):
    """What XGBoost predicts without any further parameter."""
    return DOORS[door](BASE, False)


def cases(table):
    """Each door with each parameter that it has."""
    return [(door, name) for door in DOORS for name in table if door == "train" or name not in NATIVE_ONLY]


def close(ours, stock):
    """All is float32: so is the start value, which XGBoost adds up in another order."""
    np.testing.assert_allclose(ours, stock, rtol=2e-5, atol=2e-5)


@cache
def known_parameters():
    """The names in the configurations of models of every kind."""
    names = set()

    def collect(part):
        for name, value in part.items() if isinstance(part, dict) else ():
            collect(value) if isinstance(value, dict) else names.add(name)
            for inner in value if isinstance(value, list) else ():
                collect(inner)

    data = xgb.DMatrix(X[:50, :5], Y[:50])
    kinds = [
        {},
        {"booster": "dart"},
        {"booster": "gblinear"},
        {"booster": "gblinear", "updater": "coord_descent"},
        {"tree_method": "approx"},
        {"tree_method": "exact"},
        {"multi_strategy": "multi_output_tree"},
    ]
    for kind in kinds:
        collect(json.loads(xgb.train(kind, data, 1).save_config()))
    return names - {"version"}


def test_every_parameter_is_listed():
    missing = known_parameters() - {*CHANGES, *REFUSED, *IDLE, *OWN}
    assert not missing, f"parameters of XGBoost {xgb.__version__} that no test compares: {sorted(missing)}"


@pytest.mark.parametrize("name", CHANGES)
def test_the_value_to_try_changes_xgboosts_own_model(name):
    params = {**BASE, **CHANGES[name][1]}
    changed = {**params, name: CHANGES[name][0]}
    assert np.abs(in_train(changed, False) - in_train(params, False)).max() > 0.05


@pytest.mark.parametrize(("door", "name"), cases(CHANGES))
def test_the_model_changes_as_xgboosts_own_does(door, name):
    params = {**BASE, **CHANGES[name][1], name: CHANGES[name][0]}
    close(DOORS[door](params, True), DOORS[door](params, False))


@pytest.mark.parametrize(("door", "name"), cases(IDLE))
def test_what_changes_no_model_changes_none(door, name):
    params = {**BASE, name: IDLE[name]}
    close(DOORS[door](params, False), as_it_is(door))
    close(DOORS[door](params, True), as_it_is(door))


@pytest.mark.parametrize("name", REFUSED)
def test_what_belongs_to_the_objective_is_refused(name):
    params = {name: REFUSED[name]}
    with pytest.raises(ValueError, match=name):
        train(params, xgb.DMatrix(X, Y), loss=SquaredError())
    with pytest.raises(ValueError, match=name):
        GBMRegressor(None, XGBRegressor(**params)).fit(X, Y)
    if name != "scale_pos_weight":
        with pytest.raises(ValueError, match=name):
            GBMClassifier(None, XGBClassifier(**params)).fit(X, LABELS)


# What the wrapper takes for itself, beside the parameters of the model.
WRAPPER = {
    "callbacks": [xgb.callback.LearningRateScheduler(lambda i: 0.1 + 0.05 * i)],
    "early_stopping_rounds": 2,
    "enable_categorical": True,
    "feature_types": ["q"] * 5 + ["c"],
    "feature_weights": [1.0, 0.01, 0.01, 1.0, 0.01, 0.01],
    "importance_type": "weight",
    "missing": 0.0,
    "n_estimators": 3,
}


def test_every_parameter_of_the_estimators_is_one_of_these():
    for wrapper in (xgb.XGBModel, XGBRegressor, XGBClassifier):
        listed = {*CHANGES, *REFUSED, *IDLE, *WRAPPER, "self", "kwargs"}
        assert not set(signature(wrapper.__init__).parameters) - listed


@pytest.mark.parametrize("name", WRAPPER)
def test_what_the_wrapper_does_itself(name):
    beside = {"feature_types": {"enable_categorical": True}, "enable_categorical": {"feature_types": [*"qqqqqc"]}}
    params = {**as_the_wrapper_spells_them(BASE), "n_estimators": ROUNDS, "colsample_bynode": 0.4}
    params |= {**beside.get(name, {}), name: WRAPPER[name]}
    sets = {"eval_set": [(X[:50], Y[:50])], "verbose": False} if name == "early_stopping_rounds" else {}
    if name == "early_stopping_rounds":
        params |= {"n_estimators": 200, "learning_rate": 0.8}
    stock = XGBRegressor(**params).fit(X[50:], Y[50:], **sets)
    ours = GBMRegressor(SquaredError(), XGBRegressor(**params)).fit(X[50:], Y[50:], **sets)
    close(ours.predict(X), stock.predict(X))
    if name != "early_stopping_rounds":  # XGBoost's estimator keeps the rounds after the best one
        np.testing.assert_allclose(ours.feature_importances_, stock.feature_importances_, rtol=1e-4)


def test_weights_of_features_belong_in_one_place():
    model = GBMRegressor(None, XGBRegressor(feature_weights=np.ones(6)))
    with pytest.raises(ValueError, match="feature_weights are given to the estimator and to fit"):
        model.fit(X, Y, feature_weights=np.ones(6))


def test_weights_of_classes():
    labels = (np.quantile(Y, 0.7) < Y).astype(int)
    # Bins of all values: XGBoost makes its bins by weight, and without this one.
    params = {**as_the_wrapper_spells_them(BASE), "n_estimators": ROUNDS, "max_bin": 512, "scale_pos_weight": 3.0}
    ours = GBMClassifier(BinaryCrossEntropy(), XGBClassifier(**params)).fit(X, labels)
    # XGBoost starts at the mean without the weight.
    start = float(np.average(labels, weights=np.where(labels, 3.0, 1.0)))
    stock = XGBClassifier(**params, base_score=start).fit(X, labels)
    close(ours.predict_proba(X), stock.predict_proba(X))


# What a data set is given, and whether it changes the model.
GIVEN = {
    "weight": (np.linspace(0.2, 3.0, N_ROWS), True),
    # Beside which the best constant is 0: ours starts at it, XGBoost's own at 0.
    "base_margin": (5 * X[:, 0] + (Y - 5 * X[:, 0]).mean(), True),
    "missing": (0.0, True),
    "feature_weights": (np.array([1.0, 0.01, 0.01, 1.0, 0.01, 0.01]), True),
    "feature_types": ([*"qqqqqc"], True),
    "enable_categorical": (True, False),
    "feature_names": (list("abcdef"), False),
    "nthread": (2, False),
    "silent": (True, False),
    "data_split_mode": (signature(xgb.DMatrix.__init__).parameters["data_split_mode"].default, False),
}
# group and qid are refused; bounds are for survival.
ELSEWHERE = {"self", "data", "label", "group", "qid", "label_lower_bound", "label_upper_bound"}


@pytest.mark.parametrize("name", GIVEN)
def test_what_a_data_set_is_given(name):
    value, changes = GIVEN[name]
    own = {"enable_categorical": True, name: value}
    params = {**BASE, "colsample_bynode": 0.4}

    def predictions(own, ours=False):
        data = xgb.DMatrix(X, Y, **own)
        if ours:
            booster = train(params, data, loss=SquaredError(), num_boost_round=ROUNDS)
            return booster.predict(data, output_margin=True)
        return xgb.train({**params, "objective": "reg:squarederror"}, data, ROUNDS).predict(data)

    close(predictions(own, ours=True), predictions(own))
    assert (np.abs(predictions(own) - predictions({"enable_categorical": True})).max() > 0.1) == changes


def test_all_that_a_data_set_is_given_is_compared():
    assert not set(signature(xgb.DMatrix.__init__).parameters) - {*GIVEN, *ELSEWHERE}
