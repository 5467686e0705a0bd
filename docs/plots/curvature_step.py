"""Where one Newton step of a leaf lands, under three pairs of gradient and curvature for absolute error."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import AbsoluteError
from gbm_objectives.plotting import COLORS

rng = np.random.default_rng(3)
far = 20.0 + 3.0 * rng.standard_normal(30)
others = 3.0 * rng.standard_normal(970)  # rows of other leaves: the width s is that of all rows
units = {
    "A   a leaf far from its targets": 1.0,
    "B   the same targets in another unit": 0.01,
}


def newton_step(gradient, curvature):
    """Return the value that an engine gives to the leaf."""
    return -np.sum(gradient) / np.sum(curvature)


figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for ax, (title, unit) in zip(axes, units.items(), strict=True):
    y = unit * far
    r = -y  # the current prediction is 0
    everyone = np.concatenate([y, unit * others])
    pair = AbsoluteError().gradient_hessian(everyone, np.zeros(1000))
    s = 2 * np.abs(everyone).mean()
    steps = {
        "sign(r) and 1": (newton_step(np.sign(r), np.ones(30)), "red", "v"),
        "sign(r) and 1/(|r| + s)": (
            newton_step(np.sign(r), 1 / (np.abs(r) + s)),
            "orange",
            "s",
        ),
        "consistent pair": (
            newton_step(pair[0][:30], pair[1][:30]),
            "blue",
            "o",
        ),
    }
    value = np.linspace(-0.1, 1.4, 300) * max(step for step, _, _ in steps.values())
    ax.plot(value, np.abs(value[:, None] - y).mean(axis=1), color="0.5")
    for name, (step, color, marker) in steps.items():
        ax.plot(
            step,
            np.abs(step - y).mean(),
            marker,
            color=COLORS[color],
            markersize=9,
            label=name,
        )
    ax.plot(y, np.zeros(30), "|", color="0.5", label="targets of the leaf")
    ax.set(title=title, xlabel="value of the leaf")
axes[0].set_ylabel("mean absolute error of the leaf")
axes[0].legend(frameon=False)
