"""Robust losses: the loss, the pull of a row, and the weight with which it counts."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import (
    Cauchy,
    Fair,
    Huber,
    LogCosh,
    PseudoHuber,
    Tukey,
    Welsch,
)
from gbm_objectives.plotting import COLORS

r = np.linspace(-6.0, 6.0, 601)
target = np.zeros_like(r)
losses = {
    "Huber(delta=1)": (Huber(delta=1.0), "orange", "-"),
    "PseudoHuber(delta=1)": (PseudoHuber(delta=1.0), "yellow", "-"),
    "LogCosh(scale=1)": (LogCosh(scale=1.0), "red", "--"),
    "Fair(c=1)": (Fair(c=1.0), "purple", ":"),
    "Cauchy(scale=1)": (Cauchy(scale=1.0), "sky", "-"),
    "Welsch(scale=1)": (Welsch(scale=1.0), "blue", "--"),
    "Tukey(c=2)": (Tukey(c=2.0), "green", "-."),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
for name, (loss, color, style) in losses.items():
    curves = (
        loss.pointwise(target, r),
        loss.gradient(target, r),
        loss.outlier_weights(target, r),
    )
    for ax, curve in zip(axes, curves, strict=True):
        ax.plot(
            r,
            curve,
            style,
            color=COLORS[color],
            label=name if ax is axes[0] else None,
        )
for ax, title in zip(axes, ("Loss", "Gradient: the pull of a row", "Outlier weight"), strict=True):
    ax.set(title=title, xlabel="prediction − target", xlim=(-6, 6))
axes[0].set_ylim(-0.1, 4.0)
figure.legend(loc="outside lower center", ncols=4, frameon=False)
