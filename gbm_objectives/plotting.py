"""Pictures of losses, on matplotlib's axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from .losses import Loss

__all__ = ["COLORS", "plot_loss"]

# Okabe and Ito (2008), *Color universal design*: told apart by colour-blind readers too.
COLORS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "red": "#D55E00",
    "purple": "#CC79A7",
}


def plot_loss(
    losses: Loss | Sequence[Loss], ax: Axes | None = None, *, y_true: float = 0.0, span: float = 4.0
) -> Axes:
    """Plot losses and their gradients against the raw prediction, for one target.

    Parameters
    ----------
    losses : Loss or sequence of Loss
        Losses with a single output; one colour each.
    ax : matplotlib.axes.Axes, optional
        Where to plot; a new figure's otherwise.
    y_true : float, default=0.0
        The target.
    span : float, default=4.0
        The raw prediction goes from y_true - span to y_true + span.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: losses as full lines, gradients dashed.

    Raises
    ------
    ValueError
        If a loss has several outputs, or the target is outside its domain.

    Examples
    --------
    >>> from gbm_objectives import Huber
    >>> plot_loss([Huber(delta=1.0), Huber(delta=2.0)]).get_xlabel()
    'raw prediction − target'
    """
    if ax is None:
        ax = plt.figure().add_subplot()
    offset = np.linspace(-span, span, 801)
    target, raw = np.full(offset.shape, y_true), y_true + offset
    many = [losses] if isinstance(losses, Loss) else list(losses)
    palette = [COLORS[name] for name in ("blue", "red", "green", "purple", "orange", "sky")]
    for loss, color in zip(many, cycle(palette), strict=False):
        if loss.n_outputs != 1:
            raise ValueError(f"plot_loss draws losses with one output, {loss!r} has {loss.n_outputs}")
        ax.plot(offset, loss.pointwise(target, raw), color=color, label=repr(loss))
        gradient = loss.gradient(target, raw)
        # A jump at a kink is a jump, no steep line.
        gradient[1:][np.abs(np.diff(gradient)) > 20 * span / len(offset)] = np.nan
        ax.plot(offset, gradient, color=color, linestyle="--")
    ax.set_xlabel("raw prediction − target")
    return ax
