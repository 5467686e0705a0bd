"""Ranking at the doors where something was lost: weights of folds, digits of relevances, names of metrics."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold

from gbm_objectives import GBMRanker, LambdaRank, RankNet, SquaredError
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.ranking import NDCG
from tests.engine import LIGHTGBM, XGBOOST

RNG = np.random.default_rng(0)
GROUP = RNG.integers(2, 30, 60)
QUERY = np.repeat(np.arange(60), GROUP)
N = len(QUERY)
X = RNG.normal(size=(N, 3))
Y = np.clip(np.round(X[:, 0] + np.abs(X[:, 1]) + 0.5 * RNG.normal(size=N)), 0, 4)


def test_folds_of_xgboost_keep_the_weights_of_queries():
    """0.3 until its review: a slice of queries has none, so that weights of 0.01 and of 10 gave one result."""
    weight = np.where(np.arange(60) % 2, 10.0, 0.01)
    folds = list(GroupKFold(3).split(X, Y, QUERY))
    data = xgb.DMatrix(X, Y)
    data.set_group(GROUP)
    data.set_weight(weight)
    result = on_xgboost.cv(
        XGBOOST.params, data, loss=RankNet(), num_boost_round=10, nfold=3, seed=0, as_pandas=False
    )
    plain = xgb.DMatrix(X, Y)
    plain.set_group(GROUP)
    other = on_xgboost.cv(
        XGBOOST.params, plain, loss=RankNet(), num_boost_round=10, nfold=3, seed=0, as_pandas=False
    )
    got, unweighted = (one["test-rank_net-mean"][-1] for one in (result, other))
    assert abs(got - unweighted) > 1e-3
    # Of other folds, by hand: the same but for which queries are in which.
    by_hand = []
    for train, test in folds:
        parts = [xgb.DMatrix(X[rows], Y[rows]) for rows in (train, test)]
        for part, rows in zip(parts, (train, test), strict=True):
            part.set_group(np.bincount(QUERY[rows])[np.unique(QUERY[rows])])
            part.set_weight(weight[np.unique(QUERY[rows])])
        booster = on_xgboost.train(XGBOOST.params, parts[0], loss=RankNet(), num_boost_round=10)
        group = np.bincount(QUERY[test])[np.unique(QUERY[test])]
        of_rows = np.repeat(weight[np.unique(QUERY[test])], group)
        by_hand.append(RankNet().value(Y[test], booster.predict(parts[1]), of_rows, group))
    assert got == pytest.approx(np.mean(by_hand), rel=0.1)
    # Each query has its own, in whatever order XGBoost shuffles them.
    numbered = xgb.DMatrix(np.column_stack([QUERY, X]), Y)
    numbered.set_group(GROUP)
    numbered.set_weight(np.arange(1.0, 61.0))
    seen = []

    def watch(raw, part):
        ends = part.get_uint_info("group_ptr")[:-1]
        seen.append((part.get_data()[ends.astype(int), 0].toarray().ravel(), part.get_weight()))
        return "watched", 0.0

    on_xgboost.cv(XGBOOST.params, numbered, loss=RankNet(), num_boost_round=1, nfold=4, custom_metric=watch)
    assert len(seen) >= 4
    for number, own in seen:
        np.testing.assert_array_equal(own, number + 1.0)
    assert data.get_weight().tolist() == weight.astype(np.float32).tolist()
    assert not data.get_float_info("label_lower_bound").size


def test_relevances_keep_their_digits(engine):
    """An engine's labels are float32, in which 0.7 is less than 0.7, and times are equal."""
    model = engine.estimator(False)
    grade = np.array([0.0, 0.1, 0.3, 0.7, 1.0])[Y.astype(int)]
    loss = LambdaRank(gain=lambda relevance: np.where(relevance >= 0.7, 10.0, relevance))
    ranker = GBMRanker(loss, model).fit(X, grade, group=GROUP)
    expected = GBMRanker(LambdaRank(gain=[0.0, 0.1, 0.3, 10.0, 10.0]), model).fit(X, Y, group=GROUP)
    np.testing.assert_allclose(ranker.predict(X), expected.predict(X), rtol=1e-6, atol=1e-9)
    late = GBMRanker(RankNet(), model).fit(X, 1.7e9 + Y, group=GROUP)
    np.testing.assert_array_equal(late.predict(X), GBMRanker(RankNet(), model).fit(X, Y, group=GROUP).predict(X))


def test_two_metrics_of_one_name_are_refused(engine):
    model = GBMRanker(LambdaRank(), engine.estimator(False))
    keywords = {"group": GROUP, "eval_set": [(X, Y)], "eval_group": [GROUP]}
    with pytest.raises(ValueError, match="two metrics are named 'ndcg@5': set the __name__ of NDCG"):
        model.fit(X, Y, **keywords, eval_metric=[NDCG(5), NDCG(5, gain="linear")])
    linear = NDCG(5, gain="linear")
    linear.__name__ = "linear"
    model.fit(X, Y, **keywords, eval_metric=[NDCG(5), linear])
    (curves,) = model.evals_result_.values()
    assert curves["linear"][-1] == pytest.approx(linear.value(Y, model.predict(X), group=GROUP), abs=1e-5)
    with pytest.raises(TypeError, match=r"a metric must be a function, got <class.*write it with parentheses"):
        model.fit(X, Y, **keywords, eval_metric=NDCG)


def test_lightgbm_is_not_given_xgboosts_spelling():
    model = GBMRanker(LambdaRank(), LIGHTGBM.estimator(False))
    with pytest.raises(ValueError, match=r"'ndcg@5' is XGBoost's spelling.*give 'ndcg' and .*eval_at=\[5\]"):
        model.fit(X, Y, group=GROUP, eval_set=[(X, Y)], eval_group=[GROUP], eval_metric="ndcg@5")


# XGBoost is handed the parameters of the loss, and says that it does not use them.
@pytest.mark.filterwarnings('ignore:[^"]*Parameters. . "objective__:UserWarning')
def test_all_rows_are_not_one_query_unless_that_is_said(engine):
    for refused in (
        lambda: RankNet().value(Y, X[:, 0]),
        lambda: engine.regressor(SquaredError()).fit(X, Y, eval_set=[(X, Y)], eval_metric=NDCG(5)),
        lambda: lgb.LGBMRegressor(objective=LambdaRank(), verbosity=-1).fit(X, Y),
        lambda: xgb.XGBRegressor(objective=LambdaRank()).fit(X, Y),
    ):
        with pytest.raises(ValueError, match="group must be set, the number of rows of each query"):
            refused()
    assert RankNet().value(Y[:9], X[:9, 0], group=[9]) > 0


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (LambdaRank(truncation=5, discount=np.ones_like), "discount of LambdaRank must fall somewhere"),
        (
            LambdaRank(gain=lambda y: 5.0 if y > 2 else 0.0),
            "gain of LambdaRank must be a function of an array",
        ),
        (LambdaRank(discount=lambda r: {}[r]), "discount of LambdaRank must be a function of an array of ranks"),
    ],
    ids=["constant", "gain", "discount"],
)
def test_functions_that_cannot_work_are_named(engine, loss, message):
    with pytest.raises(ValueError, match=message):
        GBMRanker(loss, engine.estimator(False)).fit(X, Y, group=GROUP)


def test_equal_discounts_of_the_first_ranks_learn(engine):
    loss = LambdaRank(truncation=5, discount=lambda ranks: np.where(ranks <= 5, 1.0, 0.0))
    model = GBMRanker(loss, engine.estimator(False)).fit(X, Y, group=GROUP)
    start = loss.value(Y, np.zeros(N), group=GROUP)
    assert loss.value(Y, model.predict(X), group=GROUP) < 0.7 * start


def test_nearly_ordered_queries_still_pull():
    """log2(1 + S) is 0 in float32 where S is below 6e-8; the lambdas of such a query are not."""
    gradient, _ = LambdaRank().gradient_hessian([1.0, 0.0], [20.0, 0.0], group=[2])
    # By hand: Δ = 1 - 1/log2(3) over 0.01 + 20, p = 1/(1 + e^20), and log2(1 + S)/S -> 1/ln(2).
    by_hand = (1 - 1 / np.log2(3)) / 20.01 / (1 + np.exp(20.0)) / np.log(2)
    np.testing.assert_allclose(gradient, [-by_hand, by_hand], rtol=1e-4)


def test_a_metric_that_fails_is_named(engine):
    model = engine.classifier()
    with pytest.raises(
        ValueError, match=r"metric 'accuracy_score' failed on targets \(\d+,\) and pred.* \(\d+, 5\)"
    ):
        model.fit(X, Y, eval_set=[(X, Y)], eval_metric=accuracy_score)
