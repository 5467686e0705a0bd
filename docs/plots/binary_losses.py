"""Losses of a positive label by the raw prediction, and how hard each pulls."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import (
    BinaryCrossEntropy,
    Exponential,
    Focal,
    Hinge,
    SigmoidSquaredError,
    SquaredHinge,
)
from gbm_objectives.plotting import COLORS

f = np.linspace(-4.0, 4.0, 401)
positive = np.ones_like(f)
losses = {
    "BinaryCrossEntropy()": (BinaryCrossEntropy(), "blue", "-"),
    "Focal(gamma=2)": (Focal(gamma=2.0), "sky", "--"),
    "SigmoidSquaredError()": (SigmoidSquaredError(), "red", "-"),
    "Hinge()": (Hinge(), "green", "-"),
    "SquaredHinge()": (SquaredHinge(), "green", ":"),
    "Exponential()": (Exponential(), "orange", "-."),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for name, (loss, color, style) in losses.items():
    left.plot(f, loss.pointwise(positive, f), style, color=COLORS[color], label=name)
    right.plot(f, -loss.gradient(positive, f), style, color=COLORS[color])
left.set(title="Loss", xlabel="raw prediction", ylim=(-0.1, 5.0), xlim=(-4, 4))
right.set(
    title="Pull towards the label, −gradient",
    xlabel="raw prediction",
    ylim=(-0.1, 3.0),
    xlim=(-4, 4),
)
figure.legend(loc="outside lower center", ncols=3, frameon=False)
