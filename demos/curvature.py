"""
Why a custom absolute error fails
=================================

Hand an engine the derivatives of absolute error, the sign of the residual and a Hessian of 1 in place of 0, and
it trains far worse than with its built-in objective, or not at all. This page shows how badly, why, and what
`AbsoluteError` does instead.
"""

import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import xgboost as xgb
from tqdm import tqdm

from demos.common import NAMES, command_line, show
from gbm_objectives import AbsoluteError
from gbm_objectives.plotting import COLORS

options = command_line(__doc__, engine="both", seed=0)

# %%
# One target in three units
# -------------------------
# Friedman's function of five features, with Laplace noise; three more features are of no use. The unit of a
# target is arbitrary, so everything is done three times: with the target divided by 10, as it is, and times 10.
# Its median is subtracted, so that all models start at 0 and at the median.

UNITS = {"target ÷ 10": 0.1, "target": 1.0, "target × 10": 10.0}
ROUNDS = 300
rng = np.random.default_rng(options.seed)


def sample(n_rows):
    """Return features and target."""
    X = rng.uniform(size=(n_rows, 8))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    return X, y + rng.laplace(size=n_rows)


(X, y), (X_test, y_test) = sample(2000), sample(5000)
y, y_test = y - np.median(y), y_test - np.median(y)

# %%
# Three objectives
# ----------------
# The usual custom objective, the engine's own, and ours; all with the engines' default parameters.


def sign(raw_prediction, data):
    """Return the derivatives of absolute error, with a Hessian of 1 in place of 0."""
    residual = raw_prediction - data.get_label()
    return np.sign(residual), np.ones_like(residual)


def train_lightgbm(objective, unit):
    """Return the held-out mean absolute error after each round."""
    seen = {}
    data = lgb.Dataset(X, unit * y)
    params = {"objective": objective or "mae", "metric": "mae", "num_threads": 1, "verbosity": -1}
    held_out = lgb.Dataset(X_test, unit * y_test, reference=data)
    lgb.train(params, data, ROUNDS, valid_sets=[held_out], callbacks=[lgb.record_evaluation(seen)])
    return np.array(seen["valid_0"]["l1"])


def train_xgboost(objective, unit):
    """Return the held-out mean absolute error after each round."""
    seen = {}
    params = {"base_score": 0.0, "eval_metric": "mae", "nthread": 1}
    params |= {} if objective else {"objective": "reg:absoluteerror"}
    evals = [(xgb.DMatrix(X_test, unit * y_test), "test")]
    data = xgb.DMatrix(X, unit * y)
    xgb.train(params, data, ROUNDS, obj=objective, evals=evals, evals_result=seen, verbose_eval=False)
    return np.array(seen["test"]["mae"])


TRAIN = {"lightgbm": train_lightgbm, "xgboost": train_xgboost}
OBJECTIVES = {"sign, Hessian 1": sign, "built-in": None, "AbsoluteError()": AbsoluteError()}
errors = {}
for engine, unit in tqdm([(engine, unit) for engine in options.engines for unit in UNITS], unit="unit"):
    for name, objective in OBJECTIVES.items():
        errors[engine, unit, name] = TRAIN[engine](objective, UNITS[unit]) / UNITS[unit]

# %%
# Held-out error by round
# -----------------------
# Errors are divided by the unit. Where the numbers are small (left) the custom objective soon gets worse again;
# where they are large (right) it takes hundreds of rounds. The built-in objective and ours do not depend on the
# unit.

shape = len(options.engines), len(UNITS)
figure, axes = plt.subplots(*shape, figsize=(11, 3 * shape[0] + 0.5), squeeze=False, layout="constrained")
for ax, (engine, unit) in zip(axes.flat, [(e, u) for e in options.engines for u in UNITS], strict=True):
    for name, color, style in zip(OBJECTIVES, ("red", "black", "blue"), ("--", ":", "-"), strict=True):
        values = errors[engine, unit, name]
        ax.plot(np.arange(1, ROUNDS + 1), values, style, color=COLORS[color], label=name)
    ax.set_title(f"{NAMES[engine]}, {unit}", loc="left")
    ax.set(xscale="log", ylim=(0.0, 5.0))
    ax.set_xticks([1, 10, 100], ["1", "10", "100"])
figure.supxlabel("boosting round", fontsize="medium")
figure.supylabel("held-out mean absolute error ÷ unit", fontsize="medium")
axes[0, 0].legend(frameon=False, loc="lower left")
show(figure, options.output / "curvature_error.png")

# %%
# The error at each one's best round and at the last, over the built-in's best:

print(f"{'':<29}" + "".join(f"{NAMES[engine]:>20}" for engine in options.engines))
print(f"{'unit':<13}{'objective':<16}" + f"{'best':>10}{'last':>10}" * len(options.engines))
for unit in UNITS:
    for name in OBJECTIVES:
        own = [errors[engine, unit, name] / errors[engine, unit, "built-in"].min() for engine in options.engines]
        print(f"{unit:<13}{name:<16}" + "".join(f"{ratio.min():>10.3f}{ratio[-1]:>10.3f}" for ratio in own))

# %%
# The step of a row
# -----------------
# A leaf moves its rows by the Newton step, −Σg/Σh times the learning rate, and a leaf of one row by −g/h. With a
# sign over a Hessian of 1 that step is 1, whatever the unit: beyond the target of every row that is nearer, and
# next to nothing for one that is far. The built-in objectives (XGBoost's up to 3.3) escape by setting each leaf
# to the median of its rows once the tree is grown, which a custom objective cannot.
#
# So the Hessian must carry the unit. A sign with a Hessian of 1/(\|r\| + s), s the mean of \|r\|, does, but each
# row then steps beyond its target. `AbsoluteError` smooths the gradient as well, so that gradient and Hessian
# are consistent: each row's own step leads right to its target, or not as far. The table has the share of rows
# that step beyond their target at the start.

beyond = {}
figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
for ax, (unit, factor) in zip(axes, UNITS.items(), strict=True):
    r = np.sort(-factor * y)
    gradient, hessian = AbsoluteError().gradient_hessian(-r, np.zeros_like(r))
    steps = {
        "sign, Hessian 1": -np.sign(r),
        "sign, Hessian 1/(|r| + s)": -np.sign(r) * (np.abs(r) + np.abs(r).mean()),
        "AbsoluteError()": -gradient / hessian,
    }
    ends = np.array([-1.0, 0.0, 0.0, 1.0]) * np.abs(r).max()
    ax.fill_between(ends, 2.0 * ends[[3, 3, 0, 0]], -ends, color="0.9", linewidth=0, label="beyond the target")
    for (name, step), color in zip(steps.items(), ("red", "orange", "blue"), strict=True):
        beyond[unit, name] = np.mean(np.abs(step) > 1.001 * np.abs(r))
        ax.plot(r, step, color=COLORS[color], label=name)
    ax.set_title(unit, loc="left")
    ax.set(xlabel="residual r at the start", xlim=ends[[0, 3]], ylim=1.3 * ends[[0, 3]])
axes[0].set_ylabel("step of a row, −g/h")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
show(figure, options.output / "curvature_step.png")

print(f"{'unit':<13}" + "".join(f"   {name}" for name in steps))
for unit in UNITS:
    print(f"{unit:<13}" + "".join(f"{beyond[unit, name]:>{len(name) + 3}.2f}" for name in steps))

# %%
# A custom objective can keep up with a built-in one that re-fits its leaves, if its gradient and Hessian
# together lead each row to its target, in the target's own unit. The page on :doc:`curvature </curvature>` says
# how `AbsoluteError` chooses the width of its smoothing, and what that costs.
#
# **Reference.** Hunter and Lange (2000). *Quantile regression via an MM algorithm*. Journal of Computational and
# Graphical Statistics 9, 60-77.
