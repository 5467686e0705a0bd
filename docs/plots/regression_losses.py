"""How much each loss of a number charges for an error."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import (
    AbsoluteError,
    Expectile,
    Huber,
    Quantile,
    SquaredError,
    Tukey,
)
from gbm_objectives.plotting import COLORS

r = np.linspace(-4.0, 4.0, 401)
target = np.zeros_like(r)
panels = {
    "Which error is large?": {
        "SquaredError()": (SquaredError(), "red", "-"),
        "Huber(delta=1)": (Huber(delta=1.0), "orange", "-"),
        "AbsoluteError()": (AbsoluteError(), "blue", "--"),
        "Tukey(c=3)": (Tukey(c=3.0), "green", "-."),
    },
    "Which side is worse?": {
        "Quantile(alpha=0.9)": (Quantile(alpha=0.9), "purple", "-"),
        "Quantile(alpha=0.5)": (Quantile(alpha=0.5), "blue", "--"),
        "Quantile(alpha=0.1)": (Quantile(alpha=0.1), "sky", "-."),
        "Expectile(alpha=0.9)": (Expectile(alpha=0.9), "red", ":"),
    },
}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
for ax, (title, losses) in zip(axes, panels.items(), strict=True):
    for name, (loss, color, style) in losses.items():
        ax.plot(r, loss.pointwise(target, r), style, color=COLORS[color], label=name)
    ax.set(
        title=title,
        xlabel="prediction − target",
        ylim=(-0.1, 5.0),
        xlim=(-4, 4),
    )
    ax.legend(frameon=False, loc="upper center")
axes[0].set_ylabel("loss")
