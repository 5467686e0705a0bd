"""Back-propagation through a sigmoid: the slope that squared error keeps and cross-entropy cancels."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import BinaryCrossEntropy, SigmoidSquaredError
from gbm_objectives.contract.links import LOGIT
from gbm_objectives.plotting import COLORS

f = np.linspace(-8.0, 8.0, 401)
negative = np.zeros_like(f)
p = LOGIT.inverse(f)

figure, axes = plt.subplots(1, 3, figsize=(9, 3.0), layout="constrained")
axes[0].plot(f, p, color=COLORS["black"], label="p = σ(f)")
axes[0].plot(f, p * (1 - p), ":", color=COLORS["black"], label="its slope σ′(f)")
axes[0].set_title("The link")
axes[0].legend(frameon=False)
for ax, loss, color, title in (
    (axes[1], SigmoidSquaredError(), "red", "Squared error: 2 (p − y) σ′"),
    (axes[2], BinaryCrossEntropy(), "blue", "Cross-entropy: p − y"),
):
    ax.plot(f, loss.gradient(negative, f), color=COLORS[color])
    ax.set(title=title, ylim=(-0.05, 1.05))
axes[1].annotate(
    "badly wrong:\nno gradient",
    (6.5, 0.02),
    (2.0, 0.6),
    arrowprops={"arrowstyle": "->"},
)
axes[2].annotate(
    "badly wrong:\nfull gradient",
    (6.5, 1.0),
    (-6.5, 0.75),
    arrowprops={"arrowstyle": "->"},
)
for ax in axes:
    ax.set_xlabel("f (label: 0)")
