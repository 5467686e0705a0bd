"""
Why cross-entropy and not squared error
=======================================

A sigmoid that is badly wrong hardly learns under squared error, whose gradient is multiplied by the slope σ′ of
the sigmoid. Under cross-entropy that factor cancels. This page trains a single neuron, as Nielsen (2015) does,
and then boosts trees from a wrong start with both engines: a Newton step cures what a first-order step suffers
from.
"""

import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import xgboost as xgb
from scipy import special
from sklearn.datasets import load_breast_cancer
from tqdm import tqdm

from demos.common import command_line, show
from gbm_objectives import BinaryCrossEntropy, SigmoidSquaredError
from gbm_objectives.plotting import COLORS

options = command_line(__doc__)

# %%
# A neuron
# --------
# The input is 1, the output σ(w + b), and 0 is wanted. Gradient descent at a rate of 0.15 starts from two
# settings of w and b, the second of which is badly wrong. For these two the book gives the outputs of squared
# error after 300 epochs. Its squared error is half of ours, hence the half of the rate.

LOSSES = {"squared error": SigmoidSquaredError, "cross-entropy": BinaryCrossEntropy}
STARTS = [(0.6, 0.9), (2.0, 2.0)]
PUBLISHED = {("squared error", (0.6, 0.9)): "0.09", ("squared error", (2.0, 2.0)): "0.20"}
SHARE_OF_RATE = {"squared error": 0.5, "cross-entropy": 1.0}
EPOCHS = 300

outputs = {}
for name, start in [(name, start) for name in LOSSES for start in STARTS]:
    loss, raw, after = LOSSES[name](), sum(start), []
    for _ in range(EPOCHS):
        # w and b move by the same step, and the raw prediction w + b by twice as much.
        raw -= 2.0 * 0.15 * SHARE_OF_RATE[name] * loss.gradient([0.0], [raw])[0]
        after.append(loss.response([raw])[0])
    outputs[name, start] = np.array(after)

print(f"{'loss':<16}{'start':<14}{'at first':>10}{'at last':>10}{'published':>11}")
for (name, start), after in outputs.items():
    first, published = special.expit(sum(start)), PUBLISHED.get((name, start), "–")
    print(f"{name:<16}{'({:g}, {:g})'.format(*start):<14}{first:>10.2f}{after[-1]:>10.2f}{published:>11}")

# %%
# A plateau
# ---------
# Under squared error the second neuron (B) stands still for half of the time. Panel C shows how layers make it
# worse: the gradient is a product of slopes, each of them at most 1/4.

layers = np.arange(1, 21)
z = np.random.default_rng(0).standard_normal(100_000)
largest = 0.25**layers
typical = np.exp(np.mean(np.log(special.expit(z) * special.expit(-z)))) ** layers

STYLE = {"squared error": (COLORS["red"], "--"), "cross-entropy": (COLORS["blue"], "-")}
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
for ax, letter, start in zip(axes, "AB", STARTS, strict=False):
    for name, (color, style) in STYLE.items():
        ax.plot(np.arange(1, EPOCHS + 1), outputs[name, start], style, color=color, label=name)
    ax.set_title(f"{letter}   from w = {start[0]:g}, b = {start[1]:g}", loc="left")
    ax.set(xlabel="epoch", ylabel="output of the neuron (wanted: 0)", ylim=(0.0, 1.02))
axes[2].semilogy(layers, np.ones(len(layers)), "-", color=COLORS["green"], label="ReLU, active units")
axes[2].semilogy(layers, largest, "--", color=COLORS["red"], label="sigmoid at its steepest, σ′ = 1/4")
axes[2].semilogy(layers, typical, ":", color=COLORS["red"], label="sigmoid, normal pre-activations")
axes[2].set_title("C   product of slopes through layers", loc="left")
axes[2].set(xlabel="layers", ylabel="factor of the gradient", xticks=[1, 5, 10, 15, 20], ylim=(None, 30))
for ax in axes:
    ax.legend(frameon=False)
show(figure, options.output / "learning_speed_neuron.png")

# %%
# Boosting from a wrong start
# ---------------------------
# Raw predictions start at -3, 95% sure of class 0, while most tumours are of class 1. ``hessian="constant"``
# makes the engine's steps first-order ones; otherwise they divide by the loss's curvature, which for squared
# error is about σ′². The loss goes into each engine's own interface, and the Brier score is recorded.

X, y = load_breast_cancer(return_X_y=True)
start = np.full(len(y), -3.0)
brier = SigmoidSquaredError().metric
ROUNDS = 100


def boost_lightgbm(loss, rate):
    """Return the Brier score after each round."""
    seen, data = {}, lgb.Dataset(X, y, init_score=start)
    params = {"objective": loss, "metric": "None", "num_leaves": 8, "learning_rate": rate, "lambda_l2": 1.0}
    quiet = {"num_threads": 1, "verbosity": -1}
    record = lgb.record_evaluation(seen)
    lgb.train({**params, **quiet}, data, ROUNDS, valid_sets=[data], feval=brier, callbacks=[record])
    return np.array(seen["training"][brier.__name__])


def boost_xgboost(loss, rate):
    """Return the Brier score after each round."""
    seen, data = {}, xgb.DMatrix(X, y, base_margin=start)
    # The default, 1, would forbid leaves where σ′² is 0.002; LightGBM's is 0.001.
    params = {"max_depth": 3, "eta": rate, "lambda": 1.0, "min_child_weight": 1e-3}
    quiet = {"nthread": 1, "disable_default_eval_metric": True}
    record = {"evals": [(data, "training")], "evals_result": seen, "verbose_eval": False}
    xgb.train({**params, **quiet}, data, ROUNDS, obj=loss, custom_metric=brier, **record)
    return np.array(seen["training"][brier.__name__])


BOOST = {"LightGBM": boost_lightgbm, "XGBoost": boost_xgboost}
ORDERS = {"first order": "constant", "Newton": "auto"}
scores = {}
for engine, order, name in tqdm([(e, o, n) for e in BOOST for o in ORDERS for n in LOSSES], unit="model"):
    rate = 0.3 * SHARE_OF_RATE[name] if order == "first order" else 0.3
    scores[engine, order, name] = BOOST[engine](LOSSES[name](hessian=ORDERS[order]), rate)

# %%
# Rounds to a Brier score of 0.05, at which the classes are told apart, and the score of the last round:

print(f"{'engine':<10}{'order':<13}{'loss':<15}{'rounds':>8}{'at last':>9}")
for (engine, order, name), values in scores.items():
    reached = np.flatnonzero(values <= 0.05)
    rounds = str(reached[0] + 1) if reached.size else "never"
    print(f"{engine:<10}{order:<13}{name:<15}{rounds:>8}{values[-1]:>9.3f}")

# %%
# First-order boosting under squared error has the neuron's plateau (left, dashed):

figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True, sharey=True, layout="constrained")
for ax, (engine, order) in zip(axes.flat, [(e, o) for e in BOOST for o in ORDERS], strict=True):
    for name, (color, style) in STYLE.items():
        ax.plot(np.arange(1, ROUNDS + 1), scores[engine, order, name], style, color=color, label=name)
    ax.set_title(f"{engine}, {order}", loc="left")
    ax.set(xscale="log", ylim=(0.0, None))
axes[0, 0].legend(frameon=False)
for ax in axes[1]:
    ax.set_xlabel("boosting round")
figure.supylabel("Brier score on the training rows", fontsize="medium")
show(figure, options.output / "learning_speed_boosting.png")

# %%
# Under squared error the badly wrong neuron waits on its plateau, and so does first-order boosting. Under
# cross-entropy both set off at once. A Newton step divides by σ′² and hardly knows the difference.
#
# **Reference.** Nielsen (2015). *Neural Networks and Deep Learning*, chapter 3.
