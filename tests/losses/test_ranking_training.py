"""Ranking losses train on both engines, at every door; LambdaRank grows LightGBM's own trees."""

from __future__ import annotations

import warnings

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import LambdaRank, ListNet, RankNet
from gbm_objectives.engines.lightgbm import train
from gbm_objectives.ranking import NDCG
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
GROUP = RNG.integers(1, 40, 80)
N = GROUP.sum()
ENDS = np.append(0, np.cumsum(GROUP))
QUERY = np.repeat(np.arange(len(GROUP)), GROUP)
X = np.round(4 * RNG.normal(size=(N, 4))) / 4  # so few values that each has a bin
SIGNAL = X[:, 0] + np.abs(X[:, 1])
Y = np.clip(np.round(SIGNAL + 0.5 * RNG.normal(size=N)), 0, 4)
VALID = slice(0, ENDS[20])  # the first twenty queries
LOSSES = [RankNet(), ListNet(), LambdaRank(), LambdaRank(gain="linear", discount=lambda ranks: 1 / ranks)]
losses = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
each = pytest.mark.parametrize("loss", LOSSES[:3], ids=repr)
TABLE = [0.0, 1.0, 3.0, 10.0, 15.0]


def data_of(engine, rows=slice(None), group=GROUP, weight=None, y=Y):
    if engine is LIGHTGBM:
        return lgb.Dataset(X[rows], y[rows], group=group, weight=weight, free_raw_data=False)
    data = xgb.DMatrix(X[rows], y[rows])
    data.set_group(group)
    if weight is not None:
        data.set_weight(weight)
    return data


def trained(engine, loss, rounds=30, params=(), data=None, **keywords):
    data = data_of(engine) if data is None else data
    booster = engine.ours.train(
        {**engine.params, engine.rate: 0.1, **dict(params)}, data, loss=loss, num_boost_round=rounds, **keywords
    )
    return booster, engine.raw(booster, X)


@losses
def test_they_learn_the_order(engine, loss):
    """In between a constant and nearly the order by the signal that relevances were drawn with."""
    _, raw = trained(engine, loss, 60)
    constant, best = (NDCG().value(Y, one, group=GROUP) for one in (np.zeros(N), SIGNAL))
    assert NDCG().value(Y, raw, group=GROUP) > constant + 0.85 * (best - constant)
    assert loss.value(Y, raw, group=GROUP) < 0.9 * loss.value(Y, np.zeros(N), group=GROUP)


@losses
def test_no_step_oversteps(engine, loss):
    """At a learning rate of 1, with leaves of any size, the training loss never rises by more than rounding."""
    history = {}
    small = {"min_data_in_leaf": 1, "min_data_in_bin": 1} if engine is LIGHTGBM else {"min_child_weight": 0}
    data = data_of(engine)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        trained(
            engine,
            loss,
            params={engine.rate: 1.0, **small},
            data=data,
            **engine.evaluation({"train": data}, history),
        )
    values = np.array(history["train"][loss.name])
    # LambdaRank's measure is none that its steps promise to lower.
    most = 0.02 if isinstance(loss, LambdaRank) else 1e-6
    assert (values - np.minimum.accumulate(values)).max() < most


# ---- LightGBM's own trees ---------------------------------------------------------------------------------

OWN = {**LIGHTGBM.params, "min_data_in_leaf": 5}


@pytest.mark.parametrize(
    ("loss", "params"),
    [
        (LambdaRank(), {}),
        (LambdaRank(truncation=5), {"lambdarank_truncation_level": 5}),
        (LambdaRank(norm=False), {"lambdarank_norm": False}),
        (LambdaRank(gain=TABLE), {"label_gain": TABLE}),
        (LambdaRank(gain="linear"), {"label_gain": [0, 1, 2, 3, 4]}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_lambda_rank_grows_lightgbms_own_trees(loss, params, weighted):
    weight = np.random.default_rng(1).uniform(0.5, 2.0, N) if weighted else None
    data = data_of(LIGHTGBM, weight=weight)
    for rounds in (1, 5, 50):
        own = lgb.train({**OWN, **params, "objective": "lambdarank"}, data_of(LIGHTGBM, weight=weight), rounds)
        ours = train(OWN, data, loss=loss, num_boost_round=rounds)
        expected, raw = (one.predict(X, raw_score=True) for one in (own, ours))
        if rounds == 1:
            # All predictions are equal at first, and so are all sums of lambdas, up to float32.
            frames = [one.trees_to_dataframe()[["split_feature", "threshold"]] for one in (own, ours)]
            assert frames[0].equals(frames[1])
            np.testing.assert_allclose(raw, expected, rtol=1e-5, atol=1e-7)
        # LightGBM's table of the logistic function has steps of 5e-5, which may decide between two splits whose
        # gains have five digits in common: so it does here in one case of ten.
        assert np.corrcoef(raw, expected)[0, 1] > (0.99 if rounds == 50 else 1 - 1e-6)


@pytest.mark.parametrize("size", [0.01, 1.0, 5.0])
def test_lambdas_are_lightgbms_from_any_predictions(size):
    """With so many leaves, each of some rows, a tree shows sums of gradients and Hessians all over the data."""
    start = size * np.random.default_rng(1).normal(size=N)
    params = {**OWN, "num_leaves": 200, "min_data_in_leaf": 2, "learning_rate": 1.0}
    gradient, hessian = LambdaRank().gradient_hessian(Y, start, group=GROUP)

    def own(raw, data):
        return gradient, hessian

    data = lgb.Dataset(X, Y, group=GROUP, init_score=start)
    expected = lgb.train({**params, "objective": "lambdarank"}, data, 1)
    tree = lgb.train({**params, "objective": own}, lgb.Dataset(X, Y, group=GROUP, init_score=start), 1)
    frames = [one.trees_to_dataframe() for one in (expected, tree)]
    same = (frames[0]["split_feature"] == frames[1]["split_feature"]) | frames[0]["split_feature"].isna()
    assert len(frames[0]) == len(frames[1]) and same.mean() > 0.95
    values = [one["value"].to_numpy()[same] for one in frames]
    assert np.corrcoef(*values)[0, 1] > 0.999


# ---- doors -------------------------------------------------------------------------------------------------


@each
def test_the_engines_own_doors(engine, loss):
    valid = data_of(engine, VALID, GROUP[:20])
    if engine is LIGHTGBM:
        history = {}
        params = {**LIGHTGBM.params, "objective": loss}
        callbacks = [lgb.record_evaluation(history)]
        booster = lgb.train(params, data_of(engine), 20, [valid], feval=[loss.metric, NDCG()], callbacks=callbacks)
        curves = history["valid_0"]
    else:
        history = {}
        params = {**engine.params, "base_score": 0.0, "disable_default_eval_metric": True}
        booster = xgb.train(
            params,
            data_of(engine),
            20,
            evals=[(valid, "valid")],
            obj=loss,
            custom_metric=lambda raw, data: [loss.metric(raw, data), NDCG()(raw, data)],
            evals_result=history,
            verbose_eval=False,
        )
        curves = history["valid"]
    raw = engine.raw(booster, X)
    _, expected = trained(engine, loss, 20, {engine.rate: 0.1 if engine is LIGHTGBM else 0.3})
    np.testing.assert_allclose(raw, expected, rtol=1e-4, atol=1e-5)
    for metric in (loss.metric, NDCG()):
        value = metric.value if isinstance(metric, NDCG) else loss.value
        at_end = value(Y[VALID], raw[VALID].astype(float), group=GROUP[:20])
        assert curves[metric.__name__][-1] == pytest.approx(at_end, rel=1e-5, abs=1e-6)


@each
def test_weights_of_queries(engine, loss):
    """A query of weight 2 counts as two of them; one of weight 0 as if it were not there."""
    weight = np.random.default_rng(1).integers(0, 3, len(GROUP)).astype(float)
    times = np.repeat(np.arange(len(GROUP)), weight.astype(int))
    rows = np.concatenate([np.arange(ENDS[q], ENDS[q + 1]) for q in times])
    given = np.repeat(weight, GROUP) if engine is LIGHTGBM else weight
    # LightGBM counts rows as such.
    params = {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 5.0} if engine is LIGHTGBM else {}
    _, weighted = trained(engine, loss, 5, params, data_of(engine, weight=given))
    _, repeated = trained(engine, loss, 5, params, data_of(engine, rows, GROUP[times]))
    assert np.corrcoef(weighted, repeated)[0, 1] > 0.99


def test_a_training_goes_on(engine):
    first, _ = trained(engine, LambdaRank(), 10)
    _, on = trained(engine, LambdaRank(), 10, **{engine.init_model: first})
    _, at_once = trained(engine, LambdaRank(), 20)
    np.testing.assert_allclose(on, at_once, rtol=1e-3, atol=1e-4)


@each
def test_folds(engine, loss):
    result = engine.ours.cv(
        {**engine.params, engine.rate: 0.1},
        data_of(engine),
        loss=loss,
        num_boost_round=15,
        nfold=3,
        **({"feval": NDCG()} if engine is LIGHTGBM else {"custom_metric": NDCG(), "as_pandas": False}),
    )
    curves = {name.split(" ")[-1].removeprefix("test-"): values for name, values in result.items()}
    assert curves["ndcg@10-mean"][-1] > curves["ndcg@10-mean"][0] + 0.02
    assert curves[f"{loss.name}-mean"][-1] < curves[f"{loss.name}-mean"][0]


# ---- what is refused ------------------------------------------------------------------------------------------


@each
def test_nothing_to_compare(engine, loss):
    with pytest.raises(ValueError, match=r"train.*: some query must have rows of different relevance"):
        trained(engine, loss, data=data_of(engine, group=np.ones(N, int)))
    alone = data_of(engine, slice(0, 30), np.ones(30, int))
    with pytest.raises(ValueError, match=r"in 30 queries of 30 rows there are none to compare"):
        trained(engine, loss, **engine.evaluation({"alone": alone}))
    weight = np.zeros(len(GROUP))
    weight[GROUP == 1] = 1.0
    given = np.repeat(weight, GROUP) if engine is LIGHTGBM else weight
    with pytest.raises(ValueError, match="and a weight above 0"):
        trained(engine, loss, data=data_of(engine, weight=given))


@each
def test_bad_relevances_before_training(engine, loss):
    y = Y.copy()
    y[7] = -1.0
    if isinstance(loss, RankNet):
        trained(engine, loss, 1, data=data_of(engine, y=y))
        return
    with pytest.raises(ValueError, match=r"numbers not below 0, got -1.0 in row 7 \(1 such\)"):
        trained(engine, loss, data=data_of(engine, y=y))


def test_parameters_of_the_engines_own_ranking_are_refused(engine):
    if engine is LIGHTGBM:
        names = {"lambdarank_truncation_level": 5, "lambdarank_norm": True, "label_gain": [0, 1, 2, 3, 4]}
        names["bagging_by_query"] = True
    else:
        names = {"lambdarank_num_pair_per_sample": 8, "lambdarank_pair_method": "mean", "ndcg_exp_gain": False}
    for name, value in names.items():
        with pytest.raises(ValueError, match=rf"'{name}'\] acts on built-in objectives only"):
            trained(engine, LambdaRank(), params={name: value})
    if engine is LIGHTGBM:
        trained(engine, LambdaRank(), 1, {"metric": "ndcg", "label_gain": [0, 1, 2, 3, 4]})
        data = lgb.Dataset(X, Y, group=GROUP, position=np.zeros(N, int))
        with pytest.raises(ValueError, match="train_set: position must not be set"):
            trained(engine, LambdaRank(), data=data)


def test_steps_that_overshoot_are_told_of(engine):
    """On many rows by a sample of whole queries, of those that have a weight."""
    n = 8000
    rng = np.random.default_rng(0)
    wide, group = rng.normal(size=(n, 3)), np.full(n // 20, 20)
    y = np.clip(np.round(wide[:, 0] + rng.normal(size=n)), 0, 3)

    def fit(loss, rate, weight):
        if engine is LIGHTGBM:
            data = lgb.Dataset(wide, y, group=group, weight=np.repeat(weight, group))
        else:
            data = xgb.DMatrix(wide, y)
            data.set_group(group)
            data.set_weight(weight)
        engine.ours.train({**engine.params, engine.rate: rate}, data, loss=loss, num_boost_round=40)

    with pytest.warns(UserWarning, match=r"the training loss of RankNet\(\) rises"):
        fit(RankNet(), 60.0, np.ones(len(group)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(RankNet(), 0.3, (np.arange(len(group)) == 33).astype(float))
        fit(LambdaRank(), 1.0, np.ones(len(group)))  # whose measure its steps do not promise to lower
