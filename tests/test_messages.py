"""What a user gets wrong is named: argument, rule, offender, remedy."""

from __future__ import annotations

import json

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV

from gbm_objectives import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GBMClassifier,
    GBMRegressor,
    Huber,
    MultiQuantile,
    SquaredError,
)
from gbm_objectives.estimators.saving import sealed
from gbm_objectives.plotting import plot_prediction_interval
from tests.engine import LIGHTGBM, XGBOOST

X, Y = load_diabetes(return_X_y=True)
LABELS = (Y > 140).astype(int)


def test_a_loss_as_metric(engine):
    name = "feval" if engine is LIGHTGBM else "custom_metric"
    with pytest.raises(TypeError, match=r"a metric must be a function, got Huber\(\): pass its \.metric"):
        engine.train(SquaredError(), X, Y, **{name: Huber()})
    with pytest.raises(TypeError, match=r"a metric must be a function, got Huber\(\): pass its \.metric"):
        engine.regressor().fit(X, Y, eval_set=[(X, Y)], eval_metric=Huber())


@pytest.mark.parametrize(
    "train",
    [
        lambda: lgb.train({**LIGHTGBM.params, "objective": Huber}, lgb.Dataset(X, Y), 2),
        lambda: lgb.LGBMRegressor(objective=Huber, verbosity=-1).fit(X, Y),
        lambda: xgb.train(XGBOOST.params, xgb.DMatrix(X, Y), 2, obj=Huber),
        lambda: xgb.XGBRegressor(objective=Huber).fit(X, Y),
    ],
    ids=["lightgbm", "LGBMRegressor", "xgboost", "XGBRegressor"],
)
def test_a_class_as_objective(train):
    with pytest.raises(TypeError, match=r"must be a loss, not the class Huber: write Huber\(\)"):
        train()


@pytest.mark.parametrize(
    ("grid", "needs"),
    [
        ({"loss__delta": [1.0]}, r"GBMRegressor\(loss=\.\.\.\)"),
        ({"estimator__num_leaves": [3]}, r"\(estimator=\.\.\.\)"),
    ],
)
def test_grids_over_defaults(grid, needs):
    (name,) = grid
    with pytest.raises(ValueError, match=rf"{name} needs .*{needs}: the default is made when fit is called"):
        GridSearchCV(GBMRegressor(), grid, cv=2).fit(X, Y)
    assert GBMRegressor().set_params(loss=Huber(), loss__delta=3.0).loss.delta == 3.0


def test_features_of_a_plot():
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)])
    model = LIGHTGBM.regressor().fit(frame, Y)
    assert plot_prediction_interval(model, frame, feature="x2").get_xlabel() == "x2"
    with pytest.raises(ValueError, match="feature must be a column of X, by number or by name, got 'h'"):
        plot_prediction_interval(model, frame, feature="h")
    with pytest.raises(ValueError, match="feature must be one of the 10 columns of X, got 10"):
        plot_prediction_interval(model, frame, feature=10)


def test_metrics_that_lightgbm_would_compute_wrongly():
    with pytest.raises(
        ValueError, match=r"'l2' would be computed on raw .* \(feval= of train, eval_metric= of fit\)"
    ):
        LIGHTGBM.classifier().fit(X, LABELS, eval_set=[(X, LABELS)], eval_metric="l2")


def test_soft_labels_in_one_column():
    with pytest.raises(
        ValueError, match=r"y must be labels, got the continuous value 0\.\d+: .* np.column_stack\(\[1 - y, y\]\)"
    ):
        GBMClassifier(BinaryCrossEntropy()).fit(X, np.clip(Y / 400, 0.01, 0.99))


def test_ranking_groups(engine):
    rows = engine.data(X, Y)
    rows.set_group([200, 242])
    with pytest.raises(
        ValueError, match=r"group.* must not be set: Huber\(\) does not compare the rows of a query"
    ):
        engine.ours.train(engine.params, rows, loss=Huber())


DAYS = np.datetime64("2024-01-01") + np.arange(len(Y))


@pytest.mark.parametrize("times", [DAYS, DAYS - DAYS[0], pd.Series(DAYS), pd.Series(DAYS - DAYS[0])], ids=type)
@pytest.mark.parametrize(
    "use",
    [
        lambda model, times: model.fit(X, times),
        lambda model, times: model.fit(X, Y, eval_set=[(X, times)]),
        lambda model, times: model.fit(X, Y, sample_weight=times),
        lambda model, times: model.fit(X, Y, init_score=times),
        lambda model, times: model.fit(X, Y, init_score=Y, eval_set=[(X, Y)], eval_init_score=[times]),
        lambda model, times: model.fit(np.asarray(times)[:, None], Y),
        lambda model, times: model.score(X, times),
        lambda model, times: model.log_likelihood(X, times),
        lambda model, times: model.calibrate(X, times),
        lambda model, times: model.outlier_weights(X, times),
    ],
    ids=["y", "eval y", "weight", "offset", "eval offset", "X", "score", "likelihood", "calibrate", "outliers"],
)
def test_times_are_no_numbers(use, times):
    model = LIGHTGBM.regressor(Huber(20.0), n_estimators=2).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"(y|init_score|X|sample_weight).* must be real numbers, got .*64\[\w+\] data"
    ):
        use(model, times)


@pytest.mark.parametrize(
    "times", [DAYS, DAYS - DAYS[0], np.array([*DAYS], object)], ids=["dates", "durations", "objects"]
)
def test_times_are_no_numbers_in_native_training(times):
    # XGBoost's DMatrix refuses arrays of them, and has made numbers of a pandas series before we see it.
    with pytest.raises(ValueError, match=r"train_set: y_true must be real numbers, got .*64\[D\] data"):
        LIGHTGBM.train(Huber(), X, times)
    rows = lgb.Dataset(X, Y, init_score=times)
    with pytest.raises(ValueError, match=r"train_set: init_score must be real numbers, got .*64\[D\] data"):
        LIGHTGBM.ours.train(LIGHTGBM.params, rows, loss=Huber())


LONG = "word " * 1000
LETTERS = np.array([LONG, LONG + "!"])


@pytest.mark.parametrize(
    "use",
    [
        lambda e: Huber(delta=[*Y] * 99).check_params(),
        lambda e: Huber(delta=LONG).check_params(),
        lambda e: SquaredError().value([LONG], [0.0]),
        lambda e: MultiQuantile([*np.linspace(0.9, 0.1, 9999)]).check_params(),
        lambda e: MultiQuantile([*np.linspace(0.1, 0.9, 9999)]).pointwise([1.0], [[1.0, 2.0]]),
        lambda e: CategoricalCrossEntropy(1000).value(np.full((1, 1000), 0.12345678), np.zeros((1, 1000))),
        lambda e: BinaryCrossEntropy(hessian=LONG).check_params(),
        lambda e: GBMRegressor([*Y] * 99).fit(X, Y),
        lambda e: GBMRegressor(estimator=LONG).fit(X, Y),
        lambda e: e.regressor(objective=LONG).fit(X, Y),
        lambda e: GBMRegressor(Huber(), e.estimator(True)).fit(X, Y),
        lambda e: e.regressor().fit(X, np.array([LONG] * len(Y))),
        lambda e: e.regressor().fit(X, Y, eval_metric=[[*Y] * 99]),
        lambda e: e.regressor().fit(X, Y).predict(X, num_iteration=10**4000),
        lambda e: e.train(Huber(), X, Y, params={"num_class": 10**4000}),
        lambda e: e.train(Huber(), X, Y, params={"scale_pos_weight": [*Y] * 99}),
        lambda e: e.classifier().fit(X, np.full(len(Y), LONG)),
        lambda e: e.classifier().fit(X, LETTERS[LABELS], eval_set=[(X, np.full(len(Y), LONG + "?"))]),
        lambda e: e.classifier().fit(X, LETTERS[LABELS], init_model=e.classifier().fit(X, LABELS)),
        lambda e: (
            e.classifier()
            .fit(X, LABELS)
            .calibrate(X, LABELS, groups=LETTERS[LABELS])
            .predict_set(X, groups=[LONG + "?"] * len(Y))
        ),
    ],
)
def test_messages_are_read_on_one_screen(engine, use):
    with pytest.raises((TypeError, ValueError)) as caught:
        use(engine)
    assert len(str(caught.value)) < 1500  # scikit-learn shows 700 letters of a loss


def test_messages_on_model_files_are_read_on_one_screen(engine, tmp_path):
    path = tmp_path / "model.json"
    engine.classifier().fit(X, LABELS).save_model(path)
    content = json.loads(path.read_text())
    labels = {"dtype": "<i8", "labels": [1] * 50_000}
    for name, spoilt in (
        ("classes", labels),
        ("class", LONG),
        ("version", [1] * 50_000),
        ("n_features_in", LONG),
        ("loss", {"class": LONG, "params": {}}),
        ("loss", {"class": "BinaryCrossEntropy", "params": {LONG: 1}}),
        ("engine", LONG),
        ("model", LONG),
    ):
        path.write_text(json.dumps(sealed({**content, name: spoilt})))
        with pytest.raises(ValueError) as caught:
            GBMClassifier.load_model(path)
        assert len(str(caught.value)) < 1500, name  # an engine's own message is among them
