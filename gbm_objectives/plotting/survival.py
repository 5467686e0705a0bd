"""Plots of survival functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..validation import as_numbers, shown
from .axes import PALETTE, STYLES, axes_or_new

__all__ = ["plot_survival"]

# More lines cannot be told apart.
MOST = 12


def plot_survival(
    model: Any,
    X: Any,
    times: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    labels: Sequence[str] | None = None,
    offset: Any = None,
) -> Axes:
    """Plot the survival function of each of a few rows: the probability that its event is later than a time.

    Parameters
    ----------
    model : GBMSurvival
        A fitted model.
    X : array-like of shape (n_samples, n_features)
        Twelve rows at most; a line for each.
    times : array-like of shape (n_times,), optional
        Times to draw at; by default from 0 to the largest time of the training rows. Under `CoxPH` the line has a
        step at each event of the training rows.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    labels : sequence of str, optional
        A label for each row; by default its number.
    offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        The offset of each row, as for `predict_survival_function`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    TypeError
        If `model` is not a model of survival analysis.
    ValueError
        If there are too many rows, or as many labels as rows are not given.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from gbm_objectives import GBMSurvival
    >>> time = np.arange(1.0, 101.0)
    >>> y = np.column_stack([time, np.where(time < 80, time, np.inf)])
    >>> model = GBMSurvival(estimator=LGBMRegressor(n_estimators=5, verbosity=-1)).fit(time[:, None], y)
    >>> plot_survival(model, [[10.0], [60.0]], labels=["early", "late"]).get_ylabel()
    'probability of a later event'
    """
    if not hasattr(model, "predict_survival_function"):
        raise TypeError(f"model must be a fitted GBMSurvival, got {shown(model)}")
    n_rows = np.shape(X)[0]
    if not 1 <= n_rows <= MOST:
        raise ValueError(f"X must have 1 to {MOST} rows, a line for each, got {n_rows}: choose some, as X[:5]")
    if labels is not None and len(labels) != n_rows:
        raise ValueError(f"labels must be as many as rows, {n_rows}, got {len(labels)}")
    steps = model.loss_.scope == "all"  # Cox's baseline jumps at events
    if times is not None:
        at = np.sort(as_numbers(times, "times"))
    elif steps:
        at = np.append(0.0, model.unique_times_)
    else:
        at = np.linspace(min(0.0, model.unique_times_[0]), model.unique_times_[-1], 201)
    curves = model.predict_survival_function(X, at, offset=offset)
    ax = axes_or_new(ax)
    names = [f"row {i}" for i in range(n_rows)] if labels is None else labels
    for i, (curve, name, color) in enumerate(zip(curves, names, cycle(PALETTE), strict=False)):
        # Line styles too, for readers who cannot tell colours apart.
        (line,) = ax.plot(at, curve, STYLES[i % len(STYLES)], color=color, label=name)
        line.set_drawstyle("steps-post" if steps else "default")
    ax.set(xlabel="time", ylabel="probability of a later event", ylim=(0.0, 1.02))
    ax.legend(frameon=False)
    return ax
