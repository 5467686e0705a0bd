"""The pinball loss at three levels, and what it fits: quantiles of a skewed sample."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import Expectile, Quantile
from gbm_objectives.plotting import COLORS

rng = np.random.default_rng(0)
y = rng.gamma(2.0, 1.0, 5000)
f = np.linspace(0.0, 7.0, 281)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for alpha, color, style in (
    (0.1, "sky", "-."),
    (0.5, "blue", "--"),
    (0.9, "purple", "-"),
):
    loss = Quantile(alpha=alpha)
    left.plot(
        f,
        [loss.value(y, np.full_like(y, one)) for one in f],
        style,
        color=COLORS[color],
        label=f"α = {alpha}",
    )
    best = loss.initial_raw(y)
    left.plot(best, loss.value(y, np.full_like(y, best)), "o", color=COLORS[color])
    right.axvline(
        best,
        linestyle=style,
        color=COLORS[color],
        label=f"Quantile, α = {alpha}",
    )
right.axvline(
    Expectile(alpha=0.9).initial_raw(y),
    linestyle=":",
    color=COLORS["red"],
    label="Expectile, α = 0.9",
)
right.hist(y, 60, range=(0.0, 9.0), color="0.85", density=True)
left.set(
    title="Mean pinball loss of one prediction for all",
    xlabel="prediction",
    ylim=(0, 2),
)
right.set(
    title="The minimisers, in the sample",
    xlabel="target",
    ylabel="density",
    xlim=(0, 9),
)
left.legend(frameon=False)
right.legend(frameon=False, loc="center right")
