"""
Robust and quantile fits of a noisy curve
=========================================

Some points of a noisy curve are far too high. Squared error follows them, absolute error does not, Huber's loss
lies between the two, and quantile losses fit a band. The figure is figure 3 of Natekin and Knoll (2013), drawn
anew with both engines.
"""

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

from demos.common import NAMES, command_line, show
from demos.smooth import FIT, REACH, sample, truth
from gbm_objectives import AbsoluteError, Huber, Quantile, SquaredError
from gbm_objectives.plotting import COLORS, plot_loss

options = command_line(__doc__, engine="both", seed=0)

# %%
# The sample and the losses
# -------------------------
# 2,000 points lie around 10 sin(x)/x, with normal noise. About one in 25 is an outlier: 8 is added to it, and
# never subtracted. Three panels of the figure will each compare a few losses.

x, y, outlier = sample(options.seed)

FITS = {
    "F   MSE and MAE": {"MSE": (SquaredError(), "red"), "MAE": (AbsoluteError(), "blue")},
    "G   Huber": {
        "δ = 4": (Huber(delta=4.0), "red"),
        "δ = 2": (Huber(delta=2.0), "green"),
        "δ = 1": (Huber(delta=1.0), "blue"),
    },
    "H   quantile": {
        "α = 0.9": (Quantile(alpha=0.9), "red"),
        "α = 0.5": (Quantile(alpha=0.5), "blue"),
        "α = 0.1": (Quantile(alpha=0.1), "green"),
    },
}
LOSSES = [loss for fits in FITS.values() for loss, _ in fits.values()]

# %%
# Smooth fits
# -----------
# Trees make steps, while the paper's curves are smooth. Here LightGBM grows trees with linear leaves on powers
# of x, and XGBoost boosts a linear model on splines (``demos/smooth.py``). Both are trained as usual: ``train``
# takes the loss and returns the engine's own model.

curves = {engine: {} for engine in options.engines}
for engine, loss in tqdm([(engine, loss) for engine in options.engines for loss in LOSSES], unit="fit"):
    curves[engine][loss] = FIT[engine](loss, x, y, options.seed)

# %%
# LightGBM
# --------
# Panels A to D show losses with their gradients and curvatures, E the sample. In panel F the outliers lift the
# squared-error fit above the curve, and leave the absolute-error fit where it belongs. Under Huber's loss (G)
# they lift the fit less, the smaller δ is. The quantile fits (H) enclose the bulk of the sample.


def draw(engine):
    """Draw the eight panels."""
    figure, axes = plt.subplots(2, 4, figsize=(13, 7.6), height_ratios=[2, 3], layout="constrained")
    figure.suptitle(f"Smooth gradient boosting of sinc(x) with {NAMES[engine]}")
    panels = {
        "A   squared error": SquaredError(),
        "B   absolute error": AbsoluteError(),
        "C   Huber, δ = 1": Huber(delta=1.0),
        "D   quantile, α = 0.9": Quantile(alpha=0.9),
    }
    for ax, (title, loss) in zip(axes[0], panels.items(), strict=True):
        plot_loss(loss, ax, span=3.0)
        ax.set_title(title, loc="left")
        ax.set(ylabel="", ylim=(-3.2, 6.5), xticks=range(-3, 4))
    # One legend will do; squared error leaves no room for it.
    axes[0, 1].legend(axes[0, 1].get_lines(), ["loss", "gradient", "curvature"], loc="upper center", frameon=False)

    for ax in axes[1]:
        ax.plot(x[~outlier], y[~outlier], ".", color="0.8", markersize=2, label="sample", zorder=0)
        ax.plot(x[outlier], y[outlier], "x", color="0.55", markersize=3.5, label="outliers", zorder=0)
        ax.set(xlabel="x", xlim=(-REACH, REACH), ylim=(-4.5, 24.0))
    grid = np.linspace(-REACH, REACH, 1501)
    axes[1, 0].set_title("E   sinc(x) and the sample", loc="left")
    axes[1, 0].set_ylabel("y")
    axes[1, 0].plot(grid, truth(grid), color=COLORS["black"], label="10 sin(x)/x")
    axes[1, 0].legend(loc="upper left", ncols=2, frameon=False, markerscale=2, columnspacing=1)
    for ax, (title, fits) in zip(axes[1, 1:], FITS.items(), strict=True):
        ax.set_title(title, loc="left")
        (dotted,) = ax.plot(grid, truth(grid), ":", color=COLORS["black"], zorder=3, label="truth")
        shown = [
            ax.plot(grid, curves[engine][loss](grid), color=COLORS[color], linewidth=1.3, label=label)[0]
            for label, (loss, color) in fits.items()
        ]
        ax.legend(handles=[*shown, dotted], loc="upper left", ncols=2, frameon=False, columnspacing=1)
    return figure


if "lightgbm" in options.engines:
    show(draw("lightgbm"), options.output / "sinc_lightgbm.png")

# %%
# XGBoost
# -------
# The same losses, another engine and another base learner: the fits are alike.

if "xgboost" in options.engines:
    show(draw("xgboost"), options.output / "sinc_xgboost.png")

# %%
# How near, and how many below
# ----------------------------
# The distance to the true curve, and the share of sample points that lie under the fit: for a quantile loss it
# should be α.

print(f"{'loss':<20}" + "".join(f"{NAMES[engine]:>22}" for engine in options.engines))
print(f"{'':<20}" + f"{'RMSE':>12}{'under':>10}" * len(options.engines))
for loss in LOSSES:
    fits = [curves[engine][loss](x) for engine in options.engines]
    cells = [f"{np.sqrt(np.mean((fit - truth(x)) ** 2)):>12.3f}{np.mean(y <= fit):>10.3f}" for fit in fits]
    print(f"{loss!r:<20}" + "".join(cells))

# %%
# Outliers on one side lift the squared-error fit the most. Absolute error and Huber's loss with a small δ stay
# on the curve, and the quantile fits have about the share of the sample below them that they should.
#
# **Reference.** Natekin and Knoll (2013). *Gradient boosting machines, a tutorial*. Frontiers in Neurorobotics
# 7:21.
