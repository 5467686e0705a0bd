"""Losses compared by the cost of missing and left-over goods."""

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib import pyplot as plt

from gbm_objectives import AbsoluteError, Huber, PoissonDeviance, Quantile, SquaredError, compare_losses
from gbm_objectives.plotting import plot_comparison

rng = np.random.default_rng(0)
X = rng.uniform(size=(1500, 3))
demand = rng.negative_binomial(4, 4 / (4 + np.exp(2 + 2 * X[:, 0] + X[:, 1])))


def cost(y_true, y_pred):
    """Return what is missing four times, and what is left over once."""
    return np.mean(4 * np.clip(y_true - y_pred, 0, None) + np.clip(y_pred - y_true, 0, None))


losses = [SquaredError(), AbsoluteError(), Huber("auto"), PoissonDeviance(), Quantile(0.8)]
engine = LGBMRegressor(n_estimators=60, num_leaves=7, verbosity=-1, n_jobs=1)
table = compare_losses(losses, engine, X, demand, scoring=cost)

figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
plot_comparison(table, ax)
