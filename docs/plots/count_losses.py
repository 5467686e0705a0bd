"""Deviances of one target, and the noise that each of them assumes: how the spread grows with the mean."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import (
    GammaDeviance,
    PoissonDeviance,
    SquaredError,
    TweedieDeviance,
)
from gbm_objectives.plotting import COLORS

mean = np.linspace(0.3, 12.0, 400)
target = np.full_like(mean, 4.0)
losses = {
    "PoissonDeviance()": (PoissonDeviance(), 1.0, "blue", "-"),
    "TweedieDeviance(power=1.5)": (
        TweedieDeviance(power=1.5),
        1.5,
        "green",
        "--",
    ),
    "GammaDeviance()": (GammaDeviance(), 2.0, "red", "-."),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for name, (loss, power, color, style) in losses.items():
    left.plot(
        mean,
        loss.pointwise(target, np.log(mean)),
        style,
        color=COLORS[color],
        label=name,
    )
    right.plot(mean, mean ** (0.5 * power), style, color=COLORS[color])
left.plot(
    mean,
    SquaredError().pointwise(target, mean),
    ":",
    color="0.5",
    label="SquaredError()",
)
right.plot(mean, np.ones_like(mean), ":", color="0.5")
left.set(title="Loss of a target of 4", xlabel="predicted mean", ylim=(0, 6))
right.set(
    title="Assumed standard deviation, up to a factor",
    xlabel="mean",
    ylim=(0, 12),
)
figure.legend(loc="outside lower center", ncols=2, frameon=False)
