"""Estimators on a Dask cluster: the model of one machine, in memory, and lazy predictions of collections."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("distributed")
import dask
import dask.array as da
import dask.dataframe as dd
import lightgbm as lgb
import pandas as pd
import xgboost as xgb
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error

from gbm_objectives import AbsoluteError, GBMClassifier, GBMRegressor, MultiQuantile, PoissonDeviance, SquaredError
from gbm_objectives.distributions import Normal
from gbm_objectives.losses import Tukey
from tests.cluster import parted
from tests.engine import LIGHTGBM, XGBOOST

# Dask's and the engines' own.
pytestmark = pytest.mark.filterwarnings("ignore")
N = 900
KINDS = {
    (LIGHTGBM, False): (lambda: lgb.DaskLGBMRegressor, lambda: lgb.LGBMRegressor),
    (LIGHTGBM, True): (lambda: lgb.DaskLGBMClassifier, lambda: lgb.LGBMClassifier),
    (XGBOOST, False): (lambda: xgb.dask.DaskXGBRegressor, lambda: xgb.XGBRegressor),
    (XGBOOST, True): (lambda: xgb.dask.DaskXGBClassifier, lambda: xgb.XGBClassifier),
}


@pytest.fixture(autouse=True)
def as_current(client):
    """The estimators find the cluster by themselves."""
    with client.as_current():
        yield


def estimators(engine, loss, rounds=15, classifier=False, **parameters):
    """One of ours on the cluster, and one on this machine."""
    import xgboost.dask  # noqa: F401

    ours = GBMClassifier if classifier else GBMRegressor
    quiet = {"verbosity": -1} if engine is LIGHTGBM else {"verbosity": 0}
    return [
        ours(loss, kind()(n_estimators=rounds, n_jobs=1, **quiet, **parameters))
        for kind in KINDS[engine, classifier]
    ]


def data():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 200, (N, 4)) / 100.0
    y = 3 * np.sin(X[:, 0]) + X[:, 1] + rng.exponential(size=N)
    order = np.argsort(y)
    return X[order], y[order]


def test_rates_have_no_distribution(client, engine):
    X, rates = data()[0], np.arange(N) / 2.0
    model, _ = estimators(engine, PoissonDeviance(), rounds=2)
    model.fit(parted(client, X, 400), parted(client, rates, 400))
    with pytest.raises(
        ValueError, match=r"Poisson noise draws integers .*, not 0\.5 in row 1 \(200 such\) of partition 0"
    ):
        model.predict_interval(X)
    assert model.fit(parted(client, X, 400), parted(client, np.floor(rates), 400)).outside_noise_ == ""


def close(engine, got, expected):
    """XGBoost's trees are those of one machine; LightGBM's add histograms in another order."""
    if engine is XGBOOST:
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    else:
        assert np.mean(np.abs(got - expected)) < 0.2 * np.std(expected)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Normal()], ids=repr)
def test_it_is_the_model_of_one_machine(client, engine, loss, tmp_path):
    X, y = data()
    spread, alone = estimators(engine, loss)
    assert spread.fit(parted(client, X, 700), parted(client, y, 700)) is spread
    alone.fit(X, y)
    close(engine, spread.predict(X), alone.predict(X))
    if alone.noise_scale_ is not None:
        assert spread.noise_scale_ == pytest.approx(alone.noise_scale_, rel=0.05)
    assert spread.n_features_in_ == 4
    lazy = spread.predict(parted(client, X, 100, 100, 500))
    assert isinstance(lazy, da.Array)
    assert lazy.npartitions == 4
    assert lazy.dtype == spread.predict(X).dtype
    np.testing.assert_allclose(lazy.compute(), spread.predict(X), rtol=1e-6)
    spread.save_model(tmp_path / "model.json")
    np.testing.assert_array_equal(GBMRegressor.load_model(tmp_path / "model.json").predict(X), spread.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(spread)).predict(X), spread.predict(X))
    assert isinstance(spread.estimator_, type(alone.estimator))
    assert not hasattr(clone(spread), "booster_")


def test_early_stopping_weights_and_metrics(client, engine):
    X, y = data()
    order = np.random.default_rng(1).permutation(N)
    X, y = X[order], y[order]
    weight = np.random.default_rng(2).integers(1, 3, N).astype(float)
    fit, late = slice(0, 600), slice(600, N)
    name = "early_stopping_round" if engine is LIGHTGBM else "early_stopping_rounds"
    spread, alone = estimators(engine, AbsoluteError(), rounds=300, **{name: 10})
    keywords = {"eval_names": ["late"], "eval_metric": [mean_absolute_error]}
    alone.fit(
        X[fit], y[fit], weight[fit], eval_set=[(X[late], y[late])], eval_sample_weight=[weight[late]], **keywords
    )
    spread.fit(
        parted(client, X[fit], 100),
        parted(client, y[fit], 100),
        parted(client, weight[fit], 100),
        eval_set=[(parted(client, X[late], 1), parted(client, y[late], 1))],
        eval_sample_weight=[parted(client, weight[late], 1)],
        **keywords,
    )
    curve = spread.evals_result_["late"]
    assert spread.best_iteration_ == np.argmin(curve["absolute_error"]) + 1 < 290
    # A metric sees the rows of all workers: scikit-learn's is our loss.
    np.testing.assert_allclose(curve["mean_absolute_error"], curve["absolute_error"], rtol=1e-5)
    loss = AbsoluteError().value(y[late], spread.predict(X[late]), weight[late])
    assert curve["absolute_error"][spread.best_iteration_ - 1] == pytest.approx(loss, rel=1e-5)
    assert spread.noise_scale_ == pytest.approx(loss, rel=1e-6)
    if engine is XGBOOST:
        assert spread.best_iteration_ == alone.best_iteration_
        np.testing.assert_allclose(
            curve["absolute_error"], alone.evals_result_["late"]["absolute_error"], rtol=1e-4
        )


def test_intervals(client, engine):
    X, y = data()
    (spread, _) = estimators(engine, MultiQuantile((0.1, 0.5, 0.9)))
    spread.fit(parted(client, X, 450), parted(client, y, 450))
    rows = parted(client, X, 300)
    for name, arguments, shape in (
        ("predict_interval", (), (N, 2)),
        ("predict_quantiles", ([0.2, 0.5, 0.7],), (N, 3)),
        ("predict_raw", (), (N, 3)),
    ):
        lazy = getattr(spread, name)(rows, *arguments)
        assert lazy.shape == shape
        np.testing.assert_allclose(lazy.compute(), getattr(spread, name)(X, *arguments), rtol=1e-6)
    groups = np.where(X[:, 0] > 1, "a", "b")
    spread.calibrate(X, y, groups=groups)
    lazy = spread.predict_interval(rows, 0.8, groups=parted(client, groups, 300))
    np.testing.assert_allclose(lazy.compute(), spread.predict_interval(X, 0.8, groups=groups), rtol=1e-6)
    for other in (parted(client, groups), groups):
        with pytest.raises(ValueError, match="groups must be in the partitions of X, as a Dask array"):
            spread.predict_interval(rows, 0.8, groups=other)
    with pytest.raises(TypeError, match="X must be in memory here, got a Dask collection"):
        next(spread.staged_predict(rows))


def test_labels_of_which_one_is_missing_on_a_worker(client, engine):
    X, y = data()
    labels = np.array(["high", "low", "middle"])[np.digitize(y, [2.5, 4.5])]
    rows, target = parted(client, X, 200, 450), parted(client, labels, 200, 450)  # sorted
    assert len(np.unique(labels[:200])) < 3
    spread, alone = estimators(
        engine, None, classifier=True, **({"class_weight": "balanced"} if engine is LIGHTGBM else {})
    )
    spread.fit(rows, target, eval_set=[(rows, target)])
    alone.fit(X, labels)
    assert spread.classes_.tolist() == ["high", "low", "middle"]
    close(engine, spread.predict_proba(X), alone.predict_proba(X))
    assert spread.predict_proba(rows).shape == (N, 3)
    assert spread.predict(rows).compute().tolist() == spread.predict(X).tolist()
    np.testing.assert_allclose(spread.predict_proba(rows).compute(), spread.predict_proba(X), rtol=1e-6)
    other = parted(client, np.where(labels == "high", "higher", labels), 200, 450)
    message = r"eval_set\[0\], partition 0: y has a label unseen in training, 'higher' in row 0"
    with pytest.raises(ValueError, match=message):
        spread.fit(rows, target, eval_set=[(rows, other)])
    with pytest.raises(ValueError, match="needs at least 2 classes, y has 1 class: 'high'"):
        spread.fit(rows, parted(client, np.full(N, "high"), 200, 450))


@pytest.mark.parametrize("parameter", ["scale_pos_weight", "is_unbalance", "class_weight"])
def test_unbalanced_labels(client, engine, parameter):
    if parameter == "is_unbalance" and engine is XGBOOST:
        pytest.skip("LightGBM's")
    X, y = data()
    label = (y > 4.5).astype(int)
    given = {"scale_pos_weight": 5.0, "is_unbalance": True, "class_weight": None}[parameter]
    spread, alone = estimators(engine, None, classifier=True, **({parameter: given} if given else {}))
    if parameter == "class_weight":
        spread.class_weight = alone.class_weight = {0: 0.5, 1: 3.0}
    spread.fit(parted(client, X, 700), parted(client, label, 700))
    alone.fit(X, label)
    close(engine, spread.predict_proba(X)[:, 1], alone.predict_proba(X)[:, 1])
    assert spread.predict_proba(X)[:, 1].mean() > 1.1 * label.mean()


def test_auto_is_told_by_the_residuals_of_all_workers(client, engine):
    X, y = data()
    spread, alone = estimators(engine, Tukey("auto"))
    spread.fit(parted(client, X, 450), parted(client, y, 450))
    assert spread.loss_.c == pytest.approx(alone.fit(X, y).loss_.c, rel=0.1)


def test_weights_of_two_classes_without_two_classes(client, engine):
    X, y = data()
    rows, target = parted(client, X, 450), parted(client, y, 450)
    for parameter in [{"scale_pos_weight": 2.0}, *([{"is_unbalance": True}] if engine is LIGHTGBM else [])]:
        (model, _) = estimators(engine, SquaredError(), **parameter)
        with pytest.raises(ValueError, match="are for labels of two classes: use sample_weight"):
            model.fit(rows, target)


def test_categories_that_differ_between_partitions(client, engine):
    rng = np.random.default_rng(0)
    kind = np.sort(rng.choice(["a", "b", "c", "d"], N))
    X = pd.DataFrame({"x": rng.integers(0, 50, N) / 50.0, "kind": pd.Categorical(kind)})
    y = pd.Series(X["x"] + np.array([0.0, 5.0, -5.0, 2.0])[X["kind"].cat.codes] + 0.1 * rng.standard_normal(N))
    # Each partition knows the categories that it holds.
    parts = [part.assign(kind=part["kind"].cat.remove_unused_categories()) for part in (X[:500], X[500:])]
    meta = X[:0].assign(kind=pd.Categorical([], categories=["__UNKNOWN_CATEGORIES__"]))
    workers = sorted(client.nthreads())
    futures = [
        client.scatter(part, workers=[worker], hash=False) for part, worker in zip(parts, workers, strict=True)
    ]
    rows = dd.from_delayed(futures, meta=meta, verify_meta=False)
    targets = [client.scatter(part, hash=False) for part in (y[:500], y[500:])]
    target = dd.from_delayed(targets, meta=y[:0])
    # LightGBM's workers together are bad at splitting categories in groups, with its own objectives as well.
    parameters = {"enable_categorical": True} if engine is XGBOOST else {"min_data_per_group": 1}
    spread, alone = estimators(engine, AbsoluteError(), rounds=40, **parameters)
    spread.fit(rows, target, eval_set=[(rows, target)])
    alone.fit(X, y)
    assert spread.feature_names_in_.tolist() == ["x", "kind"]
    errors = [np.mean(np.abs(model.predict(X) - y)) for model in (spread, alone)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)
    lazy = spread.predict(dd.from_pandas(X, npartitions=3))
    assert lazy.ndim == 1
    np.testing.assert_allclose(lazy.compute(), spread.predict(X), rtol=1e-6)
    with pytest.raises(ValueError, match=r"eval_set\[0\]: .*[Ff]eature names"):
        spread.fit(rows, target, eval_set=[(rows.rename(columns={"x": "z"}), target)])


def test_sparse(client, engine):
    X, y = data()
    X = np.where(X > 1.2, X, 0.0)
    rows = parted(client, sparse.csr_matrix(X), 400)
    spread, alone = estimators(engine, AbsoluteError())
    spread.fit(rows, parted(client, y, 400))
    alone.fit(sparse.csr_matrix(X), y)
    close(engine, spread.predict(sparse.csr_matrix(X)), alone.predict(sparse.csr_matrix(X)))
    np.testing.assert_allclose(spread.predict(rows).compute(), spread.predict(sparse.csr_matrix(X)), rtol=1e-6)


def test_features_in_blocks_of_columns(client, engine):
    X, y = data()
    spread, alone = estimators(engine, SquaredError())
    rows = da.from_array(X, chunks=(300, 2))
    spread.fit(rows, da.from_array(y, chunks=300))
    close(engine, spread.predict(X), alone.fit(X, y).predict(X))
    np.testing.assert_allclose(spread.predict(rows).compute(), spread.predict(X), rtol=1e-6)


def test_bad_input(client, engine):
    X, y = data()
    rows, target = parted(client, X, 450), parted(client, y, 450)
    model, alone = estimators(engine, PoissonDeviance())
    fit = {"X": rows, "y": target}
    bad = y.copy()
    bad[455] = -1.0
    for arguments, error, message in (
        ({"y": parted(client, bad, 450)}, ValueError, "y, partition 1: .* got -1.0 in row 5"),
        ({"y": y}, TypeError, r"y must be a Dask array or data frame, got numpy\.ndarray"),
        ({"X": X}, TypeError, r"X must be a Dask array or data frame, got numpy\.ndarray"),
        ({"eval_set": [(X, y)]}, TypeError, r"eval_set\[0\]: X must be a Dask array"),
        ({"eval_set": [rows]}, ValueError, r"eval_set\[0\] must be a pair"),
        ({"eval_set": [(rows[:, :2], target)]}, ValueError, r"eval_set\[0\]: X has 2 features"),
        ({"y": parted(client, y, 300)}, ValueError, "y, partition 0: X has 450 rows, the target 300"),
        ({"init_score": target}, TypeError, "init_score is not supported on a cluster"),
        ({"init_model": alone}, TypeError, "init_model is not supported on a cluster"),
        ({"eval_names": ["a"]}, ValueError, "eval_names has 1 entries for 0 evaluation sets"),
        ({"y": parted(client, np.array(["x"] * N), 450)}, ValueError, "y, partition 0: y must be numbers"),
    ):
        with pytest.raises(error, match=message):
            model.fit(**{**fit, **arguments})
    with pytest.raises(TypeError, match="X must be in memory here, got a Dask collection"):
        alone.fit(rows, target)
    with pytest.raises(TypeError, match="estimator of GBMClassifier must be a classifier"):
        GBMClassifier(estimator=model.estimator).fit(rows, target)
    stopping = {"early_stopping_round" if engine is LIGHTGBM else "early_stopping_rounds": 3}
    with pytest.raises(ValueError, match="needs an eval_set to compute the loss on"):
        estimators(engine, SquaredError(), **stopping)[0].fit(rows, target)


def test_no_cluster(engine):
    X, y = da.ones((10, 2)), da.ones(10)
    (spread, _) = estimators(engine, SquaredError())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distributed.get_client", lambda: (_ for _ in ()).throw(ValueError("no clients found")))
        with pytest.raises(ValueError, match="a Dask estimator needs a client"):
            spread.fit(X, y)


def test_frames_with_flags(client, engine):
    X, y = data()
    frame = pd.DataFrame(X, columns=list("abcd")).assign(flag=X[:, 0] > 1)
    (spread, _) = estimators(engine, AbsoluteError())
    rows = dd.from_pandas(frame, npartitions=3)
    spread.fit(rows, dd.from_pandas(pd.Series(y), npartitions=3))
    np.testing.assert_allclose(spread.predict(rows).compute(), spread.predict(frame), rtol=1e-6)


def test_targets_of_delayed_values(client, engine):
    """Dask loses such values when it fuses tasks that build on them."""
    X, y = data()
    frame, target = pd.DataFrame(X), pd.Series(y)
    parts = [dask.delayed(target[:450]), dask.delayed(target[450:])]
    delayed = dd.from_delayed(parts, meta=target[:0], verify_meta=False)
    (spread, alone) = estimators(engine, SquaredError())
    spread.fit(dd.from_pandas(frame, npartitions=2), delayed)
    close(engine, spread.predict(frame), alone.fit(frame, y).predict(frame))


def test_labels_and_weights_that_are_not_valid(client, engine):
    X, y = data()
    rows = parted(client, X, 450)
    (model, _) = estimators(engine, None, classifier=True)
    model.class_weight = {"high": 2.0, "low": 1.0}
    labels = np.where(y > 3, "high", "low").astype(object)
    target = parted(client, labels, 450)
    holed, mixed = labels.copy(), labels.copy()
    holed[460], mixed[460] = np.nan, 3
    for arguments, message in (
        ({"y": parted(client, holed, 450)}, "y, partition 1: y must be labels, got a missing value in row 10"),
        ({"y": parted(client, mixed, 450)}, "y, partition 1: y must be labels of one type, got int, str"),
        ({"sample_weight": parted(client, np.ones(451), 1)}, r"y, partition 0: sample_weight has shape \(1,\)"),
        (
            {"sample_weight": parted(client, np.ones((N, 1)), 450)},
            r"y, partition 0: sample_weight has shape \(450, 1\)",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(**{"X": rows, "y": target, **arguments})
