"""Several targets in one model: each as by a model of its own, on both engines, through all doors."""

from __future__ import annotations

import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn.base import clone
from sklearn.datasets import load_linnerud
from sklearn.metrics import r2_score

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    FormulaLoss,
    GBMClassifier,
    GBMRegressor,
    Hinge,
    Huber,
    MultiQuantile,
    MultiTarget,
    PoissonDeviance,
    Quantile,
    SquaredError,
    Tukey,
    check_loss,
)
from gbm_objectives.distributions import Normal
from gbm_objectives.losses import CoxPH
from tests.engine import LIGHTGBM, XGBOOST

RNG = np.random.default_rng(0)
N = 600
# Few values, so that bins do not depend on which rows there are.
X = RNG.integers(0, 12, size=(N, 4)).astype(float)
SIGNAL = np.column_stack([X[:, 0] / 4 + np.sin(X[:, 1]), X[:, 2] / 3 - X[:, 0] / 6, np.cos(X[:, 3])])
NOISE = RNG.standard_t(3, size=(N, 3))
HOLES = RNG.random((N, 3)) < [0.3, 0.5, 0.0]


def targets(loss):
    """Targets in the domain of a loss."""
    if loss.classifies:
        return (SIGNAL.mean(axis=0) < SIGNAL + NOISE).astype(float)
    if isinstance(loss, PoissonDeviance):
        return np.random.default_rng(1).poisson(np.exp(SIGNAL / 2)).astype(float)
    # Numbers of float32, as which engines keep labels: a residual that is 0 in one model is then 0 in the other.
    return (SIGNAL + 0.5 * NOISE).astype(np.float32).astype(np.float64)


LOSSES = [
    SquaredError(),
    AbsoluteError(),
    Quantile(0.9),
    Huber(1.0),
    Huber("auto"),
    Tukey(),
    PoissonDeviance(),
    BinaryCrossEntropy(),
    Hinge(),
    FormulaLoss("log(cosh(f - y))"),
    FormulaLoss("abs(f - y) + 0.1 * (f - y)**2"),
    AbsoluteError(hessian="constant"),
]
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def with_target(engine, y, rows=slice(None), weight=None):
    """A data set of the engine with targets of several columns."""
    first = np.nan_to_num(y[rows][:, 0])
    data = engine.data(X[rows], first, None if weight is None else weight[rows])
    data.target = y[rows]
    return data


def train(engine, loss, y, rows=slice(None), weight=None, rounds=20, **params):
    data = with_target(engine, y, rows, weight)
    return engine.ours.train({**engine.params, **params}, data, loss=loss, num_boost_round=rounds)


def alone(engine, loss, y, rows, weight=None, rounds=20, **params):
    return engine.train(loss, X[rows], y[rows], None if weight is None else weight[rows], rounds, params)


@losses
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_it_is_one_model_for_each_target(engine, loss, weighted):
    y, weight = targets(loss), RNG.uniform(0.2, 3.0, N) if weighted else None
    model = train(engine, MultiTarget(loss, 3), y, weight=weight)
    together = engine.raw(model, X)
    for i in range(3):
        own = engine.raw(alone(engine, loss, y[:, i], slice(None), weight), X)
        np.testing.assert_allclose(together[:, i], own, rtol=1e-4, atol=1e-4)


@losses
def test_a_missing_target_counts_nothing(engine, loss):
    """The rows without it are not there: what a leaf must hold is said by Hessians, not by a number of rows."""
    y = np.where(HOLES, np.nan, targets(loss))
    # LightGBM counts all rows, and bins with fewer than three of them would be of fewer rows, too.
    params = {} if engine is XGBOOST else {"min_data_in_leaf": 1, "min_data_in_bin": 1}
    params[engine.least_curvature] = 5.0 if loss.curvature_kind != "exact" else 2.0
    together = engine.raw(train(engine, MultiTarget(loss, 3), y, **params), X)
    for i in range(3):
        own = engine.raw(alone(engine, loss, y[:, i], ~HOLES[:, i], **params), X)
        # Splits of equal gain, as hinge has them, may fall differently.
        most = 0.1 if isinstance(loss, Hinge) else 1e-4
        assert np.abs(together[:, i] - own).mean() < most * own.std()


def test_leaves_of_rows_without_a_target_are_finite(engine):
    y = targets(SquaredError())
    y[X[:, 0] > 5, 1] = np.nan
    params = {engine.least_curvature: 0.0, engine.l2: 0.0}
    params.update({"min_data_in_leaf": 1} if engine is LIGHTGBM else {"max_depth": 8})
    assert np.isfinite(engine.raw(train(engine, MultiTarget(SquaredError(), 3), y, **params), X)).all()


def test_each_target_may_have_a_loss_of_its_own(engine):
    each = [SquaredError(), Quantile(0.9), Huber(1.0)]
    y = np.column_stack([targets(loss)[:, i] for i, loss in enumerate(each)])
    together = engine.raw(train(engine, MultiTarget(each), y), X)
    for i, loss in enumerate(each):
        own = engine.raw(alone(engine, loss, y[:, i], slice(None)), X)
        np.testing.assert_allclose(together[:, i], own, rtol=1e-4, atol=1e-4)


@losses
def test_numbers_are_those_of_the_loss(loss):
    y = np.where(HOLES, np.nan, targets(loss))
    several, raw = MultiTarget(loss, 3).resolved(y), 0.3 * RNG.standard_normal((N, 3))
    known, each = ~np.isnan(y), several._losses
    pointwise, gradient, curvature = several.pointwise(y, raw), several.gradient(y, raw), several.curvature(y, raw)
    assert pointwise.shape == (N,)
    total = np.zeros(N)
    for i, (one, rows) in enumerate(zip(each, known.T, strict=True)):
        total[rows] += one.pointwise(y[rows, i], raw[rows, i])
        np.testing.assert_allclose(3 * gradient[rows, i], one.gradient(y[rows, i], raw[rows, i]))
        if loss.curvature_kind != "constant":  # which is 1
            np.testing.assert_allclose(3 * curvature[rows, i], one.curvature(y[rows, i], raw[rows, i]))
        assert not gradient[~rows, i].any()
    np.testing.assert_allclose(3 * pointwise, total)
    assert several.value(y, raw) == pytest.approx(total.sum() / known.sum())
    weight = RNG.uniform(0, 2, N)
    counts = (known * weight[:, None]).sum()
    assert several.value(y, raw, weight) == pytest.approx(weight @ total / counts)


def test_the_value_of_auto_has_a_scale_for_each_target():
    y, raw = targets(SquaredError()) * [1.0, 100.0, 1.0], np.zeros((N, 3))
    values = [Huber("auto").value(y[:, i], raw[:, i]) for i in range(3)]
    assert MultiTarget(Huber("auto"), 3).value(y, raw) == pytest.approx(np.mean(values))


@pytest.mark.parametrize("offset", [False, True], ids=["plain", "offset"])
@losses
def test_the_start_is_that_of_each_target(loss, offset):
    y = np.where(HOLES, np.nan, targets(loss))
    several = MultiTarget(loss, 3)
    if not offset:
        found = several.initial_raw(y)
        own = [loss.initial_raw(y[~HOLES[:, i], i]) for i in range(3)]
    else:
        beside = 0.2 * RNG.standard_normal((N, 3))
        found = several._initial_beside(y, None, beside)
        rows = [~HOLES[:, i] for i in range(3)]
        own = [loss._initial_beside(y[r, i], None, beside[r, i]) for i, r in enumerate(rows)]
    np.testing.assert_allclose(found, own, rtol=1e-12)


@pytest.mark.parametrize("scale", [[1e-3, 1.0, 1e3], [1e3, 1e-3, 1e-3]], ids=repr)
@pytest.mark.parametrize("loss", [SquaredError(), Quantile(0.9), Huber("auto")], ids=repr)
def test_units_of_targets_do_not_matter(engine, loss, scale):
    y = targets(loss)
    plain = engine.raw(train(engine, MultiTarget(loss, 3), y), X)
    scaled = engine.raw(train(engine, MultiTarget(loss, 3), y * scale), X) / scale
    for i in range(3):
        # Splits of nearly equal gain may fall differently.
        assert loss.value(y[:, i], scaled[:, i]) == pytest.approx(loss.value(y[:, i], plain[:, i]), rel=0.03)


# ---- estimators ----------------------------------------------------------------------------------------------


def test_estimator_score_weights_and_early_stopping(engine):
    y = np.where(HOLES, np.nan, targets(SquaredError()))
    stopping = {"n_iter_no_change": 5, "validation_fraction": 0.25, "random_state": 0}
    model = GBMRegressor(MultiTarget(SquaredError(), 3), engine.estimator(False, n_estimators=300), **stopping)
    model.fit(X, y, sample_weight=np.ones(N))
    assert 5 < model.best_iteration_ < 300
    (history,) = (of_set["multi_target"] for of_set in model.evals_result_.values())
    rows = model.validation_indices_
    at_best = model.loss_.value(y[rows], model.predict_raw(X[rows]))
    assert min(history) == pytest.approx(at_best, rel=1e-5)
    prediction = model.predict(X)
    known = ~HOLES
    expected = [r2_score(y[rows, i], prediction[rows, i]) for i, rows in enumerate(known.T)]
    assert model.score(X, y) == pytest.approx(np.mean(expected))
    assert model.score(X, y) > 0.5


def test_a_model_is_served_by_its_own_engine(engine, tmp_path):
    """The native model alone, read by the engine from a file."""
    y = targets(SquaredError())
    model = engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y)
    path = tmp_path / ("model.txt" if engine is LIGHTGBM else "model.json")
    model.booster_.save_model(path)
    if engine is LIGHTGBM:
        served = lgb.Booster(model_file=path).predict(X)
    else:
        served = xgb.Booster(model_file=path).predict(xgb.DMatrix(X))
    np.testing.assert_allclose(served, model.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        MultiTarget(Huber("auto"), 3),
        MultiTarget([Quantile(0.1), SquaredError(), Tukey()]),
        MultiTarget(Quantile(), 3),
    ],
    ids=repr,
)
def test_models_are_saved(engine, loss, tmp_path):
    y = np.where(HOLES, np.nan, targets(SquaredError()))
    model = engine.regressor(clone(loss)).fit(X, y)
    model.save_model(tmp_path / "model")
    for loaded in (
        GBMRegressor.load_model(tmp_path / "model"),
        GBMRegressor.load_model(tmp_path / "model", loss=model.loss_),
        pickle.loads(pickle.dumps(model)),
    ):
        assert loaded.loss_ == model.loss_
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="was trained with"):
        GBMRegressor.load_model(tmp_path / "model", loss=MultiTarget(SquaredError(), 3))


def test_labels_of_which_several_may_be_right(engine, tmp_path):
    y = targets(BinaryCrossEntropy())
    model = engine.classifier(MultiTarget(BinaryCrossEntropy(), 3)).fit(X, y.astype(int))
    probabilities, labels = model.predict_proba(X), model.predict(X)
    np.testing.assert_array_equal(labels, probabilities > 0.5)
    assert labels.dtype.kind == "i"
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert model.score(X, y) == pytest.approx((labels == y).all(axis=1).mean())
    assert (labels == y).mean() > 0.7
    for i in range(3):
        own = engine.classifier(BinaryCrossEntropy()).fit(X, y[:, i].astype(int))
        np.testing.assert_allclose(probabilities[:, i], own.predict_proba(X)[:, 1], atol=1e-4)
    model.save_model(tmp_path / "model")
    np.testing.assert_array_equal(GBMClassifier.load_model(tmp_path / "model").predict_proba(X), probabilities)


def test_two_labels_have_two_scores(engine):
    y = targets(BinaryCrossEntropy())[:, :2]
    model = engine.classifier(MultiTarget(BinaryCrossEntropy(), 2)).fit(X, y)
    np.testing.assert_array_equal(model.decision_function(X), model.predict_raw(X))


def test_labels_may_be_sparse_frames_or_missing(engine):
    from scipy.sparse import csr_matrix

    y = targets(BinaryCrossEntropy())
    loss = MultiTarget(BinaryCrossEntropy(), 3)
    plain = engine.classifier(loss).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(engine.classifier(loss).fit(X, csr_matrix(y)).predict_proba(X), plain)
    frame = pd.DataFrame(y, columns=["red", "green", "blue"])
    np.testing.assert_array_equal(engine.classifier(loss).fit(X, frame).predict_proba(X), plain)
    holes = engine.classifier(loss).fit(X, np.where(HOLES, np.nan, y)).predict_proba(X)
    assert np.isfinite(holes).all()
    assert (holes != plain).any()


def test_a_model_goes_on(engine):
    y = targets(SquaredError())
    whole = engine.regressor(MultiTarget(SquaredError(), 3), n_estimators=20).fit(X, y)
    half = engine.regressor(MultiTarget(SquaredError(), 3), n_estimators=10).fit(X, y)
    on = engine.regressor(MultiTarget(SquaredError(), 3), n_estimators=10).fit(X, y, init_model=half)
    np.testing.assert_allclose(on.predict(X), whole.predict(X), rtol=1e-4, atol=1e-4)


def test_an_offset_is_of_all_targets_or_of_each(engine):
    y = targets(PoissonDeviance())
    offset = RNG.normal(size=(N, 3))
    model = engine.regressor(MultiTarget(PoissonDeviance(), 3)).fit(X, y, init_score=offset)
    for i in range(3):
        own = engine.regressor(PoissonDeviance()).fit(X, y[:, i], init_score=offset[:, i].copy())
        np.testing.assert_allclose(model.predict(X)[:, i], own.predict(X), rtol=1e-3)
    of_rows = engine.regressor(MultiTarget(PoissonDeviance(), 3)).fit(X, y, init_score=offset[:, 0].copy())
    np.testing.assert_allclose(
        of_rows.predict(X, offset=offset[:, 0]), of_rows.predict(X, offset=offset[:, [0, 0, 0]])
    )


def test_a_metric_gets_all_targets(engine):
    seen = []

    def largest(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return "largest", float(np.abs(y_true - y_pred).max()), False

    y = targets(SquaredError())
    engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y, eval_set=[(X[:50], y[:50])], eval_metric=largest)
    assert set(seen) == {((50, 3), (50, 3))}


def test_xgboost_labels_of_several_columns_and_vector_leaves():
    """Of vector leaves there is one tree a round for all targets."""
    y = targets(SquaredError())
    loss = MultiTarget(SquaredError(), 3)
    from_label = XGBOOST.ours.train(XGBOOST.params, xgb.DMatrix(X, y), loss=loss, num_boost_round=20)
    np.testing.assert_allclose(
        XGBOOST.raw(from_label, X), XGBOOST.raw(train(XGBOOST, loss, y), X), rtol=1e-5, atol=1e-5
    )
    params = {**XGBOOST.params, "multi_strategy": "multi_output_tree", "tree_method": "hist"}
    one_tree = XGBOOST.ours.train(params, xgb.DMatrix(X, y), loss=loss, num_boost_round=20)
    assert len(one_tree.get_dump()) == 20
    best = loss.value(y, np.broadcast_to(loss.initial_raw(y), y.shape))
    assert loss.value(y, XGBOOST.raw(one_tree, X)) < 0.6 * best


def test_real_targets(engine):
    """Twenty men, three exercises, three measures."""
    features, y = load_linnerud(return_X_y=True)
    model = engine.regressor(MultiTarget(AbsoluteError(), 3)).fit(features, y)
    assert model.predict(features).shape == (20, 3)
    start = MultiTarget(AbsoluteError(), 3).initial_raw(y)
    np.testing.assert_array_equal(start, [AbsoluteError().initial_raw(column) for column in y.T])


# ---- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (MultiTarget(SquaredError()), TypeError, "n_targets of MultiTarget must be an integer, got None"),
        (MultiTarget(SquaredError(), 1), ValueError, "2 or more, got 1: take the loss itself"),
        (MultiTarget(SquaredError(), True), TypeError, "must be an integer, got True"),
        (MultiTarget([SquaredError()] * 2, 3), ValueError, "has 2 losses for 3 targets"),
        (MultiTarget([SquaredError()]), ValueError, "must be two losses or more, got 1"),
        (MultiTarget("mse", 3), TypeError, "loss of MultiTarget must be a Loss, got 'mse'"),
        (MultiTarget(Normal(), 3), ValueError, "must predict one number of one target"),
        (MultiTarget(MultiQuantile(), 3), ValueError, "must predict one number of one target"),
        (MultiTarget(CoxPH(), 3), ValueError, "must predict one number of one target"),
        (
            MultiTarget(CategoricalCrossEntropy(3), 3),
            ValueError,
            "must predict one number of one target",
        ),
        (
            MultiTarget(MultiTarget(SquaredError(), 2), 2),
            ValueError,
            "must predict one number of one target",
        ),
        (MultiTarget([SquaredError(), BinaryCrossEntropy()]), ValueError, "for all targets or for none"),
        (
            MultiTarget([SquaredError(), PoissonDeviance()]),
            ValueError,
            "limit the steps of all targets alike",
        ),
        (MultiTarget(Quantile(2.0), 3), ValueError, "alpha of Quantile must be"),
    ],
    ids=lambda one: repr(one) if isinstance(one, MultiTarget) else None,
)
def test_bad_parameters(engine, loss, error, message):
    with pytest.raises(error, match=message):
        engine.regressor(loss).fit(X, targets(SquaredError()))


def changed(column, row, value):
    y = targets(SquaredError())
    y[row, column] = value
    return y


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (targets(SquaredError())[:, :2], r"y must have 3 columns of MultiTarget\(.*\), got shape \(600, 2\)"),
        (targets(SquaredError())[:, 0], r"got shape \(600,\)"),
        (changed(1, 7, np.inf), r"target 1 of MultiTarget\(.*\) must be finite numbers, got inf in row 7"),
        (np.full((N, 3), np.nan), "^the targets of .* must be known in some row"),
        (
            np.where([False, False, True], np.nan, targets(SquaredError())),
            "target 2 of .* must be known in some row",
        ),
    ],
)
def test_bad_targets(engine, y, message):
    with pytest.raises(ValueError, match=message):
        engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y)


def test_an_evaluation_set_may_miss_a_target_but_not_all(engine):
    y = targets(SquaredError())
    loss = MultiTarget(SquaredError(), 3)
    without = np.where([True, False, False], np.nan, y)
    engine.regressor(loss).fit(X, y, eval_set=[(X, without)])
    with pytest.raises(
        ValueError, match=r"eval_set\[0\]: the targets of .* must be known in some row: all are missing"
    ):
        engine.regressor(loss).fit(X, y, eval_set=[(X, np.full((N, 3), np.nan))])


def test_columns_in_another_order_are_refused(engine, tmp_path):
    """Predictions have the order of `fit`, so an evaluation or a score would silently compare other columns."""
    y = pd.DataFrame(targets(SquaredError()), columns=["a", "b", "c"])
    loss = MultiTarget(SquaredError(), 3)
    message = "y must have the columns a, b, c, in this order, as in fit, got c, a, b"
    with pytest.raises(ValueError, match=r"eval_set\[0\]: " + message):
        engine.regressor(loss).fit(X, y, eval_set=[(X, y[["c", "a", "b"]])])
    model = engine.regressor(loss).fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.score(X, y[["c", "a", "b"]])
    assert model.score(X, y) == model.score(X, y.to_numpy()) == model.score(X, y.set_axis([0, 1, 2], axis=1))
    model.save_model(tmp_path / "model")
    with pytest.raises(ValueError, match=message):
        GBMRegressor.load_model(tmp_path / "model").score(X, y[["c", "a", "b"]])
    with pytest.raises(ValueError, match="in this order, as of init_model, got c, a, b"):
        engine.regressor(loss).fit(X, y[["c", "a", "b"]], init_model=model)
    labels = pd.DataFrame(targets(BinaryCrossEntropy()), columns=["a", "b", "c"])
    classifier = engine.classifier(MultiTarget(BinaryCrossEntropy(), 3)).fit(X, labels)
    with pytest.raises(ValueError, match=message):
        classifier.score(X, labels[["c", "a", "b"]])
    train_set, valid_set = engine.data(X, y["a"].to_numpy()), engine.data(X, y["a"].to_numpy())
    train_set.target, valid_set.target = y, y[["c", "a", "b"]]
    with pytest.raises(ValueError, match="in this order, as of train_set, got c, a, b"):
        engine.ours.train(engine.params, train_set, loss=loss, **engine.evaluation({"valid": valid_set}))
    model.fit(X, y[["c", "a", "b"]])


def test_a_negative_count_is_named_with_its_row(engine):
    y = targets(PoissonDeviance())
    y[3, 0], y[5, 2] = np.nan, -1.0
    with pytest.raises(ValueError, match=r"target 2 of .* must be numbers not below 0, got -1.0 in row 5"):
        engine.regressor(MultiTarget(PoissonDeviance(), 3)).fit(X, y)


def test_what_a_classifier_refuses(engine):
    y = targets(BinaryCrossEntropy())
    with pytest.raises(ValueError, match="loss of GBMClassifier must be one of class labels"):
        engine.classifier(MultiTarget(SquaredError(), 3)).fit(X, y)
    with pytest.raises(ValueError, match=r"y must be labels 0 and 1, or NaN .*, got \[3. 2. 3.\] in row 0"):
        engine.classifier(MultiTarget(BinaryCrossEntropy(), 3)).fit(X, y + 2.0)
    with pytest.raises(ValueError, match=r"take MultiTarget\(\[WeightedCrossEntropy\(w\)"):
        engine.classifier(MultiTarget(BinaryCrossEntropy(), 3), "balanced").fit(X, y)
    model = engine.classifier(MultiTarget(BinaryCrossEntropy(), 3)).fit(X, y)
    with pytest.raises(ValueError, match="calibrate compares one number with the prediction"):
        model.calibrate(X, y)


@pytest.mark.parametrize("loss", [MultiTarget(SquaredError(), 3), MultiTarget(Quantile(0.9), 3)], ids=repr)
def test_check_loss_passes(loss):
    check_loss(loss, targets(SquaredError())[:60], RNG.standard_normal((60, 3)))


# ---- what was once wrong -------------------------------------------------------------------------------------


def test_a_rare_target_needs_as_many_known_rows(engine):
    """LightGBM counts rows by Hessian: with one in fifty known, a known row counted as fifty."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(6000, 5))
    truth = np.sin(2 * features[:, :1]) + features[:, 1:2]
    y = truth + rng.normal(size=(6000, 2))
    known = rng.random(6000) < 0.03
    y[~known, 1] = np.nan
    together = engine.regressor(MultiTarget(SquaredError(), 2), n_estimators=100).fit(features, y)
    alone = engine.regressor(SquaredError(), n_estimators=100).fit(features[known], y[known, 1])
    error = [
        np.sqrt(np.mean(np.square(p - truth[:, 0])))
        for p in (together.predict(features)[:, 1], alone.predict(features))
    ]
    assert error[0] < 1.1 * error[1]  # was 1.5 times


def test_a_rare_target_in_a_small_unit_is_trained_on_xgboost():
    """Its unit is known from few rows, of which a sample of all rows has none."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(30_000, 2)).round(1)
    y = np.full((30_000, 2), np.nan)
    y[:, 0] = features[:, 0]
    rows = rng.choice(30_000, 20, replace=False)
    y[rows, 1] = 1e-6 * features[rows, 1]
    model = XGBOOST.regressor(MultiTarget(SquaredError(), 2), n_estimators=5).fit(features, y)
    assert model.predict(features)[:, 1].std() > 1e-7


def test_targets_known_outside_every_sample_train(engine):
    rng = np.random.default_rng(3)
    features = rng.normal(size=(30_000, 2)).round(1)
    y = np.full((30_000, 2), np.nan)
    rows = rng.choice(30_000, 30, replace=False)
    y[rows] = features[rows]
    model = engine.regressor(MultiTarget(SquaredError(), 2), n_estimators=3).fit(features, y)
    assert np.isfinite(model.predict(features)).all()


def test_labels_of_signs_are_refused(engine):
    y = 2 * targets(BinaryCrossEntropy()) - 1
    with pytest.raises(ValueError, match=r"y must be labels 0 and 1, or NaN where a label is not known, got \["):
        engine.classifier(MultiTarget(Hinge(), 3)).fit(X, y)


def test_probabilities_are_of_all_targets_or_none(engine):
    y = targets(BinaryCrossEntropy())
    model = engine.classifier(MultiTarget([Hinge(), BinaryCrossEntropy(), BinaryCrossEntropy()])).fit(X, y)
    assert not hasattr(model, "predict_proba")


def test_the_metric_of_another_loss_is_not_taken_for_its_own(engine):
    other = MultiTarget(Huber("auto"), 3).metric
    with pytest.raises(ValueError, match="two metrics are named 'multi_target'"):
        engine.regressor(MultiTarget(SquaredError(), 3)).fit(
            X, targets(SquaredError()), eval_set=[(X, targets(SquaredError()))], eval_metric=other
        )
    own = engine.regressor(MultiTarget(Huber("auto"), 3))
    own.fit(X, targets(SquaredError()), eval_set=[(X, targets(SquaredError()))], eval_metric=other)


def test_checks_of_the_loss_are_made(engine):
    flat = FormulaLoss("1 - exp(-(f-y)**2)")
    with pytest.raises(ValueError, match="flattens too near to its minimum"):
        engine.regressor(MultiTarget(flat, 3)).fit(X, 1000 * targets(SquaredError()))

    class AtMostThree(SquaredError):
        def _check_domain(self, y):
            if (y > 3).any():
                raise ValueError("no more than three")

    with pytest.raises(ValueError, match="no more than three"):
        engine.regressor(MultiTarget(AtMostThree(), 3)).fit(X, 10 * targets(SquaredError()))


def test_what_evaluation_rows_of_weight_0_say_does_not_count(engine):
    y = targets(SquaredError())
    held_out, weight = y[:50].copy(), np.ones(50)
    held_out[10:, 1], weight[:10] = np.nan, 0
    model = engine.regressor(MultiTarget(Huber("auto"), 3))
    model.fit(X, y, eval_set=[(X[:50], held_out)], eval_sample_weight=[weight])
    (history,) = model.evals_result_.values()
    assert np.isfinite(history["multi_target"]).all()


def test_missing_values_of_pandas_and_of_python(engine):
    y = np.where(HOLES, np.nan, np.round(targets(SquaredError())))
    plain = engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y).predict(X)
    objects = y.astype(object)
    objects[HOLES] = None
    for given in (
        pd.DataFrame(y).astype("Int64"),
        pd.DataFrame(y).convert_dtypes(),
        pd.DataFrame(objects).fillna(pd.NA),
        objects,
        pd.DataFrame(y, columns=["a", "b", "c"]).to_records(index=False),
    ):
        model = engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, given)
        np.testing.assert_array_equal(model.predict(X), plain)
    data = engine.data(X, np.zeros(N))
    data.target = objects
    engine.ours.train(engine.params, data, loss=MultiTarget(SquaredError(), 3), num_boost_round=2)


def test_a_matrix_keeps_its_labels_and_its_target():
    y = np.where(HOLES, np.nan, targets(SquaredError()))
    data = xgb.DMatrix(X, np.nan_to_num(y))
    data.target = y
    XGBOOST.ours.train(XGBOOST.params, data, loss=MultiTarget(SquaredError(), 3), num_boost_round=2)
    assert data.target is y
    np.testing.assert_array_equal(data.get_label().reshape(y.shape), np.nan_to_num(y).astype(np.float32))


def test_messages_name_what_to_take(engine):
    y, labels = targets(SquaredError()), targets(BinaryCrossEntropy())
    with pytest.raises(ValueError, match=r"for several take MultiTarget\(SquaredError\(\), 3\)"):
        engine.regressor(SquaredError()).fit(X, y)
    with pytest.raises(ValueError, match=r"take MultiTarget\(BinaryCrossEntropy\(\), 3\)"):
        engine.classifier().fit(X, labels)
    model = engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y)
    with pytest.raises(ValueError, match="intervals and distributions are of one target"):
        model.predict_interval(X)
    with pytest.raises(ValueError, match="target 1 must be known in two rows or more for R², it is in 1"):
        model.score(X, np.where((np.arange(N)[:, None] > 0) & [False, True, False], np.nan, y))
    with pytest.raises(ValueError, match="pass a function"):
        engine.regressor(MultiTarget(SquaredError(), 3)).fit(X, y, eval_set=[(X, y)], eval_metric="rmse")
    known = engine.classifier(MultiTarget(BinaryCrossEntropy(), 3)).fit(X, np.where(HOLES, np.nan, labels))
    rows = ~HOLES.any(axis=1)
    score = known.score(X, np.where(HOLES, np.nan, labels))
    assert score == (known.predict(X) == labels)[rows].all(axis=1).mean()
