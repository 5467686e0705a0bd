"""Each loss as the negative log-density of a noise."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import AbsoluteError, Huber, Quantile, SquaredError
from gbm_objectives.plotting import COLORS

y = np.linspace(-5.0, 5.0, 501)
centre = np.zeros_like(y)
rows = [
    (SquaredError(), 2.0, "red", "-"),
    (AbsoluteError(), 1.0, "blue", "--"),
    (Huber(delta=1.0), 1.0, "orange", "-"),
    (Quantile(alpha=0.8), 0.4, "purple", "-."),
]
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
for loss, scale, color, style in rows:
    distribution = loss.noise.distribution(centre, scale)
    left.plot(
        y,
        distribution.pdf(y),
        style,
        color=COLORS[color],
        label=f"{loss!r}: {loss.noise.name}",
    )
    # up to the constant log Z(b)
    right.plot(
        y,
        distribution.logpdf(0.0)[0] - distribution.logpdf(y),
        style,
        color=COLORS[color],
    )
left.set(title="Density of the noise", xlabel="target − prediction")
right.set(
    title="−log density, up to a constant: the loss",
    xlabel="target − prediction",
    ylim=(-0.1, 6),
)
figure.legend(loc="outside lower center", ncols=2, frameon=False)
