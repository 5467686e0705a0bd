"""
Three rows in ten are outliers
==============================

So many outliers on one side lift even the fits of absolute error and Huber's loss, because each of them pulls as
hard as a row nearby. The redescending losses of Cauchy, Welsch and Tukey let go of rows that are far away. One
sees how near their fits come to the true curve, and which rows they left out.
"""

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

from demos.common import NAMES, command_line, show
from demos.smooth import FIT, REACH, sample, truth
from gbm_objectives import AbsoluteError, Cauchy, Huber, Tukey, Welsch
from gbm_objectives.plotting import COLORS

options = command_line(__doc__, engine="both", seed=0)

# %%
# The sample is that of the sinc demo, but three rows in ten are lifted by 8.

x, y, outlier = sample(options.seed, share=0.3)

# %%
# How far is far?
# ---------------
# Each of these losses has a parameter in the unit of the target, which says from where on a residual is large. A
# fit of absolute error tells the size of the noise: the median of its absolute residuals, over 0.6745, estimates
# a standard deviation. The textbook multiples of it keep 95% efficiency under normal noise. (``"auto"`` takes
# the same multiples of the spread of the residuals in each round.)

curves, weights = {}, {}
for engine in tqdm(options.engines, unit="engine"):
    fit = FIT[engine]
    curves[engine] = {"MAE": fit(AbsoluteError(), x, y, options.seed)}
    noise = float(np.median(np.abs(y - curves[engine]["MAE"](x)))) / 0.6745
    losses = {
        "Huber": Huber(delta=1.345 * noise),
        "Cauchy": Cauchy(scale=2.385 * noise),
        "Welsch": Welsch(scale=2.985 * noise),
        "Tukey": Tukey(c=4.685 * noise),
    }
    curves[engine] |= {name: fit(loss, x, y, options.seed) for name, loss in losses.items()}
    weights[engine] = losses["Tukey"].outlier_weights(y, curves[engine]["Tukey"](x))

# %%
# LightGBM
# --------
# Panel A shows how far each fit is from the true curve, panel B the sample. The colour of a row is its outlier
# weight under Tukey's loss, with which it counts in the fit: 0 for outliers, close to 1 near the curve.

STYLES = {
    "MAE": ("red", "-"),
    "Huber": ("orange", "-"),
    "Cauchy": ("green", "--"),
    "Welsch": ("purple", "-"),
    "Tukey": ("blue", "--"),
}


def draw(engine):
    """Draw what the fits are off by, and the sample coloured by the weights that Tukey's loss gave it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), sharex=True, layout="constrained")
    grid = np.linspace(-REACH, REACH, 1501)
    for name, (color, style) in STYLES.items():
        error = curves[engine][name](grid) - truth(grid)
        left.plot(grid, error, style, color=COLORS[color], linewidth=1.2, label=name)
    left.axhline(0.0, color=COLORS["black"], linewidth=0.8, zorder=0)
    left.set_title(f"A   fits with {NAMES[engine]}, less 10 sin(x)/x", loc="left")
    left.legend(loc="upper left", ncols=3, frameon=False)
    left.set(xlabel="x", ylabel="fit less truth", xlim=(-REACH, REACH), ylim=(-0.4, 1.4))
    points = right.scatter(x, y, c=weights[engine], s=6, cmap="viridis", vmin=0.0, vmax=1.0)
    right.set_title("B   how much a row counts under Tukey's loss", loc="left")
    right.set(xlabel="x", ylabel="y")
    figure.colorbar(points, ax=right, label="outlier weight, ψ(r)/r over its maximum")
    return figure


if "lightgbm" in options.engines:
    show(draw("lightgbm"), options.output / "outliers_lightgbm.png")

# %%
# XGBoost
# -------
# Spline fits are smoother, and off by about as much.

if "xgboost" in options.engines:
    show(draw("xgboost"), options.output / "outliers_xgboost.png")

# %%
# How near
# --------
# The root mean squared distance of each fit from the true curve:

print(f"{'loss':<10}" + "".join(f"{NAMES[engine]:>12}" for engine in options.engines))
for name in STYLES:
    errors = [np.sqrt(np.mean((curves[engine][name](x) - truth(x)) ** 2)) for engine in options.engines]
    print(f"{name:<10}" + "".join(f"{error:>12.3f}" for error in errors))

# %%
# Welsch's and Tukey's losses come nearest to the curve. Cauchy's pulls ever less but never lets go entirely, and
# is hardly better than absolute error; Huber's loss is the worst here. In return the redescending losses are not
# convex: they need a scale that fits the noise, and may settle on the wrong bulk of rows where outliers are the
# majority.
#
# **Reference.** Beaton and Tukey (1974). *The fitting of power series, meaning polynomials, illustrated on
# band-spectroscopic data*. Technometrics 16(2).
