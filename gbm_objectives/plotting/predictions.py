"""Plots of predicted intervals and distributions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_consistent_length

from ..validation import check_between, shown
from .axes import COLORS, axes_or_new

__all__ = ["plot_calibration", "plot_prediction_interval"]


def plot_prediction_interval(
    model: Any,
    X: Any,
    y: Any = None,
    ax: Axes | None = None,
    *,
    feature: int | str = 0,
    x: Any = None,
    coverage: float = 0.9,
    groups: Any = None,
    offset: Any = None,
    level: float | None = None,
) -> Axes:
    """Plot a regression with its prediction interval against one feature, or against dates.

    Parameters
    ----------
    model : GBMRegressor, or pair of GBMRegressor
        A model whose loss has a distribution or several quantiles: the interval is its `predict_interval`, which
        is calibrated if the model is. Or two quantile models: the interval lies between their predictions.
    X : array-like of shape (n_samples, n_features)
        Rows that differ in one feature only, as on a grid; if other features differ too, the line jumps.
    y : array-like of shape (n_samples,), optional
        Targets, drawn as points.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    feature : int or str, default=0
        Column of X on the horizontal axis, by number, or by name in a data frame.
    x : array-like of shape (n_samples,), optional
        What to put on the horizontal axis instead of a feature: numbers, or dates, such as a data frame's index.
    coverage : float, default=0.9
        Probability of the interval; above 0 and below 1. For two models their quantiles determine it.
    groups : array-like of shape (n_samples,), optional
        The group of each row, if the model was calibrated in groups.
    offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        The offset of each row, as for `predict_interval`.
    level : float, optional
        The name of `coverage` until version 0.2.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If `coverage` is out of range, there is no such feature, `x` has another number of rows, or the loss is
        not a negative log-likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from gbm_objectives import GBMRegressor
    >>> X = np.arange(100.0)[:, None]
    >>> model = GBMRegressor(estimator=LGBMRegressor(n_estimators=5, verbosity=-1)).fit(X, X[:, 0])
    >>> plot_prediction_interval(model, X, X[:, 0]).get_xlabel()
    'feature 0'
    """
    if level is not None:
        warnings.warn("level of plot_prediction_interval is now called coverage", FutureWarning, stacklevel=2)
        coverage = level
    check_between(coverage, "coverage", 0.0, 1.0)
    what = "prediction"
    if isinstance(model, (tuple, list)):
        if len(model) != 2:
            raise ValueError(f"model must be one model or a pair, got {len(model)}")
        if groups is not None:
            raise ValueError("groups must be left out for a pair of models: they are not calibrated")
        first, second = (one.predict(X, offset=offset) for one in model)
        lower, upper, line = np.minimum(first, second), np.maximum(first, second), None
    else:
        lower, upper = model.predict_interval(X, coverage, groups, offset=offset).T
        line = model.predict(X, offset=offset)
        if line.ndim == 2:  # several quantiles
            line, what = model.predict_quantiles(X, 0.5, groups, offset=offset)[:, 0], "median"
    values, label_of_x = _horizontal(X, feature, x)
    ax = axes_or_new(ax)
    order = np.argsort(values, kind="stable")
    if y is not None:
        ax.plot(values, y, ".", color="0.6", markersize=3, zorder=0, label="targets")
    label = "between the two models" if line is None else f"{100 * coverage:g}% interval"
    ax.fill_between(
        values[order], lower[order], upper[order], color=COLORS["sky"], alpha=0.4, linewidth=0, label=label
    )
    if line is not None:
        ax.plot(values[order], line[order], color=COLORS["blue"], label=what)
    ax.set_xlabel(label_of_x)
    if np.issubdtype(values.dtype, np.datetime64):
        short: Any = ConciseDateFormatter  # has no types
        ax.xaxis.set_major_formatter(short(ax.xaxis.get_major_locator()))
    ax.legend(frameon=False)
    return ax


def _horizontal(X: Any, feature: int | str, x: Any) -> tuple[np.ndarray, str]:
    """Return the values of the horizontal axis and its label."""
    if x is not None:
        values = np.asarray(x)
        check_consistent_length(X, values)
        values = values if values.dtype.kind == "M" else _dates_or_numbers(values)
        return values, str(getattr(x, "name", None) or "")
    names = [str(name) for name in getattr(X, "columns", [])]
    if isinstance(feature, str) and feature not in names:
        raise ValueError(f"feature must be a column of X, by number or by name, got {shown(feature)}")
    column = names.index(feature) if isinstance(feature, str) else feature
    if not -np.shape(X)[1] <= column < np.shape(X)[1]:
        raise ValueError(f"feature must be one of the {np.shape(X)[1]} columns of X, got {shown(feature)}")
    return np.asarray(X)[:, column].astype(np.float64), names[column] if names else f"feature {feature}"


def _dates_or_numbers(values: np.ndarray) -> np.ndarray:
    """Return objects as dates if they are some, all others as numbers."""
    if values.dtype == object and hasattr(values[0], "year"):
        return values.astype("datetime64[us]")
    return column_or_1d(values, dtype=np.float64)


def plot_calibration(
    model: Any,
    X: Any,
    y: Any,
    ax: Axes | None = None,
    *,
    kind: str = "pit",
    random_state: Any = 0,
    groups: Any = None,
    offset: Any = None,
) -> Axes:
    """Plot whether predicted distributions are calibrated: how often targets lie where they should.

    Parameters
    ----------
    model : GBMRegressor
        A fitted model whose loss has a distribution or several quantiles; after its `calibrate` these are the
        calibrated ones.
    X : array-like of shape (n_samples, n_features)
        Rows that it was neither fitted nor calibrated on.
    y : array-like of shape (n_samples,)
        Their targets.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    kind : {"pit", "reliability"}, default="pit"
        "pit" is the histogram of the probability integral transform, the distribution function of each row at its
        target. It is uniform if the model is right: a hump means that the distributions are too wide, a trough
        that they are too narrow, a slope that they are too high or too low. "reliability" is the share of targets
        inside the central interval, for each coverage: a curve above the diagonal means too wide.
    random_state : int, RandomState or None, default=0
        For counts, whose transform is drawn at random between the values below and at the target.
    groups : array-like of shape (n_samples,), optional
        The group of each row, if the model was calibrated in groups.
    offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        The offset of each row, as for `predict_distribution`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, with a band that holds 95% of the bars, or of the curve's points, if the model is right.

    Raises
    ------
    ValueError
        If `kind` is neither, a target is not valid, lengths do not fit, or the loss has no distribution.
    TypeError
        If `model` is not a regressor.

    References
    ----------
    Gneiting, Balabdaoui and Raftery (2007). *Probabilistic forecasts, calibration and sharpness*. Journal of the
    Royal Statistical Society B 69, 243-268, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from gbm_objectives import GBMRegressor
    >>> X = np.arange(100.0)[:, None]
    >>> model = GBMRegressor(estimator=LGBMRegressor(n_estimators=5, verbosity=-1)).fit(X, X[:, 0])
    >>> plot_calibration(model, X, X[:, 0]).get_xlabel()
    'probability integral transform'
    """
    if kind not in ("pit", "reliability"):
        raise ValueError(f"kind must be one of 'pit', 'reliability', got {shown(kind)}")
    if not hasattr(model, "predict_interval"):
        raise TypeError(f"model must be a fitted GBMRegressor, got {shown(model)}")
    target = column_or_1d(y, dtype=np.float64)
    check_consistent_length(X, target)
    distribution = model.predict_distribution(X, groups=groups, offset=offset)
    model.loss_.check_target(target)
    model._check_drawn(target)
    share = distribution.cdf(target)
    if hasattr(distribution, "pmf"):
        below = distribution.cdf(target - 1.0)
    elif hasattr(distribution, "probability"):
        below = share - distribution.probability(target)
    else:
        below = share
    if below is not share:
        share = below + (share - below) * check_random_state(random_state).uniform(size=len(target))
    ax = axes_or_new(ax)
    n = len(target)
    if kind == "pit":
        from scipy import stats  # it takes long to import

        bins = min(20, max(2, n // 10))
        heights = np.histogram(share, bins, (0.0, 1.0))[0] * bins / n
        low, high = stats.binom(n, 1.0 / bins).interval(0.95)
        ax.axhspan(low * bins / n, high * bins / n, color="0.9", zorder=0, label="95% of bars if right")
        ax.stairs(heights, np.linspace(0.0, 1.0, bins + 1), fill=True, color=COLORS["sky"], alpha=0.7)
        ax.axhline(1.0, color="0.4", linewidth=1)
        ax.set(xlabel="probability integral transform", ylabel="density of targets", xlim=(0, 1))
    else:
        coverage = np.linspace(0.0, 1.0, 101)
        inside = (np.abs(2.0 * share - 1.0) <= coverage[:, None]).mean(axis=1)
        spread = 1.96 * np.sqrt(coverage * (1.0 - coverage) / n)
        ax.fill_between(
            coverage,
            coverage - spread,
            coverage + spread,
            color="0.9",
            linewidth=0,
            label="95% of points if right",
        )
        ax.plot(coverage, coverage, color="0.4", linewidth=1)
        ax.plot(coverage, inside, color=COLORS["blue"], label="model")
        ax.set(xlabel="coverage of the interval", ylabel="share of targets inside", xlim=(0, 1), ylim=(0, 1))
    ax.legend(frameon=False)
    return ax
