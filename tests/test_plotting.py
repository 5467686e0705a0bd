"""Plots: what is drawn, on whose axes, and what is refused."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from matplotlib.patches import StepPatch
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

from gbm_objectives import (
    CategoricalCrossEntropy,
    CoxPH,
    GBMRegressor,
    GBMSurvival,
    Hinge,
    Huber,
    MultiQuantile,
    PoissonDeviance,
    Quantile,
    RankNet,
    SquaredError,
)
from gbm_objectives.distributions import Normal
from gbm_objectives.plotting import (
    plot_calibration,
    plot_learning_curves,
    plot_loss,
    plot_prediction_interval,
    plot_survival,
)

X, Y = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def lightgbm(loss, **params):
    return GBMRegressor(loss, LGBMRegressor(n_estimators=30, n_jobs=1, verbosity=-1, **params))


def test_plot_loss_draws_value_gradient_and_curvature():
    _, ax = plt.subplots()
    losses = [SquaredError(), Huber(1.0)]
    assert plot_loss(losses, ax, y_true=2.0, span=3.0) is ax
    lines = ax.get_lines()
    assert len(lines) == 6
    for loss, (value, gradient, curvature) in zip(losses, (lines[:3], lines[3:]), strict=True):
        raw, y = value.get_xdata() + 2.0, np.full(801, 2.0)
        np.testing.assert_array_equal(value.get_ydata(), loss.pointwise(y, raw))
        np.testing.assert_array_equal(gradient.get_ydata(), loss.gradient(y, raw))
        np.testing.assert_array_equal(curvature.get_ydata(), loss.curvature(y, raw))
        assert value.get_label() == repr(loss)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [repr(loss) for loss in losses]
    other = plot_loss(Hinge(), y_true=1.0)
    assert other is not ax and other.get_xlabel() == "raw prediction"
    assert (other.get_lines()[0].get_xdata()[[0, -1]] == [-4, 4]).all()
    with pytest.raises(ValueError, match="at least one loss is needed"):
        plot_loss([])
    with pytest.raises(ValueError, match="span must be above 0, got -1"):
        plot_loss(Hinge(), span=-1)
    with pytest.raises(ValueError, match="one output, CategoricalCrossEntropy"):
        plot_loss(CategoricalCrossEntropy(3))
    with pytest.raises(ValueError, match=r"RankNet\(\) compares rows with each other"):
        plot_loss(RankNet())
    with pytest.raises(ValueError, match="labels -1 and"):
        plot_loss(Hinge(), y_true=0.5)


def test_plot_learning_curves(engine):
    model = engine.regressor(Huber(20.0), n_estimators=300, **engine.early_stopping())
    model.fit(X[:300], Y[:300], eval_set=[(X[:300], Y[:300]), (X[300:], Y[300:])], eval_names=["train", "valid"])
    ax = plot_learning_curves(model)
    train, valid, best = ax.get_lines()
    assert (train.get_label(), valid.get_label(), ax.get_ylabel()) == ("train", "valid", "huber")
    np.testing.assert_array_equal(valid.get_ydata(), model.evals_result_["valid"]["huber"])
    # The marked round is the smallest value, counted from 1.
    assert best.get_xdata()[0] == 1 + np.argmin(valid.get_ydata())
    assert plot_learning_curves(model.evals_result_, ax, metric="huber") is ax
    with pytest.raises(ValueError, match=r"metric must be one of \['huber'\], got 'l1'"):
        plot_learning_curves(model, metric="l1")
    with pytest.raises(ValueError, match="no evaluation results"):
        plot_learning_curves({})


def test_plot_prediction_interval():
    model = lightgbm(SquaredError()).fit(X, Y)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)])
    ax = plot_prediction_interval(model, X, Y, feature=2, coverage=0.8)
    points, line = ax.get_lines()
    order = np.argsort(X[:, 2], kind="stable")
    np.testing.assert_array_equal(line.get_ydata(), model.predict(X)[order])
    np.testing.assert_array_equal(points.get_ydata(), Y)
    band = ax.collections[0].get_paths()[0].vertices
    low, high = model.predict_distribution(X).interval(0.8)
    assert (band[:, 1].min(), band[:, 1].max()) == (pytest.approx(low.min()), pytest.approx(high.max()))
    by_name = lightgbm(SquaredError()).fit(frame, Y)
    assert plot_prediction_interval(by_name, frame, feature=3).get_xlabel() == "x3"
    # Two quantile models, in any order.
    pair = (lightgbm(Quantile(0.9)).fit(X, Y), lightgbm(Quantile(0.1)).fit(X, Y))
    ax = plot_prediction_interval(pair, X)
    vertices = ax.collections[0].get_paths()[0].vertices
    assert vertices[:, 1].max() == pytest.approx(max(pair[0].predict(X).max(), pair[1].predict(X).max()))
    for level, error in ((0.0, ValueError), (1.0, ValueError), (True, TypeError)):
        with pytest.raises(error, match="coverage must be"):
            plot_prediction_interval(model, X, coverage=level)
    with pytest.raises(ValueError, match="one model or a pair, got 3"):
        plot_prediction_interval([model] * 3, X)
    with pytest.raises(ValueError, match="groups must be left out for a pair"):
        plot_prediction_interval(pair, X, groups=[0] * len(X))


def test_plot_a_calibrated_interval_of_several_quantiles(engine):
    """The band is the calibrated interval, by group too, and the line one of the quantiles."""
    model = engine.regressor(MultiQuantile((0.05, 0.5, 0.95))).fit(X[:200], Y[:200])
    groups = (X[:, 1] > 0).astype(int)
    model.calibrate(X[200:], Y[200:], groups=groups[200:])
    ax = plot_prediction_interval(model, X, groups=groups)
    band = ax.collections[0].get_paths()[0].vertices
    low, high = model.predict_interval(X, 0.9, groups=groups).T
    assert (band[:, 1].min(), band[:, 1].max()) == (pytest.approx(low.min()), pytest.approx(high.max()))
    (line,) = ax.get_lines()
    assert line.get_label() == "median" and line.get_ydata().shape == (len(X),)


def heights(ax):
    """Heights of the histogram's bars, which hold an area of 1."""
    (bars,) = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    values, edges, _ = bars.get_data()
    assert values @ np.diff(edges) == pytest.approx(1.0)
    return values


@pytest.mark.parametrize("loss", [Normal(), SquaredError(), PoissonDeviance()], ids=repr)
def test_plot_calibration(engine, loss):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (3000, 1))
    model = engine.regressor(loss, n_estimators=20).fit(X, rng.poisson(np.exp(1 + X[:, 0])).astype(float))
    # Drawn from the model itself, twice as far from its mean, and always above it.
    drawn = model.sample(X, random_state=0)[:, 0]
    mean = model.predict(X)
    wide, high = (np.round(np.maximum(y, 0)) for y in (2 * drawn - mean, mean + np.abs(drawn - mean)))
    values = heights(plot_calibration(model, X, drawn))
    assert np.abs(values - 1.0).max() < 0.35
    # Targets are further out than the model thinks: a trough; or all in its upper half.
    too_narrow = heights(plot_calibration(model, X, wide))
    assert too_narrow[[0, -1]].mean() > 2 * too_narrow[7:13].mean()
    assert heights(plot_calibration(model, X, high))[:8].max() < 0.7


def test_plot_reliability(engine):
    model = engine.regressor(SquaredError()).fit(X, Y)
    ax = plot_calibration(model, X, Y, kind="reliability")
    coverage, inside = ax.get_lines()[-1].get_data()
    low, high = model.predict_interval(X, 0.5).T
    assert inside[50] == pytest.approx(np.mean((low <= Y) & (high >= Y))) and coverage[50] == 0.5
    with pytest.raises(ValueError, match="kind must be one of 'pit', 'reliability', got 'qq'"):
        plot_calibration(model, X, Y, kind="qq")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        plot_calibration(model, X, Y[:1])
    with pytest.raises(ValueError, match="y should be a 1d array"):
        plot_calibration(model, X, np.stack([Y, Y], axis=1))
    with pytest.raises(ValueError, match="got nan in row 0"):
        plot_calibration(model, X, np.full(len(Y), np.nan))
    with pytest.raises(TypeError, match="model must be a fitted GBMRegressor"):
        plot_calibration(engine.classifier(), X, Y)


def test_calibration_beside_an_offset():
    """A model that is right beside its offset is far too low without."""
    rng = np.random.default_rng(0)
    features, exposure = rng.uniform(-1, 1, (2000, 2)), rng.uniform(50, 100, 2000)
    counts = rng.poisson(exposure * np.exp(features[:, 0]))
    model = GBMRegressor(PoissonDeviance(), LGBMRegressor(n_estimators=60, num_leaves=4, verbosity=-1))
    model.fit(features, counts, init_score=np.log(exposure))
    for offset, largest in ((np.log(exposure), 2.0), (None, 20.0)):
        ax = plot_calibration(model, features, counts, offset=offset)
        heights = next(patch for patch in ax.patches if isinstance(patch, StepPatch)).get_data().values
        assert (heights.max() < largest) == (offset is not None)


def survival_model(loss):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    time, end = np.exp(X[:, 0] + 0.5 * rng.standard_normal(300)), rng.uniform(0.5, 4.0, 300)
    y = np.column_stack([np.minimum(time, end), np.where(time <= end, time, np.inf)])
    estimator = LGBMRegressor(n_estimators=10, verbosity=-1, n_jobs=1)
    return GBMSurvival(loss, estimator).fit(X, y), X


@pytest.mark.parametrize("loss", [None, CoxPH()], ids=repr)
def test_survival_curves(loss):
    model, X = survival_model(loss)
    ax = plot_survival(model, X[:3], labels=["a", "b", "c"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "c"]
    for line, curve in zip(ax.lines, X[:3], strict=True):
        at, values = line.get_data()
        np.testing.assert_array_equal(values, model.predict_survival_function(curve[None], at)[0])
        assert at[0] == 0.0 and values[0] == 1.0
        assert line.get_drawstyle() == ("default" if loss is None else "steps-post")
    at, values = plot_survival(model, X[:1], [2.0, 1.5, 1.0], ax=ax).lines[-1].get_data()
    assert (at[0], at[-1]) == (1.0, 2.0)
    if loss is None:
        np.testing.assert_array_equal(at, [1.0, 1.5, 2.0])
    else:  # all steps in between, where they are
        events = model.loss_.summary[0]
        np.testing.assert_array_equal(at[1:][np.diff(values) < 0], events[(events > 1.0) & (events <= 2.0)])


def test_survival_curves_have_names_and_offsets():
    model, X = survival_model(None)
    # All times twice as long: the curve is half as fast.
    at, slow = plot_survival(model, X[:1], [1.0, 2.0, 4.0], offset=[np.log(2.0)]).lines[0].get_data()
    np.testing.assert_allclose(slow, model.predict_survival_function(X[:1], at / 2.0)[0], rtol=1e-5)
    frame = pd.DataFrame(X, columns=["a", "b"])
    model.fit(frame, np.column_stack([np.exp(X[:, 0]), np.exp(X[:, 0])]))
    for index, names in (([7, 8], ["row 7", "row 8"]), (["Ada", "Bo"], ["Ada", "Bo"])):
        lines = plot_survival(model, frame[:2].set_axis(index)).lines
        assert [line.get_label() for line in lines] == names


def test_survival_curves_of_the_wrong_things():
    model, X = survival_model(None)
    with pytest.raises(TypeError, match="must be a fitted GBMSurvival"):
        plot_survival(GBMRegressor(), X[:3])
    with pytest.raises(NotFittedError, match="GBMSurvival"):
        plot_survival(GBMSurvival(), X[:3])
    with pytest.raises(ValueError, match=r"1 to 12 rows.* got 300"):
        plot_survival(model, X)
    for labels in (["a"], "abc"):
        with pytest.raises(ValueError, match="labels must be as many as rows, 3, got"):
            plot_survival(model, X[:3], labels=labels)
    with pytest.raises(ValueError, match=r"times must be finite, got inf in row 1 \(1 such\)"):
        plot_survival(model, X[:3], [1.0, np.inf, 3.0])
