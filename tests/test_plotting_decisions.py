"""Plots by which people decide: outliers, thresholds, losses compared, intervals by date."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from matplotlib.dates import num2date

from gbm_objectives import (
    AbsoluteError,
    GBMClassifier,
    GBMRegressor,
    Hinge,
    Huber,
    MultiQuantile,
    SquaredError,
    Tukey,
    compare_losses,
)
from gbm_objectives.plotting import (
    plot_comparison,
    plot_outlier_weights,
    plot_prediction_interval,
    plot_threshold_cost,
)

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(600, 2))
Y = X[:, 0] + 0.1 * RNG.standard_normal(600) + 5.0 * (RNG.random(600) < 0.1)
LABEL = np.where(RNG.random(600) < X[:, 0] ** 2, "fraud", "fine")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def regressor(loss):
    return GBMRegressor(loss, LGBMRegressor(n_estimators=30, n_jobs=1, verbosity=-1)).fit(X, Y)


def classifier(loss=None):
    return GBMClassifier(loss, LGBMClassifier(n_estimators=20, num_leaves=7, n_jobs=1, verbosity=-1)).fit(X, LABEL)


# ---- outliers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Tukey(), Huber(0.3)], ids=repr)
def test_outlier_weights(loss):
    model, (_, ax) = regressor(loss), plt.subplots()
    assert plot_outlier_weights(model, X, Y, ax) is ax
    full, outlying = ax.get_lines()
    weights = model.outlier_weights(X, Y)
    np.testing.assert_allclose(outlying.get_ydata(), weights[weights < 0.5])
    np.testing.assert_allclose(full.get_xdata(), (Y - model.predict(X))[weights >= 0.5])
    assert f"{(weights < 0.5).sum()} rows" in outlying.get_label()


def test_outlier_weights_need_a_robust_loss():
    with pytest.raises(TypeError, match="model must be a GBMRegressor under a robust loss"):
        plot_outlier_weights(LGBMRegressor(), X, Y)
    with pytest.raises((TypeError, AttributeError), match="SquaredError"):
        plot_outlier_weights(regressor(SquaredError()), X, Y)


# ---- thresholds --------------------------------------------------------------------------------------------


def cost_at(probability, positive, threshold, needless, missed, weight):
    act = probability >= threshold
    return np.average(np.where(act, needless * ~positive, missed * positive), weights=weight)


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("positive", ["fraud", "fine"])
def test_the_cost_of_each_threshold(by_row, positive):
    model = classifier()
    needless = RNG.uniform(0.0, 2.0, 600) if by_row else 1.0
    missed = RNG.uniform(0.0, 9.0, 600) if by_row else 4.0
    weight = RNG.uniform(0.1, 1.0, 600) if by_row else None
    ax = plot_threshold_cost(
        model, X, LABEL, false_positive=needless, false_negative=missed, pos_label=positive, sample_weight=weight
    )
    line, dot = ax.get_lines()[:2]
    probability = model.predict_proba(X)[:, list(model.classes_).index(positive)]
    threshold, cost = line.get_xdata()[:-1], line.get_ydata()[:-1]
    expected = [cost_at(probability, positive == LABEL, t, needless, missed, weight) for t in threshold]
    np.testing.assert_allclose(cost, expected, rtol=1e-9, atol=1e-12)
    assert ax.get_xlabel() == f"act from this probability of {positive} on"
    assert threshold[0] == 1.0 and len(threshold) == len(np.unique(probability)) + 1
    assert dot.get_ydata()[0] == pytest.approx(min(expected))
    assert dot.get_xdata()[0] == threshold[int(np.argmin(expected))]
    dotted = [one for one in ax.get_lines() if one.get_linestyle() == ":"]
    # Elkan (2001), section 1: 1 / (1 + 4).
    assert ([one.get_xdata()[0] for one in dotted] == [0.2]) != by_row


THRESHOLD_REFUSED = {
    "no probabilities": (TypeError, "model must be a fitted classifier with predict_proba", {"model": Hinge()}),
    "positive": (ValueError, "pos_label must be one of .*'fraud'.*, got 'theft'", {"pos_label": "theft"}),
    "label": (ValueError, "y must be labels of the model, .* got theft in row 0", {"y": ["theft", *LABEL[1:]]}),
    "cost": (ValueError, "false_positive must be finite and not below 0, got -1.0", {"false_positive": -1.0}),
    "costs": (ValueError, "false_negative has 3 values for 600 rows", {"false_negative": [1.0, 2.0, 3.0]}),
    "lengths": (ValueError, "inconsistent numbers of samples", {"y": LABEL[1:]}),
}


@pytest.mark.parametrize("case", THRESHOLD_REFUSED)
def test_what_thresholds_refuse(case):
    error, message, given = THRESHOLD_REFUSED[case]
    given = {"model": None, "X": X, "y": LABEL, **given}
    model = given.pop("model")
    model = classifier() if model is None else classifier(model)
    with pytest.raises(error, match=message):
        plot_threshold_cost(model, given.pop("X"), given.pop("y"), **given)


# ---- losses compared ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scoring", ["neg_mean_absolute_error", lambda y, p: abs(y - p).mean()], ids=["score", "cost"]
)
def test_comparison(scoring):
    engine = LGBMRegressor(n_estimators=10, n_jobs=1, verbosity=-1)
    table = compare_losses([SquaredError(), AbsoluteError(), Tukey()], engine, X, Y, scoring=scoring, cv=3)
    ax = plot_comparison(table)
    assert [text.get_text() for text in ax.get_yticklabels()] == list(table["loss"])
    assert ax.yaxis_inverted()  # the best on top
    folds = ax.get_lines()[1]
    assert len(folds.get_xdata()) == 9
    by_loss = np.asarray(folds.get_xdata()).reshape(3, 3).mean(axis=0)
    np.testing.assert_allclose(by_loss, table["behind"], atol=1e-12)


def test_comparison_in_any_order():
    table = pd.DataFrame(
        {"loss": ["a", "b"], "behind": [0.5, 0.0], "behind_error": [0.2, 0.0], "split0_test_score": [1.5, 1.0]}
    )
    ax = plot_comparison(table)
    np.testing.assert_allclose(ax.get_lines()[1].get_xdata(), [0.5, 0.0])
    with pytest.raises(ValueError, match="table must have the row of the best loss"):
        plot_comparison(table.iloc[:1])


def test_comparison_needs_its_table():
    with pytest.raises(ValueError, match="table must be one of compare_losses, it has the columns a"):
        plot_comparison({"a": [1.0]})


# ---- dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["index", "series", "list"])
def test_intervals_by_date(kind):
    model = regressor(MultiQuantile((0.1, 0.5, 0.9)))
    days = pd.date_range("2026-01-01", periods=600, name="day")
    x = {"index": days, "series": pd.Series(days, name="day"), "list": days.to_pydatetime().tolist()}[kind]
    ax = plot_prediction_interval(model, X, Y, coverage=0.8, x=x)
    assert num2date(ax.get_xlim()[1]).year >= 2027
    (line,) = [one for one in ax.get_lines() if one.get_label() == "median"]
    np.testing.assert_allclose(line.get_ydata(), model.predict_quantiles(X, 0.5)[:, 0])
    assert ax.get_xlabel() == ("" if kind == "list" else "day")


def test_dates_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        plot_prediction_interval(regressor(MultiQuantile()), X, Y, x=np.arange(3.0))
