"""Plots of losses and of their values by boosting round."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..contract import Loss
from ..contract.links import IDENTITY
from ..validation import shown
from .axes import PALETTE, STYLES, axes_or_new

__all__ = ["plot_learning_curves", "plot_loss"]


def plot_loss(
    loss_or_losses: Loss | Sequence[Loss], ax: Axes | None = None, *, y_true: float = 0.0, span: float = 4.0
) -> Axes:
    """Plot losses with gradient and curvature against the raw prediction, for one target.

    Parameters
    ----------
    loss_or_losses : Loss or sequence of Loss
        Losses with a single output; one colour for each.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    y_true : float, default=0.0
        The target.
    span : float, default=4.0
        The raw prediction goes from y_true - span to y_true + span; for labels and probabilities from -span to
        span. A curvature that depends on other rows is computed for rows spread evenly over this range.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: losses as solid lines, gradients dashed, curvatures dotted.

    Raises
    ------
    ValueError
        If there is no loss, a loss has several outputs, the target is outside its domain, or span is not above 0.

    Examples
    --------
    >>> from gbm_objectives import Huber
    >>> plot_loss([Huber(delta=1.0), Huber(delta=2.0)]).get_xlabel()
    'raw prediction − target'
    """
    many = [loss_or_losses] if isinstance(loss_or_losses, Loss) else list(loss_or_losses)
    if not many:
        raise ValueError("loss_or_losses is empty: at least one loss is needed")
    if not span > 0:
        raise ValueError(f"span must be above 0, got {shown(span)}")
    ax = axes_or_new(ax)
    # A residual, or a raw prediction that stands for a probability or a label.
    residuals = all(loss.link == IDENTITY and not loss.classifies for loss in many)
    offset = np.linspace(-span, span, 801)
    target, raw = np.full(offset.shape, y_true), offset + (y_true if residuals else 0.0)
    for loss, color in zip(many, cycle(PALETTE), strict=False):
        if loss.n_outputs != 1:
            raise ValueError(f"plot_loss draws losses with one output, {loss!r} has {loss.n_outputs}")
        if loss.joint:
            raise ValueError(f"plot_loss draws the loss of a row, {loss!r} compares rows with each other")
        ax.plot(offset, loss.pointwise(target, raw), color=color, label=repr(loss))
        gradient = loss.gradient(target, raw)
        # A jump at a kink is drawn as a gap, not as a steep line.
        gradient[1:][np.abs(np.diff(gradient)) > 20 * span / len(offset)] = np.nan
        ax.plot(offset, gradient, color=color, linestyle="--")
        ax.plot(offset, loss.curvature(target, raw), color=color, linestyle=":")
    ax.set_xlabel("raw prediction − target" if residuals else "raw prediction")
    ax.set_ylabel("loss —, gradient - - -, curvature ···")
    if len(many) > 1:
        ax.legend(frameon=False)
    return ax


def plot_learning_curves(
    model_or_evals_result: Any, ax: Axes | None = None, *, metric: str | Sequence[str] | None = None
) -> Axes:
    """Plot metrics by boosting round, a colour for each evaluation set and a line style for each metric.

    Parameters
    ----------
    model_or_evals_result : GBMRegressor, GBMClassifier or dict
        A model fitted with an `eval_set`, or metrics by evaluation set, name and round, as
        `lightgbm.record_evaluation` and XGBoost's `evals_result` collect them.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    metric : str or sequence of str, optional
        Names of metrics; by default the loss's own, or the first.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; where training stopped early, a dotted vertical line marks the best round.

    Raises
    ------
    ValueError
        If there are no evaluation results, or none of that name.

    Examples
    --------
    >>> curves = {"train": {"l1": [3.0, 2.0, 1.0]}, "valid": {"l1": [3.0, 2.5, 2.4]}}
    >>> plot_learning_curves(curves).get_ylabel()
    'l1'
    """
    results = getattr(model_or_evals_result, "evals_result_", model_or_evals_result)
    if not isinstance(results, dict) or not any(results.values()):
        raise ValueError("there are no evaluation results: fit with eval_set=")
    names = list(dict.fromkeys(name for by_metric in results.values() for name in by_metric))
    own = getattr(getattr(model_or_evals_result, "loss_", None), "name", None)
    if metric is None:
        metric = str(own if own in names else names[0])
    wanted = [metric] if isinstance(metric, str) else list(metric)
    for name in wanted:
        if name not in names:
            raise ValueError(f"metric must be one of {names}, got {shown(name)}")
    ax = axes_or_new(ax)
    for (set_name, by_metric), color, style in zip(results.items(), cycle(PALETTE), cycle(STYLES), strict=False):
        for name, its_style in zip(wanted, cycle(STYLES), strict=False):
            if name in by_metric:
                values = by_metric[name]
                # With a single metric, the sets also have line styles, for readers who cannot tell colours apart.
                line, label = (style, set_name) if len(wanted) == 1 else (its_style, f"{set_name}, {name}")
                ax.plot(np.arange(1, len(values) + 1), values, line, color=color, label=label)
    best = getattr(model_or_evals_result, "best_iteration_", None)
    if best is not None:
        ax.axvline(best, color="0.5", ls=":")
    ax.set_xlabel("boosting round")
    ax.set_ylabel(", ".join(wanted))
    ax.legend(frameon=False)
    return ax
