"""Rows that belong together, and labels that are not a sign, of losses of a user's own; on both engines."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.model_selection import GroupShuffleSplit, KFold

from gbm_objectives import GBMClassifier, GBMRegressor
from gbm_objectives.contract import Domain, Loss, Rows
from gbm_objectives.contract.driver import BLOCK_ROWS
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from tests.contract.losses import (
    COSTS,
    RNG,
    CostOfError,
    N,
    OfUnitScale,
    PairLoss,
    Proportional,
    ThreeLevels,
    X,
    Y,
    estimator,
    native,
)
from tests.engine import LIGHTGBM

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
    ranker.fit(X, RELEVANCE.astype(int), group=GROUP)
    assert in_order(ranker.booster_.predict(X)) > 0.95


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
    with pytest.raises(ValueError, match="qid has 2 values for 1200 rows"):
        engine.regressor(PairLoss()).fit(X, SHIFTED, qid=[1, 2])
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


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored by KFold:UserWarning")
def test_queries_are_put_aside_whole(engine):
    weight = RNG.uniform(0.5, 2.0, N)
    model = estimator(engine, PairLoss()).set_params(validation_fraction=0.25, random_state=0)
    model.fit(X, SHIFTED, weight, group=GROUP)
    aside = model.validation_indices_
    queries = np.unique(QID[aside])
    assert len(queries) == 45
    np.testing.assert_array_equal(aside, np.flatnonzero(np.isin(QID, queries)))
    kept = np.setdiff1d(np.arange(N), aside)
    hand = estimator(engine, PairLoss())
    hand.estimator.set_params(**engine.early_stopping(10))
    hand.fit(
        X[kept],
        SHIFTED[kept],
        weight[kept],
        eval_set=[(X[aside], SHIFTED[aside])],
        eval_sample_weight=[weight[aside]],
        qid=QID[kept],
        eval_qid=[QID[aside]],
    )
    np.testing.assert_array_equal(model.predict(X), hand.predict(X))
    assert model.evals_result_ == hand.evals_result_
    last = model.set_params(validation="last").fit(X, SHIFTED, qid=QID)
    np.testing.assert_array_equal(last.validation_indices_, np.flatnonzero(len(GROUP) - 45 <= QID))
    by_groups = model.set_params(validation_fraction=None, validation=GroupShuffleSplit(2, random_state=0))
    aside = QID[by_groups.fit(X, SHIFTED, qid=QID).validation_indices_]
    assert len(np.unique(aside)) == 36
    with pytest.raises(ValueError, match="groups must be left out: the rows of a query stay together"):
        model.fit(X, SHIFTED, qid=QID, groups=QID)
    with pytest.raises(ValueError, match="must keep groups and queries whole"):
        model.set_params(validation=KFold(7)).fit(X, SHIFTED, qid=QID)


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


def test_queries_are_asked_for_at_every_door():
    for call in (
        lambda: lgb.train({"objective": PairLoss(), "verbosity": -1}, lgb.Dataset(X, SHIFTED), 2),
        lambda: xgb.train({}, xgb.DMatrix(X, SHIFTED), 2, obj=PairLoss()),
        lambda: PairLoss().metric(np.zeros(N), xgb.DMatrix(X, SHIFTED)),
    ):
        with pytest.raises(ValueError, match="group must be set"):
            call()
    with pytest.raises(ValueError, match="tells the order in queries"):
        estimator(LIGHTGBM, PairLoss()).fit(X, SHIFTED, group=GROUP).score(X, SHIFTED)


def test_a_data_set_is_prepared_once(engine):
    """With its weights, for the look at its start and for all rounds."""
    prepared = []

    class Counted(PairLoss):
        def _prepare(self, rows):
            prepared.append(rows.weight is not None)
            return super()._prepare(rows)

    if engine is LIGHTGBM:
        data = lgb.Dataset(X, SHIFTED, weight=np.full(N, 2.0), group=GROUP)
    else:
        data = xgb.DMatrix(X, SHIFTED)
        data.set_group(GROUP)
        data.set_weight(np.full(len(GROUP), 2.0))
    engine.ours.train(engine.params, data, loss=Counted(), num_boost_round=3)
    assert prepared == [True]
