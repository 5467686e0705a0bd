"""
A distribution for every row
============================

The noise of these data grows from left to right. A model with one scale for all rows gives intervals that are
too wide on the left and too narrow on the right; the losses of `gbm_objectives.distributions` fit a scale to
each row. One also sees which measures notice the difference: coverage over all rows does not.
"""

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from xgboost import XGBRegressor

from gbm_objectives import GBMRegressor, SquaredError
from gbm_objectives.distributions import Normal, StudentT
from gbm_objectives.plotting import plot_calibration, plot_prediction_interval

ENGINE = "lightgbm"  # or "xgboost"

# %%
# A wave with growing noise
# -------------------------
# The noise is twelve times as large on the right as on the left. One set of rows trains, one stops training
# early, one is held out.

ROWS = 3000
rng = np.random.default_rng(0)


def sample():
    """Return x as a column, and y."""
    x = rng.uniform(0.0, 10.0, ROWS)
    spread = 0.1 + 1.1 / (1.0 + np.exp(-2.0 * (x - 6.0)))
    return x[:, None], 2.0 * np.sin(x) + spread * rng.standard_normal(ROWS)


(X, y), (X_stop, y_stop), (X_test, y_test) = sample(), sample(), sample()

# %%
# One estimator, four losses
# --------------------------
# `SquaredError` has a likelihood too, that of normal noise of one scale. `Normal` and `StudentT` fit every
# parameter to each row, by maximum likelihood or by the continuous ranked probability score (CRPS).

estimator = {
    "lightgbm": LGBMRegressor(
        n_estimators=1000, num_leaves=8, min_child_samples=40, early_stopping_round=50, n_jobs=1, verbosity=-1
    ),
    "xgboost": XGBRegressor(
        n_estimators=1000, learning_rate=0.1, max_depth=3, min_child_weight=20, early_stopping_rounds=50, n_jobs=1
    ),
}[ENGINE]
LOSSES = {
    "SquaredError": SquaredError(),
    "Normal": Normal(),
    "Normal, CRPS": Normal(score="crps"),
    "StudentT": StudentT(),
}
models = {
    name: GBMRegressor(loss, estimator).fit(X, y, eval_set=[(X_stop, y_stop)]) for name, loss in LOSSES.items()
}

# %%
# Two bands
# ---------
# On the left the band of one scale holds every row where the data are quiet and misses many where they are not,
# on the right that of `Normal` follows. Below, the probability integral transform says where in its predicted
# distribution each held-out target lies. It is uniform where the distributions are right. Under one scale it is
# humped: on the quiet side all targets lie in the middle of distributions that are too wide.

figure, axes = plt.subplots(2, 2, figsize=(11, 7), sharey="row", layout="constrained", height_ratios=[3, 2])
titles = {"SquaredError": "SquaredError: one scale for all rows", "Normal": "Normal: a scale for each row"}
for (above, below), (name, title) in zip(axes.T, titles.items(), strict=True):
    plot_prediction_interval(models[name], X_test[:1000], y_test[:1000], above)
    above.set(xlabel="x", xlim=(0, 10))
    above.set_title(title, loc="left")
    plot_calibration(models[name], X_test, y_test, below)
axes[0, 0].set_ylabel("y")
for ax in axes[:, 1]:
    ax.set_ylabel("")
    ax.get_legend().remove()
plt.show()

# %%
# Held-out scores
# ---------------
# Negative log-likelihood, CRPS (smaller is better for both), and the share of targets in their 90% interval: of
# all rows, of the quiet ones and of the loud ones.

quiet, loud = X_test[:, 0] < 4.0, X_test[:, 0] > 8.0
print(f"{'loss':<16}{'NLL':>8}{'CRPS':>8}{'all rows':>10}{'x < 4':>8}{'x > 8':>8}")
for name, model in models.items():
    nll = -model.log_likelihood(X_test, y_test) / ROWS
    low, high = model.predict_interval(X_test, coverage=0.9).T
    held = (low <= y_test) & (y_test <= high)
    shares = f"{held.mean():>10.3f}{held[quiet].mean():>8.3f}{held[loud].mean():>8.3f}"
    print(f"{name:<16}{nll:>8.3f}{model.crps(X_test, y_test):>8.3f}{shares}")

# %%
# ``predict_params`` returns the parameters by name. The true spreads at x = 1 and x = 9 are 0.10 and 1.20, the
# true centres 1.68 and 0.82.

for name in ("Normal", "StudentT"):
    params = models[name].predict_params(np.array([[1.0], [9.0]]))
    for parameter in params.dtype.names:
        print(f"{name:<10}{parameter:<8}" + "".join(f"{value:>8.2f}" for value in params[parameter]))

# %%
# Over all rows each model's intervals hold close to 90% of the targets. Likelihood, CRPS and coverage by region
# tell that one scale is wrong, and so does the histogram.
#
# **References.** Duan et al. (2020). *NGBoost: natural gradient boosting for probabilistic prediction*. ICML.
# Gneiting, Balabdaoui and Raftery (2007). *Probabilistic forecasts, calibration and sharpness*. Journal of the
# Royal Statistical Society B 69, 243-268, section 3.
