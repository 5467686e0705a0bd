"""Plots of survival functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..validation import as_numbers, first_offender, shown
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
        Times to draw at; by default from 0 to the largest time of the training rows. Under `CoxPH` the line has
        all its steps, at events of the training rows, between the first and the last of them.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    labels : sequence of str, optional
        A label for each row; by default its number, or its name in the index of a data frame.
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
    NotFittedError
        If it is not fitted.
    ValueError
        If there are too many rows, labels are not as many as rows, or a time is not finite.

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
    check_is_fitted(model)
    n_rows = np.shape(X)[0]
    if not 1 <= n_rows <= MOST:
        raise ValueError(f"X must have 1 to {MOST} rows, a line for each, got {n_rows}: choose some, as X[:5]")
    names = _names(X, n_rows) if labels is None else labels
    if isinstance(names, str) or len(names) != n_rows:
        raise ValueError(f"labels must be as many as rows, {n_rows}, got {shown(labels)}")
    known = model.unique_times_
    if times is None:
        # A distribution of numbers of any sign may begin below 0.
        at = np.linspace(min(0.0, known[0]), known[-1], 201)
    else:
        at = as_numbers(times, "times").astype(np.float64)
        if offender := first_offender(at, np.isfinite(at)):
            raise ValueError(f"times must be finite, got {offender}")
        at = np.sort(at)
    steps = model.loss_.scope == "all"  # Cox's baseline jumps at events
    if steps:
        # At the next of some times a step would come late.
        at = np.union1d(at[[0, -1]], known[(known > at[0]) & (known < at[-1])])
    curves = model.predict_survival_function(X, at, offset=offset)
    ax = axes_or_new(ax)
    for i, (curve, name, color) in enumerate(zip(curves, names, cycle(PALETTE), strict=False)):
        # Line styles too, for readers who cannot tell colours apart.
        (line,) = ax.plot(at, curve, STYLES[i % len(STYLES)], color=color, label=name)
        line.set_drawstyle("steps-post" if steps else "default")
    ax.set(xlabel="time", ylabel="probability of a later event", ylim=(0.0, 1.02))
    ax.legend(frameon=False)
    return ax


def _names(X: Any, n_rows: int) -> list[str]:
    """Return the names of rows by their index, or their numbers."""
    index = getattr(X, "index", None)  # a list's is a method
    known = range(n_rows) if index is None or callable(index) else index
    return [name if isinstance(name, str) else f"row {name}" for name in known]
