"""XGBoost puts a margin in the place of a model's start value: models that are trained beside one are right so."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GBMRegressor,
    MultiQuantile,
    PoissonDeviance,
    SquaredError,
)
from gbm_objectives.distributions import Normal
from tests.engine import XGBOOST

RNG = np.random.default_rng(0)
N = 400
X = RNG.uniform(-1, 1, (N, 3))
EXPOSURE = RNG.uniform(0.1, 10, N)
CLAIMS = RNG.poisson(EXPOSURE * np.exp(3 + X[:, 0])).astype(float)
REAL = 50.0 + X[:, 0] + 0.1 * RNG.standard_normal(N)
TARGETS = {
    PoissonDeviance(): CLAIMS,
    SquaredError(): REAL,
    AbsoluteError(): REAL,
    BinaryCrossEntropy(): (X[:, 0] > -0.5) * 1.0,
    CategoricalCrossEntropy(3): np.digitize(X[:, 0], [-0.7, 0.7]) * 1.0,
    MultiQuantile((0.1, 0.9)): REAL,
    Normal(): REAL,
}
BOOSTERS = {
    "gbtree": {},
    "dart": {"booster": "dart", "rate_drop": 0.3},
    "gblinear": {"booster": "gblinear"},
    "forest": {"num_parallel_tree": 3, "subsample": 0.5},
}


def trained(loss, offset, rounds=20, **params):
    data = xgb.DMatrix(X, TARGETS[loss], base_margin=offset)
    return XGBOOST.ours.train({"nthread": 1, **params}, data, loss=loss, num_boost_round=rounds)


def is_right(booster, offset):
    """Whether the stock engine adds the model's own raw prediction to a margin."""
    margin = xgb.DMatrix(X, base_margin=offset)
    beside, alone = booster.predict(margin, output_margin=True), XGBOOST.raw(booster, X)
    np.testing.assert_allclose(beside, alone + offset, rtol=1e-5, atol=1e-5)
    return beside


@pytest.mark.parametrize("params", BOOSTERS.values(), ids=BOOSTERS)
@pytest.mark.parametrize("loss", TARGETS, ids=repr)
def test_the_stock_engine_is_right_beside_a_margin(loss, params, tmp_path):
    offset = RNG.standard_normal((N, loss.n_outputs) if loss.n_outputs > 1 else N)
    booster = trained(loss, offset, **params)
    raw = is_right(booster, offset)
    # It is the model that was trained, and no other: better than any constant.
    start = loss.initial_raw(TARGETS[loss])
    assert loss.value(TARGETS[loss], raw) < loss.value(TARGETS[loss], offset + start)
    booster.save_model(tmp_path / "model.json")
    for copy in (xgb.Booster(model_file=tmp_path / "model.json"), pickle.loads(pickle.dumps(booster))):
        np.testing.assert_array_equal(XGBOOST.raw(copy, X), XGBOOST.raw(booster, X))
        is_right(copy, offset)


def test_trees_of_several_outputs():
    offset = RNG.standard_normal((N, 3))
    is_right(trained(CategoricalCrossEntropy(3), offset, multi_strategy="multi_output_tree"), offset)


def test_claims():
    """The stock engine once predicted six times the claims here."""
    model = XGBOOST.regressor(PoissonDeviance()).fit(X, CLAIMS, base_margin=np.log(EXPOSURE))
    stock = xgb.Booster()
    stock.load_model(model.booster_.save_raw("json"))
    for predicted in (
        stock.predict(xgb.DMatrix(X, base_margin=np.log(EXPOSURE))),
        stock.inplace_predict(X, base_margin=np.log(EXPOSURE)),
        model.estimator_.predict(X, base_margin=np.log(EXPOSURE)),
        model.predict(X) * EXPOSURE,
    ):
        assert predicted.sum() == pytest.approx(CLAIMS.sum(), rel=0.02)


def test_contributions_add_up():
    booster = trained(PoissonDeviance(), np.log(EXPOSURE))
    contributions = XGBOOST.contributions(booster, X)
    np.testing.assert_allclose(contributions.sum(axis=1), XGBOOST.raw(booster, X), rtol=1e-5)


def test_early_stopping_and_going_on_keep_the_start():
    offset = np.log(EXPOSURE)
    engine = XGBOOST.estimator(False, n_estimators=300, early_stopping_rounds=3, learning_rate=1.0)
    model = GBMRegressor(PoissonDeviance(), engine)
    model.fit(X, CLAIMS, base_margin=offset, eval_set=(X, RNG.permutation(CLAIMS)), eval_init_score=[offset])
    assert model.best_iteration_ < 50
    is_right(model.booster_, offset)
    again = XGBOOST.estimator(False, n_estimators=5)
    more = GBMRegressor(PoissonDeviance(), again).fit(X, CLAIMS, base_margin=offset, init_model=model)
    assert more.booster_.num_boosted_rounds() == model.best_iteration_ + 5
    is_right(more.booster_, offset)
    third = GBMRegressor(PoissonDeviance(), again).fit(X, CLAIMS, base_margin=offset, init_model=more)
    is_right(third.booster_, offset)


def test_going_on_from_a_model_beside_an_offset_needs_one():
    """Without it the trees would be grown on claims as if each row had the same exposure, and on 0.2.0 were."""
    booster = trained(PoissonDeviance(), np.log(EXPOSURE))
    with pytest.raises(ValueError, match="xgb_model was trained beside a base_margin: dtrain must have"):
        XGBOOST.train(PoissonDeviance(), X, CLAIMS, xgb_model=booster, rounds=5)
    with pytest.raises(ValueError, match="base_margin must not be set beside xgb_model"):
        plain = XGBOOST.train(PoissonDeviance(), X, CLAIMS, rounds=5)
        model = GBMRegressor(PoissonDeviance(), XGBOOST.estimator(False))
        model.fit(X, CLAIMS, base_margin=np.log(EXPOSURE), init_model=plain)


def test_parameters_of_prediction_stay():
    booster = trained(PoissonDeviance(), np.log(EXPOSURE))
    assert '"nthread":"1"' in booster.save_config()


@pytest.mark.parametrize("spread", [1.0, 10.0, 100.0])
def test_wide_offsets_leave_something_to_learn(spread):
    """0.2: beside offsets of 10 a few rows of vanishing curvature set the unit of gains, and nothing was split."""
    features = np.random.default_rng(1).normal(size=(2000, 4))
    y = (features[:, 0] + features[:, 1] > 0) * 1.0
    offset = spread * features[:, 3]
    ours = XGBOOST.classifier(BinaryCrossEntropy()).fit(features, y, base_margin=offset)
    stock = xgb.XGBClassifier(**XGBOOST.estimator(True).get_params()).fit(features, y, base_margin=offset)
    loss, start = BinaryCrossEntropy(), BinaryCrossEntropy().value(y, offset)
    value = loss.value(y, ours.predict_raw(features, offset=offset))
    # Of what XGBoost's own objective learns, nearly all: they start from other constants.
    margin = stock.predict(features, base_margin=offset, output_margin=True)
    assert start - value > 0.95 * (start - loss.value(y, margin))
