"""
Times of which some are not over
================================

Half of the machines still run when the study ends. Of those one only knows that their lifetime is longer than what
was seen. Three ways to deal with them are compared with the truth, which a simulation knows: to count them as
censored, to leave them out, and to take the end of the study for their failure.
"""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from lightgbm import LGBMRegressor
from scipy import stats
from xgboost import XGBRegressor

from gbm_objectives import CoxPH, GBMSurvival
from gbm_objectives.distributions import Censored, LogNormal
from gbm_objectives.plotting import COLORS, plot_survival

ENGINE = "lightgbm"  # or "xgboost"

# %%
# Machines
# --------
# A lifetime is log-normal; its median grows with the first feature and falls with the square of the second. Each
# machine is watched from its own installation on, for half a year to six years.

SPREAD = 0.7


def machines(rng, rows):
    """Return features, the true median, the lifetime, and what is known of it: two bounds for each machine."""
    X = rng.uniform(-1.5, 1.5, (rows, 3))
    median = np.exp(1.2 + X[:, 0] - 0.4 * X[:, 1] ** 2)
    lifetime, end = median * np.exp(SPREAD * rng.standard_normal(rows)), rng.uniform(0.5, 6.0, rows)
    bounds = np.column_stack([np.minimum(lifetime, end), np.where(lifetime <= end, lifetime, np.inf)])
    return SimpleNamespace(X=X, median=median, lifetime=lifetime, bounds=bounds)


rng = np.random.default_rng(0)
train, late, test = (machines(rng, rows) for rows in (4000, 2000, 2000))
print(f"{np.isinf(train.bounds[:, 1]).mean():.0%} of {len(train.X)} lifetimes are censored")

# %%
# Three ways
# ----------
# Equal bounds are a known lifetime, an infinite upper bound is a censored one. Early stopping watches the
# likelihood of other machines, which are treated in the same way.

settings = {"n_estimators": 1000, "learning_rate": 0.05, "n_jobs": 1}
estimator = {
    "lightgbm": LGBMRegressor(num_leaves=8, early_stopping_round=50, verbosity=-1, **settings),
    "xgboost": XGBRegressor(max_depth=3, early_stopping_rounds=50, **settings),
}[ENGINE]
loss = Censored(LogNormal(scale_step=0.3))


def observed(machines):
    """Leave out what is censored."""
    rows = np.isfinite(machines.bounds[:, 1])
    return machines.X[rows], machines.bounds[rows]


def as_if_failed(machines):
    """Take the end for the failure."""
    return machines.X, machines.bounds[:, [0, 0]]


def as_censored(machines):
    """Take bounds as they are."""
    return machines.X, machines.bounds


models = {
    name: GBMSurvival(loss, estimator).fit(*way(train), eval_set=[way(late)])
    for name, way in (("censored", as_censored), ("left out", observed), ("end taken for failure", as_if_failed))
}
models["Cox"] = GBMSurvival(CoxPH(), estimator).fit(*as_censored(train), eval_set=[as_censored(late)])

# %%
# New machines
# ------------
# The error of the median is that of its logarithm; 0.1 is about a tenth. Then the share of new machines that
# outlive three years, which in truth is in the last line; Harrell's C, the share of pairs in the right order; and
# the share of machines that have a median: Cox's curves end at the last failure that was seen, so its error leaves
# out the machines that last longest, and is no rival of the first line's.

print(f"{ENGINE:<24}{'error of median':>16}{'outlive 3 years':>17}{'C':>8}{'have a median':>15}")
for name, model in models.items():
    median = model.predict_quantiles(test.X, 0.5)[:, 0]
    reached = np.isfinite(median)
    error = np.sqrt(np.mean(np.square(np.log(median[reached] / test.median[reached]))))
    survive = model.predict_survival_function(test.X, [3.0]).mean()
    c = model.score(test.X, test.bounds)
    print(f"{name:<24}{error:>16.2f}{survive:>17.2f}{c:>8.3f}{reached.mean():>15.2f}")
print(f"{'truth':<24}{0.0:>16.2f}{np.mean(test.lifetime > 3.0):>17.2f}")

# %%
# Curves of three machines beside the truth, in grey (A), and medians (B): without censoring, machines that last
# ten years are predicted to last three.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
three = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
at = np.linspace(0.01, 6.0, 200)
plot_survival(models["censored"], three, at, left, labels=["early", "middle", "late"])
for x in three[:, 0]:
    left.plot(at, stats.lognorm(SPREAD, scale=np.exp(1.2 + x)).sf(at), color="0.5", linewidth=1, zorder=0)
left.plot([], [], color="0.5", linewidth=1, label="truth")
left.legend(frameon=False, loc="lower left")
left.set_title("A   survival curves", loc="left")
left.set_xlabel("years")
order = np.argsort(test.median)[:: len(test.median) // 60]
for name, marker, color in (
    ("censored", "o", "blue"),
    ("left out", "s", "green"),
    ("end taken for failure", "^", "red"),
):
    median = models[name].predict_quantiles(test.X[order], 0.5)[:, 0]
    right.plot(test.median[order], median, marker, color=COLORS[color], markersize=4, label=name)
ends = [test.median.min(), test.median.max()]
right.plot(ends, ends, color="0.5", linewidth=1, zorder=0)
right.set(xscale="log", yscale="log", xlabel="true median, years", ylabel="predicted median, years")
for axis in (right.xaxis, right.yaxis):
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
right.set(xticks=[0.5, 1, 2, 5, 10], yticks=[0.5, 1, 2, 5, 10])
right.set_title("B   medians", loc="left")
right.legend(frameon=False)
plt.show()

# %%
# The order of machines, which is all that C sees, survives both mistakes. Times and probabilities do not.
#
# **Reference.** Kalbfleisch and Prentice (2002). *The Statistical Analysis of Failure Time Data*, chapters 3, 4.
