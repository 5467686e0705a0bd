"""The estimator of ranking: queries in any order, whatever names them; weights, rows put aside, scores, files."""

from __future__ import annotations

import json
import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
import xgboost as xgb
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.base import clone
from sklearn.metrics import ndcg_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gbm_objectives import CoxPH, GBMRanker, GBMRegressor, LambdaRank, ListNet, RankNet, SquaredError
from gbm_objectives.estimators.saving import sealed
from gbm_objectives.ranking import NDCG
from tests.contract.losses import PairLoss
from tests.engine import LIGHTGBM, version

RNG = np.random.default_rng(0)
GROUP = RNG.integers(1, 30, 60)
N = GROUP.sum()
QID = np.repeat(np.arange(len(GROUP)), GROUP)
X = RNG.normal(size=(N, 3))
Y = np.clip(np.round(X[:, 0] + 0.7 * RNG.normal(size=N) + 1), 0, 3)
WEIGHT = RNG.uniform(0.5, 2.0, len(GROUP))
MIXED = RNG.permutation(N)  # rows in any order
SORTED = MIXED[np.argsort(QID[MIXED], kind="stable")]  # the same, by query, as they came


def ranker(engine, loss=None, **params):
    keywords = {name: params.pop(name) for name in list(params) if name.startswith("validation")}
    kind = lgb.LGBMRanker if engine is LIGHTGBM else xgb.XGBRanker
    return GBMRanker(loss, kind(**{**engine.small, "n_estimators": 8, **params}), **keywords, random_state=0)


def square(relevance):
    return relevance**2


# ---- queries in any order --------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [LambdaRank(), PairLoss()], ids=repr)
def test_rows_in_any_order(engine, loss):
    """Exactly the model of the sorted rows, weights, offsets and evaluation sets included."""
    offset, of_rows = RNG.normal(size=N), WEIGHT[QID]
    valid = RNG.permutation(N)
    valid_sorted = valid[np.argsort(QID[valid], kind="stable")]

    def fitted(rows, of_set):
        model = ranker(engine, loss)
        return model.fit(
            X[rows],
            Y[rows],
            of_rows[rows],
            qid=QID[rows],
            init_score=offset[rows],
            eval_set=[(X[of_set], Y[of_set])],
            eval_qid=[QID[of_set]],
            eval_sample_weight=[of_rows[of_set]],
            eval_init_score=[offset[of_set]],
        )

    one, other = fitted(MIXED, valid), fitted(SORTED, valid_sorted)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.evals_result_ == other.evals_result_
    by_group = ranker(engine, loss).fit(X[SORTED], Y[SORTED], WEIGHT, group=GROUP, init_score=offset[SORTED])
    np.testing.assert_array_equal(one.predict(X), by_group.predict(X))


@pytest.mark.parametrize(
    "names",
    [
        QID.astype(float),
        QID - 7,
        np.array([f"query {q:03d}" for q in QID]),
        np.array([f"query {q:03d}" for q in QID], dtype=object),
        np.datetime64("2024-01-01") + QID,
        pd.Series(pd.Categorical.from_codes(QID, [f"c{99 - q}" for q in range(len(GROUP))], ordered=True)),
    ],
    ids=["float", "negative", "str", "object", "date", "ordered"],
)
def test_whatever_names_queries(engine, names):
    expected = ranker(engine).fit(X[MIXED], Y[MIXED], qid=QID[MIXED])
    rows = names.iloc[MIXED] if hasattr(names, "iloc") else names[MIXED]
    model = ranker(engine).fit(X[MIXED], Y[MIXED], qid=rows)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    score = model.score(X[MIXED], Y[MIXED], qid=rows)
    assert score == expected.score(X, Y, group=GROUP)


@pytest.mark.parametrize("kind", ["frame", "sparse", "polars"])
def test_features_of_any_kind_in_any_order(engine, kind):
    make = {
        "frame": lambda X: pd.DataFrame(X, columns=list("abc")),
        "sparse": sp.csr_matrix,
        "polars": lambda X: pytest.importorskip("polars").DataFrame(X, schema=list("abc")),
    }[kind]
    if kind == "polars" and engine is LIGHTGBM:
        pytest.importorskip("pyarrow")
    one, other = (ranker(engine).fit(make(X[rows]), Y[rows], qid=QID[rows]) for rows in (MIXED, SORTED))
    np.testing.assert_array_equal(one.predict(make(X)), other.predict(make(X)))


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored by:UserWarning")
def test_rows_put_aside_are_those_of_the_users_order(engine):
    model = ranker(engine, validation_fraction=0.25).fit(X[MIXED], Y[MIXED], qid=QID[MIXED])
    aside = model.validation_indices_
    assert (np.diff(aside) > 0).all()
    queries = np.unique(QID[MIXED][aside])
    assert len(queries) == 15
    np.testing.assert_array_equal(aside, np.flatnonzero(np.isin(QID[MIXED], queries)))
    by_sorted = ranker(engine, validation_fraction=0.25).fit(X[SORTED], Y[SORTED], qid=QID[SORTED])
    np.testing.assert_array_equal(model.predict(X), by_sorted.predict(X))
    last = ranker(engine, validation_fraction=10, validation="last").fit(X[MIXED], Y[MIXED], qid=QID[MIXED])
    np.testing.assert_array_equal(last.validation_indices_, np.flatnonzero(QID[MIXED] >= 50))
    # A splitter's rows are the user's, too.
    fold = np.where(QID[MIXED] % 4 == 1, 0, -1)
    split = ranker(engine, validation=PredefinedSplit(fold)).fit(X[MIXED], Y[MIXED], qid=QID[MIXED])
    np.testing.assert_array_equal(split.validation_indices_, np.flatnonzero(fold == 0))
    with pytest.raises(ValueError, match="must keep groups and queries whole"):
        ranker(engine, validation=KFold(3)).fit(X[MIXED], Y[MIXED], qid=QID[MIXED])


def test_the_training_set_as_evaluation_set(engine):
    model = ranker(engine).fit(X, Y, qid=QID, eval_set=[(X, Y)], eval_qid=[QID])
    (name,) = model.evals_result_
    assert name == ("training" if engine is LIGHTGBM else "validation_0")
    alone = ranker(engine).fit(X, Y, qid=QID, eval_set=(X, Y), eval_qid=QID)  # one set, without lists
    assert alone.evals_result_ == model.evals_result_
    # The same rows in other queries are another set.
    model = ranker(engine).fit(X, Y, qid=QID, eval_set=[(X, Y)], eval_qid=[QID // 2])
    ((name, curves),) = model.evals_result_.items()
    assert name.startswith("valid")
    expected = model.loss_.value(Y, model.predict(X), group=np.bincount(QID // 2))
    assert curves["lambda_rank"][-1] == pytest.approx(expected, abs=2e-6)


def test_weights_of_queries_or_rows(engine):
    rows = RNG.uniform(0.5, 1.5, N)
    means = np.bincount(QID, rows) / GROUP
    of_rows, of_queries = (ranker(engine).fit(X, Y, weight, group=GROUP) for weight in (rows, means))
    np.testing.assert_allclose(of_rows.predict(X), of_queries.predict(X), rtol=1e-4, atol=1e-5)
    assert of_rows.score(X, Y, rows, group=GROUP) == pytest.approx(of_rows.score(X, Y, means, group=GROUP))
    unsorted = ranker(engine).fit(X[MIXED], Y[MIXED], means, qid=QID[MIXED])
    by_rows = ranker(engine).fit(X[MIXED], Y[MIXED], means[QID][MIXED], qid=QID[MIXED])
    np.testing.assert_array_equal(unsorted.predict(X), by_rows.predict(X))


# ---- scores, predictions, searches ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "gain"), [(LambdaRank(), "exp"), (LambdaRank(gain="linear"), "linear"), (RankNet(), "exp")]
)
def test_the_score_is_scikit_learns_mean_of_queries_with_gains(engine, loss, gain):
    model = ranker(engine, loss).fit(X, Y, group=GROUP)
    raw, worth = model.predict(X), 2**Y - 1 if gain == "exp" else Y
    scores = []
    for query in range(len(GROUP)):
        rows = query == QID
        one = rows.sum() == 1 or not worth[rows].any()
        scores.append(1.0 if one else ndcg_score([worth[rows]], [raw[rows]]))
    assert model.score(X, Y, qid=QID) == pytest.approx(np.mean(scores), rel=1e-6)
    assert model.score(X, Y, WEIGHT, group=GROUP) == pytest.approx(np.average(scores, weights=WEIGHT), rel=1e-6)
    assert model.score(X[MIXED], Y[MIXED], WEIGHT, qid=QID[MIXED]) == model.score(X, Y, WEIGHT, group=GROUP)
    assert NDCG(None, gain).value(Y, raw, group=GROUP) == pytest.approx(model.score(X, Y, qid=QID))


def test_predictions(engine):
    model = ranker(engine).fit(X, Y, group=GROUP)
    np.testing.assert_array_equal(model.predict(X), model.predict_raw(X))
    np.testing.assert_allclose(model.predict(X, offset=np.ones(N)), model.predict(X) + 1, rtol=1e-5)
    stages = list(model.staged_predict(X))
    np.testing.assert_array_equal(stages[4], model.predict(X, num_iteration=5))
    assert len(stages) == 8 and model.feature_importances_.argmax() == 0
    assert not hasattr(model, "predict_interval") and not hasattr(model, "predict_proba")
    again = ranker(engine, n_estimators=5).fit(X, Y, group=GROUP, init_model=model)
    assert len(list(again.staged_predict(X))) == 13


def test_scikit_learn_routes_the_queries(engine):
    """Of a fold the queries are not sorted, nor are they in the file."""
    folds = list(GroupKFold(3).split(X, Y, QID[MIXED]))
    hand = [
        ranker(engine)
        .fit(X[MIXED][kept], Y[MIXED][kept], qid=QID[MIXED][kept])
        .score(X[MIXED][new], Y[MIXED][new], qid=QID[MIXED][new])
        for kept, new in folds
    ]
    given = {"qid": QID[MIXED], "groups": QID[MIXED]}
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(ranker(engine), X[MIXED], Y[MIXED], cv=GroupKFold(3), params=given)
        np.testing.assert_allclose(scores, hand, rtol=1e-12)
        search = GridSearchCV(ranker(engine, LambdaRank()), {"loss__truncation": [1, 30]}, cv=GroupKFold(3))
        search.fit(X[MIXED], Y[MIXED], **given)
        assert len(set(search.cv_results_["mean_test_score"])) == 2
        if version(sklearn) >= (1, 7):  # before, a pipeline's score does not pass queries on
            pipe = make_pipeline(StandardScaler(), ranker(engine))
            assert len(cross_val_score(pipe, X[MIXED], Y[MIXED], cv=GroupKFold(3), params=given)) == 3
    with pytest.raises(ValueError, match="group or qid must be given"):
        ranker(engine).fit(X, Y, qid=QID).score(X, Y)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # LightGBM 4.6
@pytest.mark.parametrize("regressor", [True, False])
def test_either_kind_of_estimator(engine, regressor):
    """The engine's parameters are all that counts."""
    kind = engine.bare_regressor if regressor else type(ranker(engine).estimator)
    model = GBMRanker(None, kind(**engine.small)).fit(X, Y, group=GROUP)
    expected = GBMRegressor(LambdaRank(), engine.bare_regressor(**engine.small)).fit(X, Y, group=GROUP)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    assert type(model.estimator_) is kind
    np.testing.assert_array_equal(model.estimator_.predict(X), model.predict(X))


def test_defaults():
    model = GBMRanker().fit(X, Y, group=GROUP)
    assert model.loss_ == LambdaRank() and isinstance(model.estimator_, LGBMRanker)


# ---- copies and files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [None, RankNet(), ListNet("linear"), LambdaRank(truncation=5, norm=False), LambdaRank(gain=[0, 1, 5, 9])],
    ids=repr,
)
def test_files(engine, loss, tmp_path):
    model = ranker(engine, loss, validation_fraction=0.2).fit(X, Y, group=GROUP)
    model.save_model(tmp_path / "model.json")
    loaded = GBMRanker.load_model(tmp_path / "model.json")
    assert loaded.loss_ == model.loss_ and type(loaded.estimator_) is type(model.estimator_)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.score(X, Y, group=GROUP) == model.score(X, Y, group=GROUP)
    np.testing.assert_array_equal(loaded.fit(X, Y, group=GROUP).predict(X), model.predict(X))
    for copy in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, Y, group=GROUP)):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="holds a GBMRanker"):
        GBMRegressor.load_model(tmp_path / "model.json")


def test_files_with_a_function_of_ones_own(engine, tmp_path):
    """A file runs no code: the loss is given again, and its functions must have the same names."""
    path, loss = tmp_path / "model.json", LambdaRank(gain=square)
    model = ranker(engine, loss).fit(X, Y, group=GROUP)
    model.save_model(path)
    with pytest.raises(ValueError, match=r"a function of your own, gain=square of LambdaRank, .*: pass the loss"):
        GBMRanker.load_model(path)
    loaded = GBMRanker.load_model(path, loss=loss)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    loaded.save_model(path)
    for other in (LambdaRank(), LambdaRank(gain=np.exp2), LambdaRank(gain=square, truncation=3)):
        with pytest.raises(ValueError, match="was trained with the parameters"):
            GBMRanker.load_model(path, loss=other)
    content = json.loads(path.read_text())
    content["loss"]["params"]["gain"] = {"function": 3}
    path.write_text(json.dumps(sealed(content)))
    with pytest.raises(ValueError, match="a function of your own"):
        GBMRanker.load_model(path)


# ---- what is refused -----------------------------------------------------------------------------------------


def fails(match, error=ValueError, engine=LIGHTGBM, loss=None, X=X, Y=Y, **keywords):
    with pytest.raises(error, match=match):
        ranker(engine, loss, n_estimators=10**9).fit(X, Y, **keywords)


def test_queries_that_are_missing_or_do_not_fit(engine):
    fails("group or qid must be given: LambdaRank", engine=engine)
    fails("group and qid say the same", engine=engine, group=GROUP, qid=QID)
    fails("group must sum to the number of rows, it sums to 3 of", group=[1, 2])
    fails("group must be the number of rows of each query, one or more", group=[0, N])
    fails("group must be the number of rows of each query, one or more", group=[-1, N + 1])
    fails("group must be the number of rows of each query, one or more", group=[1.5, N - 1.5])
    fails("group must be the number of rows of each query, one or more", group=[np.nan, N])
    fails("group must be the number of rows of each query, one or more", group=["a", "b"])
    fails("group must be the number of rows of each query, one or more", group=GROUP[:, None])
    fails(rf"qid has 3 values for {N} rows", qid=[1, 2, 3])
    fails(r"qid must be labels, got a missing value in row 0 \(1 such\)", qid=np.where(np.arange(N), QID, np.nan))
    fails("qid must be labels, got a missing value in row 0", qid=np.array([None, *QID[1:]], dtype=object))
    fails("qid must be labels of one type, got int, str", qid=np.array(["a", *QID[1:].tolist()], dtype=object))
    given = {"group": GROUP, "eval_set": [(X, Y)]}
    fails(r"eval_group\[0\] or eval_qid\[0\] must be given", **given)
    fails(r"eval_group has 2 entries for 1 evaluation sets", eval_group=[GROUP, GROUP], **given)
    fails(
        r"eval_group has 3 entries for 2 evaluation sets", group=GROUP, eval_set=[(X, Y)] * 2, eval_group=[1, 2, 3]
    )
    fails(r"eval_group\[0\] must sum to the number of rows, it sums to 3", eval_group=[1, 2], **given)
    fails(r"qid must be 1-dimensional, got shape \(\d+, 2\)", qid=np.column_stack([QID, QID]))
    fails(r"eval_group\[0\] must sum to the number of rows, it sums to 2", eval_group=[[1, 1]], **given)
    fails(r"eval_qid\[0\] has 2 values", eval_qid=[[1, 1]], **given)
    fails(r"eval_qid\[0\] must be labels, got a missing value", eval_qid=[[np.nan] * N], **given)
    fails("eval_group has 1 entries for 0 evaluation sets", group=GROUP, eval_group=[GROUP])
    fails("groups must be left out", group=GROUP, groups=QID)


def test_other_bad_input(engine):
    fails("some query must have rows of different relevance", engine=engine, qid=np.arange(N))
    fails("some query must have rows of different relevance", engine=engine, Y=np.ones(N), group=GROUP)
    fails(
        r"numbers not below 0, got -1.0 in row 3", engine=engine, Y=np.where(np.arange(N) == 3, -1, Y), group=GROUP
    )
    fails(r"sample_weight has 5 values: it must have one for each of", sample_weight=np.ones(5), group=GROUP)
    fails("sample_weight must be finite and not negative", sample_weight=-WEIGHT, group=GROUP)
    fails("all weights are zero", sample_weight=0 * WEIGHT, group=GROUP)
    fails("sample_weight must be 1-dimensional", sample_weight=np.ones((N, 2)), group=GROUP)
    given = {"group": GROUP, "eval_set": [(X, Y)], "eval_group": [GROUP]}
    fails(r"eval_set\[0\]: sample_weight has 4 values", eval_sample_weight=[np.ones(4)], **given)
    for loss in (SquaredError(), CoxPH()):
        fails("loss of GBMRanker must compare the rows of a query", loss=loss, group=GROUP)
    for estimator in (LGBMClassifier(), LGBMRanker, StandardScaler()):
        with pytest.raises(TypeError, match=r"estimator .*must be"):
            GBMRanker(None, estimator).fit(X, Y, group=GROUP)
    with pytest.raises(TypeError, match="estimator of GBMRegressor must be a regressor"):
        GBMRegressor(LambdaRank(), LGBMRanker()).fit(X, Y, group=GROUP)
    model = ranker(engine).fit(X, Y, group=GROUP)
    with pytest.raises(ValueError, match="y_true of NDCG must be numbers not below 0"):
        ranker(engine, RankNet()).fit(X, Y - 2, group=GROUP).score(X, Y - 2, group=GROUP)
    with pytest.raises(ValueError, match="group must sum to"):
        model.score(X, Y, group=[3])
    with pytest.raises(ValueError, match="loss__truncation needs GBMRanker"):
        GBMRanker().set_params(loss__truncation=3)


def test_relevances_are_compared_only_where_queries_are_given():
    """A regressor has no use for them otherwise, and says who has."""
    with pytest.raises(ValueError, match=r"tells the order in queries"):
        GBMRegressor(LambdaRank(), LGBMRegressor(n_estimators=2, verbosity=-1)).fit(X, Y, group=GROUP).score(X, Y)


def test_a_cluster_is_refused_by_name(engine):
    pytest.importorskip("distributed")
    own = pytest.importorskip(f"{engine.name}.dask")
    kind = own.DaskLGBMRegressor if engine is LIGHTGBM else own.DaskXGBRegressor
    for model in (GBMRanker(LambdaRank(), kind()), GBMRanker(RankNet(), kind()), GBMRegressor(ListNet(), kind())):
        with pytest.raises(ValueError, match=r"is not supported on a cluster: it compares rows"):
            model.fit(X, Y, group=GROUP)
