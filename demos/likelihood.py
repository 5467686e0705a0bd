"""
A loss is an assumption about noise
===================================

To minimise a loss is to maximise a likelihood, that of the noise which the loss assumes. Data with noise of four
kinds are each fitted under the loss that assumes it and under three others. The right loss is the most likely
one on held-out rows, and data drawn from its model look like the real ones.
"""

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from tqdm import tqdm
from xgboost import XGBRegressor

from demos.common import command_line, show
from gbm_objectives import AbsoluteError, GBMRegressor, Huber, Quantile, SquaredError
from gbm_objectives.plotting import COLORS, plot_prediction_interval

options = command_line(__doc__, engine="lightgbm", seed=0)

# %%
# Four kinds of noise
# -------------------
# Each loss with a likelihood has ``noise``, whose ``distribution`` is one of SciPy's, and the noise is drawn
# from it, around a wave that slows down. The last is asymmetric: the wave is its 0.8 quantile.

LOSSES = {
    "normal": SquaredError(),
    "Laplace": AbsoluteError(),
    "Huber": Huber(delta=0.5),
    "asymmetric Laplace": Quantile(alpha=0.8),
}
SCALES = {"normal": 0.5, "Laplace": 0.4, "Huber": 0.25, "asymmetric Laplace": 0.2}
ROWS = 4000


def wave(x):
    """Return the centre of the data."""
    return 3.0 * np.sin(6.0 * np.sqrt(x))


samples = {}
for noise, loss in LOSSES.items():
    rng = np.random.default_rng(options.seed)
    samples[noise] = []
    for _ in ("to train", "to choose round and scale", "to judge"):
        x = rng.uniform(0.0, 4.0, ROWS)
        y = loss.noise.distribution(wave(x), SCALES[noise]).rvs(random_state=rng)
        samples[noise].append((x[:, None], y))

# %%
# Sixteen models
# --------------
# Each set of data under each loss, with early stopping. The scale of the noise is estimated on the rows that
# stop the training.

settings = {"n_estimators": 500, "learning_rate": 0.05, "n_jobs": 1}
estimator = {
    "lightgbm": LGBMRegressor(
        num_leaves=8, min_child_samples=40, early_stopping_round=20, verbosity=-1, **settings
    ),
    "xgboost": XGBRegressor(max_depth=3, min_child_weight=20, early_stopping_rounds=20, **settings),
}[options.engine]
models, likelihood = {}, {}
for noise, name in tqdm([(noise, name) for noise in LOSSES for name in LOSSES], unit="model"):
    (X, y), chosen, (X_test, y_test) = samples[noise]
    models[noise, name] = GBMRegressor(LOSSES[name], estimator).fit(X, y, eval_set=[chosen])
    likelihood[noise, name] = models[noise, name].log_likelihood(X_test, y_test) / ROWS

# %%
# Held-out log-likelihood per row
# -------------------------------
# The noise of the data by row, the loss by column; the largest number of a row has a star.

print(f"{'noise':<20}" + "".join(f"{type(loss).__name__:>14}" for loss in LOSSES.values()))
best = {noise: max(LOSSES, key=lambda name, noise=noise: likelihood[noise, name]) for noise in LOSSES}
for noise in LOSSES:
    cells = [f"{likelihood[noise, name]:.3f}" + ("*" if name == best[noise] else " ") for name in LOSSES]
    print(f"{noise:<20}" + "".join(f"{cell:>14}" for cell in cells))

# %%
# The right loss also finds the scale of the noise:

print(f"{'scale b':<20}{'true':>14}{'fitted':>14}")
for noise, scale in SCALES.items():
    print(f"{noise:<20}{scale:>14.3f}{models[noise, noise].noise_scale_:>14.3f}")

# %%
# Data drawn from the models
# --------------------------
# Above are the held-out data, with the 90% interval of the right model; below them a sample drawn from that
# model; at the bottom the distances from the true wave, of the data and of samples from the right model and from
# a wrong one.

figure, axes = plt.subplots(3, 4, figsize=(13, 8.5), sharey="row", layout="constrained", height_ratios=[3, 3, 2])
bins = np.linspace(-4, 4, 65)
for (above, middle, below), noise in zip(axes.T, LOSSES, strict=True):
    X, y = samples[noise][2]
    wrong = "Laplace" if noise == "normal" else "normal"
    drawn, other = (models[noise, name].sample(X, random_state=options.seed)[:, 0] for name in (noise, wrong))
    for ax, values, what in ((above, y, "the data"), (middle, drawn, "drawn")):
        plot_prediction_interval(models[noise, noise], X[:1000], values[:1000], ax)
        ax.set_title(f"{noise}: {what}", loc="left")
        ax.set(xlabel="x", ylim=(-8.5, 9.5), yticks=[-8, -4, 0, 4, 8])
        if ax is not axes[0, 0]:
            ax.get_legend().remove()
    steps = {"bins": bins, "histtype": "step"}
    below.hist(y - wave(X[:, 0]), bins, color="0.75", label="data")
    below.hist(drawn - wave(X[:, 0]), **steps, color=COLORS["blue"], linewidth=1.5, label="right loss")
    below.hist(other - wave(X[:, 0]), **steps, color=COLORS["red"], linestyle="--", label=wrong)
    below.set(xlabel="distance from the wave", xlim=(-4, 4))
    below.legend(frameon=False, fontsize="small")
for ax, label in zip(axes[:, 0], ("y", "y", "rows"), strict=True):
    ax.set_ylabel(label)
show(figure, options.output / "likelihood.png")

# %%
# A draw from the right model has the spread, tails and asymmetry of the data, one from a wrong model has not.

won = sum(best[noise] == noise for noise in LOSSES)
print(f"The loss whose noise made the data is the most likely in {won} of {len(LOSSES)} rows.")

# %%
# **Reference.** Hastie, Tibshirani and Friedman (2009). *The Elements of Statistical Learning*, section 2.6.3.
