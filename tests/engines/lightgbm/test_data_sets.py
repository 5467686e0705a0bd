"""A LightGBM Dataset is left as it was, serves many trainings, and may hold distributions."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine

from gbm_objectives import CategoricalCrossEntropy, Huber
from gbm_objectives.engines import lightgbm as on_lightgbm
from tests.engine import LIGHTGBM


@pytest.mark.parametrize("loss", [Huber(10.0), CategoricalCrossEntropy(3)], ids=repr)
def test_one_lightgbm_data_set_serves_many_trainings(loss):
    X, y = (load_diabetes if loss.n_outputs == 1 else load_wine)(return_X_y=True)

    def data():
        return lgb.Dataset(X, y, free_raw_data=False)

    shared = data()
    first = on_lightgbm.train(LIGHTGBM.params, shared, loss=loss, num_boost_round=5)
    for _ in range(2):  # on from the same model, and after that from none
        second = on_lightgbm.train(LIGHTGBM.params, shared, loss=loss, num_boost_round=5, init_model=first)
        expected = on_lightgbm.train(LIGHTGBM.params, data(), loss=loss, num_boost_round=5, init_model=first)
        np.testing.assert_array_equal(second.predict(X), expected.predict(X))
        assert shared.get_init_score() is None
    again = on_lightgbm.train(LIGHTGBM.params, shared, loss=loss, num_boost_round=5)
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_data_sets_are_left_as_they_were():
    X, y = load_wine(return_X_y=True)
    loss, params = CategoricalCrossEntropy(3), dict(LIGHTGBM.params)
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
    assert params == LIGHTGBM.params
    np.testing.assert_array_equal(first.predict(X), again.predict(X))


def test_distributions_survive_subsets_of_lightgbm():
    X, _ = load_wine(return_X_y=True)
    data, loss = lgb.Dataset(X, np.zeros(len(X)), free_raw_data=False), CategoricalCrossEntropy(3)
    data.target_distribution = np.full((len(X), 3), 1 / 3)
    result = lgb.cv(
        {**LIGHTGBM.params, "num_class": 3, "objective": loss, "metric": "None"},
        data,
        5,
        nfold=3,
        stratified=False,
        feval=loss.metric,
    )
    # The entropy of the target; trained on the labels, all 0, it would fall.
    np.testing.assert_allclose(result["valid categorical_cross_entropy-mean"], np.log(3), rtol=1e-6)
