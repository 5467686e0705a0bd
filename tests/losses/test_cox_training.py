"""Cox's partial likelihood trains on both engines, stops early, keeps its baseline and is saved with it."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from gbm_objectives import CoxPH, GBMRegressor
from gbm_objectives.estimators.saving import sealed
from gbm_objectives.survival import concordance
from tests.engine import LIGHTGBM

TIES = pytest.mark.parametrize("ties", ["efron", "breslow"])
RNG = np.random.default_rng(0)
N = 1500


def simulated(rng, n, size=1.0, grid=None):
    """Features of few levels, targets, and the logarithm of their hazard ratios; on a grid there are ties."""
    X = rng.integers(0, 10, (n, 3)).astype(float)
    log_ratio = size * (X[:, 0] - 4.5) / 4.5
    time, censoring = rng.exponential(np.exp(-log_ratio)), rng.exponential(size=n)
    if grid is not None:
        time, censoring = np.ceil(time * grid) / grid, np.ceil(censoring * grid) / grid
    y = np.column_stack([np.minimum(time, censoring), np.where(time <= censoring, time, np.inf)])
    return X, y, log_ratio


X, Y, LOG_RATIO = simulated(RNG, N, 2.0, 20)
X_VALID, Y_VALID, _ = simulated(RNG, 300, 2.0, 20)
# Small leaves and bins, so that rows count by weight alone.
BY_WEIGHT = {"min_data_in_leaf": 1, "min_data_in_bin": 1}


def data_of(engine, X, y, weight=None):
    data = engine.data(X, y[:, 0], weight)
    data.target = y
    return data


def trained(engine, loss, X, y, weight=None, rounds=30, params=(), **keywords):
    """Train natively; return the raw predictions of the training rows."""
    more = BY_WEIGHT if engine is LIGHTGBM else {"min_child_weight": 1e-3}
    params = {**engine.params, engine.rate: 0.1, **more, **dict(params)}
    data = data_of(engine, X, y, weight)
    booster = engine.ours.train(params, data, loss=loss, num_boost_round=rounds, **keywords)
    return booster, engine.raw(booster, X)


@TIES
def test_it_finds_hazard_ratios(engine, ties):
    _, raw = trained(engine, CoxPH(ties), X, Y)
    assert np.corrcoef(raw, LOG_RATIO)[0, 1] > 0.97
    assert concordance(Y[:, 0], Y[:, 1], raw) > concordance(Y[:, 0], Y[:, 1], LOG_RATIO) - 0.005
    # Nearly all there is to gain: by the ratios that the times were drawn with.
    start, best = (CoxPH(ties).value(Y, f) for f in (np.zeros(N), LOG_RATIO))
    assert CoxPH(ties).value(Y, raw) < best + 0.05 * (start - best)


def test_an_evaluation_set_is_compared_within_itself(engine):
    history = {}
    valid = data_of(engine, X_VALID, Y_VALID)
    none = data_of(engine, X_VALID[:50], np.column_stack([Y_VALID[:50, 0], np.full(50, np.inf)]))
    with pytest.raises(ValueError, match=r"none.*must have an observed event"):
        trained(engine, CoxPH(), X, Y, **engine.evaluation({"valid": valid, "none": none}, history))
    booster, _ = trained(engine, CoxPH(), X, Y, **engine.evaluation({"valid": valid}, history))
    expected = CoxPH().value(Y_VALID, engine.raw(booster, X_VALID))
    assert history["valid"]["cox_ph"][-1] == pytest.approx(expected, rel=1e-6)


@TIES
def test_the_order_of_rows_does_not_matter(engine, ties):
    order = RNG.permutation(N)
    _, raw = trained(engine, CoxPH(ties), X, Y)
    _, permuted = trained(engine, CoxPH(ties), X[order], Y[order])
    np.testing.assert_allclose(permuted, raw[order], rtol=1e-4, atol=1e-5)


def test_a_weight_of_two_is_two_rows_under_breslows_ties(engine):
    """Every row, so that the engines cut features at the same places."""
    twice = np.repeat(np.arange(N), 2)
    _, weighted = trained(engine, CoxPH("breslow"), X, Y, np.full(N, 2.0))
    _, doubled = trained(engine, CoxPH("breslow"), X[twice], Y[twice])
    np.testing.assert_allclose(doubled[::2], weighted, rtol=1e-6, atol=1e-6)


def test_no_event_is_said_before_training(engine):
    censored = np.column_stack([Y[:, 0], np.full(N, np.inf)])
    with pytest.raises(ValueError, match=r"must have an observed event.*there is none in 1500 rows"):
        trained(engine, CoxPH(), X, censored)
    with pytest.raises(ValueError, match="must have an observed event"):
        engine.regressor(CoxPH()).fit(X, censored)
    with pytest.raises(ValueError, match="must have an observed event"):
        engine.regressor(CoxPH()).fit(X, Y, sample_weight=(Y[:, 1] == np.inf).astype(float))


def test_targets_are_refused_by_name_and_row(engine):
    bad = Y.copy()
    bad[7] = [1.0, 2.0]
    with pytest.raises(ValueError, match=r"inf as upper where right-censored, got \[1\. 2\.\] in row 7"):
        engine.regressor(CoxPH()).fit(X, bad)
    with pytest.raises(ValueError, match=r"must have the columns lower, upper"):
        engine.regressor(CoxPH()).fit(X, Y[:, 0])


def test_estimators_stop_early_and_keep_the_baseline(engine, tmp_path):
    weight = RNG.uniform(0.5, 2.0, N)
    offset = RNG.normal(size=N)
    model = engine.regressor(CoxPH(), n_estimators=400, **{engine.rate: 0.3}, **engine.early_stopping(5))
    valid = {"eval_set": [(X_VALID, Y_VALID)], "eval_init_score": [np.zeros(300)]}
    model.fit(X, Y, sample_weight=weight, init_score=offset, **valid)
    assert model.best_iteration_ < 100
    # Of the model that predicts, on the training rows, beside their offset.
    expected = CoxPH()._resolved_at(Y, model.predict_raw(X, offset=offset), weight).summary
    np.testing.assert_allclose(model.loss_.summary, expected, rtol=1e-6)
    assert model.loss.summary is None
    model.save_model(tmp_path / "model.json")
    loaded = GBMRegressor.load_model(tmp_path / "model.json")
    assert loaded.loss_ == CoxPH()
    np.testing.assert_array_equal(loaded.loss_.summary, model.loss_.summary)
    times = [0.05, 0.3, 1.0]
    np.testing.assert_array_equal(
        loaded.loss_.log_survival(loaded.predict_raw(X), times),
        model.loss_.log_survival(model.predict_raw(X), times),
    )
    loaded.save_model(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "model.json").read_text()


def test_survival_is_that_of_the_rows(engine):
    """That of the exponential times that were drawn."""
    many, y, log_ratio = simulated(np.random.default_rng(9), 20_000, 2.0)
    model = engine.regressor(CoxPH(), **{engine.rate: 0.3}).fit(many, y)
    times = np.array([0.2, 0.6, 1.0])
    predicted = np.exp(model.loss_.log_survival(model.predict_raw(many), times))
    expected = np.exp(-np.exp(log_ratio[:, None]) * times)
    assert np.abs(predicted - expected).mean() < 0.02
    for level in range(10):
        rows = many[:, 0] == level
        np.testing.assert_allclose(predicted[rows].mean(axis=0), expected[rows].mean(axis=0), atol=0.03)


def test_damaged_summaries(engine, tmp_path):
    path = tmp_path / "model.json"
    engine.regressor(CoxPH()).fit(X, Y).save_model(path)
    content = json.loads(path.read_text())
    baseline = np.array(content["summary"])
    times, hazard = baseline
    for summary in (
        *("text", 3.0, [[1.0], [1.0, 2.0]], [[1.0, None]], {"a": 1}, [["x"]], [[float("inf")]]),
        *([], [[], []], [[1.0, 2.0]], times, baseline.T, baseline[None], np.vstack([baseline, hazard])),
        *(
            baseline[:, ::-1],
            np.stack([times, hazard[::-1]]),
            np.stack([times, -hazard]),
            np.stack([-times, hazard]),
        ),
        *(np.stack([times, 0.0 * hazard]), np.repeat(baseline, 2, axis=1)),
    ):
        path.write_text(json.dumps(sealed({**content, "summary": np.asarray(summary, object).tolist()})))
        with pytest.raises(ValueError, match=r"is damaged: .*(baseline|summary|array)"):
            GBMRegressor.load_model(path)
    path.write_text(json.dumps(sealed({name: value for name, value in content.items() if name != "summary"})))
    assert GBMRegressor.load_model(path).loss_.summary is None  # as in files of 0.2


@pytest.mark.slow
@TIES
def test_many_rows_of_a_strong_signal_do_not_diverge(engine, ties):
    """With r A(t) alone as curvature, or the Hessian's diagonal, the loss rises again on LightGBM."""
    n = 200_000
    rng = np.random.default_rng(1)
    many = rng.normal(size=(n, 3))
    log_ratio = np.clip(3 * many[:, 0], -6, 6)
    time, censoring = rng.exponential(np.exp(-log_ratio)), rng.exponential(size=n)
    if ties == "efron":
        time, censoring = np.ceil(time * 100), np.ceil(censoring * 100)
    y = np.column_stack([np.minimum(time, censoring), np.where(time <= censoring, time, np.inf)])
    history, data = {}, data_of(engine, many, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the one that the loss rises, among others
        booster = engine.ours.train(
            {**engine.params, engine.rate: 0.3},
            data,
            loss=CoxPH(ties),
            num_boost_round=50,
            **engine.evaluation({"train": data}, history),
        )
    (values,) = history["train"].values()
    assert np.isfinite(values).all()
    assert (np.diff(values) <= 1e-6).all()
    start, best = (CoxPH(ties).value(y, f) for f in (np.zeros(n), log_ratio))
    assert CoxPH(ties).value(y, engine.raw(booster, many)) < best + 0.02 * (start - best)
