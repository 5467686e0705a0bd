"""
What a policy costs
===================

An insurer wants the expected cost of a policy for a year. One way is claim frequency under Poisson's deviance,
times the mean claim under gamma's; the other is one model under Tweedie's. Both are fitted to a simulated
portfolio, with each policy's exposure taken into account, and judged on policies that they have not seen.
"""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.metrics import auc, mean_tweedie_deviance
from xgboost import XGBRegressor

from gbm_objectives import GammaDeviance, GBMRegressor, PoissonDeviance, TweedieDeviance
from gbm_objectives.plotting import COLORS

ENGINE = "lightgbm"  # or "xgboost"
SEED = 0

# %%
# Two portfolios
# --------------
# A policy is exposed for a part of a year and has a Poisson number of claims, each of a gamma amount. Features
# are the driver's age, the car's power and age, and how densely the place is populated.


def portfolio(seed, rows=40_000):
    """Return features, years of exposure, number and sum of claims, and the true cost of a year."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18.0, 85.0, rows)
    power = rng.integers(4, 13, rows).astype(float)
    car = rng.exponential(7.0, rows)
    density = rng.normal(6.0, 1.5, rows)
    frequency = np.exp(-2.2 + 1.2 * np.exp(-(age - 18.0) / 8.0) + 0.15 * (density - 6.0) - 0.02 * car)
    severity = 900.0 * np.exp(0.12 * (power - 6.0) - 0.3 * (age > 60.0) + 0.02 * car)
    exposure = rng.uniform(0.1, 1.0, rows)
    claims = rng.poisson(frequency * exposure).astype(float)
    paid = np.zeros(rows)
    some = claims > 0
    paid[some] = rng.gamma(2.0 * claims[some], severity[some] / 2.0)  # a sum of gamma amounts of shape 2
    X = np.stack([age, power, car, density], axis=1)
    return SimpleNamespace(X=X, exposure=exposure, claims=claims, paid=paid, truth=frequency * severity)


train, test = portfolio(SEED), portfolio(SEED + 1)

# %%
# Frequency
# ---------
# Exposure goes into the model of claims in one of two ways, which fit the same. As an offset of the counts: the
# logarithm of the exposure is added to each row's raw prediction. Or as the weight of the rates, claims over
# exposure. A prediction without an offset is that of a full year.

settings = {"n_estimators": 100, "learning_rate": 0.05, "n_jobs": 1}
estimator = {
    "lightgbm": LGBMRegressor(num_leaves=8, min_child_samples=100, verbosity=-1, **settings),
    "xgboost": XGBRegressor(max_depth=3, min_child_weight=5.0, **settings),
}[ENGINE]
offset = {"lightgbm": "init_score", "xgboost": "base_margin"}[ENGINE]  # what the engines call it

poisson = GBMRegressor(PoissonDeviance(), estimator)
counts = clone(poisson).fit(train.X, train.claims, **{offset: np.log(train.exposure)})
rates = clone(poisson).fit(train.X, train.claims / train.exposure, sample_weight=train.exposure)

# %%
# Severity, and both in one
# -------------------------
# Severity is the mean claim of the policies that have any, weighted with their number of claims. Tweedie's
# deviance takes the cost of a year as it is, with all its zeros.

some = train.claims > 0
severity = GBMRegressor(GammaDeviance(), estimator)
severity.fit(train.X[some], train.paid[some] / train.claims[some], sample_weight=train.claims[some])
tweedie = GBMRegressor(TweedieDeviance(power=1.5), estimator)
tweedie.fit(train.X, train.paid / train.exposure, sample_weight=train.exposure)

cost = {
    "frequency × severity": counts.predict(test.X) * severity.predict(test.X),
    "the same, exposure as weight": rates.predict(test.X) * severity.predict(test.X),
    "Tweedie": tweedie.predict(test.X),
    "truth": test.truth,
    "constant": np.full(len(test.X), train.paid.sum() / train.exposure.sum()),
}

# %%
# New policies
# ------------
# Tweedie's deviance, the Gini index (how far the costs of policies are told apart, 0 if not at all), and the sum
# of predictions over the sum of claims. ``truth`` is the cost that the simulation expects, and the best that any
# model can do; ``constant`` knows no features.


def lorenz(cost):
    """Return shares of exposure and of claims, of the policies from the cheapest to the dearest as predicted."""
    order = np.argsort(cost, kind="stable")
    exposure, paid = (np.cumsum(part[order]) / part.sum() for part in (test.exposure, test.paid))
    return np.append(0.0, exposure), np.append(0.0, paid)


gini = {name: 1.0 - 2.0 * auc(*lorenz(predicted)) for name, predicted in cost.items()}
print(f"{ENGINE:<30}{'Tweedie deviance':>18}{'Gini':>8}{'predicted/paid':>16}")
for name, predicted in cost.items():
    deviance = mean_tweedie_deviance(test.paid / test.exposure, predicted, sample_weight=test.exposure, power=1.5)
    total = (predicted @ test.exposure) / test.paid.sum()
    print(f"{name:<30}{deviance:>18.3f}{gini[name]:>8.3f}{total:>16.3f}")

# %%
# Sorted by their predicted cost, held-out policies pay tenth by tenth about what was predicted (A), and the
# cheapest ones by the models have nearly as small a share of the claims as by the truth (B).

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for name, marker, color in (("frequency × severity", "o", "blue"), ("Tweedie", "s", "red")):
    tenths = np.array_split(np.argsort(cost[name], kind="stable"), 10)
    years = np.array([test.exposure[rows].sum() for rows in tenths])
    expected = np.array([cost[name][rows] @ test.exposure[rows] for rows in tenths]) / years
    paid = np.array([test.paid[rows].sum() for rows in tenths]) / years
    left.plot(expected, paid, marker, color=COLORS[color], label=name, markerfacecolor="none")
ends = (0.0, 1.1 * max(*left.get_xlim(), *left.get_ylim()))
left.plot(ends, ends, ":", color=COLORS["black"], label="paid as predicted")
left.set(xlim=ends, ylim=ends, xlabel="predicted cost of a year", ylabel="paid for a year")
left.set_title("A   held-out policies, by tenths of the prediction", loc="left")
for name, style, color in (
    ("frequency × severity", "-", "blue"),
    ("Tweedie", "--", "red"),
    ("truth", ":", "black"),
):
    right.plot(*lorenz(cost[name]), style, color=COLORS[color], label=f"{name}, Gini {gini[name]:.2f}")
right.plot([0, 1], [0, 1], color="0.8", zorder=0, label="no model")
right.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of exposure, cheapest first", ylabel="share of claims paid")
right.set_title("B   Lorenz curves", loc="left")
for ax in (left, right):
    ax.legend(loc="upper left", frameon=False)
plt.show()

# %%
# Exposure as offset and as weight give the same model. Frequency times severity and Tweedie's deviance both find
# most of what the features tell.
#
# **Reference.** Frees, Meyers and Cummings (2011). *Summarizing insurance scores using a Gini index*. Journal of
# the American Statistical Association 106, 1085-1098.
