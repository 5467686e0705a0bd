"""How hard ranking losses pull at each row of a query, from an order of which only some is right."""

import numpy as np
from matplotlib import pyplot as plt

from gbm_objectives import LambdaRank, ListNet, RankNet
from gbm_objectives.plotting import COLORS

relevance = np.array([1.0, 0, 0, 4, 0, 1, 0, 0, 2, 0, 0, 1])
rank = np.arange(1, len(relevance) + 1)
raw = -0.3 * rank
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), sharey=True, layout="constrained")
for ax, (name, loss, color) in zip(
    axes,
    [
        ("RankNet()", RankNet(), "green"),
        ("ListNet()", ListNet(), "orange"),
        ("LambdaRank()", LambdaRank(), "blue"),
    ],
    strict=True,
):
    pull = -loss.gradient(relevance, raw, group=[len(relevance)])
    pull /= np.abs(pull).sum()
    ax.bar(rank, pull, color=COLORS[color])
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    for x, grade in zip(rank, relevance, strict=True):
        ax.text(x, 0.54, f"{grade:g}", ha="center", va="top", color="black" if grade else "0.7")
    ax.set(title=name, xlabel="rank now", xticks=rank[::2])
axes[0].set_ylabel("pull up, as a share of all pulls")
axes[0].set_ylim(-0.25, 0.56)
