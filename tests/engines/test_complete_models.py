"""Models of `engines.*.train` are complete: they start at the best constant and answer on the target's scale."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    Quantile,
    SquaredError,
)
from gbm_objectives.contract.start import constant_rows
from tests import own_losses
from tests.catalogue import CASES, TRAINABLE, real_data
from tests.engine import LIGHTGBM, constant_value, knowing, own_value, trained_limit

trainable = pytest.mark.parametrize("case", TRAINABLE, ids=lambda case: case.id)


@trainable
def test_complete_model(case, engine):
    X, y = real_data(case)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    booster = engine.train(case.loss, X, y, weight)
    raw, response = engine.raw(booster, X), engine.response(booster, X)
    np.testing.assert_allclose(response, engine.served(case.loss, raw), rtol=1e-5, atol=1e-6)
    assert own_value(case.loss, y, raw, weight) < trained_limit(case, y, weight)


@trainable
def test_starts_at_the_best_constant(case, engine):
    X, y = real_data(case)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    booster = engine.train(case.loss, X, y, weight, rounds=1, params={engine.rate: 1e-9})
    start = case.loss.initial_raw(y, weight)
    np.testing.assert_allclose(engine.raw(booster, X), constant_rows(start, len(y)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", [SquaredError(), BinaryCrossEntropy()], ids=repr)
def test_equals_the_built_in_objective(engine, loss, weighted):
    load = load_diabetes if isinstance(loss, SquaredError) else load_breast_cancer
    X, y = load(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    ours, theirs = engine.train(loss, X, y, weight), engine.train_builtin(loss, X, y, weight)
    np.testing.assert_allclose(engine.response(ours, X), engine.response(theirs, X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", [Huber(10.0), BinaryCrossEntropy(), CategoricalCrossEntropy(3)], ids=repr)
def test_stock_engine_serves_the_saved_model(engine, loss, tmp_path):
    load = {1: load_diabetes if isinstance(loss, Huber) else load_breast_cancer, 3: load_wine}[loss.n_outputs]
    X, y = load(return_X_y=True)
    booster = engine.train(loss, X, y)
    booster.save_model(tmp_path / "model.json")
    np.save(tmp_path / "X.npy", X)
    script = {
        "lightgbm": "import lightgbm; p = lightgbm.Booster(model_file='model.json').predict(X)",
        "xgboost": "import xgboost; p = xgboost.Booster(model_file='model.json').predict(xgboost.DMatrix(X))",
    }[engine.name]
    script = (
        f"import sys; sys.modules['gbm_objectives'] = None; import numpy; X = numpy.load('X.npy'); {script};"
        " numpy.save('p.npy', p)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), engine.response(booster, X))


def test_contributions_sum_to_the_raw_prediction(engine):
    X, y = load_breast_cancer(return_X_y=True)
    booster = engine.train(BinaryCrossEntropy(), X, y)
    contributions = engine.contributions(booster, X)
    np.testing.assert_allclose(contributions.sum(axis=1), engine.raw(booster, X), atol=1e-4)


@trainable
def test_early_stopping_on_the_loss(case, engine):
    X, y = real_data(case)
    order = np.random.default_rng(0).permutation(len(y))
    fit, late, other = order[: len(y) // 2], order[len(y) // 2 : -40], order[-40:]
    sets = [engine.data(X[rows], y[rows]) for rows in (other, late)]
    history = {}
    if engine is LIGHTGBM:
        booster = engine.train(
            case.loss,
            X[fit],
            y[fit],
            rounds=400,
            params={"early_stopping_round": 5, "first_metric_only": True, "learning_rate": 0.3},
            **engine.evaluation({"late": sets[1]}, history),
        )
        values, best = history["late"][case.loss.name], booster.best_iteration
        assert set(booster.best_score["late"]) == {case.loss.name}  # no other metric sneaks in
        raw = engine.raw(booster, X[late])
    else:
        booster = engine.train(
            case.loss,
            X[fit],
            y[fit],
            rounds=400,
            early_stopping_rounds=5,
            **engine.evaluation({"other": sets[0], "late": sets[1]}, history),
        )
        assert set(history["late"]) == {case.loss.name}
        values, best = history["late"][case.loss.name], booster.best_iteration + 1
        raw = booster.predict(sets[1], output_margin=True, iteration_range=(0, best))
    assert best == np.argmin(values) + 1 < 400
    # The validation set starts where the training set starts: its metric is that of the final model. What a loss
    # must know of the training rows it knows before the round.
    loss = knowing(case.loss, y[fit], engine.staged_raw(booster, X[fit], [best - 1])[0])
    assert values[best - 1] == pytest.approx(loss.value(y[late], raw), rel=1e-5, abs=2e-6)


def test_user_metrics_are_kept(engine):
    X, y = load_breast_cancer(return_X_y=True)
    data, loss, history = engine.data(X, y), BinaryCrossEntropy(), {}

    def error(raw, dataset):
        value = float(np.mean((raw > 0) != dataset.get_label()))
        return ("error", value, False) if engine is LIGHTGBM else ("error", value)

    if engine is LIGHTGBM:
        engine.train(
            loss,
            X,
            y,
            params={"metric": "auc"},
            feval=[error, loss.metric],
            **engine.evaluation({"v": data}, history),
        )
        assert sorted(history["v"]) == ["auc", "binary_cross_entropy", "error"]
    else:
        params = {"eval_metric": ["auc", "logloss"]}
        engine.train(
            loss,
            X,
            y,
            params=params,
            custom_metric=error,
            **engine.evaluation({"v": data}, history),
        )
        assert list(history["v"]) == ["auc", "logloss", "error", "binary_cross_entropy"]
        # XGBoost applies the declared link before its own metrics.
        np.testing.assert_allclose(history["v"]["logloss"], history["v"]["binary_cross_entropy"], atol=2e-6)


@pytest.mark.parametrize("loss", [Huber(10.0), CategoricalCrossEntropy(3)], ids=repr)
def test_training_goes_on_from_a_model(engine, loss):
    X, y = (load_diabetes if loss.n_outputs == 1 else load_wine)(return_X_y=True)
    whole, half = engine.train(loss, X, y, rounds=20), engine.train(loss, X, y, rounds=10)
    rest = engine.train(loss, X, y, rounds=10, **{engine.init_model: half})
    np.testing.assert_allclose(engine.raw(rest, X), engine.raw(whole, X), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(engine.response(rest, X), loss.response(engine.raw(rest, X)), rtol=1e-4, atol=1e-6)


def test_constant_target_with_large_weights(engine):
    X, _ = load_diabetes(return_X_y=True)
    y, weight = np.ones(len(X)), np.full(len(X), 1e9)
    for loss in (AbsoluteError(), Quantile(0.9), Huber()):
        assert engine.raw(engine.train(loss, X, y, weight, rounds=3), X) == pytest.approx(1.0, abs=1e-3)
        grad, hess = loss.gradient_hessian(1e15 * np.arange(100.0), np.zeros(100), np.full(100, 1e-30))
        assert np.isfinite(grad).all() and hess.any()


def test_soft_binary_target(engine):
    X, labels = load_breast_cancer(return_X_y=True)
    y = 0.1 + 0.8 * labels
    p = engine.response(engine.train(BinaryCrossEntropy(), X, y, rounds=200), X)
    assert np.abs(p - y).mean() < 0.02


def test_own_loss_with_log_link(engine):
    """The README's example of a loss of one's own, on the link that none of ours has."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (500, 2))
    y = rng.poisson(np.exp(1 + X[:, 0]))
    loss = own_losses.Poisson()
    booster = engine.train(loss, X, y)
    raw = engine.raw(booster, X)
    np.testing.assert_allclose(engine.response(booster, X), np.exp(raw), rtol=1e-5)
    assert loss.value(y, raw) < constant_value(loss, y) - 0.1


def test_trainable_cases_cover_every_loss():
    assert {type(case.loss) for case in TRAINABLE} == {type(case.loss) for case in CASES}
