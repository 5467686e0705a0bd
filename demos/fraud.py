"""
Fraud: act where it pays
========================

One or two payments in a hundred are fraud. To stop an honest one costs 5: a call, and a customer who waits. To
let a fraud pass costs its amount. What to stop is then a matter of probability and amount, and needs probabilities
that are right. A weighted loss, which is often advised for rare classes, spoils them.
"""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMClassifier
from scipy.special import expit
from sklearn.calibration import calibration_curve
from xgboost import XGBClassifier

from gbm_objectives import BinaryCrossEntropy, GBMClassifier, WeightedCrossEntropy
from gbm_objectives.plotting import COLORS

ENGINE = "lightgbm"  # or "xgboost"

# %%
# Payments
# --------
# Amounts are log-normal, half of them above 40. Fraud is more likely at night, from a new device, from an
# account that is young or pays often, and in large amounts.

CALL = 5.0
rng = np.random.default_rng(0)


def payments(rows):
    """Return features, amounts, which payments are fraud, and the true probability of it."""
    amount = np.exp(rng.normal(np.log(40.0), 1.2, rows))
    hour = rng.integers(0, 24, rows)
    new_device = rng.random(rows) < 0.15
    age = rng.exponential(500.0, rows)  # of the account, in days
    recent = rng.poisson(1.0 + 2.0 * (rng.random(rows) < 0.05), rows)  # payments of the last hour
    logit = -6.6 + 1.2 * (hour < 6) + 1.8 * new_device + 1.5 * np.exp(-age / 60.0) + 0.5 * recent
    p = expit(logit + 0.35 * np.log(amount / 40.0) + 1.5 * (new_device & (recent > 2)))
    X = np.column_stack([amount, hour, new_device, age, recent]).astype(float)
    return SimpleNamespace(X=X, amount=amount, fraud=(rng.random(rows) < p).astype(int), p=p)


train, other, test = payments(60_000), payments(40_000), payments(100_000)
print(f"{train.fraud.mean():.1%} of payments are fraud, of {train.amount[train.fraud == 1].mean():.0f} on average")

# %%
# Two losses
# ----------
# Cross-entropy, and the same with frauds weighted as costs suggest: by what a fraud costs on average, over what
# a call costs. A fifth of the rows stops each training.

settings = {"n_estimators": 1000, "learning_rate": 0.05, "n_jobs": 1}
estimator = {
    "lightgbm": LGBMClassifier(num_leaves=8, min_child_samples=50, verbosity=-1, **settings),
    "xgboost": XGBClassifier(max_depth=3, **settings),
}[ENGINE]
WEIGHT = train.amount[train.fraud == 1].mean() / CALL
models = {
    name: GBMClassifier(loss, estimator, validation_fraction=0.2, random_state=0).fit(train.X, train.fraud)
    for name, loss in (("plain", BinaryCrossEntropy()), ("weighted", WeightedCrossEntropy(positive_weight=WEIGHT)))
}
p = {name: model.predict_proba(test.X)[:, 1] for name, model in models.items()}

# %%
# Are they probabilities?
# -----------------------
# A weight of w trains on data in which each fraud occurs w times: odds are w times as high as those of a
# payment. Taken for probabilities they call many times as many payments fraud as there are.

print(f"{ENGINE:<12}{'mean prediction':>18}{'log loss':>12}")
for name, predicted in {**p, "truth": test.p}.items():
    log_loss = -np.mean(np.log(np.where(test.fraud == 1, predicted, 1.0 - predicted)))
    print(f"{name:<12}{predicted.mean():>18.4f}{log_loss:>12.4f}")
print(f"{'share':<12}{test.fraud.mean():>18.4f}")

# %%
# What is to be stopped
# ---------------------
# "What pays" compares the costs that are to be expected of a payment: probability × amount if it passes, and (1
# − probability) × 5 if it is stopped. The one threshold for all is the cheapest on payments other than those
# judged. Costs are per 1,000 payments. ``truth`` knows each payment's probability: no rule does better on
# average.


def cost(rows, stopped):
    """Return the cost of 1,000 payments."""
    return 1000.0 * np.mean(np.where(stopped, CALL * (rows.fraud == 0), rows.amount * rows.fraud))


def pays(rows, predicted):
    """Return which payments it pays to stop."""
    return predicted * rows.amount > (1.0 - predicted) * CALL


THRESHOLDS = np.geomspace(0.002, 0.98, 120)
known = models["plain"].predict_proba(other.X)[:, 1]
best = THRESHOLDS[np.argmin([cost(other, known > one) for one in THRESHOLDS])]
rules = {
    "stop nothing": np.zeros(len(test.X), dtype=bool),
    "plain above 1/2": p["plain"] > 0.5,
    "weighted above 1/2": p["weighted"] > 0.5,
    "plain above the best": p["plain"] > best,
    "weighted, what pays": pays(test, p["weighted"]),
    "plain, what pays": pays(test, p["plain"]),
    "truth, what pays": pays(test, test.p),
}
costs = {name: cost(test, stopped) for name, stopped in rules.items()}
print(f"the best threshold: {best:.3f}")
print(f"{ENGINE:<24}{'cost':>8}{'stopped':>10}{'of frauds':>12}")
for name, stopped in rules.items():
    print(f"{name:<24}{costs[name]:>8.0f}{stopped.mean():>10.2%}{stopped[test.fraud == 1].mean():>12.0%}")

# %%
# The plain model's predictions are shares of frauds, the weighted one's lie on the curve of the weight (A).
# With the best threshold for all payments, either model is as cheap as the other, and dearer than what pays
# (B).

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
styles = {"plain": ("o", "blue"), "weighted": ("s", "red")}
for name, (marker, color) in styles.items():
    share, predicted = calibration_curve(test.fraud, p[name], n_bins=20, strategy="quantile")
    left.plot(predicted, share, marker, color=COLORS[color], label=name)
at = np.geomspace(1e-3, 0.7, 200)
left.plot(at, at, color="0.5", linewidth=1, zorder=0, label="as predicted")
left.plot(at, at / (at + WEIGHT * (1.0 - at)), ":", color=COLORS["red"], label=f"odds ÷ {WEIGHT:.0f}")
left.set(xscale="log", yscale="log", ylim=(1e-4, 0.6), xlabel="predicted probability", ylabel="share of frauds")
left.set_title("A   are they probabilities?", loc="left")
for name, (_, color) in styles.items():
    right.plot(THRESHOLDS, [cost(test, p[name] > one) for one in THRESHOLDS], color=COLORS[color], label=name)
for name, style in (("stop nothing", ":"), ("plain, what pays", "--"), ("truth, what pays", "-")):
    right.axhline(costs[name], color="0.4", linestyle=style, linewidth=1, label=name)
right.set(xscale="log", ylim=(0, 1.3 * costs["stop nothing"]))
right.set(xlabel="stopped above", ylabel="cost of 1,000 payments")
right.set_title("B   one threshold, and what pays", loc="left")
for ax in (left, right):
    ax.legend(frameon=False)
plt.show()

# %%
# A weight of w with a threshold of 1/2 is a threshold of 1/(1 + w) on plain probabilities, and costs what the
# best one does. It cannot be taken for a probability again: what seems to pay then stops half of all payments,
# and costs more than to stop nothing. Right probabilities serve any costs, also those that change tomorrow.
#
# **Reference.** Elkan (2001). *The foundations of cost-sensitive learning*. IJCAI.
