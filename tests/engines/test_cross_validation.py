"""`cv` of both engines begins each fold at its own best constant, and gives complete models."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    MultiQuantile,
    PoissonDeviance,
    Quantile,
    Tukey,
)
from gbm_objectives.distributions import Normal
from tests.catalogue import TRAINABLE, real_data
from tests.engine import LIGHTGBM, XGBOOST

X, Y = load_diabetes(return_X_y=True)


def means(engine, loss, X, y, rounds=20, params=(), offset=None, **keywords):
    data = engine.data(X, y)
    if offset is not None:
        (data.set_init_score if engine is LIGHTGBM else data.set_base_margin)(offset)
    if engine is LIGHTGBM:
        result = engine.ours.cv(
            {**engine.params, **dict(params)}, data, loss=loss, num_boost_round=rounds, **keywords
        )
        return np.array(result[f"valid {loss.name}-mean"])
    keywords = {"as_pandas": False, **keywords}
    result = engine.ours.cv({**engine.params, **dict(params)}, data, loss=loss, num_boost_round=rounds, **keywords)
    return np.array(result[f"test-{loss.name}-mean"])


@pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case.id)
def test_folds_are_those_of_training_by_hand(engine, case):
    X, y = real_data(case)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    got = means(engine, case.loss, X, y, rounds=10, folds=folds)
    by_hand = []
    for fit, late in folds:
        booster = engine.train(case.loss, X[fit], y[fit], rounds=10)
        by_hand.append(case.loss.value(y[late], engine.raw(booster, X[late])))
    # LightGBM bins the features of all rows in cross-validation.
    assert got[-1] == pytest.approx(np.mean(by_hand), rel=0.15 if engine is LIGHTGBM else 1e-4)
    start = np.mean(
        [
            case.loss.value(y[late], np.full((len(late), *np.shape(s)), s))
            for fit, late in folds
            for s in [case.loss.initial_raw(y[fit])]
        ]
    )
    assert abs(got[0] - start) < 0.35 * abs(start) + 0.1


@pytest.mark.parametrize("loss", [PoissonDeviance(), Tukey(), MultiQuantile((0.1, 0.9))], ids=repr)
def test_folds_beside_an_offset(engine, loss):
    offset = np.random.default_rng(0).normal(0, 1, len(Y))
    y = np.exp(offset + X[:, 2]) if isinstance(loss, PoissonDeviance) else offset + 1000.0 * X[:, 2]
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    got = means(engine, loss, X, y, rounds=10, offset=offset, folds=folds)
    by_hand = []
    for fit, late in folds:
        data = engine.data(X[fit], y[fit])
        (data.set_init_score if engine is LIGHTGBM else data.set_base_margin)(offset[fit])
        booster = engine.ours.train(engine.params, data, loss=loss, num_boost_round=10)
        by_hand.append(loss.value(y[late], (engine.raw(booster, X[late]).T + offset[late]).T))
    # LightGBM bins the features of all rows, XGBoost prints six decimals.
    assert got[-1] == pytest.approx(np.mean(by_hand), rel=0.15 if engine is LIGHTGBM else 1e-4, abs=1e-6)


def test_it_begins_where_the_stock_does_not():
    y = Y + 1000
    stock = lgb.cv(
        {**LIGHTGBM.params, "objective": AbsoluteError(), "metric": "None"},
        LIGHTGBM.data(X, y),
        20,
        feval=AbsoluteError().metric,
        stratified=False,
        nfold=3,
    )
    assert means(LIGHTGBM, AbsoluteError(), X, y, nfold=3)[-1] < 0.5 * stock["valid absolute_error-mean"][-1]


def test_lightgbms_boosters_are_complete():
    data, y = LIGHTGBM.data(X, Y > 140), Y > 140
    result = LIGHTGBM.ours.cv(
        LIGHTGBM.params, data, loss=BinaryCrossEntropy(), num_boost_round=10, nfold=3, return_cvbooster=True
    )
    for booster in result["cvbooster"].boosters:
        p = booster.predict(X)
        np.testing.assert_allclose(p, BinaryCrossEntropy().response(booster.predict(X, raw_score=True)))
        assert BinaryCrossEntropy().value(y, booster.predict(X, raw_score=True)) < 0.6


def test_early_stopping(engine):
    if engine is LIGHTGBM:
        got = means(engine, Quantile(0.9), X, Y, 300, {"early_stopping_round": 5, "learning_rate": 0.3}, nfold=3)
    else:
        got = means(engine, Quantile(0.9), X, Y, 300, nfold=3, early_stopping_rounds=5)
    assert len(got) < 299 and np.argmin(got) == len(got) - 1


def test_the_data_set_is_left_as_it_was(engine):
    data = engine.data(X, Y)
    engine.ours.cv(engine.params, data, loss=AbsoluteError(), num_boost_round=3, nfold=3)
    again = engine.ours.train(engine.params, data, loss=AbsoluteError(), num_boost_round=5)
    np.testing.assert_array_equal(
        engine.raw(again, X), engine.raw(engine.train(AbsoluteError(), X, Y, rounds=5), X)
    )


def test_several_outputs_and_classes(engine):
    got = means(engine, Normal(), X, Y, nfold=3)
    assert got[-1] < got[0]
    labels = np.digitize(Y, [100, 200])
    assert (np.diff(means(engine, CategoricalCrossEntropy(3), X, labels, nfold=3)) < 0.01).all()


def test_bad_input(engine):
    with pytest.raises(ValueError, match=r"finite numbers, got nan in row 3|Label contains NaN"):
        means(engine, AbsoluteError(), X, np.where(np.arange(len(Y)) == 3, np.nan, Y))
    with pytest.raises(TypeError, match=r"cv\(\) takes no (metrics|fpreproc|obj)"):
        means(
            engine,
            AbsoluteError(),
            X,
            Y,
            **({"metrics": "l1"} if engine is LIGHTGBM else {"obj": AbsoluteError()}),
        )
    with pytest.raises(ValueError, match="objective"):
        means(engine, AbsoluteError(), X, Y, params={"objective": "l1"})
    if engine is XGBOOST:
        with pytest.raises(ValueError, match="target distributions are not taken here"):
            data = xgb.DMatrix(X, np.full((len(Y), 3), 1 / 3))
            engine.ours.cv({}, data, loss=CategoricalCrossEntropy(3))
