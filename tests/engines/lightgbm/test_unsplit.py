"""Where no feature can be split, metrics, folds and continued training are those of the constant model."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from gbm_objectives import ProportionalOdds
from gbm_objectives.engines import lightgbm as on_lightgbm
from tests.catalogue import TRAINABLE, real_data
from tests.engine import LIGHTGBM, constant_value, knowing

trainable = pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case.id)
PARAMS = {**LIGHTGBM.params, **LIGHTGBM.early_stopping(3)}


def flat_data(case):
    """Training and validation set without a feature to split by, and their targets."""
    _, y = real_data(case)
    late = y[: len(y) // 3]
    data = lgb.Dataset(np.zeros((len(y), 2)), y)
    return data, lgb.Dataset(np.zeros((len(late), 2)), late, reference=data), y, late


@trainable
def test_the_metric_is_that_of_the_best_constant(case):
    data, valid, y, late = flat_data(case)
    history, loss = {}, case.loss
    sets = LIGHTGBM.evaluation({"train": data, "valid": valid}, history)
    booster = on_lightgbm.train(PARAMS, data, loss=loss, num_boost_round=3, **sets)
    raw = booster.predict(np.zeros((len(late), 2)), raw_score=True)
    assert history["train"][loss.name] == pytest.approx([constant_value(loss, y)] * 3, rel=1e-5)
    loss = knowing(loss, y, np.broadcast_to(raw[0], (len(y), *raw.shape[1:])))
    assert history["valid"][loss.name] == pytest.approx([loss.value(late, raw)] * 3, rel=1e-5)
    np.testing.assert_array_equal(data.get_label(), y.astype(np.float32))


@trainable
def test_folds_are_judged_by_their_best_constants(case):
    data, _, y, _ = flat_data(case)
    fold = np.arange(len(y)) % 2 == 0
    folds = [(np.flatnonzero(fold), np.flatnonzero(~fold))]
    result = on_lightgbm.cv(
        PARAMS, data, loss=case.loss, folds=folds, eval_train_metric=True, return_cvbooster=True
    )
    (booster,) = result.pop("cvbooster").boosters
    raw = booster.predict(np.zeros((np.count_nonzero(~fold), 2)), raw_score=True)
    name = case.loss.name
    assert result[f"train {name}-mean"] == pytest.approx([constant_value(case.loss, y[fold])], rel=1e-5)
    loss = knowing(case.loss, y[fold], booster.predict(np.zeros((np.count_nonzero(fold), 2)), raw_score=True))
    assert result[f"valid {name}-mean"] == pytest.approx([loss.value(y[~fold], raw)], rel=1e-5)


@trainable
@pytest.mark.parametrize("from_file", [False, True])
def test_training_goes_on_with_nothing_to_add(case, from_file, tmp_path):
    X, y = real_data(case)
    loss = case.loss
    first = LIGHTGBM.train(loss, X, y, rounds=4)
    flat = np.tile(X[:1], (len(y), 1))
    data = lgb.Dataset(flat, y)
    valid = lgb.Dataset(flat[:20], y[:20], reference=data)
    history = {}
    sets = LIGHTGBM.evaluation({"train": data, "valid": valid}, history)
    model = tmp_path / "model.txt" if from_file else first
    first.save_model(tmp_path / "model.txt")
    booster = on_lightgbm.train(PARAMS, data, loss=loss, num_boost_round=3, init_model=model, **sets)
    np.testing.assert_array_equal(LIGHTGBM.raw(booster, X), LIGHTGBM.raw(first, X))
    assert booster.num_trees() == first.num_trees()
    raw = LIGHTGBM.raw(first, flat)
    loss = knowing(loss, y, raw)
    assert history["train"][loss.name] == pytest.approx([loss.value(y, raw)] * 3, rel=1e-5)
    assert history["valid"][loss.name] == pytest.approx([loss.value(y[:20], raw[:20])] * 3, rel=1e-5)
    # Thresholds of ordered classes are found by Newton steps, the last of which changes the sixth digit.
    rel = 1e-5 if isinstance(loss, ProportionalOdds) else 0.0
    assert booster.best_score["valid"][loss.name] == pytest.approx(history["valid"][loss.name][0], rel, abs=0.0)
    # The data sets are as they were.
    np.testing.assert_array_equal(data.get_label(), y.astype(np.float32))
    assert data.get_init_score() is None


def test_another_error_of_a_training_that_goes_on_is_lightgbms():
    X, y = np.random.default_rng(0).standard_normal((2, 100, 2))
    first = LIGHTGBM.train(TRAINABLE[0].loss, X, y[:, 0], rounds=2)
    data = lgb.Dataset(X, y[:, 0]).construct()  # its raw data are freed
    with pytest.raises(lgb.basic.LightGBMError, match="freed raw data"):
        on_lightgbm.train(PARAMS, data, loss=TRAINABLE[0].loss, init_model=first)
