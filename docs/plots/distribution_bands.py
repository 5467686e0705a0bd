"""Noise that grows: intervals of one scale for all rows, and of a scale for each."""

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib import pyplot as plt

from gbm_objectives import GBMRegressor, SquaredError
from gbm_objectives.distributions import Normal
from gbm_objectives.plotting import plot_calibration, plot_prediction_interval

rng = np.random.default_rng(0)
X = rng.uniform(0.0, 10.0, (4500, 1))
y = 2.0 * np.sin(X[:, 0]) + (0.1 + 0.1 * X[:, 0]) * rng.standard_normal(4500)
train, valid, test = slice(1500), slice(1500, 3000), slice(3000, None)

figure, axes = plt.subplots(
    2,
    2,
    figsize=(8, 5.4),
    sharey="row",
    layout="constrained",
    height_ratios=[3, 2],
)
titles = {
    "SquaredError(): one scale": SquaredError(),
    "Normal(): a scale for each row": Normal(),
}
for column, (title, loss) in zip(axes.T, titles.items(), strict=True):
    engine = LGBMRegressor(
        n_estimators=500,
        num_leaves=8,
        min_child_samples=40,
        early_stopping_round=30,
        verbosity=-1,
        n_jobs=1,
    )
    model = GBMRegressor(loss, engine).fit(X[train], y[train], eval_set=[(X[valid], y[valid])])
    # A third of the points is enough to see, in a file of the repository.
    plot_prediction_interval(model, X[test][::3], y[test][::3], column[0])
    column[0].set(title=title, xlabel="x")
    plot_calibration(model, X[test], y[test], column[1])
