"""Proportional odds in trainings: the truth is found, evaluation sets see the training's thresholds, all doors."""

from __future__ import annotations

import pickle
import warnings

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import cohen_kappa_score

from gbm_objectives import BinaryCrossEntropy, CategoricalCrossEntropy, GBMClassifier, ProportionalOdds
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
N = 900
X, LATE = RNG.uniform(-1, 1, (N, 4)), RNG.uniform(-1, 1, (N, 4))
THETA = np.array([-2.5, -1.0, 0.5, 2.5])
LOSS = ProportionalOdds(5)


def drawn(X, rng):
    """Draw classes under proportional odds."""
    return np.searchsorted(THETA, 3 * X[:, 0] - 2 * X[:, 1] ** 2 + rng.logistic(size=len(X)))


Y, Y_LATE = drawn(X, RNG), drawn(LATE, RNG)
TRUTH = LOSS._with(summary=THETA)


def test_the_truth_is_found(engine):
    """With early stopping; held-out loss is a few percent above that of the truth, below that of free classes."""
    losses = {}
    for loss in (LOSS, CategoricalCrossEntropy(5)):
        model = engine.classifier(loss, n_estimators=300, learning_rate=0.05, **engine.early_stopping(20))
        model.fit(X, Y, eval_set=[(LATE, Y_LATE)])
        losses[type(loss)] = -model.log_likelihood(LATE, Y_LATE) / N
        if loss is LOSS:
            gaps = np.diff(model.loss_.summary)
    best = TRUTH.value(Y_LATE, 3 * LATE[:, 0] - 2 * LATE[:, 1] ** 2)
    assert best < losses[ProportionalOdds] < 1.05 * best
    assert losses[ProportionalOdds] < losses[CategoricalCrossEntropy]
    np.testing.assert_allclose(gaps, np.diff(THETA), rtol=0.2)


@pytest.mark.parametrize(("rate", "most"), [(0.1, 0.75), (0.3, 0.7), (1.0, 0.65)])
def test_no_rate_overshoots(engine, rate, most):
    """The training loss falls, without a warning that it rises; held-out loss is 0.7 times that of a constant."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = engine.classifier(LOSS, n_estimators=60, learning_rate=rate).fit(X, Y)
    start = LOSS.on(Y, np.zeros(N)).value(Y, np.zeros(N))
    assert -model.log_likelihood(X, Y) / N < most * start


def test_evaluation_sets_see_the_thresholds_of_the_training_rows(engine):
    """Those before the round: of the rows with the raw predictions of all rounds but the last."""
    few = np.flatnonzero(Y_LATE != 2)[:40]  # a set that lacks a class
    model = engine.classifier(LOSS).fit(X, Y, eval_set=[(LATE[few], Y_LATE[few])])
    (history,) = model.evals_result_.values()
    before = LOSS.on(Y, model.predict_raw(X, 39))
    expected = before.value(Y_LATE[few], model.predict_raw(LATE[few]))
    assert history["proportional_odds"][-1] == pytest.approx(expected, rel=1e-5)
    assert history["proportional_odds"][0] == pytest.approx(
        LOSS.on(Y, np.zeros(N)).value(Y_LATE[few], model.predict_raw(LATE[few], 1)), rel=1e-5
    )
    # At the end, those of all rounds.
    np.testing.assert_allclose(model.loss_.summary, LOSS.on(Y, model.predict_raw(X)).summary, rtol=1e-6)
    assert model.loss.summary is None


def test_thresholds_are_those_of_the_best_round(engine):
    model = engine.classifier(LOSS, n_estimators=300, learning_rate=0.3, **engine.early_stopping(5))
    model.fit(X, Y, eval_set=[(LATE, Y_LATE)])
    best = model.best_iteration_
    assert 1 < best < 300
    raw = model.predict_raw(X, best)
    np.testing.assert_array_equal(model.predict_raw(X), raw)
    np.testing.assert_allclose(model.loss_.summary, LOSS.on(Y, raw).summary, rtol=1e-6)
    aside = engine.classifier(LOSS, n_estimators=300, **engine.early_stopping(5))
    aside.set_params(validation_fraction=0.2, random_state=0).fit(X, Y)
    kept = np.setdiff1d(np.arange(N), aside.validation_indices_)
    expected = LOSS.on(Y[kept], aside.predict_raw(X[kept])).summary
    np.testing.assert_allclose(aside.loss_.summary, expected, rtol=1e-6)


def test_metrics_of_ones_own_get_probabilities(engine):
    """And codes of the labels; the last round's are those of the thresholds before it."""
    seen = []

    def kappa(y_true, y_pred):
        seen.append((y_true, y_pred))
        score = cohen_kappa_score(y_true, np.rint(y_pred @ np.arange(5)), weights="quadratic")
        return "kappa", score, True

    model = engine.classifier(ProportionalOdds(5, point="mean"), n_estimators=10)
    model.fit(X, Y + 1, eval_set=[(LATE, Y_LATE + 1)], eval_metric=kappa)
    (history,) = model.evals_result_.values()
    y, p = seen[-1]
    np.testing.assert_array_equal(y, Y_LATE)
    np.testing.assert_allclose(p, LOSS.on(Y, model.predict_raw(X, 9)).response(model.predict_raw(LATE)), atol=1e-6)
    assert history["kappa"][-1] == pytest.approx(
        cohen_kappa_score(Y_LATE, np.rint(p @ np.arange(5)), weights="quadratic"), abs=1e-6
    )
    np.testing.assert_array_equal(
        model.predict(LATE), np.rint(model.predict_proba(LATE) @ np.arange(5)).astype(int) + 1
    )


def test_the_native_door(engine):
    """Raw predictions are what a native model has; thresholds, and with them probabilities, come from `on`."""
    weight = RNG.uniform(0.5, 2, N)
    data, late = engine.data(X, Y, weight), engine.data(LATE, Y_LATE)
    history = {}
    sets = engine.evaluation({"late": late}, history)
    booster = engine.ours.train(engine.params, data, loss=LOSS, num_boost_round=30, **sets)
    raw = engine.raw(booster, X)
    np.testing.assert_array_equal(engine.response(booster, X), raw)
    known = LOSS.on(Y, raw, weight)
    model = GBMClassifier(LOSS, engine.bare_classifier(**{**engine.small, "n_estimators": 30}))
    model.fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(known.response(engine.raw(booster, LATE)), model.predict_proba(LATE), atol=1e-5)
    before = LOSS.on(Y, engine.staged_raw(booster, X, [29])[0], weight)
    assert history["late"]["proportional_odds"][-1] == pytest.approx(
        before.value(Y_LATE, engine.raw(booster, LATE)), rel=1e-5
    )
    assert pickle.loads(pickle.dumps(known)).summary.tolist() == known.summary.tolist()


def test_it_goes_on_from_a_model(engine):
    """The thresholds of the first round are those beside the model's raw predictions."""
    whole = engine.train(LOSS, X, Y, rounds=20)
    first = engine.train(LOSS, X, Y, rounds=10)
    on = engine.train(LOSS, X, Y, rounds=10, **{engine.init_model: first})
    np.testing.assert_allclose(engine.raw(on, X), engine.raw(whole, X), atol=1e-4)
    model = engine.classifier(LOSS, n_estimators=10).fit(X, Y)
    gone_on = engine.classifier(LOSS, n_estimators=10).fit(X, Y, init_model=model)
    expected = engine.classifier(LOSS, n_estimators=20).fit(X, Y)
    np.testing.assert_allclose(gone_on.predict_proba(LATE), expected.predict_proba(LATE), atol=1e-4)


def test_beside_an_offset(engine):
    """An offset of any size leaves the same to learn, in addition to a constant that the start value takes off."""
    offset, late = 50.0 + 3 * X[:, 0], 50.0 + 3 * LATE[:, 0]
    model = engine.classifier(LOSS).fit(X, Y, init_score=offset)
    best = TRUTH.value(Y_LATE, 3 * LATE[:, 0] - 2 * LATE[:, 1] ** 2)
    assert -model.log_likelihood(LATE, Y_LATE, offset=late) / N < 1.1 * best
    p = model.predict_proba(LATE, offset=late)
    np.testing.assert_allclose(p.mean(axis=0), np.bincount(Y_LATE) / N, atol=0.05)


def test_cross_validation(engine):
    result = engine.ours.cv(engine.params, engine.data(X, Y), loss=LOSS, num_boost_round=20, nfold=3)
    held_out = "valid" if engine is LIGHTGBM else "test"
    (mean,) = (v for name, v in result.items() if name.startswith(held_out) and name.endswith("odds-mean"))
    assert np.asarray(mean)[-1] < 0.9 * np.asarray(mean)[0]


def test_a_class_that_only_the_evaluation_set_has(engine):
    known = Y != 4
    model = engine.classifier(LOSS)
    model.set_params(classes=range(5)).fit(X[known], Y[known], eval_set=[(LATE, Y_LATE)])
    (history,) = model.evals_result_.values()
    assert np.isfinite(history["proportional_odds"]).all()
    assert model.predict_proba(LATE)[:, 4].max() < 1e-3 and np.isfinite(model.log_likelihood(LATE, Y_LATE))


def test_weights_of_the_estimators_parameters(engine):
    """Those that `scale_pos_weight` makes are the weights of thresholds, too."""
    two = (Y > 2).astype(int)
    models = [
        engine.classifier(loss, scale_pos_weight=5.0).fit(X, two)
        for loss in (BinaryCrossEntropy(), ProportionalOdds(2, hessian="exact"))
    ]
    np.testing.assert_allclose(models[1].predict_proba(LATE), models[0].predict_proba(LATE), atol=1e-6)
    assert models[0].predict_proba(LATE)[:, 1].mean() > two.mean() + 0.1


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_weights_of_any_size(scale):
    """LightGBM's penalties are 0 by default, XGBoost's are in the unit of weights."""
    params = {"min_sum_hessian_in_leaf": 0.0}
    expected, found = (
        LIGHTGBM.raw(LIGHTGBM.train(LOSS, X, Y, np.full(N, size), params=params), LATE) for size in (1.0, scale)
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")  # scikit-learn's
@pytest.mark.parametrize("n_classes", [3, 50])
def test_few_rows_of_many_classes(engine, n_classes):
    """One row of each class, nothing that can be learnt on LightGBM; the prediction is then that of the labels."""
    rows = np.arange(float(n_classes))[:, None]
    model = engine.classifier(ProportionalOdds(n_classes)).fit(rows, np.arange(n_classes))
    p = model.predict_proba(rows)
    assert np.isfinite(p).all() and (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    if n_classes == 3 and engine is LIGHTGBM:
        np.testing.assert_allclose(p, 1 / 3, rtol=1e-6)


def test_the_stock_engines_serve_raw_predictions(engine, tmp_path):
    model = engine.classifier(LOSS).fit(X, Y)
    path = tmp_path / "booster.json"
    model.booster_.save_model(path)
    if engine is LIGHTGBM:
        raw = lgb.Booster(model_file=path).predict(LATE)
    else:
        raw = xgb.Booster(model_file=path).predict(xgb.DMatrix(LATE))
    np.testing.assert_allclose(model.loss_.response(raw), model.predict_proba(LATE), atol=1e-6)
