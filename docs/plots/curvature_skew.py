"""Skewed noise: smoothing draws the fit towards the mean, a width for each side takes it back to the median."""

import numpy as np
from matplotlib import pyplot as plt
from scipy.optimize import brentq

from gbm_objectives.curvature import consistent_pair
from gbm_objectives.losses.widths import residual_widths
from gbm_objectives.plotting import COLORS

y = np.random.default_rng(0).lognormal(0.0, 1.0, 20_000)


def balanced(widths):
    """Return the constant at which the pull from above and that from below are equal."""
    return brentq(
        lambda f: consistent_pair(f - y, widths(f))[0].sum(),
        np.quantile(y, 0.01),
        y.mean(),
    )


def one_width(f):
    """Return four times the mean of min(|r|, s) over all rows."""
    s = 4.0
    for _ in range(50):
        s = 4.0 * np.minimum(np.abs(f - y), s).mean()
    return np.array(s)


def two_widths(f):
    """Return each row's width: one for the rows above the prediction, one for those below."""
    raw = np.full_like(y, f)
    return residual_widths(raw, y, local=False).of_rows(raw - y, raw, y)[0]


places = {
    "median": (np.median(y), "black", "-"),
    "a width for each side": (balanced(two_widths), "blue", "--"),
    "one width": (balanced(one_width), "orange", "-."),
    "mean": (y.mean(), "red", ":"),
}
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.hist(y, 80, range=(0.0, 5.0), color="0.88", density=True)
for name, (place, color, style) in places.items():
    ax.axvline(
        place,
        linestyle=style,
        color=COLORS[color],
        label=f"{name}: {place:.2f}",
    )
ax.set(xlabel="target", ylabel="density", xlim=(0, 5))
ax.legend(frameon=False)
