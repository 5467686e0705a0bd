"""Plots of losses compared by one measure."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .axes import COLORS, axes_or_new

__all__ = ["plot_comparison"]

# Longer names, as of formulas, would leave no room for the dots.
WIDTH = 28


def plot_comparison(table: Any, ax: Axes | None = None) -> Axes:
    """Plot how far losses are behind the best one by a measure, and how sure that is.

    Parameters
    ----------
    table : data frame or dict
        What `compare_losses` returns.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: a line for each loss, the best on top; a small dot for each fold, a large one for their mean,
        with a bar of two standard errors to each side. Where the bar reaches 0 the loss may be as good.

    Raises
    ------
    ValueError
        If the table is not one of `compare_losses`.

    Examples
    --------
    >>> table = {"loss": ["a", "b"], "behind": [0.0, 0.5], "behind_error": [0.0, 0.2]}
    >>> table |= {"split0_test_score": [1.0, 1.4], "split1_test_score": [1.0, 1.6]}
    >>> plot_comparison(table).get_xlabel()
    'behind the best'
    """
    names = [name for name in table if str(name).startswith("split")]
    if not names or any(name not in table for name in ("loss", "behind", "behind_error")):
        raise ValueError(f"table must be one of compare_losses, it has the columns {', '.join(map(str, table))}")
    behind, error = (np.asarray(table[name], dtype=np.float64) for name in ("behind", "behind_error"))
    folds = np.array([table[name] for name in names], dtype=np.float64)
    best = int(np.argmin(behind))
    if behind[best] != 0.0:
        raise ValueError("table must have the row of the best loss, from which the others are counted")
    worse = folds - folds[:, [best]]
    # Of a score that is the better the higher, those behind are lower.
    worse *= np.where(worse.mean(axis=0).sum() < 0, -1.0, 1.0)
    ax = axes_or_new(ax)
    places = np.arange(len(behind))
    ax.axvline(0.0, color="0.8", zorder=0)
    ax.plot(worse.ravel(), np.tile(places, len(names)), ".", color=COLORS["sky"], label="a fold")
    ax.errorbar(
        behind,
        places,
        xerr=2.0 * np.nan_to_num(error),
        fmt="o",
        color=COLORS["blue"],
        label="mean ± 2 standard errors",
    )
    ax.set_yticks(places, [fill(str(loss), WIDTH) for loss in table["loss"]])
    ax.set_ylim(len(behind) - 0.5, -0.5)
    ax.set_xlabel("behind the best")
    ax.legend(frameon=False)
    return ax
