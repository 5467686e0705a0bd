"""Plots of what a model decides: which rows are outliers, and from which probability to act."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_consistent_length

from ..validation import as_numbers, as_weight, first_offender, shown
from .axes import COLORS, axes_or_new

__all__ = ["plot_outlier_weights", "plot_threshold_cost"]


def plot_outlier_weights(model: Any, X: Any, y: Any, ax: Axes | None = None, *, offset: Any = None) -> Axes:
    """Plot residuals against the weights with which a robust loss counts them.

    Parameters
    ----------
    model : GBMRegressor
        A fitted model under a robust loss, one with `outlier_weights`: `Huber`, `Cauchy`, `Tukey` and the like.
    X : array-like of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Targets.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        The offset of each row, as for `outlier_weights`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: a dot for each row, 1 on top for rows that count in full; rows with less than half a weight in
        red, their number in the legend.

    Raises
    ------
    TypeError
        If `model` has no `outlier_weights`.
    ValueError
        If lengths do not fit or a target is not valid.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from gbm_objectives import GBMRegressor, Tukey
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(200, 1))
    >>> y = X[:, 0] + 0.1 * rng.standard_normal(200) + 5.0 * (rng.uniform(size=200) < 0.1)
    >>> model = GBMRegressor(Tukey(), LGBMRegressor(n_estimators=20, verbosity=-1)).fit(X, y)
    >>> plot_outlier_weights(model, X, y).get_xlabel()
    'target − prediction'
    """
    if not hasattr(model, "outlier_weights"):
        raise TypeError(f"model must be a GBMRegressor under a robust loss, got {shown(model)}")
    weights = model.outlier_weights(X, y, offset=offset)
    residuals = column_or_1d(y, dtype=np.float64) - model.predict(X, offset=offset)
    outlying = weights < 0.5
    ax = axes_or_new(ax)
    for rows, color, what in ((~outlying, "blue", "others"), (outlying, "red", "weight below ½")):
        ax.plot(
            residuals[rows],
            weights[rows],
            ".",
            color=COLORS[color],
            alpha=0.6,
            label=f"{what}: {rows.sum():,} rows",
        )
    ax.set(xlabel="target − prediction", ylabel="weight of the row", ylim=(-0.05, 1.05))
    ax.legend(frameon=False)
    return ax


def plot_threshold_cost(
    model: Any,
    X: Any,
    y: Any,
    ax: Axes | None = None,
    *,
    false_positive: ArrayLike = 1.0,
    false_negative: ArrayLike = 1.0,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    offset: Any = None,
) -> Axes:
    """Plot what acting from a probability on costs, for every threshold.

    Parameters
    ----------
    model : GBMClassifier
        A fitted classifier of two classes with `predict_proba`.
    X : array-like of shape (n_samples, n_features)
        Rows that it was not fitted on.
    y : array-like of shape (n_samples,)
        Their labels.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    false_positive, false_negative : float or array-like of shape (n_samples,), default=1.0
        What it costs to act on a row that is not positive, and not to act on one that is: the same for all rows,
        or for each its own, as the amount of a payment. Finite, not below 0.
    pos_label : label, optional
        The positive class; by default the last of `model.classes_`.
    sample_weight : array-like of shape (n_samples,), optional
        Weights.
    offset : array-like of shape (n_samples,), optional
        The offset of each row, as for `predict_proba`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: the mean cost of a row by threshold, a dot at the cheapest one, and, where costs are the same for
        all rows, a dotted line at false_positive / (false_positive + false_negative), which is the best one if
        the probabilities are right.

    Raises
    ------
    ValueError
        If there are not two classes, `pos_label` is none of them, a label is unknown, lengths do not fit, or a
        cost is not valid.
    TypeError
        If `model` is no classifier with probabilities.

    References
    ----------
    Elkan (2001). *The foundations of cost-sensitive learning*. IJCAI 17, 973-978, section 1.

    Examples
    --------
    >>> from lightgbm import LGBMClassifier
    >>> from sklearn.datasets import load_breast_cancer
    >>> from gbm_objectives import GBMClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = GBMClassifier(estimator=LGBMClassifier(n_estimators=20, verbosity=-1)).fit(X[:400], y[:400])
    >>> plot_threshold_cost(model, X[400:], y[400:], false_negative=10.0).get_xlabel()
    'act from this probability of 1 on'
    """
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise TypeError(f"model must be a fitted classifier with predict_proba, got {shown(model)}")
    classes = list(model.classes_)
    if len(classes) != 2:
        raise ValueError(f"model must have two classes, it has {len(classes)}")
    positive = classes[-1] if pos_label is None else pos_label
    if positive not in classes:
        raise ValueError(f"pos_label must be one of {shown(classes)}, got {shown(pos_label)}")
    labels = column_or_1d(y)
    check_consistent_length(X, labels)
    if offender := first_offender(labels, np.isin(labels, classes)):
        raise ValueError(f"y must be labels of the model, {shown(classes)}, got {offender}")
    keywords = {} if offset is None else {"offset": offset}
    probability = model.predict_proba(X, **keywords)[:, classes.index(positive)]
    needless, missed = (
        _costs(values, name, len(labels))
        for values, name in ((false_positive, "false_positive"), (false_negative, "false_negative"))
    )
    weight = as_weight(sample_weight, len(labels))
    weight = np.ones(len(labels)) if weight is None else weight
    is_positive = labels == positive
    # From the highest probability down, rows are acted on in turn: the cost of missing one goes, or that of
    # acting in vain comes.
    change = weight * np.where(is_positive, -missed, needless)
    order = np.argsort(-probability, kind="stable")
    level, last = np.unique(-probability[order], return_index=True)
    last = np.append(last[1:], len(order)) - 1  # equal probabilities go together
    nothing = float((weight * missed * is_positive).sum())
    cost = np.append(nothing, nothing + np.cumsum(change[order])[last]) / weight.sum()
    threshold = np.append(1.0, -level)
    best = int(cost.argmin())
    ax = axes_or_new(ax)
    ax.step(np.append(threshold, 0.0), np.append(cost, cost[-1]), where="post", color=COLORS["blue"])
    ax.plot(
        threshold[best], cost[best], "o", color=COLORS["red"], label=f"cheapest, from {threshold[best]:.2g} on"
    )
    if np.ndim(false_positive) == np.ndim(false_negative) == 0 and needless[0] + missed[0] > 0:
        right = needless[0] / (needless[0] + missed[0])
        ax.axvline(right, color="0.4", linestyle=":", label=f"if probabilities are right, from {right:.2g} on")
    ax.set(xlabel=f"act from this probability of {positive} on", ylabel="mean cost of a row", xlim=(0, 1))
    ax.set_ylim(bottom=0.0)
    ax.legend(frameon=False)
    return ax


def _costs(values: ArrayLike, name: str, n_rows: int) -> np.ndarray:
    costs = as_numbers(np.broadcast_to(values, n_rows) if np.ndim(values) == 0 else values, name)
    if len(costs) != n_rows:
        raise ValueError(f"{name} has {len(costs)} values for {n_rows} rows")
    if offender := first_offender(costs, np.isfinite(costs) & (costs >= 0)):
        raise ValueError(f"{name} must be finite and not below 0, got {offender}")
    return costs
