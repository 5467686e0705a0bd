"""`compare_losses`: the numbers are those of a loop written by hand, and nothing given is lost."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    matthews_corrcoef,
    mean_pinball_loss,
    mean_poisson_deviance,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    GBMClassifier,
    GBMRanker,
    GBMRegressor,
    Hinge,
    LambdaRank,
    MultiQuantile,
    PoissonDeviance,
    Quantile,
    RankNet,
    SquaredError,
    WeightedCrossEntropy,
    compare_losses,
)
from gbm_objectives.ranking import NDCG

X, Y = load_diabetes(return_X_y=True)
LOSSES = [SquaredError(), AbsoluteError(), Quantile(0.9)]
PINBALL = partial(mean_pinball_loss, alpha=0.9)
MEDIAN = partial(mean_pinball_loss, alpha=0.5)
RNG = np.random.default_rng(0)


def lightgbm(kind=LGBMRegressor):
    return kind(n_estimators=15, num_leaves=7, n_jobs=1, verbosity=-1)


def of(table, loss):
    (row,) = (i for i, name in enumerate(table["loss"]) if name == repr(loss))
    return table["mean_test_score"][row]


def by_hand(loss, cost, cv, weight=None, offset=None):
    values = []
    for train, test in cv.split(X):
        some = [None if one is None else one[train] for one in (weight, offset)]
        others = [None if one is None else one[test] for one in (weight, offset)]
        model = GBMRegressor(loss, lightgbm()).fit(X[train], Y[train], some[0], init_score=some[1])
        keywords = {} if weight is None else {"sample_weight": others[0]}
        values.append(cost(Y[test], model.predict(X[test], offset=others[1]), **keywords))
    return values


def test_the_numbers_are_those_of_a_loop(engine):
    table = compare_losses(LOSSES, engine.regressor(SquaredError()).estimator, X, Y, scoring="r2")
    for loss in LOSSES:
        scores = cross_val_score(engine.regressor(loss), X, Y, scoring="r2")
        assert of(table, loss) == pytest.approx(scores.mean(), rel=1e-6)
    assert list(table["mean_test_score"]) == sorted(table["mean_test_score"], reverse=True)


def test_a_cost_is_the_better_the_lower_and_the_errors_are_those_of_the_paper():
    cv = KFold(4)
    table = compare_losses(LOSSES, lightgbm(), X, Y, scoring=PINBALL, cv=cv)
    assert table["loss"][0] == "Quantile(alpha=0.9)"
    best, other = (np.array(by_hand(loss, PINBALL, cv)) for loss in (Quantile(0.9), SquaredError()))
    row = list(table["loss"]).index("SquaredError()")
    assert table["mean_test_score"][row] == pytest.approx(other.mean())
    assert table["std_test_score"][row] == pytest.approx(other.std())
    assert table["behind"][row] == pytest.approx((other - best).mean())
    # Nadeau and Bengio (2003), section 4: (1 / k + n_test / n_train) times the variance of the differences.
    share = np.mean([len(test) / len(train) for train, test in cv.split(X)])
    assert table["behind_error"][row] == pytest.approx(np.sqrt((1 / 4 + share) * (other - best).var(ddof=1)))
    assert [table[f"split{i}_test_score"][row] for i in range(4)] == pytest.approx(other)
    assert table["behind"][0] == table["behind_error"][0] == 0.0
    assert (np.asarray(table["mean_fit_time"]) > 0).all()


def test_weights_and_offsets_count_in_training_and_in_the_measure():
    weight, offset = RNG.uniform(0.1, 5.0, len(Y)), RNG.normal(0.0, 30.0, len(Y))
    cv = KFold(3)
    params = {"sample_weight": weight, "init_score": offset}
    table = compare_losses([AbsoluteError()], lightgbm(), X, Y, scoring=PINBALL, cv=cv, params=params)
    assert table["mean_test_score"][0] == pytest.approx(
        np.mean(by_hand(AbsoluteError(), PINBALL, cv, weight, offset))
    )
    assert table["mean_test_score"][0] != pytest.approx(np.mean(by_hand(AbsoluteError(), PINBALL, cv)), rel=1e-3)

    def alone(y_true, y_pred):
        return abs(y_true - y_pred).mean()

    with pytest.raises(TypeError, match=r"scoring must take sample_weight, which fit gets, .* \(y_true, y_pred\)"):
        compare_losses([AbsoluteError()], lightgbm(), X, Y, scoring=alone, cv=cv, params=params)

    def of_both(y_true, y_pred, offset, sample_weight):
        return np.average(abs(y_true - y_pred) + 0.0 * offset, weights=sample_weight)

    both = compare_losses([AbsoluteError()], lightgbm(), X, Y, scoring=of_both, cv=cv, params=params)
    assert both["mean_test_score"][0] == pytest.approx(
        2 * np.mean(by_hand(AbsoluteError(), MEDIAN, cv, weight, offset))
    )
    with pytest.raises(TypeError, match="scoring must take offset"):
        compare_losses([AbsoluteError()], lightgbm(), X, Y, scoring="r2", cv=cv, params=params)
    default = compare_losses([AbsoluteError()], lightgbm(), X, Y, cv=cv, params=params)
    model = GBMRegressor(AbsoluteError(), lightgbm())
    by_fold = [
        clone(model)
        .fit(X[train], Y[train], weight[train], init_score=offset[train])
        .score(X[test], Y[test], weight[test], offset=offset[test])
        for train, test in cv.split(X)
    ]
    assert default["mean_test_score"][0] == pytest.approx(np.mean(by_fold))


def test_random_splitters_give_all_losses_the_same_folds():
    same = {"one": AbsoluteError(), "two": AbsoluteError()}
    table = compare_losses(same, lightgbm(), X, Y, cv=ShuffleSplit(3))
    assert list(table["behind"]) == [0.0, 0.0] and sorted(table["loss"]) == ["one", "two"]


def test_folds_in_the_order_of_time():
    table = compare_losses([AbsoluteError()], lightgbm(), X, Y, cv=TimeSeriesSplit(3), scoring=PINBALL)
    assert table["mean_test_score"][0] == pytest.approx(
        np.mean(by_hand(AbsoluteError(), PINBALL, TimeSeriesSplit(3)))
    )


def test_classes():
    X, y = load_breast_cancer(return_X_y=True)
    y = np.array(["bad", "good"])[y]
    losses = [BinaryCrossEntropy(), WeightedCrossEntropy(5.0)]
    table = compare_losses(losses, lightgbm(LGBMClassifier), X, y, scoring="neg_log_loss")
    models = [GBMClassifier(loss, lightgbm(LGBMClassifier)) for loss in losses]
    for model in models:
        folds = StratifiedKFold(5).split(X, y)  # scikit-learn's choice for a classifier
        scores = [-log_loss(y[b], clone(model).fit(X[a], y[a]).predict_proba(X[b])) for a, b in folds]
        assert of(table, model.loss) == pytest.approx(np.mean(scores))
    by_label = compare_losses([*losses, Hinge()], lightgbm(LGBMClassifier), X, y, scoring=accuracy_score)
    assert list(by_label["mean_test_score"]) == sorted(by_label["mean_test_score"], reverse=True)
    assert min(by_label["mean_test_score"]) > 0.9


def test_pipelines():
    model = make_pipeline(StandardScaler(), GBMRegressor(estimator=lightgbm()))
    weight = RNG.uniform(0.1, 5.0, len(Y))
    table = compare_losses(
        [AbsoluteError()], model, X, Y, scoring=PINBALL, cv=3, params={"gbmregressor__sample_weight": weight}
    )
    assert table["mean_test_score"][0] == pytest.approx(
        np.mean(by_hand(AbsoluteError(), PINBALL, KFold(3), weight)), rel=0.02
    )


def test_queries():
    qid, relevance = RNG.integers(0, 40, 800), RNG.integers(0, 4, 800)
    features = RNG.normal(size=(800, 3)) + relevance[:, None]
    with pytest.raises(ValueError, match="params must name the query of each row, qid, not group"):
        compare_losses([RankNet()], lightgbm(LGBMRanker), features, relevance, params={"group": [400, 400]})
    losses = [RankNet(), LambdaRank(gain=[0, 0, 1, 9])]
    table = compare_losses(losses, lightgbm(LGBMRanker), features, relevance, cv=3, params={"qid": qid})
    train, test = next(GroupKFold(3).split(features, groups=qid))
    for loss in losses:
        model = GBMRanker(loss, lightgbm(LGBMRanker)).fit(features[train], relevance[train], qid=qid[train])
        rows, (_, sizes) = np.argsort(qid[test], kind="stable"), np.unique(qid[test], return_counts=True)
        # The same for all, whatever their gains.
        expected = NDCG(None).value(relevance[test][rows], model.predict(features[test])[rows], group=sizes)
        row = list(table["loss"]).index(repr(loss))
        assert table["split0_test_score"][row] == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"cv must keep queries whole, KFold.* cuts that of row \d+"):
        compare_losses(losses, lightgbm(LGBMRanker), features, relevance, cv=KFold(3), params={"qid": qid})


def test_measures_of_ranking_and_of_losses():
    qid, relevance = RNG.integers(0, 40, 800), RNG.integers(0, 4, 800)
    features = RNG.normal(size=(800, 3)) + relevance[:, None]

    def mine(y_true, y_pred, qid):
        rows, (_, sizes) = np.argsort(qid, kind="stable"), np.unique(qid, return_counts=True)
        return "mine", NDCG(5).value(y_true[rows], y_pred[rows], group=sizes), True

    tables = [
        compare_losses(
            [RankNet()], lightgbm(LGBMRanker), features, relevance, scoring=one, cv=3, params={"qid": qid}
        )
        for one in (NDCG(5), mine)
    ]
    assert tables[0]["mean_test_score"][0] == pytest.approx(tables[1]["mean_test_score"][0])
    table = compare_losses(LOSSES, lightgbm(), X, Y, scoring=Quantile(0.9).metric, cv=3)
    expected = compare_losses(LOSSES, lightgbm(), X, Y, scoring=PINBALL, cv=3)
    assert list(table["loss"]) == list(expected["loss"])
    np.testing.assert_allclose(table["mean_test_score"], expected["mean_test_score"])


def test_a_metric_judges_what_models_predict_whatever_their_link():
    y = Y.round()
    losses = [AbsoluteError(), PoissonDeviance(), SquaredError()]
    table = compare_losses(losses, lightgbm(), X, y, scoring=PoissonDeviance().metric, cv=3)
    expected = compare_losses(losses, lightgbm(), X, y, scoring=mean_poisson_deviance, cv=3)
    assert list(table["loss"]) == list(expected["loss"])
    np.testing.assert_allclose(table["mean_test_score"], expected["mean_test_score"], rtol=1e-6)
    with pytest.raises(ValueError, match=r"cannot judge what MultiQuantile"):
        compare_losses([MultiQuantile()], lightgbm(), X, y, scoring=PoissonDeviance().metric, cv=3)


def test_masks_are_folds():
    folds = list(KFold(3).split(X))
    masks = [tuple(np.isin(np.arange(len(X)), part) for part in fold) for fold in folds]
    one, two = (compare_losses(LOSSES, lightgbm(), X, Y, cv=cv, scoring=PINBALL) for cv in (folds, masks))
    for name in ("loss", "mean_test_score", "behind_error"):
        assert list(one[name]) == list(two[name])


def test_scores_of_probabilities_need_sorted_labels():
    X, y = load_breast_cancer(return_X_y=True)
    y = np.where(y, "ok", "bad")
    model = GBMClassifier(estimator=lightgbm(LGBMClassifier), classes=["ok", "bad"])
    for scoring in ("neg_log_loss", "roc_auc"):
        with pytest.raises(ValueError, match="takes columns for sorted labels; give numbers as labels"):
            compare_losses([BinaryCrossEntropy()], model, X, y, scoring=scoring, cv=2)
    table = compare_losses([BinaryCrossEntropy()], model, X, y, cv=2)
    assert table["mean_test_score"][0] > 0.9


def test_a_search_that_sets_the_loss_is_refused():
    model = GBMRegressor(estimator=lightgbm())
    for grid in ({"loss": [AbsoluteError()]}, [{"loss": [AbsoluteError()]}]):
        with pytest.raises(ValueError, match="param_grid of the search must leave the loss alone, it sets 'loss'"):
            compare_losses(LOSSES, GridSearchCV(model, grid), X, Y)
    search = GridSearchCV(model, {"estimator__num_leaves": [3, 7]}, cv=2)
    assert len(set(compare_losses(LOSSES, search, X, Y, cv=2)["mean_test_score"])) == 3


def test_frames():
    frame = pd.DataFrame(X).add_prefix("x")
    table = compare_losses(LOSSES, lightgbm(), frame, pd.Series(Y, index=np.arange(len(Y)) + 7), cv=3)
    assert isinstance(table, pd.DataFrame)
    assert table["split2_test_score"].notna().all()


WITHOUT_PANDAS = """
import sys
class NoPandas:
    def find_spec(self, name, *others):
        if name == "pandas":
            raise ImportError(name)
sys.meta_path.insert(0, NoPandas())
import numpy as np
from lightgbm import LGBMRegressor
from gbm_objectives import AbsoluteError, SquaredError, compare_losses
X = np.arange(60.0)[:, None]
table = compare_losses([AbsoluteError(), SquaredError()], LGBMRegressor(n_estimators=3, verbosity=-1), X, X[:, 0])
print(type(table).__name__, len(table["loss"]), len(table["split4_test_score"]))
"""


def test_without_pandas_it_is_a_dictionary():
    run = subprocess.run([sys.executable, "-c", WITHOUT_PANDAS], capture_output=True, text=True, check=False)
    assert run.stdout == "dict 2 2\n", run.stderr


def test_in_parallel():
    one, two = (compare_losses(LOSSES, lightgbm(), X, Y, cv=3, n_jobs=n) for n in (None, 2))
    assert list(one["mean_test_score"]) == list(two["mean_test_score"])


REFUSED = {
    "no loss": (ValueError, "losses is empty", {"losses": []}),
    "no losses": (TypeError, "losses must be losses, got 'mae'", {"losses": ["mae"]}),
    "a class": (TypeError, "losses must be losses, got <class.*with parentheses", {"losses": [AbsoluteError]}),
    "one loss": (TypeError, "losses must be a list of losses", {"losses": AbsoluteError()}),
    "a list of params": (TypeError, "params must be a mapping of names", {"params": [1, 2]}),
    "no folds": (ValueError, "cv must yield a fold", {"cv": iter([])}),
    "no direction": (ValueError, "'matthews_corrcoef' does not say whether", {"scoring": matthews_corrcoef}),
    "scores": (TypeError, "roc_auc_score is one of probabilities or scores", {"scoring": roc_auc_score}),
    "probabilities": (TypeError, "log_loss is one of probabilities or scores", {"scoring": log_loss}),
    "three targets": (TypeError, r"takes \(y_true, y_pred, z\)", {"scoring": lambda y_true, y_pred, z: 0.0}),
    "not for classes": (AttributeError, r"^AbsoluteError\(\): ", {"scoring": lambda model, X, y: model.nonsense}),
    "twice": (ValueError, r"two of the losses are named 'AbsoluteError\(\)'", {"losses": [AbsoluteError()] * 2}),
    "estimator": (TypeError, "estimator must be one of LightGBM or XGBoost", {"estimator": StandardScaler()}),
    "a class of estimators": (
        TypeError,
        "estimator must be an estimator, not a class",
        {"estimator": LGBMRegressor},
    ),
    "loss as measure": (TypeError, "scoring must be a name, a scorer or a function", {"scoring": Quantile(0.9)}),
    "one argument": (TypeError, r"scoring must take \(y_true, y_pred\) or \(model, X, y\)", {"scoring": len}),
    "direction": (ValueError, "does not say whether higher is better", {"scoring": lambda a, b: ("auc", 1.0)}),
    "score": (ValueError, r"AbsoluteError\(\): the score of held-out rows", {"scoring": lambda a, b: np.nan}),
    "weights": (ValueError, "inconsistent numbers of samples", {"params": {"sample_weight": np.ones(3)}}),
    "target": (ValueError, r"^PoissonDeviance\(\): ", {"losses": [AbsoluteError(), PoissonDeviance()], "y": -Y}),
    "fit": (TypeError, r"^AbsoluteError\(\): ", {"params": {"nonsense": 1}}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    error, message, given = REFUSED[case]
    given = {"losses": [AbsoluteError()], "estimator": lightgbm(), "X": X, "y": Y, "cv": 3, **given}
    with pytest.raises(error, match=message):
        compare_losses(given.pop("losses"), given.pop("estimator"), given.pop("X"), given.pop("y"), **given)
