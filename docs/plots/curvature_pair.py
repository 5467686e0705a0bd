"""The consistent pair of |r|: a smoothed gradient, a curvature, and the step that a row alone takes."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives.curvature import consistent_pair
from gbm_objectives.plotting import COLORS

r = np.linspace(-7.0, 7.0, 1401)
gradient, curvature = consistent_pair(r, np.array(1.0), flatness=2.0)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.0), layout="constrained")
axes[0].plot(r, np.sign(r), color="0.6", label="sign(r)")
axes[0].plot(r, gradient, color=COLORS["blue"], label="r / max(|r|, s)")
axes[0].set_title("Gradient")
axes[1].plot(r, curvature, color=COLORS["blue"], label="1 / min(max(|r|, s), 2 s)")
axes[1].set(title="Curvature")
axes[2].plot(r, -r, color="0.6", label="to the target")
axes[2].plot(
    r,
    -gradient / curvature,
    color=COLORS["blue"],
    label="−gradient / curvature",
)
axes[2].set_title("Step of a row alone")
for ax in axes:
    ax.set_xlabel("r, in units of s")
    ax.legend(frameon=False, fontsize="small")
axes[0].set_ylim(-1.1, 1.6)
axes[1].set_ylim(0, 1.4)
