"""Survival curves beside the truth, and what becomes of medians if censored rows are treated in other ways."""

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib import pyplot as plt
from scipy import stats

from gbm_objectives import GBMSurvival
from gbm_objectives.distributions import Censored, LogNormal
from gbm_objectives.plotting import COLORS, plot_survival

rng = np.random.default_rng(0)


def sample(n_rows):
    """Return features, the time of each event, and the time of the last look."""
    X = rng.uniform(-1.5, 1.5, (n_rows, 2))
    return X, np.exp(1.0 + X[:, 0] + 0.7 * rng.standard_normal(n_rows)), rng.uniform(0.5, 6.0, n_rows)


X, time, end = sample(6000)
late, late_time, late_end = sample(3000)
until, seen = np.minimum(time, end), time <= end
settings = {"n_estimators": 1000, "num_leaves": 8, "learning_rate": 0.05, "early_stopping_round": 50}
engine = LGBMRegressor(verbosity=-1, n_jobs=1, **settings)


def bounds(time, end):
    """Return the target: equal bounds, or an infinite upper one."""
    return np.column_stack([np.minimum(time, end), np.where(time <= end, time, np.inf)])


def fitted(rows, target, late_rows, late_target):
    """Return a model that stops early."""
    loss = Censored(LogNormal(scale_step=0.3))
    return GBMSurvival(loss, engine).fit(rows, target, eval_set=[(late_rows, late_target)])


y, late_y = bounds(time, end), bounds(late_time, late_end)
last_looks, late_looks = (np.column_stack([one[:, 0], one[:, 0]]) for one in (y, late_y))
late_seen = np.isfinite(late_y[:, 1])
models = {
    "censored": fitted(X, y, late, late_y),
    "left out": fitted(X[seen], y[seen], late[late_seen], late_y[late_seen]),
    "last look as event": fitted(X, last_looks, late, late_looks),
}

figure, (left, right) = plt.subplots(
    1, 2, figsize=(6.8, 3.4), layout="constrained"
)  # narrow: words stay legible on a phone
rows = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
at = np.linspace(0.01, 6.0, 200)
plot_survival(models["censored"], rows, at, left, labels=["early", "middle", "late"])
for x in rows[:, 0]:
    left.plot(at, stats.lognorm(0.7, scale=np.exp(1.0 + x)).sf(at), color="0.5", linewidth=1, zorder=0)
left.plot([], [], color="0.5", linewidth=1, label="truth")
# The only place that no curve crosses.
left.legend(frameon=False, fontsize=8.5, loc="center right", bbox_to_anchor=(1.02, 0.44), labelspacing=0.25)
left.set(xlabel="years", title=f"{1 - seen.mean():.0%} of rows are censored")

grid = np.linspace(-1.4, 1.4, 29)
for (name, model), marker, color in zip(models.items(), "os^", ("blue", "green", "red"), strict=True):
    median = model.predict_quantiles(np.column_stack([grid, 0.0 * grid]), 0.5)[:, 0]
    right.plot(np.exp(1.0 + grid), median, marker, color=COLORS[color], markersize=4, label=name)
right.plot([0.6, 12], [0.6, 12], color="0.5", linewidth=1, zorder=0)
right.set(xscale="log", yscale="log", xlabel="true median, years", ylabel="predicted median, years")
right.set_title("Medians")
for axis in (right.xaxis, right.yaxis):
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
right.set(xticks=[1, 2, 5, 10], yticks=[1, 2, 5, 10])
right.legend(frameon=False, fontsize=8.5)
