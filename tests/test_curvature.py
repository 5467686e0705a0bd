"""The self-scaled curvature: scale-free, monotone, local; and the benchmark that judges it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from benchmarks import accuracy
from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Hinge,
    Huber,
    Quantile,
    SquaredError,
)
from gbm_objectives.curvature import residual_scale
from tests.catalogue import CASES, real_data
from tests.test_engines import OnLightGBM, engines

L1_LIKE = [AbsoluteError(), Quantile(0.1), Quantile(0.97), Quantile(0.9, hessian="majorizer")]


@engines
@pytest.mark.parametrize("loss", L1_LIKE, ids=repr)
@pytest.mark.parametrize(
    ("shift", "factor"), [(1e6, 1.0), (0.0, 1e-6), (0.0, 1e6)], ids=["shift", "small", "large"]
)
def test_same_trees_in_another_unit(engine, loss, shift, factor):
    X, y = load_diabetes(return_X_y=True)
    # Labels are float32, and XGBoost's predictions too: at a million their steps are 1/16. So that this is a shift
    # and not a rounding, the target here is a multiple of it and spreads over thousands of steps.
    y = np.round(y * 16) * 64 - 150_000
    plain = engine.train(loss, X, y, rounds=10)
    other = engine.train(loss, X, shift + factor * y, rounds=10)
    np.testing.assert_allclose(
        (engine.raw(other, X) - shift) / factor, engine.raw(plain, X), atol=1e-5 * np.ptp(y)
    )


@engines
@pytest.mark.parametrize("loss", [*L1_LIKE, SquaredError()], ids=repr)
@pytest.mark.parametrize("factor", [2.0**-30, 2.0**-20, 2.0**-8, 2.0**20, 2.0**40], ids="{:.0e}".format)
def test_same_trees_in_any_unit_of_a_small_target(engine, loss, factor):
    # By powers of two, so that nothing is rounded. XGBoost makes no split that gains less than 1e-6, and its gains
    # have the unit of the target squared.
    X, y = load_diabetes(return_X_y=True)
    y = np.round(y) / 128
    penalties = {"lambda_l2": 3.0} if engine is OnLightGBM else {"lambda": 3.0, "min_child_weight": 5.0}
    plain, other = (engine.train(loss, X, f * y, rounds=20, params=penalties) for f in (1.0, factor))
    assert np.ptp(engine.raw(plain, X)) > 0.3
    np.testing.assert_allclose(engine.raw(other, X) / factor, engine.raw(plain, X), atol=1e-5 * np.ptp(y))


@engines
@pytest.mark.parametrize(
    "case",
    # Of the exact ones, a quadratic is its own majoriser.
    [c for c in CASES if c.loss.curvature_kind == "majorizer" or c.loss.name == "squared_error"],
    ids=lambda c: c.id,
)
def test_majorizers_never_raise_the_training_loss(engine, case):
    X, y = real_data(case)
    y = y / 1.0 if case.target != "probability" else 0.1 + 0.8 * y
    assert_never_rises(engine, case.loss, X, y, rate=1.0, slack=0.0)


@engines
@pytest.mark.parametrize(
    "loss", [*L1_LIKE, Hinge(), BinaryCrossEntropy(), CategoricalCrossEntropy(2), Huber(0.1)], ids=repr
)
def test_no_curvature_raises_the_training_loss_at_rate_0_3(engine, loss):
    X, y = (load_breast_cancer if loss.classifies else load_diabetes)(return_X_y=True)
    relaxed = loss.curvature_kind == "relaxed"
    # The slack belongs to the full step of every row; 1 % of the loss is a thousandth of it here.
    assert_never_rises(engine, loss, X, y, rate=0.3, slack=0.01 if relaxed else 0.0)


def assert_never_rises(engine, loss, X, y, rate, slack):
    if engine is OnLightGBM:
        params = {"learning_rate": rate, "lambda_l2": 0.0, "min_sum_hessian_in_leaf": 0.0}
        booster = engine.train(loss, X, y, rounds=40, params=params)
        predicted = [booster.predict(X, raw_score=True, num_iteration=k) for k in range(1, 41)]
    else:
        params = {"eta": rate, "lambda": 0.0, "min_child_weight": 0.0}
        booster = engine.train(loss, X, y, rounds=40, params=params)
        data = engine.data(X)
        predicted = [booster.predict(data, output_margin=True, iteration_range=(0, k)) for k in range(1, 41)]
    values = np.array([loss.value(y, raw) for raw in predicted])
    assert (np.diff(values) <= slack * values[:-1] + 1e-6 * values[0]).all()


def test_scale_is_local():
    rng = np.random.default_rng(0)
    raw = np.r_[np.zeros(500), np.full(500, 100.0)]
    residual = np.r_[0.01 * rng.standard_normal(500), 10 * rng.standard_normal(500)]
    scale = residual_scale(residual, None, raw)
    small, large = scale.of_rows(raw, np.float64)[[0, -1]]
    assert small < 0.1 * scale.constant < large
    weight = np.r_[np.zeros(500), np.ones(500)]
    alone = residual_scale(residual, weight, raw)
    assert alone.constant == pytest.approx(np.mean(np.sqrt(np.abs(residual[500:]))) ** 2)


@engines
def test_training_options_go_on_working(engine):
    X, y = load_diabetes(return_X_y=True)
    on_lightgbm = engine is OnLightGBM
    loss = AbsoluteError()
    rising = {"monotone_constraints": [0, 0, 1, *[0] * 7] if on_lightgbm else "(0,0,1,0,0,0,0,0,0,0)"}
    booster = engine.train(loss, X, y, params=rising)
    grid = np.tile(X[0], (50, 1))
    grid[:, 2] = np.linspace(X[:, 2].min(), X[:, 2].max(), 50)
    assert (np.diff(engine.raw(booster, grid)) >= 0).all() and np.ptp(engine.raw(booster, grid)) > 1
    constant = loss.value(y, np.full(len(y), loss.initial_raw(y)))
    for params in (
        {"lambda_l2": 50.0} if on_lightgbm else {"lambda": 50.0},
        {"max_delta_step": 5.0},
        {"data_sample_strategy": "goss"} if on_lightgbm else {"subsample": 0.5},
    ):
        assert loss.value(y, engine.raw(engine.train(loss, X, y, params=params), X)) < 0.85 * constant


def test_accuracy_benchmark(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "sets" / "diabetes"
    folder.mkdir(parents=True)
    X, y = load_diabetes(return_X_y=True)
    np.savetxt(folder / "data.txt", np.column_stack([X, y]))
    np.savetxt(folder / "index_features.txt", np.arange(10), fmt="%d")
    np.savetxt(folder / "index_target.txt", [10], fmt="%d")
    monkeypatch.setattr(accuracy, "TASKS", ["MAE", "q=0.1", "q=0.9", "q=0.97"])
    accuracy.main(
        ["--data", str(folder.parent), "--engine", "lightgbm", "--seeds", "1", "--output", str(tmp_path)]
    )
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("| MAE | ours |")).split("|")
    assert 0.7 < float(row[3]) < 1.1 and row[7].strip() in ("0 of 1", "1 of 1")
    naive = next(line for line in printed.splitlines() if line.startswith("| MAE | constant Hessian |")).split("|")
    assert float(naive[3]) > float(row[3])  # what this package is for
    assert (tmp_path / "accuracy.png").stat().st_size > 10_000
    for arguments in (["--seeds", "0"], ["--data", str(tmp_path / "none")], ["--data", str(tmp_path)]):
        with pytest.raises(SystemExit):
            accuracy.main(arguments)
