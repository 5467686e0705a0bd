"""Several targets in one model, through all doors: estimators, files, the engines alone."""

from __future__ import annotations

import json
import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn.base import clone
from sklearn.datasets import load_linnerud
from sklearn.metrics import r2_score

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    GBMClassifier,
    GBMRegressor,
    Huber,
    MultiTarget,
    PoissonDeviance,
    Quantile,
    SquaredError,
    Tukey,
)
from tests.engine import LIGHTGBM, XGBOOST
from tests.losses.test_multi_target import HOLES, RNG, N, X, targets, train

# ---- estimators ----------------------------------------------------------------------------------------------


def test_estimator_score_weights_and_early_stopping(engine):
    y = np.where(HOLES, np.nan, targets(SquaredError()))
    stopping = {"n_iter_no_change": 5, "validation_fraction": 0.25, "random_state": 0}
    model = GBMRegressor(MultiTarget(SquaredError(), 3), engine.estimator(False, n_estimators=300), **stopping)
    model.fit(X, y, sample_weight=np.ones(N))
    assert 5 < model.best_iteration_ < 300
    (history,) = (of_set["multi_target"] for of_set in model.evals_result_.values())
    rows = model.validation_indices_
    at_best = model.loss_.value(y[rows], model.predict_raw(X[rows]))
    assert min(history) == pytest.approx(at_best, rel=1e-5)
    prediction = model.predict(X)
    known = ~HOLES
    expected = [r2_score(y[rows, i], prediction[rows, i]) for i, rows in enumerate(known.T)]
    assert model.score(X, y) == pytest.approx(np.mean(expected))
    assert model.score(X, y) > 0.5


def test_a_model_is_served_by_its_own_engine(engine, tmp_path):
    """The native model alone, read by the engine from a file."""
    y = targets(SquaredError())
    model = engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y)
    path = tmp_path / ("model.txt" if engine is LIGHTGBM else "model.json")
    model.booster_.save_model(path)
    if engine is LIGHTGBM:
        served = lgb.Booster(model_file=path).predict(X)
    else:
        served = xgb.Booster(model_file=path).predict(xgb.DMatrix(X))
    np.testing.assert_allclose(served, model.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        MultiTarget(Huber("auto"), 3),
        MultiTarget([Quantile(0.1), SquaredError(), Tukey()]),
        MultiTarget(Quantile(), 3),
    ],
    ids=repr,
)
def test_models_are_saved(engine, loss, tmp_path):
    y = np.where(HOLES, np.nan, targets(SquaredError()))
    model = engine.regressor(clone(loss)).fit(X, y)
    model.save_model(tmp_path / "model")
    for loaded in (
        GBMRegressor.load_model(tmp_path / "model"),
        GBMRegressor.load_model(tmp_path / "model", loss=model.loss_),
        pickle.loads(pickle.dumps(model)),
    ):
        assert loaded.loss_ == model.loss_
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="was trained with"):
        GBMRegressor.load_model(tmp_path / "model", loss=MultiTarget(SquaredError(), 3))


def test_labels_of_which_several_may_be_right(engine, tmp_path):
    y = targets(BinaryCrossEntropy())
    model = engine.classifier(MultiTarget(BinaryCrossEntropy(), 3)).fit(X, y.astype(int))
    probabilities, labels = model.predict_proba(X), model.predict(X)
    np.testing.assert_array_equal(labels, probabilities > 0.5)
    assert labels.dtype.kind == "i"
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert model.score(X, y) == pytest.approx((labels == y).all(axis=1).mean())
    assert (labels == y).mean() > 0.7
    for i in range(3):
        own = engine.classifier(BinaryCrossEntropy()).fit(X, y[:, i].astype(int))
        np.testing.assert_allclose(probabilities[:, i], own.predict_proba(X)[:, 1], atol=1e-4)
    model.save_model(tmp_path / "model")
    np.testing.assert_array_equal(GBMClassifier.load_model(tmp_path / "model").predict_proba(X), probabilities)


def test_two_labels_have_two_scores(engine):
    y = targets(BinaryCrossEntropy())[:, :2]
    model = engine.classifier(MultiTarget(BinaryCrossEntropy(), 2)).fit(X, y)
    np.testing.assert_array_equal(model.decision_function(X), model.predict_raw(X))


def test_labels_may_be_sparse_frames_or_missing(engine):
    from scipy.sparse import csr_matrix

    y = targets(BinaryCrossEntropy())
    loss = MultiTarget(BinaryCrossEntropy(), 3)
    plain = engine.classifier(loss).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(engine.classifier(loss).fit(X, csr_matrix(y)).predict_proba(X), plain)
    frame = pd.DataFrame(y, columns=["red", "green", "blue"])
    np.testing.assert_array_equal(engine.classifier(loss).fit(X, frame).predict_proba(X), plain)
    holes = engine.classifier(loss).fit(X, np.where(HOLES, np.nan, y)).predict_proba(X)
    assert np.isfinite(holes).all()
    assert (holes != plain).any()


def test_a_model_goes_on(engine):
    y = targets(SquaredError())
    whole = engine.regressor(MultiTarget(SquaredError(), 3), n_estimators=20).fit(X, y)
    half = engine.regressor(MultiTarget(SquaredError(), 3), n_estimators=10).fit(X, y)
    on = engine.regressor(MultiTarget(SquaredError(), 3), n_estimators=10).fit(X, y, init_model=half)
    np.testing.assert_allclose(on.predict(X), whole.predict(X), rtol=1e-4, atol=1e-4)


def test_an_offset_is_of_all_targets_or_of_each(engine):
    y = targets(PoissonDeviance())
    offset = RNG.normal(size=(N, 3))
    model = engine.regressor(MultiTarget(PoissonDeviance(), 3)).fit(X, y, init_score=offset)
    for i in range(3):
        own = engine.regressor(PoissonDeviance()).fit(X, y[:, i], init_score=offset[:, i].copy())
        np.testing.assert_allclose(model.predict(X)[:, i], own.predict(X), rtol=1e-3)
    of_rows = engine.regressor(MultiTarget(PoissonDeviance(), 3)).fit(X, y, init_score=offset[:, 0].copy())
    np.testing.assert_allclose(
        of_rows.predict(X, offset=offset[:, 0]), of_rows.predict(X, offset=offset[:, [0, 0, 0]])
    )


def test_a_metric_gets_all_targets(engine):
    seen = []

    def largest(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return "largest", float(np.abs(y_true - y_pred).max()), False

    y = targets(SquaredError())
    engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y, eval_set=[(X[:50], y[:50])], eval_metric=largest)
    assert set(seen) == {((50, 3), (50, 3))}


def test_xgboost_labels_of_several_columns_and_vector_leaves():
    """Of vector leaves there is one tree a round for all targets."""
    y = targets(SquaredError())
    loss = MultiTarget(SquaredError(), 3)
    from_label = XGBOOST.ours.train(XGBOOST.params, xgb.DMatrix(X, y), loss=loss, num_boost_round=20)
    np.testing.assert_allclose(
        XGBOOST.raw(from_label, X), XGBOOST.raw(train(XGBOOST, loss, y), X), rtol=1e-5, atol=1e-5
    )
    params = {**XGBOOST.params, "multi_strategy": "multi_output_tree", "tree_method": "hist"}
    one_tree = XGBOOST.ours.train(params, xgb.DMatrix(X, y), loss=loss, num_boost_round=20)
    saved = json.loads(one_tree.save_raw("json"))["learner"]["gradient_booster"]["model"]
    assert saved["gbtree_model_param"]["num_trees"] == "20"
    best = loss.value(y, np.broadcast_to(loss.initial_raw(y), y.shape))
    assert loss.value(y, XGBOOST.raw(one_tree, X)) < 0.6 * best


def test_real_targets(engine):
    """Twenty men, three exercises, three measures."""
    features, y = load_linnerud(return_X_y=True)
    model = engine.regressor(MultiTarget(AbsoluteError(), 3)).fit(features, y)
    assert model.predict(features).shape == (20, 3)
    start = MultiTarget(AbsoluteError(), 3).initial_raw(y)
    np.testing.assert_array_equal(start, [AbsoluteError().initial_raw(column) for column in y.T])
