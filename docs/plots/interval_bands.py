"""A model's own intervals are too narrow for new rows; calibrated ones are not."""

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib import pyplot as plt

from gbm_objectives import GBMRegressor, MultiQuantile
from gbm_objectives.plotting import plot_prediction_interval


def sample(rng, n_rows):
    """Return a wave whose noise is largest in the middle."""
    x = rng.uniform(0.0, 9.0, n_rows)
    spread = 0.15 + 1.2 * np.exp(-(((x - 4.5) / 1.2) ** 2))
    return x[:, None], np.sin(1.5 * x) + spread * rng.standard_normal(n_rows)


rng = np.random.default_rng(0)
engine = LGBMRegressor(n_estimators=300, verbosity=-1, n_jobs=1)
model = GBMRegressor(MultiQuantile(alphas=(0.05, 0.5, 0.95)), engine).fit(*sample(rng, 1000))
known, (X, y) = sample(rng, 500), sample(rng, 1000)

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
for ax, title in zip(axes, ("The model's own", "Calibrated"), strict=True):
    if title == "Calibrated":
        model.calibrate(*known)
    low, high = model.predict_interval(X, coverage=0.9).T
    plot_prediction_interval(model, X[::2], y[::2], ax)  # half of the points: enough to see, in a small file
    ax.set(
        title=f"{title}: {np.mean((low <= y) & (y <= high)):.0%} of new targets inside",
        xlabel="x",
    )
