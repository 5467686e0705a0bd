"""Hostile input at every interface: the right answer, or an error that names argument, rule and first offender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Hinge,
    Huber,
    Loss,
    Quantile,
    SquaredError,
)
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from tests.engine import LIGHTGBM, XGBOOST, num_class

N = 60
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 3))
Y = X[:, 0] + 0.1 * RNG.standard_normal(N)
LABELS = (Y > 0).astype(float)
CLASSES = np.digitize(Y, [-0.5, 0.5]).astype(float)
ROUNDS = 10
NAN, INF = np.nan, np.inf
BAD = (ValueError, TypeError)
SMALL = {"lightgbm": {"min_data_in_leaf": 5}, "xgboost": {"max_depth": 2}}


def train(engine, loss, X, y, w):
    return engine.raw(engine.train(loss, X, y, w, rounds=ROUNDS, params=SMALL[engine.name]), X)


def fit(engine, loss, X, y, w):
    small = {"lightgbm": {"min_child_samples": 5}, "xgboost": {"max_depth": 2}}[engine.name]
    make = engine.classifier if loss.classifies else engine.regressor
    return make(loss, n_estimators=ROUNDS, **small).fit(X, y, w).predict_raw(X)


def native_lightgbm(loss, X, y, w):
    params = {**LIGHTGBM.params, **SMALL["lightgbm"], **num_class(loss), "objective": loss, "metric": "None"}
    return lgb.train(params, lgb.Dataset(X, y, weight=w), ROUNDS).predict(X)


def native_xgboost(loss, X, y, w):
    params = {**XGBOOST.params, **SMALL["xgboost"], **num_class(loss)}
    return XGBOOST.raw(xgb.train(params, xgb.DMatrix(X, y, weight=w), ROUNDS, obj=loss), X)


def wrapped_lightgbm(loss, X, y, w):
    kind = lgb.LGBMClassifier if loss.n_outputs > 1 else lgb.LGBMRegressor
    model = kind(objective=loss, n_estimators=ROUNDS, min_child_samples=5, n_jobs=1, verbosity=-1, metric="None")
    return model.fit(X, y, sample_weight=w).predict(X, raw_score=True)


def wrapped_xgboost(loss, X, y, w):
    kind = xgb.XGBClassifier if loss.n_outputs > 1 else xgb.XGBRegressor
    model = kind(objective=loss, n_estimators=ROUNDS, max_depth=2, n_jobs=1, disable_default_eval_metric=True)
    return model.fit(X, y, sample_weight=w).predict(X, output_margin=True)


# The interfaces. A row of the table below is one kind of input; it goes through our `train` and our estimators on both
# engines, and through the engines' own four interfaces. There the engine looks first: its own error in its own words is
# as good, and what LightGBM does to labels before a custom objective can see them is marked.
OURS: dict[str, Callable[..., Any]] = {
    "train-lightgbm": partial(train, LIGHTGBM),
    "train-xgboost": partial(train, XGBOOST),
    "estimator-lightgbm": partial(fit, LIGHTGBM),
    "estimator-xgboost": partial(fit, XGBOOST),
}
THEIRS = {
    "lgb.train": native_lightgbm,
    "xgb.train": native_xgboost,
    "LGBM*": wrapped_lightgbm,
    "XGB*": wrapped_xgboost,
}


@dataclass(frozen=True)
class Row:
    """One kind of input, and what must come of it."""

    name: str
    loss: Loss
    y: Any
    message: str = ""  # of the error; without one the answer must be right:
    right: Callable[[np.ndarray], bool] = lambda raw: bool(np.isfinite(raw).all())
    weight: Any = None
    X: np.ndarray = field(default_factory=lambda: X)
    # XGBoost computes in float32: what our interfaces say there.
    on_xgboost: str = ""
    # Interfaces of the engines that do otherwise, and why.
    unlike: dict[str, str] | None = None


def at(values, row, value):
    changed = np.array(values, dtype=float)
    changed[row] = value
    return changed


def learns(y, scale=1.0):
    """Return a judge: the predictions, over the scale of the target, are near the target."""
    return lambda raw: bool(np.mean(np.abs(raw / scale - y)) < 0.8 * np.mean(np.abs(y - np.median(y))))


def tells_apart(raw):
    return bool(np.mean((raw > (0 if raw.min() < 0 else 0.5)) == LABELS) > 0.9)


ZEROED = "LightGBM turns NaN labels into 0 and infinite ones into 1e38 before any objective sees them"
# Measured facts about LightGBM's own interfaces, where no objective can see what was given.
ONE_ROW = "LightGBM stops with an error of its own: one row has no usable feature, its wrapper wants two"
MANGLED = "LightGBM turns NaN weights into 0 and infinite ones into 1e38"
ALL_ONES = "LightGBM drops weights that are all 1 before it counts them: the model is right"
REAL_PART = "LightGBM takes the real part of complex labels"
ROWS = [
    Row("NaN target", AbsoluteError(), at(Y, 3, NAN), r"nan|NaN", unlike={"lgb.train": ZEROED}),
    Row("infinite target", Huber(), at(Y, 3, INF), r"inf(inity)?", unlike={"lgb.train": ZEROED}),
    Row("minus infinite target", Quantile(0.9), at(Y, 3, -INF), r"inf(inity)?", unlike={"lgb.train": ZEROED}),
    Row("no rows", SquaredError(), Y[:0], r"empty|0 sample|no labels", X=X[:0]),
    Row("one row", AbsoluteError(), Y[:1], right=lambda raw: abs(raw[0] - Y[0]) < 1e-6, X=X[:1], unlike={"lgb.train": ONE_ROW, "LGBM*": ONE_ROW}),
    Row("one row, binary", Quantile(0.3), [1.0], right=lambda raw: abs(raw[0] - 1) < 1e-6, X=X[:1], unlike={"lgb.train": ONE_ROW, "LGBM*": ONE_ROW}),
    Row("constant target", AbsoluteError(), np.full(N, 3.5), right=lambda raw: bool(np.allclose(raw, 3.5))),
    Row("constant target, Huber", Huber(), np.full(N, -2.0), right=lambda raw: bool(np.allclose(raw, -2.0))),
    Row("constant target of 0", Quantile(0.9), np.zeros(N), right=lambda raw: bool(np.allclose(raw, 0))),
    Row("targets of 1e30", AbsoluteError(), 1e30 * Y, right=learns(Y, 1e30), on_xgboost="too large for XGBoost"),
    Row("targets of 1e-30", AbsoluteError(), 1e-30 * Y, right=learns(Y, 1e-30), on_xgboost="too small for XGBoost"),
    Row("targets of 1e30, quantile", Quantile(0.5), 1e30 * Y, right=learns(Y, 1e30), on_xgboost="too large for XGBoost"),
    Row("targets of 1e12", SquaredError(), 1e12 * Y, right=learns(Y, 1e12)),
    Row("targets of 1e-12", SquaredError(), 1e-12 * Y, right=learns(Y, 1e-12)),
    Row("targets beyond float32", SquaredError(), 1e100 * Y, r"float32|infinity|[Ll]abel", unlike={"lgb.train": ZEROED, "LGBM*": ZEROED}),
    Row("integer targets", Huber(), np.round(10 * Y).astype(int), right=learns(np.round(10 * Y))),
    Row("boolean targets", SquaredError(), Y > 0, right=learns((Y > 0).astype(float))),
    Row("numbers as objects", SquaredError(), Y.astype(object), right=learns(Y)),
    Row("strings", SquaredError(), np.where(Y > 0, "yes", "no"), r"numbers|convert|string|dtype|[Ll]abel|Unknown|Unicode"),
    Row("strings among objects", Huber(), np.array([*Y[:-1], "x"], dtype=object), r"numbers|convert|string"),
    Row("None among objects", Huber(), np.array([*Y[:-1], None], dtype=object), r"numbers|nan|NaN|None", unlike={"lgb.train": ZEROED, "LGBM*": ZEROED}),
    Row("complex numbers", SquaredError(), Y + 1j, r"[Cc]omplex|real", unlike={"lgb.train": REAL_PART}),
    Row("too few targets", SquaredError(), Y[:-1], r"rows|samples|[Ll]ength|59"),
    Row("two columns", SquaredError(), np.column_stack([Y, Y]), r"1-dimensional|1d|1D|columns|multioutput|shape|dim"),
    Row("negative weight", SquaredError(), Y, r"-1\.0 in row 4|[Ww]eight", weight=at(np.ones(N), 4, -1.0)),
    Row("NaN weight", Huber(), Y, r"nan in row 4|NaN|[Ww]eight", weight=at(np.ones(N), 4, NAN), unlike={"lgb.train": MANGLED}),
    Row("infinite weight", Huber(), Y, r"inf in row 4|infinity|[Ww]eight", weight=at(np.ones(N), 4, INF), unlike={"lgb.train": MANGLED}),
    Row("weights of 0 alone", Huber(), Y, r"above 0|[Ww]eight", weight=np.zeros(N)),
    Row("too few weights", Huber(), Y, r"59|[Ww]eight", weight=np.ones(N - 1), unlike={"lgb.train": ALL_ONES}),
    Row("two columns of weights", Huber(), Y, r"1-dimensional|1D|[Ww]eight|dim|shape", weight=np.ones((N, 2)), unlike={"lgb.train": ALL_ONES}),
    Row("some weights of 0", AbsoluteError(), np.where(X[:, 1] > 0, Y, 1e9), weight=1.0 * (X[:, 1] > 0), right=lambda raw: bool(np.abs(raw).max() < 100)),
    Row("a weight of 1e30", SquaredError(), Y, weight=at(np.ones(N), 4, 1e10), right=lambda raw: bool(np.isfinite(raw).all())),
    Row("labels beyond the domain", BinaryCrossEntropy(), at(LABELS, 5, 2.0), r"\[0, 1\], got 2|2 classes apart"),
    Row("labels of -1", BinaryCrossEntropy(), 2 * LABELS - 1, r"\[0, 1\], got -1"),
    Row("one class too many", CategoricalCrossEntropy(3), at(CLASSES, 7, 3.0), r"integer labels|3 classes apart|num_class|[Ll]abel"),
    Row("labels between classes", CategoricalCrossEntropy(3), at(CLASSES, 7, 0.5), r"integer labels|Unknown label type|[Ll]abel|[Cc]lass"),
    Row("three labels for hinge", Hinge(), at(LABELS, 7, -1.0), r"labels -1 and|2 classes apart"),
    Row("soft targets that do not sum to 1", CategoricalCrossEntropy(3), np.full((N, 3), 0.5), r"sum to 1|dim|shape|1d|multi"),
    Row("soft targets below 0", CategoricalCrossEntropy(2), np.tile([1.5, -0.5], (N, 1)), r"not below 0|dim|shape|1d|multi"),
]  # fmt: skip
# What our estimators answer otherwise than `train`: labels of theirs are any two or three values.
ANY_LABELS = {"labels of -1": tells_apart}


@pytest.mark.parametrize("interface", OURS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_our_interfaces(row, interface):
    if row.name in ANY_LABELS and interface.startswith("estimator"):
        assert ANY_LABELS[row.name](OURS[interface](row.loss, row.X, row.y, row.weight))
    elif message := row.message or (row.on_xgboost if "xgboost" in interface else ""):
        with pytest.raises(BAD, match=message):
            OURS[interface](row.loss, row.X, row.y, row.weight)
    else:
        raw = OURS[interface](row.loss, row.X, row.y, row.weight)
        assert row.right(np.asarray(raw, dtype=float)), raw[:5]


@pytest.mark.parametrize("interface", THEIRS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::RuntimeWarning", "ignore::sklearn.exceptions.DataConversionWarning"
)
def test_the_engines_own_interfaces(row, interface):
    """Where the input is wrong an error, the engine's or ours; where it is not, finite predictions."""
    if row.unlike and interface in row.unlike:
        pytest.skip(row.unlike[interface])
    if row.message:
        with pytest.raises((*BAD, lgb.basic.LightGBMError)):
            THEIRS[interface](row.loss, row.X, row.y, row.weight)
    else:
        assert np.isfinite(THEIRS[interface](row.loss, row.X, row.y, row.weight)).all()


def test_a_class_that_never_occurs(engine):
    raw = train(engine, CategoricalCrossEntropy(3), X, LABELS, None)
    p = CategoricalCrossEntropy(3).response(raw)
    assert p[:, 2].max() < 0.01 and np.mean(p.argmax(axis=1) == LABELS) > 0.9
    with pytest.raises(ValueError, match=r"tells 3 classes apart, y has 2"):
        fit(engine, CategoricalCrossEntropy(3), X, LABELS, None)


def test_one_class_only(engine):
    assert BinaryCrossEntropy().response(train(engine, BinaryCrossEntropy(), X, np.ones(N), None)).min() > 0.99
    with pytest.raises(ValueError, match=r"at least 2 classes, y has 1 class"):
        fit(engine, BinaryCrossEntropy(), X, np.ones(N), None)


def test_unseen_labels_in_an_evaluation_set(engine):
    with pytest.raises(ValueError, match=r"eval_set\[0\]: y has a label unseen in training, 3\.0 in row 7"):
        engine.classifier().fit(X, CLASSES, eval_set=[(X, at(CLASSES, 7, 3.0))])


def test_nan_in_an_evaluation_set(engine):
    with pytest.raises(ValueError, match=r"eval_set\[1\]: .* finite numbers, got nan in row 7"):
        engine.regressor(Huber()).fit(X, Y, eval_set=[(X, Y), (X, at(Y, 7, NAN))])


def test_sets_without_labels():
    with pytest.raises(ValueError, match=r"train_set: the Dataset has no labels"):
        on_lightgbm.train({}, lgb.Dataset(X), loss=Huber())
    with pytest.raises(ValueError, match=r"evals\[0\] \(late\): the DMatrix has no labels"):
        on_xgboost.train({}, xgb.DMatrix(X, Y), loss=Huber(), evals=[(xgb.DMatrix(X), "late")])
    with pytest.raises(ValueError, match=r"valid_sets\[0\]: the Dataset has no labels"):
        on_lightgbm.train({}, lgb.Dataset(X, Y), loss=Huber(), valid_sets=[lgb.Dataset(X)])


def test_features_of_nothing_but_nan(engine):
    """The model is the best constant."""
    loss = AbsoluteError()
    raw = fit(engine, loss, np.full((N, 2), NAN), Y, None)
    # Of an even number of rows anything between the two in the middle is a median.
    assert np.ptp(raw) == 0
    assert loss.value(Y, raw) == pytest.approx(loss.value(Y, np.full(N, loss.initial_raw(Y))), rel=1e-6)
