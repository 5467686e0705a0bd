"""Absolute error by round: a hand-written objective, the engine's own, and ours."""

import lightgbm as lgb
import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import make_friedman1

from gbm_objectives import AbsoluteError
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.plotting import COLORS

X, y = make_friedman1(3000, noise=1.0, random_state=0)
y = 10.0 * y  # the same data in another unit
fit, late = slice(2000), slice(2000, None)
params = {"verbosity": -1, "num_threads": 1, "learning_rate": 0.1}
ROUNDS = np.arange(1, 301, 6)


def by_hand(raw_prediction, dataset):
    """Return the sign and 1, as most people write it."""
    residual = raw_prediction - dataset.get_label()
    return np.sign(residual), np.ones_like(residual)


def errors(booster, start):
    """Return the held-out error after each number of rounds."""
    return [np.abs(start + booster.predict(X[late], num_iteration=n) - y[late]).mean() for n in ROUNDS]


def data(start=0.0):
    """Return the training rows, to be started from a constant."""
    return lgb.Dataset(X[fit], y[fit], init_score=np.full(2000, start))


median = np.median(y[fit])
hand = {**params, "objective": by_hand}
boosters = {
    "by hand, from 0": (lgb.train(hand, data(), 300), 0.0, "red", ":"),
    "by hand, from the median": (
        lgb.train(hand, data(median), 300),
        median,
        "red",
        "-",
    ),
    "LightGBM's own": (
        lgb.train({**params, "objective": "l1"}, lgb.Dataset(X[fit], y[fit]), 300),
        0.0,
        "black",
        "--",
    ),
    "AbsoluteError()": (
        on_lightgbm.train(
            params,
            lgb.Dataset(X[fit], y[fit]),
            loss=AbsoluteError(),
            num_boost_round=300,
        ),
        *(0.0, "blue", "-"),
    ),
}
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, (booster, start, color, style) in boosters.items():
    ax.plot(ROUNDS, errors(booster, start), style, color=COLORS[color], label=name)
ax.set(
    xlabel="boosting round",
    ylabel="held-out mean absolute error",
    ylim=(0, None),
)
ax.legend(frameon=False)
