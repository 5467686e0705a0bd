"""Rows that `fit` puts aside for early stopping: as if they had been given as `eval_set` by hand."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gbm_objectives import (
    AbsoluteError,
    CoxPH,
    GBMClassifier,
    GBMRegressor,
    GBMSurvival,
    PoissonDeviance,
)
from tests.engine import LIGHTGBM, version

X, Y = load_diabetes(return_X_y=True)
N = len(Y)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2.0, N)


def model_of(engine, loss=None, *, rounds=300, kind=GBMRegressor, params=(), **own):
    estimator = engine.estimator(kind is GBMClassifier, n_estimators=rounds, **dict(params))
    return kind(loss, estimator, **own)


def others(rows, n=N):
    return np.setdiff1d(np.arange(n), rows)


def by_hand(engine, model, y=Y, X=X, rounds=10, **fit):
    """The model of the same rows given as `eval_set`, with the engine's own early stopping."""
    aside, kept = model.validation_indices_, others(model.validation_indices_, len(y))
    fit = {name: values for name, values in fit.items() if values is not None}
    beside = {"sample_weight": "eval_sample_weight", "init_score": "eval_init_score"}
    sets = {beside[name]: [values[aside]] for name, values in fit.items()}
    fit = {name: values[kept] for name, values in fit.items()}
    estimator = clone(model.estimator).set_params(**engine.early_stopping(rounds))
    hand = type(model)(model.loss, estimator)
    return hand.fit(X[kept], y[kept], eval_set=[(X[aside], y[aside])], **fit, **sets)


def assert_same(model, hand, X=X):
    assert model.best_iteration_ == hand.best_iteration_ < 300
    np.testing.assert_array_equal(model.predict(X), hand.predict(X))
    assert model.evals_result_ == hand.evals_result_


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_as_an_eval_set_by_hand(engine, weight):
    model = model_of(engine, AbsoluteError(), validation_fraction=0.2, random_state=0)
    model.fit(X, Y, sample_weight=weight)
    kept, aside = train_test_split(np.arange(N), test_size=0.2, random_state=0)
    np.testing.assert_array_equal(model.validation_indices_, np.sort(aside))
    np.testing.assert_array_equal(others(model.validation_indices_), np.sort(kept))
    hand = by_hand(engine, model, sample_weight=weight)
    assert_same(model, hand)
    # The scale of the noise is that of the rows put aside, on which residuals are not too small.
    assert model.noise_scale_ == hand.noise_scale_
    assert model.noise_scale_ > 1.2 * AbsoluteError().value(Y[kept], model.predict(X[kept]))
    # The engine's estimator, as it is kept, has the parameters that it was given.
    (stopping,) = engine.early_stopping()
    assert model.estimator_.get_params().get(stopping) is None


def test_offsets_go_with_their_rows(engine):
    rng = np.random.default_rng(0)
    exposure = rng.uniform(0.2, 5.0, N)
    y = rng.poisson(exposure * np.exp(2 * X[:, 0] / X[:, 0].std() * 0.3)).astype(float)
    offset = np.log(exposure)
    model = model_of(engine, PoissonDeviance(), validation_fraction=60, random_state=1)
    model.fit(X, y, init_score=offset)
    assert len(model.validation_indices_) == 60
    hand = by_hand(engine, model, y, init_score=offset)
    assert_same(model, hand)
    other = clone(model).fit(X, y, base_margin=offset)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_classes_keep_their_shares(engine):
    rng = np.random.default_rng(0)
    y = np.where(X[:, 2] + 0.05 * rng.normal(size=N) > 0.08, "rare", np.where(X[:, 3] > 0, "high", "low"))
    model = model_of(engine, kind=GBMClassifier, validation_fraction=0.25, random_state=3).fit(X, y)
    aside = model.validation_indices_
    assert len(aside) == 111
    for label in np.unique(y):
        assert abs((y[aside] == label).sum() - (y == label).sum() / 4) < 1
    hand = by_hand(engine, model, y)
    assert model.best_iteration_ == hand.best_iteration_ < 300
    np.testing.assert_array_equal(model.predict_proba(X), hand.predict_proba(X))
    # Weights of classes are those of the rows trained on, as with an eval_set by hand.
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    hand = GBMClassifier(None, clone(model.estimator).set_params(**engine.early_stopping(10)), "balanced")
    hand.fit(X[others(aside)], y[others(aside)], eval_set=[(X[aside], y[aside])])
    np.testing.assert_array_equal(balanced.predict_proba(X), hand.predict_proba(X))


def test_target_distributions_are_put_aside_too(engine):
    p = 1 / (1 + np.exp(-20 * X[:, 2]))
    model = model_of(engine, kind=GBMClassifier, validation_fraction=0.25, random_state=3)
    model.fit(X, np.column_stack([1 - p, p]))
    assert len(model.validation_indices_) == 111 and model.best_iteration_ is not None


def test_events_keep_their_share(engine):
    rng = np.random.default_rng(0)
    time, end = rng.exponential(np.exp(20 * X[:, 2])), rng.exponential(5.0, N)
    y = np.column_stack([np.minimum(time, end), np.where(time <= end, time, np.inf)])
    for loss in (None, CoxPH()):
        model = model_of(engine, loss, kind=GBMSurvival, validation_fraction=0.25, random_state=0).fit(X, y)
        share = np.isfinite(y[:, 1]).mean()
        assert abs(np.isfinite(y[model.validation_indices_, 1]).sum() - share * 111) < 1
        assert_same(model, by_hand(engine, model, y))
    # A single censored time is in one of the two parts.
    y[:, 1] = y[:, 0]
    y[7, 1] = np.inf
    assert model_of(engine, kind=GBMSurvival, validation_fraction=0.25).fit(X, y).best_iteration_ is not None


def test_the_last_rows(engine):
    model = model_of(engine, validation_fraction=0.1, validation="last").fit(X, Y)
    np.testing.assert_array_equal(model.validation_indices_, np.arange(N - 45, N))
    assert_same(model, by_hand(engine, model))
    model.set_params(validation_fraction=30).fit(X, Y)
    np.testing.assert_array_equal(model.validation_indices_, np.arange(N - 30, N))


def test_groups_stay_whole(engine):
    patients = np.random.default_rng(0).integers(0, 60, N)
    model = model_of(engine, validation_fraction=0.2, random_state=0).fit(X, Y, groups=patients)
    aside = patients[model.validation_indices_]
    assert len(np.unique(aside)) == 12
    assert not set(aside) & set(patients[others(model.validation_indices_)])
    _, expected = next(GroupShuffleSplit(1, test_size=0.2, random_state=0).split(X, Y, patients))
    np.testing.assert_array_equal(model.validation_indices_, expected)
    assert_same(model, by_hand(engine, model))
    # Several series, one after another: the last dates of all of them.
    dates = np.tile(pd.date_range("2024-01-01", periods=N // 2), 2)
    model.set_params(validation="last", validation_fraction=21).fit(X, Y, groups=dates)
    assert set(dates[model.validation_indices_]) == set(np.unique(dates)[-21:])
    assert len(model.validation_indices_) == 42


def test_rows_of_a_splitter(engine):
    splitter = TimeSeriesSplit(3, gap=20, test_size=50)
    model = model_of(engine, validation=splitter).fit(X, Y)
    *_, (kept, aside) = splitter.split(X)
    np.testing.assert_array_equal(model.validation_indices_, aside)
    assert kept[-1] == aside[0] - 21  # the gap is in neither
    hand = GBMRegressor(None, clone(model.estimator).set_params(**engine.early_stopping(10)))
    hand.fit(X[kept], Y[kept], eval_set=[(X[aside], Y[aside])])
    assert_same(model, hand)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])

    class Women:
        def split(self, X, y=None, groups=None):
            yield np.flatnonzero(X["x1"] < 0), np.flatnonzero(X["x1"] > 0)

    model = model_of(engine, validation=Women()).fit(frame, Y)
    np.testing.assert_array_equal(model.validation_indices_, np.flatnonzero(X[:, 1] > 0))


@pytest.mark.parametrize("kind", ["array", "frame", "polars", "arrow", "sparse", "list"])
def test_features_of_any_kind(engine, kind):
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    if kind == "polars" and engine is LIGHTGBM and version(lgb) < (4, 7):
        pytest.skip("LightGBM 4.6 does not take them")
    if kind in ("polars", "arrow"):
        pytest.importorskip("pyarrow")
    if kind == "polars":
        features = pytest.importorskip("polars").from_pandas(frame)
    elif kind == "arrow":
        features = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    elif kind == "sparse":
        features = pytest.importorskip("scipy.sparse").csr_array(X)
    else:
        features = {"array": X, "frame": frame, "list": X.tolist()}[kind]
    model = model_of(engine, validation_fraction=0.2, random_state=0).fit(features, Y)
    plain = model_of(engine, validation_fraction=0.2, random_state=0).fit(X, Y)
    assert model.best_iteration_ == plain.best_iteration_
    np.testing.assert_allclose(model.predict(features), plain.predict(X))


def test_how_many_rounds_to_wait(engine):
    """Those of `n_iter_no_change`, of the engine's parameters, of a callback, or 10."""

    def waited(model):
        (history,) = model.evals_result_.values()
        return len(history["squared_error"]) - model.best_iteration_

    def fitted(params=(), callbacks=None, **own):
        model = model_of(engine, params=params, validation_fraction=0.2, random_state=0, **own)
        return model.fit(X, Y, callbacks=callbacks)

    stop = lgb.early_stopping(4, verbose=False) if engine is LIGHTGBM else xgb.callback.EarlyStopping(rounds=4)
    assert waited(fitted()) == 10
    assert waited(fitted(n_iter_no_change=3)) == 3
    assert waited(fitted(engine.early_stopping(7))) == 7
    assert waited(fitted(callbacks=[stop])) == 4
    for given in ({"params": engine.early_stopping(7)}, {"callbacks": [stop]}):
        with pytest.raises(ValueError, match="n_iter_no_change of GBMRegressor says the same as early stopping"):
            fitted(n_iter_no_change=3, **given)


def test_one_spelling_for_both_engines(engine):
    """`n_iter_no_change` also watches an `eval_set`; without one it says that it does nothing."""
    model = model_of(engine, n_iter_no_change=5).fit(X[:300], Y[:300], eval_set=[(X[300:], Y[300:])])
    hand = model_of(engine, params=engine.early_stopping(5))
    assert_same(model, hand.fit(X[:300], Y[:300], eval_set=[(X[300:], Y[300:])]))
    with pytest.warns(UserWarning, match="n_iter_no_change has no effect: there is neither") as caught:
        model.fit(X, Y)
    assert caught[0].filename == __file__ and model.best_iteration_ is None


def test_metrics_are_computed_on_the_rows_put_aside(engine):
    model = model_of(engine, validation_fraction=0.2, random_state=0)
    model.fit(X, Y, eval_metric=mean_absolute_error)
    ((name, history),) = model.evals_result_.items()
    aside = model.validation_indices_
    expected = mean_absolute_error(Y[aside], model.predict(X[aside]))
    assert history["mean_absolute_error"][model.best_iteration_ - 1] == pytest.approx(expected, rel=1e-6)
    assert name in ("valid_0", "validation_0")


def test_in_the_tools_of_scikit_learn(engine):
    model = model_of(engine, validation_fraction=0.2, random_state=0)
    scores = cross_val_score(model, X, Y, cv=KFold(3), scoring="neg_mean_absolute_error")
    alone = [
        -np.abs(Y[test] - clone(model).fit(X[train], Y[train]).predict(X[test])).mean()
        for train, test in KFold(3).split(X)
    ]
    np.testing.assert_allclose(scores, alone)
    assert scores.mean() > cross_val_score(model_of(engine), X, Y, cv=3, scoring="neg_mean_absolute_error").mean()
    grid = {"validation_fraction": [0.1, 0.3], "validation": ["random", "last"], "n_iter_no_change": [3, 20]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    assert set(search.best_params_) == set(grid)
    fraction = search.best_params_["validation_fraction"]
    assert len(search.best_estimator_.validation_indices_) == np.ceil(fraction * N)
    line = make_pipeline(StandardScaler(), clone(model)).fit(X, Y)
    np.testing.assert_array_equal(line[-1].validation_indices_, model.fit(X, Y).validation_indices_)
    assert line[-1].best_iteration_ < 300
    line.set_params(gbmregressor__validation_fraction=None).fit(X, Y)
    assert line[-1].best_iteration_ is None and line[-1].validation_indices_ is None


def test_a_fit_without_it_forgets_the_rows(engine):
    model = model_of(engine, validation_fraction=0.2).fit(X, Y)
    assert model.set_params(validation_fraction=None).fit(X, Y).validation_indices_ is None
    assert model.best_iteration_ is None
    assert clone(model).validation_indices_ is None


def test_saved_and_loaded(engine, tmp_path):
    path = tmp_path / "model.json"
    model = model_of(engine, validation_fraction=0.2, validation="last", n_iter_no_change=4).fit(X, Y)
    model.save_model(path)
    loaded = GBMRegressor.load_model(path)
    np.testing.assert_array_equal(loaded.validation_indices_, model.validation_indices_)
    assert loaded.validation_indices_.dtype.kind == "i"
    assert (loaded.validation_fraction, loaded.validation, loaded.n_iter_no_change) == (0.2, "last", 4)
    np.testing.assert_array_equal(clone(loaded).fit(X, Y).predict(X), model.predict(X))
    # Objects, which are not needed to predict, are left out.
    state = np.random.RandomState(0)
    model_of(engine, validation_fraction=0.2, random_state=state).fit(X, Y).save_model(path)
    assert GBMRegressor.load_model(path).random_state is None
    model_of(engine, validation=KFold(5)).fit(X, Y).save_model(path)
    assert GBMRegressor.load_model(path).validation == "random"


def test_categories_in_order_sort_as_they_say():
    labels = np.where(np.arange(N) < 300, "spring", "autumn")
    seasons = pd.Categorical(labels, categories=["spring", "autumn"], ordered=True)
    model = model_of(LIGHTGBM, validation_fraction=np.float32(0.3), validation="last")
    for groups in (seasons, pd.Series(seasons)):
        np.testing.assert_array_equal(model.fit(X, Y, groups=groups).validation_indices_, np.arange(300, N))
    np.testing.assert_array_equal(model.fit(X, Y, groups=labels).validation_indices_, np.arange(300))


def test_groups_are_routed_as_metadata():
    with config_context(enable_metadata_routing=True):
        model = model_of(LIGHTGBM, validation_fraction=0.2, random_state=0).set_fit_request(groups=True)
        patients = np.random.default_rng(0).integers(0, 60, N)
        line = make_pipeline(StandardScaler(), model).fit(X, Y, groups=patients)
    aside = line[-1].validation_indices_
    assert not set(patients[aside]) & set(patients[others(aside)])
