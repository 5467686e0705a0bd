"""Targets of several columns on a cluster: bounds, some of them infinite."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask.array as da
import dask.dataframe as dd
import lightgbm as lgb
import pandas as pd

from gbm_objectives import GBMRegressor
from gbm_objectives.contract.start import constant_rows
from tests.cluster import parted
from tests.contract.losses import BetweenBounds, PairLoss, ToEachBound
from tests.engine import LIGHTGBM, XGBOOST

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
N = 900
LOSSES = [BetweenBounds(), ToEachBound()]


def train(engine, client, X, y, loss, **keywords):
    module = import_module(f"gbm_objectives.engines.{engine.name}.dask")
    return module.train(client, engine.params, X, y, loss=loss, **keywords)


def data(n=N):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 200, (n, 4)) / 100.0
    value = 3 * np.sin(X[:, 0]) + X[:, 1] + rng.standard_normal(n)
    y = value[:, None] + rng.uniform(0.1, 1.0, (n, 2)) * [-1, 1]
    y[rng.random(n) < 0.3, 1] = np.inf
    y[np.isfinite(y[:, 1]) & (rng.random(n) < 0.2), 0] = -np.inf
    return X, y, rng.integers(0, 3, n).astype(float)


def of_one_machine(engine, loss, X, y, weight=None, rounds=15):
    rows = engine.data(X, np.zeros(len(X)), weight)
    rows.target = y
    return engine.raw(engine.ours.train(engine.params, rows, loss=loss, num_boost_round=rounds), X)


def close(engine, loss, got, alone, y, weight=None):
    """As for one column: LightGBM's workers sum histograms in another order, and splits of equal gain are many."""
    if engine is XGBOOST:
        np.testing.assert_allclose(got, alone, rtol=1e-5, atol=1e-5)
    else:
        constant = loss.value(y, constant_rows(loss.initial_raw(y, weight), len(y)), weight)
        best = loss.value(y, alone, weight)
        assert loss.value(y, got, weight) - best < 0.05 * (constant - best)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_model_of_one_machine(client, engine, loss, weighted):
    X, y, weight = data()
    order = np.argsort(X[:, 0], kind="stable")
    X, y, weight = X[order], y[order], weight[order] if weighted else None
    alone = of_one_machine(engine, loss, X, y, weight)
    # Halves; a row on one worker; no row on one worker; with empty partitions.
    for ends in ([N // 2], [1], [], [N // 2, N // 2, N // 2]):
        given = None if weight is None else parted(client, weight, *ends)
        rows, target = parted(client, X, *ends), parted(client, y, *ends)
        booster, _ = train(engine, client, rows, target, loss, sample_weight=given, num_boost_round=15)
        close(engine, loss, engine.raw(booster, X), alone, y, weight)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_more_rows_than_each_worker_sees(client, engine, loss):
    """The normalising constant is that of a sample, so the model is only nearly that of one machine."""
    X, y, _ = data(20_000)
    alone = of_one_machine(engine, loss, X, y)
    ends = (5000, 5000, 12_000)
    booster, history = train(
        engine,
        client,
        parted(client, X, *ends),
        parted(client, y, *ends),
        loss,
        num_boost_round=15,
        evals=[(parted(client, X, 1, 9000), parted(client, y, 1, 9000))],
    )
    got = engine.raw(booster, X)
    assert loss.value(y, got) == pytest.approx(loss.value(y, alone), rel=0.02)
    assert history["validation_0"][loss.name][-1] == pytest.approx(loss.value(y, got), rel=1e-4)
    assert not client.list_datasets()  # by which the workers found the targets


def bounded(y_true, y_pred):
    return "bounded", float(np.mean(np.isfinite(y_true).all(axis=1))), False


def test_early_stopping_and_metrics(client, engine):
    X, y, weight = data()
    loss, fit, late = BetweenBounds(), slice(0, 600), slice(600, N)
    weight[late] += 1.0
    for ends in ((1,), ()):  # with rows on both workers, and on one
        booster, history = train(
            engine,
            client,
            parted(client, X[fit], 200),
            parted(client, y[fit], 200),
            loss,
            num_boost_round=500,
            evals=[tuple(parted(client, values[late], *ends) for values in (X, y, weight))],
            early_stopping_rounds=10,
            metrics=[loss.metric, bounded] if engine is LIGHTGBM else [bounded, loss.metric],
        )
        curve = history["validation_0"][loss.name]
        best = booster.best_iteration + (1 if engine is XGBOOST else 0)
        if engine is XGBOOST:  # LightGBM stops by the first metric that has not improved, which is the other
            assert best == np.argmin(curve) + 1 < 490
        (staged,) = engine.staged_raw(booster, X[late], [best])
        assert curve[best - 1] == pytest.approx(loss.value(y[late], staged, weight[late]), rel=1e-5)
        expected = np.isfinite(y[late]).all(axis=1).mean()
        assert history["validation_0"]["bounded"][0] == pytest.approx(expected, rel=1e-5)


def test_columns_by_name_and_in_blocks(client, engine):
    X, y, _ = data()
    loss, rows = BetweenBounds(), parted(client, X, 300, 600)
    frame = pd.DataFrame({"upper": y[:, 1], "other": 0.0, "lower": y[:, 0]})
    expected = None
    for target in (
        parted(client, y, 300, 600),
        dd.from_pandas(frame, npartitions=3),
        dd.from_pandas(pd.DataFrame(y), npartitions=3),  # its names say nothing
        da.from_array(y, chunks=(300, 1)),
    ):
        booster, _ = train(engine, client, rows, target, loss, num_boost_round=3)
        got = engine.raw(booster, X)
        expected = got if expected is None else expected
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_bad_targets_are_named(client, engine):
    X, y, _ = data()
    loss, rows, target = BetweenBounds(), parted(client, X, 700), parted(client, y, 700)
    turned, gap = y.copy(), y.copy()
    turned[705], gap[3, 0] = [1.0, 0.5], np.nan
    frame = dd.from_pandas(pd.DataFrame(y, columns=["lower", "uper"]), npartitions=2)
    domain = "bounds, the lower one first, of which one is finite"
    for keywords, message in (
        ({"y": parted(client, turned, 700)}, rf"y, partition 1: .* {domain}, got \[1.* in row 5 \(1 such\)"),
        ({"y": parted(client, gap, 700)}, rf"y, partition 0: .* {domain}, got \[nan.* in row 3"),
        ({"evals": [(rows, parted(client, turned, 700))]}, r"evals\[0\], partition 1: .* in row 5"),
        ({"y": parted(client, y, 600)}, "y, partition 0: X has 700 rows, the target 600"),
        ({"y": parted(client, y[:, 0], 700)}, "y must have the columns lower, upper, not 1"),
        ({"y": parted(client, np.hstack([y, y]), 700)}, "y must have the columns lower, upper, not 4"),
        ({"y": frame}, r"y must have the columns lower, upper: upper is not among \['lower', 'uper'\]"),
        ({"evals": [(rows, frame)]}, r"evals\[0\] must have the columns lower, upper: upper is not among"),
        (
            {"loss": PairLoss(), "y": parted(client, y[:, 0], 700)},
            "it compares rows, which are on several workers",
        ),
    ):
        given = {"X": rows, "y": target, "loss": loss, **keywords}
        with pytest.raises(ValueError, match=message):
            train(engine, client, **given)
    text = parted(client, np.full((N, 2), "x"), 700)
    with pytest.raises(ValueError, match=r"y, partition 0: y_true must be numbers"):
        train(engine, client, rows, text, loss)
    assert train(engine, client, rows, target, loss, num_boost_round=2)


# ---- estimators ------------------------------------------------------------


class OfTypicalWidth(BetweenBounds):
    """The same, of a noise as large as the bounds of the training rows are apart."""

    scope = "summary"
    sigma = property(lambda self: self.summary)

    def __init__(self):
        pass

    def _summary(self, y_true, raw_prediction, weight):
        return float(np.median(y_true[:, 1] - y_true[:, 0]))


def estimators(engine, loss, **parameters):
    """One on the cluster, and one on this machine."""
    import xgboost as xgb
    import xgboost.dask

    spread = lgb.DaskLGBMRegressor if engine is LIGHTGBM else xgb.dask.DaskXGBRegressor
    params = {"n_estimators": 15, "n_jobs": 1, **engine.quiet, **parameters}
    return [GBMRegressor(loss, kind(**params)) for kind in (spread, engine.bare_regressor)]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_an_estimator(client, engine, loss):
    X, y, weight = data()
    spread, alone = estimators(engine, loss)
    frame = pd.DataFrame({"upper": y[:, 1], "other": 0.0, "lower": y[:, 0]})
    workers = sorted(client.nthreads())
    halves = [
        client.scatter(part, workers=[at], hash=False)
        for part, at in zip((frame[:450], frame[450:]), workers, strict=True)
    ]
    rows = parted(client, X, 450)
    alone.fit(X, y, weight)
    valid = parted(client, X, 300), parted(client, y, 300)
    for target in (
        parted(client, y, 450),
        dd.from_delayed(halves, meta=frame[:0]),
        da.from_array(y, chunks=(450, 1)),
    ):
        with client.as_current():
            spread.fit(rows, target, parted(client, weight, 450), eval_set=[valid])
        close(engine, loss, spread.predict_raw(X), alone.predict_raw(X), y, weight)
        (curve,) = spread.evals_result_.values()
        assert curve[loss.name][-1] == pytest.approx(loss.value(y, spread.predict_raw(X)), rel=1e-4)
    lazy = spread.predict(parted(client, X, 100, 100, 500))
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), spread.predict(X), rtol=1e-6)
    with pytest.raises(ValueError, match="score compares one number with the target"):
        spread.score(X, y)


def test_metrics_by_name_look_at_the_bounded(client):
    """XGBoost's; LightGBM takes none on a cluster."""
    X, y, _ = data()
    spread, alone = estimators(XGBOOST, BetweenBounds(), eval_metric=["rmse"])
    with client.as_current():
        spread.fit(
            parted(client, X, 450), parted(client, y, 450), eval_set=[(parted(client, X), parted(client, y))]
        )
    alone.fit(X, y, eval_set=[(X, y)])
    (got,), (expected,) = spread.evals_result_.values(), alone.evals_result_.values()
    np.testing.assert_allclose(got["rmse"], expected["rmse"], rtol=1e-5)


def test_an_estimator_names_what_is_wrong(client, engine):
    X, y, _ = data()
    bad = y.copy()
    bad[455] = bad[455, ::-1]
    (model, _) = estimators(engine, BetweenBounds())
    rows = parted(client, X, 450)
    frame = dd.from_pandas(pd.DataFrame(y, columns=["lower", "uper"]), npartitions=2)
    with client.as_current():
        for target, message in (
            (parted(client, bad, 450), "y, partition 1: .* the lower one first, .* in row 5"),
            (parted(client, y[:, 0], 450), "y must have the columns lower, upper, not 1"),
            (frame, "y must have the columns lower, upper: upper is not among"),
        ):
            with pytest.raises(ValueError, match=message):
                model.fit(rows, target)


def test_a_summary_of_columns(client, engine):
    """The fitted loss knows that of all training rows, empty partitions or not."""
    X, y, _ = data()
    y[:, 0] = np.where(np.isfinite(y[:, 0]), y[:, 0], y[:, 1] - 2.0)
    (spread, alone) = estimators(engine, OfTypicalWidth())
    with client.as_current():
        spread.fit(parted(client, X, 450, 450), parted(client, y, 450, 450))
    alone.fit(X, y)
    assert spread.loss_.summary == pytest.approx(alone.loss_.summary)
    close(engine, spread.loss_, spread.predict_raw(X), alone.predict_raw(X), y)
