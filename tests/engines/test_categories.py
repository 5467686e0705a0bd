"""Categories of data frames: a model knows them by name, in whatever order a frame has them, at every stage."""

from __future__ import annotations

import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from gbm_objectives import GBMRegressor, MultiQuantile, SquaredError
from gbm_objectives.engines import xgboost as on_xgboost
from tests.engine import LIGHTGBM, XGBOOST

RNG = np.random.default_rng(0)
LEVELS = [f"level {i}" for i in range(8)]
CODES = RNG.integers(0, 8, 600)
Y = np.array([3.0, -1.0, 4.0, -1.5, 5.0, -9.0, 2.0, -6.0])[CODES] + 0.1 * RNG.standard_normal(600)
NOISE = RNG.permutation(Y)  # evaluated on it a model is best after a few rounds


def frame(order):
    return pd.DataFrame({"level": pd.Categorical([LEVELS[code] for code in CODES], order), "x": np.arange(600.0)})


FRAME, REVERSED = frame(LEVELS), frame(LEVELS[::-1])


def model_of(engine, loss=None, **params):
    categorical = {"enable_categorical": True} if engine is XGBOOST else {}
    return engine.regressor(loss or SquaredError(), **categorical, **params)


def served(engine, booster, X):
    """Predictions of the engine's own model, which was saved as text."""
    if engine is LIGHTGBM:
        return lgb.Booster(model_str=booster.model_to_string()).predict(X)
    stock = xgb.Booster()
    stock.load_model(booster.save_raw("ubj"))
    return stock.predict(xgb.DMatrix(X, enable_categorical=True))


@pytest.mark.parametrize("loss", [SquaredError(), MultiQuantile((0.1, 0.9))], ids=repr)
def test_the_best_round_keeps_them(engine, loss, tmp_path):
    model = model_of(engine, loss, n_estimators=100, **engine.early_stopping(3))
    model.fit(FRAME, Y, eval_set=[(REVERSED, NOISE)])
    assert model.best_iteration_ < 50
    expected = model.predict_raw(FRAME)
    assert np.ptp(expected) > 1.0
    np.testing.assert_array_equal(model.predict_raw(REVERSED), expected)
    np.testing.assert_allclose(served(engine, model.booster_, REVERSED), expected, rtol=1e-6)
    model.save_model(tmp_path / "model.json")
    for copy in (pickle.loads(pickle.dumps(model)), GBMRegressor.load_model(tmp_path / "model.json")):
        np.testing.assert_array_equal(copy.predict_raw(REVERSED), expected)
    np.testing.assert_allclose(model.estimator_.predict(REVERSED), expected, rtol=1e-6)


@pytest.mark.parametrize("booster", ["gbtree", "dart"])
def test_xgboosts_own_callback_that_slices_keeps_them(booster):
    train, late = (xgb.DMatrix(FRAME, y, enable_categorical=True) for y in (Y, NOISE))
    params = {**XGBOOST.params, "booster": booster}
    stopping = xgb.callback.EarlyStopping(rounds=3, save_best=True)
    keywords = {"evals": [(late, "late")], "verbose_eval": False, "callbacks": [stopping]}
    model = on_xgboost.train(params, train, loss=SquaredError(), **keywords)
    assert model.num_boosted_rounds() == model.best_iteration + 1 < 50
    np.testing.assert_array_equal(served(XGBOOST, model, REVERSED), served(XGBOOST, model, FRAME))


def test_going_on_from_another_order_is_going_on_from_the_same(engine):
    first = model_of(engine).fit(FRAME, Y)
    same, other = (model_of(engine).fit(X, Y, init_model=first) for X in (FRAME, REVERSED))
    np.testing.assert_array_equal(other.predict(REVERSED), same.predict(FRAME))
    np.testing.assert_array_equal(other.predict(FRAME), same.predict(FRAME))


def test_going_on_from_a_file(engine, tmp_path):
    first = model_of(engine).fit(FRAME, Y)
    first.booster_.save_model(path := tmp_path / "model.json")
    same, other = (model_of(engine).fit(REVERSED, Y, init_model=model) for model in (first, path))
    np.testing.assert_array_equal(other.predict(FRAME), same.predict(FRAME))


def test_new_categories_of_lightgbm_follow_the_known_ones():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 9, 600)
    more = pd.DataFrame({"level": pd.Categorical(np.array(["new", *LEVELS])[codes], ["new", *LEVELS])})
    y = np.append(100.0, Y[np.unique(CODES, return_index=True)[1]])[codes]
    first = model_of(LIGHTGBM).fit(FRAME[["level"]], Y)
    model = model_of(LIGHTGBM).fit(more, y, init_model=first)
    assert np.corrcoef(model.predict(more), y)[0, 1] > 0.99  # LightGBM smooths categories, away from their means
    assert model.booster_.pandas_categorical == [[*LEVELS, "new"]]


def test_a_data_set_in_another_order_is_refused(engine):
    train = engine.ours.train
    if engine is XGBOOST:
        first = train(engine.params, xgb.DMatrix(FRAME, Y, enable_categorical=True), loss=SquaredError())
        sets = [kind(REVERSED, Y, enable_categorical=True) for kind in (xgb.DMatrix, xgb.QuantileDMatrix)]
        right = xgb.DMatrix(REVERSED, Y, enable_categorical=True, feature_types=first.get_categories())
        message = "dtrain: the categories of column 'level' are not those of xgb_model, in its order"
    else:
        first = train(engine.params, lgb.Dataset(FRAME, Y), loss=SquaredError())
        sets = [lgb.Dataset(REVERSED, Y, free_raw_data=False) for _ in range(2)]
        sets[1].construct()
        right = lgb.Dataset(FRAME, Y, free_raw_data=False)
        message = "train_set: the categories of column .* must begin with those of init_model, in its order"
    for data in sets:
        with pytest.raises(ValueError, match=message):
            train(engine.params, data, loss=SquaredError(), num_boost_round=2, **{engine.init_model: first})
    more = train(engine.params, right, loss=SquaredError(), num_boost_round=20, **{engine.init_model: first})
    error = np.abs(served(engine, more, REVERSED) - Y).mean()
    assert error <= np.abs(served(engine, first, FRAME) - Y).mean()


def test_a_model_of_a_frame_takes_arrays(engine):
    """As scikit-learn's and the engines' own estimators do, which warn of the missing names."""
    numbers = pd.DataFrame({"level": CODES, "x": np.arange(600.0)})
    model = engine.regressor().fit(numbers, Y, eval_set=[(numbers.copy(), Y)])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(model.predict(numbers.to_numpy()), model.predict(numbers))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        mixed = engine.regressor().fit(numbers, Y, eval_set=[(numbers.to_numpy(), Y)])
    assert mixed.evals_result_ == model.evals_result_
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(numbers[["x", "level"]])


def test_xgboost_takes_an_array_of_codes():
    model = model_of(XGBOOST).fit(FRAME, Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        predicted = model.predict(np.column_stack([CODES, np.arange(600.0)]))
    np.testing.assert_array_equal(predicted, model.predict(FRAME))
