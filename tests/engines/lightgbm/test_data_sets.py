"""A LightGBM Dataset is left as it was, serves many trainings, and may hold distributions."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine

from gbm_objectives import CategoricalCrossEntropy, Huber, SquaredError
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


@pytest.mark.parametrize("keep", [False, True], ids=["raw data freed", "raw data kept"])
@pytest.mark.parametrize(
    ("own", "given"),
    [
        ({"max_bin": 8}, {"max_bins": 16}),
        ({"min_data_in_leaf": 50}, {"min_child_samples": 5}),
        ({"min_child_samples": 50}, {"min_data": 5}),
        ({}, {"forcedbins_filename": "bins.json"}),
        ({}, {"categorical_feature": [1]}),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:categorical_feature keyword has been found in `params`:UserWarning")
@pytest.mark.filterwarnings("ignore:categorical_feature in param dict is overridden:UserWarning")
def test_a_parameter_beside_another_one_of_the_data_set(own, given, keep, tmp_path, monkeypatch):
    # 0.2.0 lost the start value where LightGBM could construct the data set anew, and failed where it could not.
    X, y = load_diabetes(return_X_y=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bins.json").write_text('[{"feature": 2, "bin_upper_bound": [0.0, 0.05]}]')
    params = {**LIGHTGBM.params, **given}

    def data():
        return lgb.Dataset(X, y, params=dict(own), categorical_feature=[1, 3], free_raw_data=not keep)

    booster = on_lightgbm.train(params, data(), loss=SquaredError(), num_boost_round=5)
    stock = lgb.train({**params, "objective": "regression"}, data(), 5)
    np.testing.assert_allclose(booster.predict(X), stock.predict(X), rtol=1e-9)


def test_cross_validation_is_lightgbms_own(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    bins = tmp_path / "bins.json"
    bins.write_text('[{"feature": 2, "bin_upper_bound": [0.0, 0.05]}]')
    params = {
        **LIGHTGBM.params,
        "forcedbins_filename": str(bins),
        "boost_from_average": False,
        "feature_fraction": 0.5,
    }
    ours = on_lightgbm.cv(params, lgb.Dataset(X, y), loss=SquaredError(), num_boost_round=5, nfold=3)
    stock = lgb.cv({**params, "objective": "regression"}, lgb.Dataset(X, y), 5, nfold=3, stratified=False)
    np.testing.assert_allclose(ours["valid squared_error-mean"], stock["valid l2-mean"], rtol=1e-6)
