"""What a loss of a user's own may ask of the contract: columns, a summary, queries, all rows; on both engines."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from gbm_objectives import GBMClassifier, GBMRegressor
from gbm_objectives.contract import REAL, Domain, Loss, Rows
from gbm_objectives.contract.driver import BLOCK_ROWS
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
N = 1200
X = RNG.uniform(size=(N, 3))


class CostOfError(Loss):
    """Squared error times what an error of the row costs."""

    columns = ("y", "cost")
    curvature_kind = "exact"
    domain = Domain("finite targets, and costs not below 0", holds=lambda y: y[:, 1] >= 0)

    def _pointwise(self, y_true, raw_prediction):
        return y_true[:, 1] * np.square(raw_prediction - y_true[:, 0])

    def _derivatives(self, y_true, raw_prediction):
        cost = y_true[:, 1]
        return 2 * cost * (raw_prediction - y_true[:, 0]), 2 * cost


class OfUnitScale(Loss):
    """Huber's loss with the median size of the training residuals as its delta, and a trace of what it sees."""

    curvature_kind = "majorizer"
    scope = "summary"
    seen: list

    def _summary(self, y_true, raw_prediction, weight):
        return float(np.median(np.abs(raw_prediction - y_true))) or 1.0

    def _pointwise(self, y_true, raw_prediction):
        size = np.abs(raw_prediction - y_true) / self.summary
        return np.where(size < 1, 0.5 * size**2, size - 0.5)

    def _derivatives(self, y_true, raw_prediction):
        r = (raw_prediction - y_true) / self.summary
        weight = 1 / np.maximum(np.abs(r), 1)
        return r * weight / self.summary, weight / self.summary**2

    def _initial_raw(self, y_true, sample_weight):
        return float(np.average(y_true, weights=sample_weight))


class PairLoss(Loss):
    """Logistic loss of each pair of a query's rows of which one has the larger target: the mean over its pairs."""

    curvature_kind = "surrogate"
    scope = "query"
    domain = REAL

    def _prepare(self, rows):
        return [(one, *np.nonzero(rows.y[one][:, None] > rows.y[one])) for one in rows.each_query()]

    def _pointwise(self, y_true, raw_prediction):
        return np.array(
            [
                np.logaddexp(0, raw_prediction[one][low] - raw_prediction[one][high]).mean() if len(high) else 0.0
                for one, high, low in self.prepared
            ]
        )

    def _derivatives(self, y_true, raw_prediction):
        gradient, curvature = np.zeros_like(raw_prediction), np.zeros_like(raw_prediction)
        for one, high, low in self.prepared:
            p = 1 / (1 + np.exp(raw_prediction[one][high] - raw_prediction[one][low])) / max(len(high), 1)
            for rows, sign in ((high, -1), (low, 1)):
                np.add.at(gradient[one], rows, sign * p)
                np.add.at(curvature[one], rows, p)
        return gradient, curvature + 1e-6


class Proportional(Loss):
    """A partial likelihood: each row against all rows with a target at least as large."""

    curvature_kind = "surrogate"
    scope = "all"

    def _prepare(self, rows):
        return np.argsort(-rows.y, kind="stable")

    def _logs(self, raw_prediction):
        order = self.prepared
        return order, np.logaddexp.accumulate(raw_prediction[order])

    def _pointwise(self, y_true, raw_prediction):
        order, logs = self._logs(raw_prediction)
        loss = np.empty_like(raw_prediction)
        loss[order] = logs - raw_prediction[order]
        return loss

    def _derivatives(self, y_true, raw_prediction):
        order, logs = self._logs(raw_prediction.astype(float))
        share = np.exp(raw_prediction[order] + np.log(np.cumsum(np.exp(-logs)[::-1])[::-1]))
        gradient = np.empty_like(raw_prediction)
        gradient[order] = share - 1
        return gradient, np.maximum(gradient + 1, 1e-3)


class ThreeLevels(Loss):
    """Labels 0, 1, 2 of one raw prediction: squared error of the level, thresholds in the middle."""

    curvature_kind = "exact"
    classifies = True
    domain = Domain("labels 0, 1, 2", 0.0, 2.0)

    @property
    def n_classes(self):
        return 3

    def labels(self, raw_prediction):
        return np.clip(np.round(raw_prediction), 0, 2).astype(int)

    def _pointwise(self, y_true, raw_prediction):
        return np.square(raw_prediction - y_true)

    def _derivatives(self, y_true, raw_prediction):
        return 2 * (raw_prediction - y_true), 2 * np.ones_like(raw_prediction)


def estimator(engine, loss):
    """Return an estimator that trains as `native`."""
    return GBMRegressor(loss, engine.bare_regressor(n_estimators=40, n_jobs=1, **engine.quiet))


def native(engine, loss, target, X=X, group=None, valid=None, rounds=40, weight=None):
    """Return raw predictions and the metrics of a native training; `valid` are features, target and queries."""
    label = np.asarray(target)[:, 0] if np.ndim(target) == 2 else target
    history = {}
    if engine is LIGHTGBM:
        data = lgb.Dataset(X, label, group=group, weight=weight)
        others = [] if valid is None else [lgb.Dataset(valid[0], valid[1], group=valid[2], reference=data)]
        if np.ndim(target) == 2:
            data.target = target
        callbacks = [lgb.record_evaluation(history)] if others else []
        params = {"verbosity": -1, "num_threads": 1}
        booster = on_lightgbm.train(
            params, data, loss=loss, num_boost_round=rounds, valid_sets=others, callbacks=callbacks
        )
        return booster.predict(X, raw_score=True), history.get("valid_0", {})
    data = xgb.DMatrix(X, label, weight=weight)
    others = []
    if group is not None:
        data.set_group(group)
    if np.ndim(target) == 2:
        data.target = target
    if valid is not None:
        others = [(xgb.DMatrix(valid[0], valid[1]), "valid")]
        if valid[2] is not None:
            others[0][0].set_group(valid[2])
    booster = on_xgboost.train(
        {"nthread": 1},
        data,
        loss=loss,
        num_boost_round=rounds,
        evals=others,
        evals_result=history,
        verbose_eval=False,
    )
    return booster.predict(xgb.DMatrix(X), output_margin=True), history.get("valid", {})


# ---- targets of several columns ------------------------------------------------------------

SIDE = (RNG.random(N) < 0.5).astype(float)
Y = np.where(SIDE > 0, 10.0, 0.0) + X[:, 0]
COSTS = np.column_stack([Y, np.where(SIDE > 0, 1.0, 9.0)])


def test_the_start_is_the_best_constant_of_the_columns():
    assert CostOfError().initial_raw(COSTS) == pytest.approx(np.average(Y, weights=COSTS[:, 1]))


def test_columns_reach_both_engines(engine):
    """Where no feature tells rows apart the prediction is the mean weighted by cost, as with weights."""
    flat = np.zeros((N, 1))
    raw, _ = native(engine, CostOfError(), COSTS, flat, rounds=5)
    np.testing.assert_allclose(raw, np.average(Y, weights=COSTS[:, 1]), rtol=1e-5)
    raw, _ = native(engine, CostOfError(), COSTS)
    weighted, _ = native(engine, CostOfError(), np.column_stack([Y, np.ones(N)]), weight=COSTS[:, 1])
    assert CostOfError().value(COSTS, raw) == pytest.approx(CostOfError().value(COSTS, weighted), rel=0.15)


@pytest.mark.parametrize(
    "y",
    [
        COSTS,
        COSTS.tolist(),
        pd.DataFrame({"other": 0.0, "cost": COSTS[:, 1], "y": COSTS[:, 0]}),
        np.array([tuple(row) for row in COSTS], dtype=[("y", float), ("cost", float)]),
    ],
    ids=["array", "list", "data frame", "structured"],
)
def test_columns_in_an_estimator(engine, y):
    model = estimator(engine, CostOfError()).fit(X, y, eval_set=[(X, y)])
    expected, _ = native(engine, CostOfError(), COSTS)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-4)
    (metrics,) = model.evals_result_.values()
    assert metrics["cost_of_error"][-1] == pytest.approx(
        CostOfError().value(COSTS, model.predict_raw(X)), rel=1e-4
    )


def test_columns_at_the_engines_own_doors():
    loss = CostOfError()
    data = lgb.Dataset(X, Y)
    data.target = COSTS
    booster = lgb.train(
        {"objective": loss, "verbosity": -1, "num_threads": 1}, data, 40, valid_sets=[data], feval=loss.metric
    )
    assert loss.value(COSTS, booster.predict(X)) < 1.05 * loss.value(COSTS, np.full(N, loss.initial_raw(COSTS)))
    data = xgb.DMatrix(X, Y)
    data.target = COSTS
    booster = xgb.train({"nthread": 1, "base_score": 0.0}, data, 40, obj=loss, custom_metric=loss.metric)
    raw = booster.predict(xgb.DMatrix(X))
    assert loss.value(COSTS, raw) < 1.05 * loss.value(COSTS, np.full(N, loss.initial_raw(COSTS)))


def test_columns_that_are_not_there(engine):
    with pytest.raises(ValueError, match="must have the columns y, cost"):
        engine.regressor(CostOfError()).fit(X, Y)
    with pytest.raises(ValueError, match="2-dimensional"):
        native(engine, CostOfError(), Y)
    bad = COSTS.copy()
    bad[7, 1] = -1
    with pytest.raises(ValueError, match=r"costs not below 0, got .* in row 7"):
        engine.regressor(CostOfError()).fit(X, bad)
    with pytest.raises(ValueError, match="score compares one number"):
        engine.regressor(CostOfError()).fit(X, COSTS).score(X, COSTS)


def test_many_rows_of_columns_are_cut_into_blocks_with_their_rows():
    """0.2.0: a loss that kept such an array in itself got blocks that it could not tell apart."""
    n = BLOCK_ROWS + 1000
    y = np.column_stack([RNG.normal(size=n), RNG.uniform(1, 2, n)])
    gradient, _ = CostOfError().gradient_hessian(y, np.zeros(n))
    expected = -2 * y[:, 1] * y[:, 0]
    factor = gradient[0] / expected[0]
    np.testing.assert_allclose(gradient, factor * expected, rtol=1e-5, atol=1e-6)


# ---- a summary of the training rows ------------------------------------------------------------


def test_evaluation_sets_see_the_summary_of_the_training_rows(engine):
    y = X[:, 0] + RNG.normal(size=N)
    far = (X[:50], 100 * y[:50], None)
    seen = []

    class Traced(OfUnitScale):
        def _pointwise(self, y_true, raw_prediction):
            seen.append((len(y_true), self.summary))
            return super()._pointwise(y_true, raw_prediction)

    _, metrics = native(engine, Traced(), y, valid=far, rounds=3)
    of_far = [summary for n, summary in seen if n == 50]
    # The last three are the rounds', of residuals of about 1; those of the far set alone are about 70.
    assert len(metrics["traced"]) == 3 and max(of_far[-3:]) < 2


def test_a_summary_at_the_engines_own_doors_is_that_of_the_rows_given():
    y = X[:, 0] + RNG.normal(size=N)
    loss = OfUnitScale()
    scale = np.median(np.abs(y))
    assert loss.value(y, np.zeros(N)) == pytest.approx(loss._with(summary=scale).value(y, np.zeros(N)))
    booster = lgb.train({"objective": loss, "verbosity": -1, "num_threads": 1}, lgb.Dataset(X, y), 20)
    assert loss.summary is None  # it has no state
    assert np.corrcoef(booster.predict(X), X[:, 0])[0, 1] > 0.5


# ---- queries ------------------------------------------------------------

GROUP = np.tile([3, 10, 7], N // 20)
QID = np.repeat(np.arange(len(GROUP)), GROUP)
# Ranks within queries tell X's first column; between queries they say nothing.
RELEVANCE = np.concatenate(
    [np.argsort(np.argsort(one)) for one in np.split(X[:, 0], np.cumsum(GROUP)[:-1])]
).astype(float)
SHIFTED = RELEVANCE + 100 * RNG.normal(size=len(GROUP))[QID]


def in_order(raw, group=GROUP):
    """Return the share of pairs of a query that are in the order of their targets."""
    good = total = 0
    for one in Rows(RELEVANCE, None, np.concatenate([[0], np.cumsum(group)])).each_query():
        pairs = RELEVANCE[one][:, None] > RELEVANCE[one]
        good += (pairs & (raw[one][:, None] > raw[one])).sum()
        total += pairs.sum()
    return good / total


def test_gradient_of_queries_is_the_slope_of_the_sum():
    y, raw = RELEVANCE[:20], RNG.normal(size=20)
    loss, step = PairLoss(), 1e-6
    gradient = loss.gradient(y, raw, group=GROUP[:3])
    for row in range(20):
        up, down = raw.copy(), raw.copy()
        up[row] += step
        down[row] -= step
        values = [loss.pointwise(y, one, group=GROUP[:3]).sum() for one in (up, down)]
        assert gradient[row] == pytest.approx((values[0] - values[1]) / (2 * step), abs=1e-6)
    assert loss.pointwise(y, raw, group=GROUP[:3]).shape == (3,)
    assert loss.initial_raw(y) == 0.0


def test_queries_reach_both_engines(engine):
    """Targets of different queries differ by hundreds: who compares them learns nothing."""
    valid = (X[:20], SHIFTED[:20], GROUP[:3])
    raw, metrics = native(engine, PairLoss(), SHIFTED, group=GROUP, valid=valid)
    assert in_order(raw) > 0.95
    expected = PairLoss().value(SHIFTED[:20], raw[:20], group=GROUP[:3])
    assert metrics["pair_loss"][-1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("how", ["group", "qid"])
def test_queries_in_an_estimator(engine, how):
    queries = (
        {"group": GROUP, "eval_group": [GROUP[:3]]} if how == "group" else {"qid": QID, "eval_qid": [QID[:20]]}
    )
    model = estimator(engine, PairLoss())
    model.fit(X, SHIFTED, eval_set=[(X[:20], SHIFTED[:20])], **queries)
    raw, _ = native(engine, PairLoss(), SHIFTED, group=GROUP)
    np.testing.assert_allclose(model.predict(X), raw, rtol=1e-3, atol=1e-4)
    (metrics,) = model.evals_result_.values()
    assert metrics["pair_loss"][-1] == pytest.approx(
        PairLoss().value(SHIFTED[:20], model.predict_raw(X[:20]), group=GROUP[:3]), rel=1e-3
    )


def test_weights_of_queries_are_the_same_on_both_engines(engine):
    """A query without weight is as if it were not there."""
    weight = np.repeat(np.arange(len(GROUP)) % 2, GROUP).astype(float)
    turned = np.where(weight > 0, SHIFTED, -SHIFTED)
    model = estimator(engine, PairLoss()).fit(X, turned, weight, group=GROUP)
    assert in_order(model.predict(X)) > 0.95


def test_queries_at_the_engines_own_doors():
    loss = PairLoss()
    data = lgb.Dataset(X, SHIFTED, group=GROUP)
    booster = lgb.train(
        {"objective": loss, "verbosity": -1, "num_threads": 1}, data, 40, valid_sets=[data], feval=loss.metric
    )
    assert in_order(booster.predict(X)) > 0.95
    data = xgb.DMatrix(X, SHIFTED)
    data.set_group(GROUP)
    booster = xgb.train({"nthread": 1, "base_score": 0.0}, data, 40, obj=loss, custom_metric=loss.metric)
    assert in_order(booster.predict(xgb.DMatrix(X))) > 0.95
    ranker = lgb.LGBMRanker(objective=loss, n_estimators=40, verbosity=-1, n_jobs=1)
    assert in_order(ranker.fit(X, RELEVANCE.astype(int), group=GROUP).predict(X)) > 0.95


def test_queries_are_never_cut():
    n = BLOCK_ROWS + 7000  # one query, larger than a block
    y, raw = RNG.normal(size=n), np.zeros(n)

    class Whole(PairLoss):
        def _prepare(self, rows):
            return len(rows)

        def _derivatives(self, y_true, raw_prediction):
            assert len(raw_prediction) == self.prepared
            return np.zeros_like(raw_prediction), np.ones_like(raw_prediction)

    Whole().gradient_hessian(y, raw, group=[n])


def test_queries_that_do_not_fit(engine):
    with pytest.raises(ValueError, match="group or qid must be given: PairLoss"):
        engine.regressor(PairLoss()).fit(X, SHIFTED)
    with pytest.raises(ValueError, match="group must sum to the number of rows, it sums to 3 of 1200"):
        engine.regressor(PairLoss()).fit(X, SHIFTED, group=[1, 2])
    with pytest.raises(ValueError, match="qid must have the rows of a query together"):
        engine.regressor(PairLoss()).fit(X, SHIFTED, qid=np.arange(N) % 2)
    with pytest.raises(ValueError, match="group must be left out: CostOfError"):
        engine.regressor(CostOfError()).fit(X, COSTS, group=GROUP)
    with pytest.raises(ValueError, match="group must be set"):
        native(engine, PairLoss(), SHIFTED)
    with pytest.raises(ValueError, match="group and qid must not be set"):
        native(engine, OfUnitScale(), Y, group=GROUP)


def test_folds_keep_queries_together(engine):
    if engine is LIGHTGBM:
        data = lgb.Dataset(X, SHIFTED, group=GROUP)
        result = on_lightgbm.cv(
            {"verbosity": -1, "num_threads": 1}, data, loss=PairLoss(), num_boost_round=20, nfold=3
        )
        values = result["valid pair_loss-mean"]
    else:
        data = xgb.DMatrix(X, SHIFTED)
        data.set_group(GROUP)
        result = on_xgboost.cv({"nthread": 1}, data, loss=PairLoss(), num_boost_round=20, nfold=3, as_pandas=False)
        values = result["test-pair_loss-mean"]
    assert values[-1] < 0.6 * np.log(2)


# ---- all rows ------------------------------------------------------------


def test_a_loss_of_all_rows(engine):
    time = RNG.exponential(1 / np.exp(2 * X[:, 0]))
    raw, metrics = native(engine, Proportional(), time, valid=(X[:300], time[:300], None))
    assert np.corrcoef(raw, X[:, 0])[0, 1] > 0.5
    assert metrics["proportional"][-1] == pytest.approx(Proportional().value(time[:300], raw[:300]), rel=1e-4)
    model = estimator(engine, Proportional()).fit(X, time)
    np.testing.assert_allclose(model.predict(X), raw, rtol=1e-3, atol=1e-4)


# ---- labels that are not a sign or the largest ------------------------------------------------------------


def test_labels_of_the_loss(engine):
    y = np.array(["low", "middle", "top"])[np.clip((3 * X[:, 0]).astype(int), 0, 2)]
    levels = {"low": 0, "middle": 1, "top": 2}
    codes = np.array([levels[one] for one in y])
    model = engine.classifier(ThreeLevels(), n_estimators=40).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.9
    np.testing.assert_array_equal(
        model.predict(X), np.array(list(levels))[ThreeLevels().labels(model.predict_raw(X))]
    )
    with pytest.raises(ValueError, match="3 classes apart, y has 2"):
        engine.classifier(ThreeLevels()).fit(X, codes > 1)


@pytest.mark.parametrize("Estimator", [GBMRegressor, GBMClassifier])
def test_facts_are_attributes_or_properties(Estimator):
    class AsProperties(Loss):
        @property
        def curvature_kind(self):
            return "exact"

        @property
        def domain(self):
            return Domain("labels 0, 1, 2", 0.0, 2.0)

        @property
        def classifies(self):
            return Estimator is GBMClassifier

        @property
        def n_classes(self):
            return 3 if self.classifies else 0

        labels = ThreeLevels.labels
        _pointwise, _derivatives = ThreeLevels._pointwise, ThreeLevels._derivatives

    y = np.clip((3 * X[:, 0]).astype(int), 0, 2)
    model = Estimator(AsProperties(), LIGHTGBM.regressor().estimator if Estimator is GBMRegressor else None)
    assert len(model.fit(X, y).predict(X)) == N
