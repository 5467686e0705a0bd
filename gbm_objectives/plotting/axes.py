"""Colours, line styles and axes of all plots."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

__all__ = ["COLORS", "PALETTE", "STYLES", "axes_or_new"]

# Okabe and Ito (2008), *Color universal design*: distinguishable for colour-blind readers too.
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
PALETTE = [COLORS[name] for name in ("blue", "red", "green", "purple", "orange", "sky")]
STYLES = ["-", "--", ":", "-."]


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes, or those of a new figure, with room for long labels."""
    return plt.figure(layout="constrained").add_subplot() if ax is None else ax
