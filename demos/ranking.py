"""
Search by example
=================

One drawing of a digit is the query, thirty others are to be put in order, those of the same digit first. Some
drawings are far from all others, so numbers of different queries are not comparable, and ranking losses do not
compare them. Three of them on real drawings, beside a distance, and beside a classifier that knows of no queries.
"""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMClassifier, LGBMRanker
from sklearn.datasets import load_digits
from xgboost import XGBClassifier, XGBRanker

from gbm_objectives import GBMClassifier, GBMRanker, LambdaRank, ListNet, RankNet
from gbm_objectives.plotting import COLORS

ENGINE = "lightgbm"  # or "xgboost"

# %%
# Drawings
# --------
# 1,797 drawings of 8 × 8 pixels. Drawings to learn from and new ones are apart, as queries and as candidates. The
# features of a pair are the differences of all pixels and the Euclidean distance.

images, digits = load_digits(return_X_y=True)
images = images / 16.0
rng = np.random.default_rng(0)
to_learn, new = np.split(rng.permutation(len(images)), [1000])
SIZE = 30


def searches(drawings, n_queries):
    """Return searches: their features, relevances and sizes, and the drawings of queries and candidates."""
    drawn = np.stack([rng.choice(drawings, SIZE + 1, replace=False) for _ in range(n_queries)])
    query, candidate = np.repeat(drawn[:, 0], SIZE), drawn[:, 1:].ravel()
    pixels = np.abs(images[query] - images[candidate])
    distance = np.sqrt(np.square(pixels).sum(axis=1))
    return SimpleNamespace(
        X=np.column_stack([pixels, distance]),
        y=(digits[query] == digits[candidate]).astype(float),
        group=np.full(n_queries, SIZE),
        query=query.reshape(-1, SIZE),
        candidate=candidate.reshape(-1, SIZE),
    )


train, test = searches(to_learn, 300), searches(new, 300)

# %%
# Four ways to learn an order
# ---------------------------
# A ranker is told which rows belong together, by numbers of rows in ``group`` or by labels in ``qid``. The
# classifier is not: it learns how likely a pair is of one digit.

params = {"n_estimators": 80, "learning_rate": 0.2, "n_jobs": 1}
ranker, classifier = {
    "lightgbm": [kind(num_leaves=15, verbosity=-1, **params) for kind in (LGBMRanker, LGBMClassifier)],
    "xgboost": [kind(max_depth=4, **params) for kind in (XGBRanker, XGBClassifier)],
}[ENGINE]

orders = {"distance": -test.X[:, -1]}
for loss in (RankNet(), ListNet(), LambdaRank()):
    model = GBMRanker(loss, ranker).fit(train.X, train.y, group=train.group)
    orders[type(loss).__name__] = model.predict(test.X)
model = GBMClassifier(estimator=classifier).fit(train.X, train.y)
orders["classifier"] = model.decision_function(test.X)

# %%
# New drawings
# ------------
# NDCG of the first ten results, and how much it is above that of the distance, with the standard error of that
# difference. (A search without any drawing of the digit has 1, as in LightGBM.) All four have learnt which pixels
# matter, and are level: what the losses offer is gains and discounts of one's own, and the same on both engines.

searched = {name: 1.0 - LambdaRank(truncation=10).pointwise(test.y, f, test.group) for name, f in orders.items()}
print(f"{ENGINE:<14}{'NDCG@10':>8}{'above distance':>18}")
for name, values in searched.items():
    more = values - searched["distance"]
    error = more.std(ddof=1) / np.sqrt(len(more))
    print(f"{name:<14}{values.mean():>8.3f}" + (f"{more.mean():>10.3f} ± {error:.3f}" if error else ""))

# %%
# The three searches that gain most: on the left the query, then the first eight results by distance and
# by LambdaRank. Right ones have a green frame.

more, SHOWN = searched["LambdaRank"] - searched["distance"], 8
figure, axes = plt.subplots(6, SHOWN + 1, figsize=(8, 6.4), layout="constrained")
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
for i, search in enumerate(np.argsort(-more)[:3]):
    for j, name in enumerate(("distance", "LambdaRank")):
        row = axes[2 * i + j]
        if j == 0:
            row[0].imshow(images[test.query[search, 0]].reshape(8, 8), cmap="gray_r")
        best = np.argsort(-orders[name].reshape(-1, SIZE)[search], kind="stable")[:SHOWN]
        for ax, place in zip(row[1:], best, strict=True):
            ax.imshow(images[test.candidate[search, place]].reshape(8, 8), cmap="gray_r")
            if test.y.reshape(-1, SIZE)[search, place]:
                ax.spines[:].set(visible=True, color=COLORS["green"], linewidth=3)
        row[1].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
axes[0, 0].set_title("query", fontsize="medium")
axes[0, 1].set_title("first", fontsize="medium")
axes[0, SHOWN].set_title("eighth", fontsize="medium")
plt.show()

# %%
# **Reference.** Burges (2010). *From RankNet to LambdaRank to LambdaMART: an overview*. Microsoft Research
# MSR-TR-2010-82.
