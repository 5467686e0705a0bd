"""LightGBM's data sets in hard use: dropped trees, threads, labels that it has changed already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from gbm_objectives import Huber, SquaredError
from gbm_objectives.engines import lightgbm as on_lightgbm
from tests.engine import LIGHTGBM

X, Y = load_diabetes(return_X_y=True)
DART = {**LIGHTGBM.params, "boosting": "dart", "drop_rate": 0.5}


def test_dart_does_not_look_at_its_training_set():
    data = LIGHTGBM.data(X, Y)
    with pytest.raises(ValueError, match="valid_sets must not hold train_set where boosting is dart"):
        on_lightgbm.train(DART, data, loss=SquaredError(), valid_sets=[data])
    # LightGBM's first DART training of a process under a custom objective differs from all later ones.
    on_lightgbm.train(DART, LIGHTGBM.data(X, Y), loss=SquaredError(), num_boost_round=30)
    # A data set of its own with the same rows is right: the model is the one without evaluation.
    same = lgb.Dataset(X, Y, reference=data, free_raw_data=False)
    evaluated = on_lightgbm.train(DART, data, loss=SquaredError(), valid_sets=[same], num_boost_round=30)
    plain = on_lightgbm.train(DART, LIGHTGBM.data(X, Y), loss=SquaredError(), num_boost_round=30)
    np.testing.assert_allclose(evaluated.predict(X), plain.predict(X))


def test_one_data_set_in_four_threads_is_refused_or_right():
    data = LIGHTGBM.data(X, Y)
    alone = on_lightgbm.train(LIGHTGBM.params, data, loss=Huber(20.0), num_boost_round=30).predict(X)

    def train(_):
        try:
            booster = on_lightgbm.train(LIGHTGBM.params, data, loss=Huber(20.0), num_boost_round=30)
        except ValueError as error:
            return str(error)
        return booster.predict(X)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(train, range(24)))
    refused = [result for result in results if isinstance(result, str)]
    assert refused and all("train_set is in use by another training" in message for message in refused)
    right = [result for result in results if not isinstance(result, str)]
    assert right
    for prediction in right:
        np.testing.assert_array_equal(prediction, alone)
    # Afterwards it is free again.
    np.testing.assert_array_equal(train(0), alone)


def test_a_training_inside_another_on_the_same_data_is_refused():
    data = LIGHTGBM.data(X, Y)

    def nested(env):
        on_lightgbm.train(LIGHTGBM.params, data, loss=Huber(20.0), num_boost_round=2)

    with pytest.raises(
        ValueError, match="train_set is in use by another training, in another thread or around this"
    ):
        on_lightgbm.train(LIGHTGBM.params, data, loss=Huber(20.0), callbacks=[nested])
    other = LIGHTGBM.data(X, Y)
    inside = lambda env: on_lightgbm.train(LIGHTGBM.params, other, loss=Huber(20.0), num_boost_round=2)  # noqa: E731
    on_lightgbm.train(LIGHTGBM.params, data, loss=Huber(20.0), callbacks=[inside], num_boost_round=3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("field", ["label", "weight"])
def test_a_subset_has_its_parents_labels(bad, field):
    values = {"label": Y.copy(), "weight": np.ones(len(Y))}
    values[field][150] = bad
    whole = lgb.Dataset(X, free_raw_data=False, **values)
    with pytest.raises(ValueError, match=r"finite.* got (nan|inf) in row 50"):
        on_lightgbm.train(LIGHTGBM.params, whole.subset(range(100, 300)), loss=Huber())
    # Without that row it trains.
    whole = lgb.Dataset(X, free_raw_data=False, **values)
    on_lightgbm.train(LIGHTGBM.params, whole.subset(range(100)), loss=Huber(), num_boost_round=2)


def test_infinity_is_known_in_a_constructed_data_set():
    # LightGBM makes 1e38 of it. (NaN is 0 by then, as the README says.)
    y = Y.copy()
    y[7] = np.inf
    data = lgb.Dataset(X, y).construct()
    with pytest.raises(
        ValueError, match=r"below 1e38 in size, which is what LightGBM makes of infinity, .* in row 7"
    ):
        on_lightgbm.train(LIGHTGBM.params, data, loss=Huber())


def test_ranking_groups_are_refused():
    data = lgb.Dataset(X, Y, group=[200, 242])
    with pytest.raises(ValueError, match="train_set: group and qid must not be set"):
        on_lightgbm.train(LIGHTGBM.params, data, loss=Huber())
