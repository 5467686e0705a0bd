"""Outliers lift the squared-error fit, not that of absolute error; quantiles fit a band. One panel, for phones."""

from matplotlib import pyplot as plt

from demos.smooth import fit_xgboost, sample, truth
from gbm_objectives import AbsoluteError, Quantile, SquaredError
from gbm_objectives.plotting import COLORS

x, y, outlier = sample(seed=0, n=1000, share=0.1)
fits = {
    loss: fit_xgboost(loss, x, y, seed=0)(x)
    for loss in (SquaredError(), AbsoluteError(), Quantile(alpha=0.05), Quantile(alpha=0.8))
}
mean, median, low, high = fits.values()

figure, ax = plt.subplots(figsize=(4.8, 3.4), layout="constrained")
ax.plot(x[~outlier], y[~outlier], ".", color="0.8", markersize=3, zorder=0)
ax.plot(x[outlier], y[outlier], "x", color="0.5", markersize=4, label="outliers")
ax.fill_between(x, low, high, color=COLORS["sky"], alpha=0.4, linewidth=0, label="5% and 80% quantiles")
ax.plot(x, mean, color=COLORS["red"], linewidth=2, label="squared error")
ax.plot(x, median, color=COLORS["blue"], linewidth=2, label="absolute error")
ax.plot(x, truth(x), ":", color="black", label="truth")
ax.set(xlim=(-15, 15), xticks=[], yticks=[])
ax.legend(frameon=False, loc="upper left", fontsize=9)
