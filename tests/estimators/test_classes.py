"""`GBMClassifier(classes=...)` and ordered categoricals: labels in an order of their own, wherever they count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from gbm_objectives import CategoricalCrossEntropy, CategoricalFocal, GBMClassifier, ProportionalOdds
from tests.engine import LIGHTGBM

RNG = np.random.default_rng(0)
N = 400
X = RNG.normal(size=(N, 3))
CODES = np.digitize(X[:, 0] + RNG.logistic(size=N), [-1.5, 0.0, 1.5])
# Neither sorted nor sorted backwards.
GRADES = ["poor", "fair", "good", "excellent"]
Y = np.array(GRADES)[CODES]
LOSSES = pytest.mark.parametrize("loss", [ProportionalOdds(4), CategoricalCrossEntropy(4)], ids=repr)


def ordered(y=Y, categories=GRADES):
    return pd.Categorical(y, categories, ordered=True)


@pytest.mark.filterwarnings("ignore:A column-vector y")  # scikit-learn's
@pytest.mark.parametrize(
    "y", [ordered(), pd.Series(ordered()), pd.DataFrame({"y": ordered()})], ids=["categorical", "series", "frame"]
)
def test_the_order_of_a_categorical(engine, y):
    loss = ProportionalOdds(4)
    model = engine.classifier(loss).fit(X, y)
    assert model.classes_.tolist() == GRADES
    expected = engine.classifier(loss).fit(X, CODES)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    np.testing.assert_array_equal(model.predict(X), np.array(GRADES)[expected.predict(X)])
    assert model.score(X, Y) == model.score(X, y) == expected.score(X, CODES)
    assert model.log_likelihood(X, Y) == expected.log_likelihood(X, CODES)


def test_it_counts_only_where_the_loss_needs_it(engine):
    """scikit-learn's scores of probabilities take columns for sorted labels; this one was turned upside down."""
    y = np.where(CODES > 1, "no", "yes")
    given = pd.Categorical(y, ["yes", "no"], ordered=True)
    scores = [cross_val_score(engine.classifier(), X, one, cv=2, scoring="roc_auc") for one in (y, given)]
    np.testing.assert_array_equal(*scores)
    assert min(scores[0]) > 0.6
    assert engine.classifier().fit(X, ordered()).classes_.tolist() == sorted(GRADES)


@pytest.mark.filterwarnings("ignore:A column-vector y")  # scikit-learn's
@pytest.mark.parametrize("kind", ["series", "frame"])
def test_the_order_of_an_enum(engine, kind):
    pl = pytest.importorskip("polars")
    y = pl.Series("grade", Y.tolist(), dtype=pl.Enum(GRADES))
    model = engine.classifier(ProportionalOdds(4)).fit(X, y if kind == "series" else y.to_frame())
    assert model.classes_.tolist() == GRADES


@pytest.mark.parametrize(
    ("y", "keywords"),
    [
        (1 + CODES / 2, {}),
        (CODES / 4, {"classes": [0.0, 0.25, 0.5, 0.75]}),
        (pd.cut(CODES, [-1, 0, 1, 2, 3]), {}),
        (pd.Categorical(CODES / 2, [0.0, 0.5, 1.0, 1.5], ordered=True), {}),
    ],
    ids=["half stars", "quarters", "intervals", "ordered floats"],
)
def test_grades_that_do_not_look_like_labels(engine, y, keywords):
    model = engine.classifier(ProportionalOdds(4)).set_params(**keywords).fit(X, y)
    expected = engine.classifier(ProportionalOdds(4)).fit(X, CODES)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert (model.predict(X) == model.classes_[expected.predict(X)]).all()
    assert model.score(X, y) == expected.score(X, CODES)


def test_half_stars_need_no_number_of_classes(engine):
    model = engine.classifier(ProportionalOdds()).fit(X, 0.5 + CODES / 2)
    assert model.classes_.tolist() == [0.5, 1.0, 1.5, 2.0]


def test_the_metric_of_a_loss_whose_classes_are_open(engine):
    def agreement(y_true, y_pred):
        return "agreement", float((y_pred.argmax(axis=1) == y_true).mean()), True

    loss = ProportionalOdds()
    metrics = [agreement, loss.metric] if engine is LIGHTGBM else [loss.metric, agreement]
    model = engine.classifier(loss, n_estimators=30, **engine.early_stopping(5))
    if engine is LIGHTGBM:
        model.set_params(estimator__first_metric_only=True)
    model.fit(X, CODES, eval_set=[(X[:200], CODES[:200])], eval_metric=metrics)
    (curves,) = model.evals_result_.values()
    assert set(curves) == {"agreement", "proportional_odds"}
    assert model.best_iteration_ == 1 + np.argmax(curves["agreement"])


def test_numbers_that_are_no_grades_are_refused(engine):
    with pytest.raises(ValueError, match="if that is a grade, give n_classes of"):
        engine.classifier(ProportionalOdds()).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="tells 4 classes apart, y has 400"):
        engine.classifier(ProportionalOdds(4)).fit(X, X[:, 0])


def test_the_score_of_the_second_of_two_classes(engine):
    model = engine.classifier(ProportionalOdds(2)).fit(X, CODES > 0)  # three quarters of the rows
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X))


@LOSSES
@pytest.mark.parametrize(
    "given",
    [GRADES, tuple(GRADES), np.array(GRADES), np.array(GRADES, dtype=object), pd.Index(GRADES)],
    ids=lambda given: type(given).__name__,
)
def test_labels_in_a_given_order(engine, loss, given, tmp_path):
    model = engine.classifier(loss)
    model.set_params(classes=given, class_weight={"good": 2.0, "poor": 0.5})
    model.fit(X, Y, eval_set=[(X[:99], Y[:99].astype(object))])
    assert model.classes_.tolist() == GRADES
    expected = engine.classifier(loss, {2: 2.0, 0: 0.5}).fit(X, CODES, eval_set=[(X[:99], CODES[:99])])
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.evals_result_ == expected.evals_result_
    np.testing.assert_array_equal(clone(model).fit(X, Y).classes_, model.classes_)
    model.save_model(tmp_path / "model.json")
    loaded = GBMClassifier.load_model(tmp_path / "model.json")
    assert loaded.classes_.tolist() == GRADES
    assert list(loaded.classes) == GRADES
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    sets = model.calibrate(X, Y).predict_set(X, 0.7)
    np.testing.assert_array_equal(sets, expected.calibrate(X, CODES).predict_set(X, 0.7))
    np.testing.assert_array_equal(model.sample(X, 2, 0), np.array(GRADES)[expected.sample(X, 2, 0)])


# LightGBM 4.6's own estimator gives a name to each column of an array.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_engines_own_estimator_has_the_same_order():
    """LightGBM's keeps labels; XGBoost's has codes, whatever they stand for."""
    model = LIGHTGBM.classifier().set_params(classes=GRADES).fit(X, Y)
    assert model.loss_ == CategoricalCrossEntropy(4)
    np.testing.assert_array_equal(model.estimator_.predict(X), model.predict(X))
    assert model.estimator_.classes_.tolist() == GRADES


def test_classes_without_rows(engine):
    """They have a column; weights that balance classes do not count them."""
    five = [*GRADES[:2], "so so", *GRADES[2:]]
    for y, classes in ((ordered(Y, five), None), (Y, five)):
        model = engine.classifier(ProportionalOdds(5)).set_params(classes=classes, class_weight="balanced")
        model.fit(X, y)
        assert model.classes_.tolist() == five
        p = model.predict_proba(X)
        assert 0 < p[:, 2].max() < 1e-3
        four = engine.classifier(ProportionalOdds(4), "balanced").fit(X, CODES).predict_proba(X)
        np.testing.assert_allclose(np.delete(p, 2, axis=1), four, atol=1e-3)
    free = engine.classifier().set_params(classes=five).fit(X, Y)
    assert free.loss_ == CategoricalCrossEntropy(5) and free.predict_proba(X)[:, 2].max() < 1e-3
    aside = engine.classifier(ProportionalOdds(5)).set_params(classes=five, validation_fraction=0.25)
    assert len(aside.fit(X, Y).validation_indices_) == N // 4


@pytest.mark.parametrize(
    "given", [range(3, -1, -1), pd.Series([3, 2, 1, 0]), np.datetime64("2026-01-01") + np.arange(4)[::-1]], ids=str
)
def test_a_file_keeps_the_order_that_was_given(engine, given, tmp_path):
    y = np.asarray(given)[::-1][CODES]
    model = engine.classifier(ProportionalOdds(4)).set_params(classes=given).fit(X, y)
    model.save_model(tmp_path / "model.json")
    loaded = GBMClassifier.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.fit(X, y).classes_, np.asarray(given))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_two_classes_in_a_given_order(engine):
    y = np.where(CODES > 1, "no", "yes")
    model = engine.classifier().set_params(classes=["yes", "no"]).fit(X, y)
    expected = engine.classifier().fit(X, CODES > 1)
    np.testing.assert_array_equal(model.predict_proba(X)[:, 1], expected.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X) == "no")


@pytest.mark.parametrize("y", [CODES + 1, CODES + 1.0, CODES > 1], ids=lambda y: str(y.dtype))
def test_numbers_have_their_order(engine, y):
    model = engine.classifier(ProportionalOdds(len(np.unique(y)))).fit(X, y)
    assert model.classes_.tolist() == sorted(np.unique(y).tolist())
    expected = engine.classifier(ProportionalOdds(len(np.unique(y)))).fit(X, np.unique(y, return_inverse=True)[1])
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    "y",
    [Y, Y.astype(object), Y.tolist(), pd.Series(Y), pd.Categorical(Y)],
    ids=["str", "object", "list", "series", "unordered"],
)
def test_strings_without_an_order_are_refused(engine, y):
    message = r"needs the order of the labels.*\['excellent', 'fair', 'good', 'poor'\]: give classes=.*ordered cat"
    with pytest.raises(ValueError, match=message):
        engine.classifier(ProportionalOdds(4)).fit(X, y)
    assert engine.classifier().fit(X, y).classes_.tolist() == sorted(GRADES)


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["poor"], ValueError, r"must be two labels or more, each once, got \['poor'\]"),
        ([], ValueError, "must be two labels or more"),
        ([*GRADES, "fair"], ValueError, "must be two labels or more, each once"),
        ([*GRADES, None], ValueError, "must be two labels or more, each once"),
        ([1, "poor"], ValueError, "must be labels of one type, got int, str"),
        ("poor", TypeError, "must be a list of labels in their order, got 'poor'"),
        (4, TypeError, "must be a list of labels in their order, got 4"),
        (dict.fromkeys(GRADES), TypeError, "must be a list of labels in their order"),
        ([["poor"], ["fair"]], ValueError, "must be two labels or more"),
        (
            GRADES[:3],
            ValueError,
            rf"label that is not among its classes .*'excellent' in row {np.argmax(CODES == 3)}",
        ),
        ([*GRADES, "perfect"], ValueError, r"tells 4 classes apart, there are 5"),
    ],
    ids=str,
)
def test_wrong_classes(classes, error, message):
    model = LIGHTGBM.classifier(ProportionalOdds(4 if len(np.atleast_1d(classes)) != 3 else 3))
    with pytest.raises(error, match=message):
        model.set_params(classes=classes).fit(X, Y)


def test_labels_of_evaluation_sets_are_checked(engine):
    model = engine.classifier(ProportionalOdds(4)).set_params(classes=GRADES)
    with pytest.raises(
        ValueError, match=r"eval_set\[0\]: y has a label that is not among its classes.*'bad' in row 1"
    ):
        model.fit(X, Y, eval_set=[(X[:2], ["poor", "bad"])])
    with pytest.raises(ValueError, match=r"tells 5 classes apart, y has 4; name those without rows in classes="):
        engine.classifier(ProportionalOdds(5)).fit(X, CODES)
    with pytest.raises(ValueError, match=r"y must be labels for ProportionalOdds.*got 4 columns"):
        engine.classifier(ProportionalOdds(4)).fit(X, np.eye(4)[CODES])
    with pytest.raises(ValueError, match="needs at least 2 classes, y has 1 class: 'poor'"):
        model.fit(X, np.full(N, "poor"))


def test_there_is_no_score_of_each_class():
    """One raw prediction is for all of them: tools that look for scores take probabilities instead."""
    model = LIGHTGBM.classifier(ProportionalOdds(4)).fit(X, CODES)
    assert not hasattr(model, "decision_function") and hasattr(model, "predict_proba")
    with pytest.raises(AttributeError):
        model.decision_function(X)
    assert LIGHTGBM.classifier(ProportionalOdds(2)).fit(X, CODES > 1).decision_function(X).shape == (N,)


def test_searches(engine):
    """What `predict` returns is a hyper-parameter; likelihood is a score that knows the order of the columns."""
    model = engine.classifier(ProportionalOdds(4), n_estimators=5).set_params(classes=GRADES)
    search = GridSearchCV(model, {"loss__point": ["median", "mode"]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["loss__point"] in ("median", "mode")
    scores = cross_val_score(model, X, Y, cv=2, scoring=lambda m, X, y: m.log_likelihood(X, y) / len(y))
    by_code = cross_val_score(clone(model).set_params(classes=None), X, CODES, cv=2, scoring="neg_log_loss")
    np.testing.assert_allclose(scores, by_code, rtol=1e-9)


def test_a_file_without_thresholds(engine, tmp_path):
    import json

    from gbm_objectives.estimators.saving import sealed

    path = tmp_path / "model.json"
    engine.classifier(ProportionalOdds(4)).fit(X, CODES).save_model(path)
    content = json.loads(path.read_text())
    for summary, message in ((None, "thresholds of .* it is missing"), ([1.0, 0.0, 2.0], "must be 3 increasing")):
        path.write_text(json.dumps(sealed({**content, "summary": summary})))
        with pytest.raises(ValueError, match=message):
            GBMClassifier.load_model(path)


@pytest.mark.parametrize(
    ("loss", "counted"),
    [
        (CategoricalCrossEntropy(smoothing=0.1), CategoricalCrossEntropy(4, smoothing=0.1)),
        (CategoricalFocal(), CategoricalFocal(4)),
        (ProportionalOdds(point="mean"), ProportionalOdds(4, point="mean")),
    ],
    ids=repr,
)
def test_the_number_of_classes_may_be_left_to_the_labels(engine, loss, counted, tmp_path):
    model, same = (engine.classifier(one).set_params(classes=GRADES).fit(X, Y) for one in (loss, counted))
    assert model.loss_ == counted and model.loss == loss  # what was given is as it was
    np.testing.assert_array_equal(model.predict_raw(X), same.predict_raw(X))
    model.save_model(tmp_path / "model.json")
    again = GBMClassifier.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    scores = cross_val_score(engine.classifier(loss), X, CODES, cv=2, error_score="raise")
    assert len(scores) == 2
    with pytest.raises(ValueError, match=r"n_classes of \w+ must be given: GBMClassifier alone finds it"):
        engine.train(loss, X, CODES)


def test_classes_without_rows_count_too(engine):
    model = engine.classifier(ProportionalOdds()).set_params(classes=[*GRADES, "perfect"]).fit(X, Y)
    assert model.loss_.n_classes == 5 and model.predict_proba(X).shape == (N, 5)
