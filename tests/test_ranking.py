"""NDCG, the metric: against scikit-learn's, and at the doors of both engines."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from itertools import pairwise

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn.metrics import ndcg_score

from gbm_objectives import GBMRanker, LambdaRank, RankNet
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.ranking import NDCG
from tests.contract.losses import PairLoss
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
GROUP = RNG.integers(2, 30, 60)
N = GROUP.sum()
ENDS = np.append(0, np.cumsum(GROUP))
Y = RNG.integers(0, 4, N).astype(float)
Y[ENDS[:-1]] = 3.0  # some document of each query is relevant
X = np.column_stack([Y + RNG.normal(size=N), RNG.normal(size=N)])
VALID = slice(0, ENDS[20])


@pytest.mark.parametrize("k", [1, 3, 10, None])
@pytest.mark.parametrize("digits", [0, 1, 8], ids="rounded to {} digits".format)
def test_it_is_scikit_learns(k, digits):
    """With ties, of which every order is as likely; gains of 2 ** y - 1 are its y_true."""
    raw = np.round(RNG.normal(size=N), digits)
    expected = [ndcg_score([2 ** Y[a:b] - 1], [raw[a:b]], k=k) for a, b in pairwise(ENDS)]
    assert NDCG(k).value(Y, raw, group=GROUP) == pytest.approx(np.mean(expected), rel=1e-9)
    weight = np.repeat(np.arange(len(GROUP)), GROUP)
    weighted = np.average(expected, weights=np.arange(len(GROUP)))
    assert NDCG(k).value(Y, raw, weight, GROUP) == pytest.approx(weighted, rel=1e-9)
    linear = ndcg_score([Y], [raw], k=k)
    assert NDCG(k, gain="linear").value(Y, raw, group=[len(Y)]) == pytest.approx(linear, rel=1e-9)
    if k == 10:
        assert LambdaRank(10).value(Y, raw, group=GROUP) == pytest.approx(1 - np.mean(expected), rel=1e-9)


def test_by_hand():
    """Gains 1 and 3, discounts 1 and 1/2: 2.5 of 3.5; the third place does not count."""
    metric = NDCG(2, gain=lambda y: 2 * y - 1, discount=lambda ranks: 1 / ranks)
    assert metric.value([1.0, 2.0, 1.0], [3.0, 2.0, 1.0], group=[3]) == pytest.approx(2.5 / 3.5)
    # Each of three orders of equal predictions is as likely.
    assert metric.value([1.0, 2.0, 1.0], [0.0, 0.0, 0.0], group=[3]) == pytest.approx((3.5 + 2.5 + 1.5) / 3 / 3.5)
    assert metric.value([1.0], [0.0], group=[1]) == 1.0
    # As in LightGBM; scikit-learn has 0 there.
    assert NDCG().value([0.0, 0.0, 1.0, 0.0], [1.0, 2.0, 2.0, 1.0], group=[2, 2]) == 1.0


def test_a_constant_is_not_better_for_a_sorted_file():
    order = np.lexsort((-Y, np.repeat(np.arange(len(GROUP)), GROUP)))
    values = [NDCG().value(Y[rows], np.zeros(N), group=GROUP) for rows in (slice(None), order, order[::-1])]
    assert values[1] == pytest.approx(values[0]) and values[1] < 0.9


def test_every_form_of_a_call():
    metric, raw = NDCG(), X[:, 0]
    value = metric.value(Y, raw, group=GROUP)
    assert metric(Y, raw, None, GROUP)[1] == value
    assert metric(Y[:5], raw[:5]) == metric.value(Y[:5], raw[:5], group=[5])  # as XGBoost's ranker calls it
    for refused in (lambda: metric.value(Y, raw), lambda: metric(Y, raw, None, None)):
        with pytest.raises(ValueError, match="group must be set, the number of rows of each query"):
            refused()
    assert metric(Y, raw, None, GROUP) == ("ndcg@10", value, True)
    assert metric(raw, lgb.Dataset(X, Y, group=GROUP).construct()) == ("ndcg@10", value, True)
    data = xgb.DMatrix(X, Y)
    with pytest.raises(ValueError, match="group must be set"):
        metric(raw, data)
    data.set_group(GROUP)
    assert metric(raw, data) == ("ndcg@10", value)
    data.set_weight(np.arange(len(GROUP)))
    assert metric(raw, data)[1] == metric.value(Y, raw, np.repeat(np.arange(len(GROUP)), GROUP), GROUP)


def test_it_is_a_value():
    for metric in (NDCG(), NDCG(5, gain=np.array([0.0, 1.0])), NDCG(None, gain="linear")):
        for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
            assert other == metric and hash(other) == hash(metric)
    assert NDCG(5) != NDCG() != NDCG(gain="linear")
    assert [repr(one) for one in (NDCG(), NDCG(None, "linear"))] == ["NDCG()", "NDCG(k=None, gain='linear')"]
    assert [one.__name__ for one in (NDCG(), NDCG(None))] == ["ndcg@10", "ndcg"]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: NDCG(0), ValueError, "k of NDCG must be at least 1"),
        (lambda: NDCG(2.5), TypeError, "k of NDCG must be an integer"),
        (lambda: NDCG(gain="log"), ValueError, "gain of NDCG must be one of"),
        (lambda: NDCG(discount="log"), ValueError, "discount of NDCG must be one of"),
        (lambda: NDCG().value([1.0, -1.0], [0.0, 1.0]), ValueError, "y_true of NDCG must be numbers not below 0"),
        (lambda: NDCG().value([1.0, 2.0], [0.0]), ValueError, "raw_prediction has 1 rows"),
        (lambda: NDCG().value([1.0, 2.0], [0.0, 1.0], group=[1]), ValueError, "group must sum to"),
        (
            lambda: NDCG().value([1.0, 2.0], [0.0, 1.0], [0, 0], [2]),
            ValueError,
            "sample_weight must have a value above",
        ),
    ],
)
def test_what_it_refuses(call, error, match):
    with pytest.raises(error, match=match):
        call()


# ---- at every door ------------------------------------------------------------------------------------------


def watched(engine, metrics):
    """A list in which early stopping looks at NDCG: the first metric of LightGBM, the last one of XGBoost."""
    return metrics if engine is LIGHTGBM else metrics[::-1]


def ranker(engine, loss=None, **params):
    kind = lgb.LGBMRanker if engine is LIGHTGBM else xgb.XGBRanker
    return GBMRanker(loss, kind(**{**engine.small, **params}))


def test_early_stopping_watches_it_upwards(engine):
    loss = RankNet()
    stopping = {**engine.early_stopping(), **({"first_metric_only": True} if engine is LIGHTGBM else {})}
    model = ranker(engine, loss, n_estimators=200, learning_rate=0.5, **stopping)
    model.fit(
        X,
        Y,
        group=GROUP,
        eval_set=[(X[VALID][::-1], Y[VALID][::-1])],
        eval_group=[GROUP[:20][::-1]],
        eval_metric=watched(engine, [NDCG(5), loss.metric]),
    )
    (curves,) = model.evals_result_.values()
    assert model.best_iteration_ == np.argmax(curves["ndcg@5"]) + 1 < len(curves["ndcg@5"])
    expected = NDCG(5).value(Y[VALID], model.predict(X[VALID]), group=GROUP[:20])
    assert max(curves["ndcg@5"]) == pytest.approx(expected, abs=2e-6)


def test_native_early_stopping_watches_it_upwards(engine):
    loss, history = LambdaRank(), {}
    metrics = watched(engine, [NDCG(5), loss.metric])
    if engine is LIGHTGBM:
        data = lgb.Dataset(X, Y, group=GROUP)
        valid = lgb.Dataset(X[VALID], Y[VALID], group=GROUP[:20], reference=data)
        params = {**engine.params, "learning_rate": 0.5, **engine.early_stopping(), "first_metric_only": True}
        keywords = {"feval": metrics, **engine.evaluation({"valid": valid}, history)}
        booster = on_lightgbm.train(params, data, loss=loss, num_boost_round=200, **keywords)
        best = booster.best_iteration
    else:
        data, valid = xgb.DMatrix(X, Y), xgb.DMatrix(X[VALID], Y[VALID])
        data.set_group(GROUP)
        valid.set_group(GROUP[:20])
        params = {**engine.params, "learning_rate": 0.5}
        keywords = {
            "custom_metric": metrics,
            "early_stopping_rounds": 5,
            **engine.evaluation({"valid": valid}, history),
        }
        booster = on_xgboost.train(params, data, loss=loss, num_boost_round=200, **keywords)
        best = booster.best_iteration + 1
    curve = history["valid"]["ndcg@5"]
    assert best == np.argmax(curve) + 1 < len(curve)


def test_the_engines_own_rankers_take_it():
    model = lgb.LGBMRanker(n_estimators=5, verbosity=-1, n_jobs=1)
    model.fit(X, Y.astype(int), group=GROUP, **own_evaluation(), eval_group=[GROUP[:20]], eval_metric=NDCG(3))
    raw = model.booster_.predict(X[VALID])
    expected = NDCG(3).value(Y[VALID], raw, group=GROUP[:20])
    assert model.evals_result_["valid_0"]["ndcg@3"][-1] == pytest.approx(expected)
    model = xgb.XGBRanker(n_estimators=5, n_jobs=1, eval_metric=NDCG(3))
    model.fit(X, Y, group=GROUP, eval_set=[(X[VALID], Y[VALID])], eval_group=[GROUP[:20]])
    # Query by query, and XGBoost weights them by their numbers of rows.
    weight = np.repeat(GROUP[:20], GROUP[:20])
    expected = NDCG(3).value(Y[VALID], model.predict(X[VALID]), weight, GROUP[:20])
    assert model.evals_result()["validation_0"]["ndcg@3"][-1] == pytest.approx(expected, abs=1e-5)


def own_evaluation():
    return LIGHTGBM.bare_evaluation(X[VALID], Y[VALID].astype(int))


def test_metrics_by_name_know_the_queries(engine):
    """Without ties, LightGBM's and XGBoost's own NDCG are ours, but for XGBoost's queries without any gain."""
    model = ranker(engine, RankNet(), n_estimators=8)
    name = "ndcg" if engine is LIGHTGBM else "ndcg@4"
    if engine is LIGHTGBM:
        model.estimator.set_params(eval_at=[4])
    model.fit(X, Y, group=GROUP, eval_set=[(X[VALID], Y[VALID])], eval_group=[GROUP[:20]], eval_metric=name)
    (curves,) = model.evals_result_.values()
    raw = model.predict(X[VALID])
    raw += 1e-9 * -np.arange(len(raw))  # the engines take the order of rows where predictions are equal
    assert curves["ndcg@4"][-1] == pytest.approx(NDCG(4).value(Y[VALID], raw, group=GROUP[:20]), abs=0.02)


def test_a_metric_of_ones_own_gets_the_queries(engine):
    seen = []

    def first(y_true, y_pred, group):
        seen.append(group)
        ends = np.append(0, np.cumsum(group))[:-1]
        return "first", float(np.mean(y_true[ends])), True

    def of_four(y_true, y_pred, weight, group):
        assert weight is None and len(group) == 20
        return "four", 1.0

    def optional(y_true, raw_prediction, *, group=None):
        return "optional", float(len(group))

    model = ranker(engine, RankNet(), n_estimators=3)
    model.fit(
        X,
        Y,
        group=GROUP,
        eval_set=[(X[VALID], Y[VALID])],
        eval_group=[GROUP[:20]],
        eval_metric=[first, of_four, optional],
    )
    (curves,) = model.evals_result_.values()
    np.testing.assert_array_equal(seen[0], GROUP[:20])
    assert curves["first"][-1] == pytest.approx(3.0) and curves["optional"][-1] == 20.0


class PairsOfFirst(PairLoss):
    """As `PairLoss`, by the first of two columns."""

    columns = ("relevance", "cost")

    def _prepare(self, rows):
        return super()._prepare(replace(rows, y=rows.y[:, 0]))


def test_a_target_may_have_columns(engine):
    """They are found by name; nothing but the loss knows which is the relevance."""
    frame = pd.DataFrame({"cost": RNG.random(N), "relevance": Y})
    kind = lgb.LGBMRanker if engine is LIGHTGBM else xgb.XGBRanker
    plain, columns = (GBMRanker(loss, kind(**engine.small)) for loss in (PairLoss(), PairsOfFirst()))
    plain.fit(X, Y, group=GROUP)
    columns.fit(X, frame, group=GROUP, eval_set=[(X, frame)], eval_group=[GROUP])
    np.testing.assert_allclose(columns.predict(X), plain.predict(X), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="score orders rows by one number and needs one relevance"):
        columns.score(X, frame, group=GROUP)
