"""Probabilities of ordered classes by the raw prediction, between thresholds; and what `predict` returns."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import ProportionalOdds

LABELS = ["1 star", "2", "3", "4", "5 stars"]
# Ratings as they often are: mostly 4 stars.
y = np.repeat(np.arange(5), [4, 8, 20, 40, 28])
loss = ProportionalOdds(5).on(y, 1.5 * (y - 2.6) + np.random.default_rng(0).logistic(size=100))
raw = np.linspace(-8.5, 7.5, 400)
shades = plt.get_cmap("viridis_r")(np.linspace(0.12, 0.95, 5))

figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.2), layout="constrained")  # legible on a phone
for p, shade, label in zip(loss.response(raw).T, shades, LABELS, strict=True):
    left.plot(raw, p, color=shade, linewidth=2)
    peak = int(np.argmax(p))
    at = {"1 star": -7.2, "5 stars": 6.3}.get(label, raw[peak])
    left.text(at, p.max() + 0.02, label, color=shade, horizontalalignment="center")
for threshold in loss.summary:
    left.axvline(threshold, color="0.8", linewidth=1, zorder=0)
left.set(xlabel="raw prediction", ylabel="probability", ylim=(0, 1.12), yticks=np.linspace(0, 1, 6))
left.set_title("One raw prediction, five classes")

for point, style in (("median", "-"), ("mean", "--"), ("mode", ":")):
    known = loss._with(point=point)
    right.step(raw, known.labels(raw) + 1, style, color="black" if point == "median" else "0.45", label=point)
for threshold in loss.summary:
    right.axvline(threshold, color="0.8", linewidth=1, zorder=0)
right.set(xlabel="raw prediction", ylabel="stars", yticks=range(1, 6))
right.set_title("What predict returns")
right.legend(frameon=False, loc="upper left")
