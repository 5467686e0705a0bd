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
    CoxPH,
    MultiQuantile,
    PoissonDeviance,
    ProportionalOdds,
    Quantile,
    Tukey,
)
from gbm_objectives.contract.calling import LABEL_BOUNDS
from gbm_objectives.distributions import Censored, LogNormal, Normal
from gbm_objectives.engines.xgboost.data_sets import numbered
from tests.catalogue import TRAINABLE, real_data
from tests.engine import LIGHTGBM, XGBOOST, knowing, own_value

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
        # What a loss must know of the training rows it knows before the round.
        loss = knowing(case.loss, y[fit], engine.staged_raw(booster, X[fit], [9])[0])
        by_hand.append(loss.value(y[late], engine.raw(booster, X[late])))
    # LightGBM bins the features of all rows in cross-validation.
    assert got[-1] == pytest.approx(np.mean(by_hand), rel=0.15 if engine is LIGHTGBM else 1e-4)
    start = np.mean(
        [
            own_value(case.loss, y[late], np.full((len(late), *np.shape(s)), s))
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


def in_columns(loss):
    """Targets of several columns, and the label that goes with them."""
    rng = np.random.default_rng(1)
    if isinstance(loss, CategoricalCrossEntropy):
        target = rng.dirichlet(np.ones(3), len(Y))
        return target, target.argmax(axis=1)
    time, end = np.exp(3.0 * X[:, 2] + 0.3 * rng.normal(size=len(Y))), rng.uniform(0.5, 3.0, len(Y))
    return np.column_stack([np.minimum(time, end), np.where(time <= end, time, np.inf)]), np.minimum(time, end)


@pytest.mark.parametrize("loss", [CoxPH(), Censored(LogNormal()), CategoricalCrossEntropy(3)], ids=repr)
def test_folds_of_several_columns(engine, loss):
    target, label = in_columns(loss)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    data = engine.data(X, label)
    data.target = target
    result = engine.ours.cv(engine.params, data, loss=loss, num_boost_round=10, folds=folds)
    got = result[f"{'valid ' if engine is LIGHTGBM else 'test-'}{loss.name}-mean"]
    by_hand = []
    for fit, late in folds:
        part = engine.data(X[fit], label[fit])
        part.target = target[fit]
        booster = engine.ours.train(engine.params, part, loss=loss, num_boost_round=10)
        by_hand.append(loss.value(target[late], engine.raw(booster, X[late])))
    # LightGBM bins the features of all rows, XGBoost prints six decimals.
    assert np.asarray(got)[-1] == pytest.approx(np.mean(by_hand), rel=0.1 if engine is LIGHTGBM else 1e-4)
    # The data set is as it was.
    np.testing.assert_array_equal(data.target, target)
    assert engine.ours.train(engine.params, data, loss=loss, num_boost_round=2) is not None


@pytest.mark.parametrize("loss", [CoxPH(), Censored(LogNormal()), CategoricalCrossEntropy(3)], ids=repr)
def test_a_dmatrix_with_its_own_columns_is_left_as_it_was(loss):
    """Bounds that XGBoost itself takes, or labels of several columns, and folds of its own."""
    target, _ = in_columns(loss)
    target = target.astype(np.float32)
    bounds = dict(zip(LABEL_BOUNDS, target.T, strict=False))
    data = xgb.DMatrix(X, **bounds) if loss.columns else xgb.DMatrix(X, target)
    before = [data.get_label(), *map(data.get_float_info, LABEL_BOUNDS)]
    table = XGBOOST.ours.cv({"nthread": 1}, data, loss=loss, num_boost_round=5, nfold=3, seed=1)
    assert np.isfinite(table.to_numpy()).all() and table[f"train-{loss.name}-mean"].is_monotonic_decreasing
    for found, expected in zip([data.get_label(), *map(data.get_float_info, LABEL_BOUNDS)], before, strict=True):
        np.testing.assert_array_equal(found, expected)
    given = xgb.DMatrix(X, target.argmax(axis=1) if not loss.columns else target[:, 0])
    given.target = target
    again = XGBOOST.ours.cv({"nthread": 1}, given, loss=loss, num_boost_round=5, nfold=3, seed=1)
    np.testing.assert_allclose(again[f"test-{loss.name}-mean"], table[f"test-{loss.name}-mean"], rtol=1e-6)


def test_numbers_of_many_rows_are_exact():
    n = 2**24 + 5
    data = xgb.DMatrix(np.zeros((n, 1), dtype=np.float32), nthread=1)
    some = np.array([0, 2**20 - 1, 2**20, 2**24 + 1, 2**24 + 3])
    with numbered(data) as rows_in:
        assert rows_in(data.slice(some)).tolist() == some.tolist()
    assert data.get_float_info(LABEL_BOUNDS[0]).size == 0
    # A slice has the bounds that were there, for metrics by name.
    data = xgb.DMatrix(X, **{name: np.arange(len(Y)) + at for at, name in enumerate(LABEL_BOUNDS)})
    with numbered(data) as rows_in:
        part = data.slice([7, 3])
        assert rows_in(part).tolist() == [7, 3]
    for at, name in enumerate(LABEL_BOUNDS):
        assert part.get_float_info(name).tolist() == [7 + at, 3 + at]


def test_what_a_fitted_loss_knows_is_not_taken_into_folds(engine):
    """The `loss_` of a model has the thresholds of its rows; those of a fold are its own."""
    X, y = real_data(next(case for case in TRAINABLE if isinstance(case.loss, ProportionalOdds)))
    fresh = ProportionalOdds(3)
    wrong = fresh._with(summary=np.array([5.0, 6.0]))
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    one, two = (means(engine, loss, X, y, rounds=10, folds=folds) for loss in (fresh, wrong))
    np.testing.assert_array_equal(one, two)
