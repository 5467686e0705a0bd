"""Several targets in one model: what is refused, and what was once wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from gbm_objectives import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    FormulaLoss,
    GBMRegressor,
    Hinge,
    Huber,
    MultiQuantile,
    MultiTarget,
    PoissonDeviance,
    ProportionalOdds,
    Quantile,
    SquaredError,
    check_loss,
)
from gbm_objectives.distributions import Normal
from gbm_objectives.losses import CoxPH
from tests.engine import XGBOOST
from tests.losses.test_multi_target import HOLES, RNG, N, X, targets

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
        (MultiTarget(ProportionalOdds(2), 3), ValueError, "must predict one number of one target"),
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
        pd.DataFrame(np.where(HOLES, pd.NA, y.astype(object))),
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
