"""
The same model on a cluster
===========================

Rows that are spread over several workers should train the model of one machine, however they are spread. Under
our losses they do. The engines' own absolute error re-fits leaves by medians of each worker's rows, and ends up
far off where the workers' rows differ (XGBoost's does so up to 3.3).

Needs ``pip install gbm_objectives[dask]``, and starts a cluster of two processes on this machine.
"""

import logging

import dask.array as da
import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import xgboost as xgb
import xgboost.dask
from dask.distributed import Client, SubprocessCluster

from gbm_objectives import AbsoluteError
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.engines.lightgbm import dask as lightgbm_dask
from gbm_objectives.engines.xgboost import dask as xgboost_dask
from gbm_objectives.plotting import COLORS

ENGINES = ["lightgbm", "xgboost"]
lgb.register_logger(logging.getLogger("lightgbm"))  # its Dask interface prints which ports it looks for

# %%
# Skewed rows, sorted
# -------------------
# The rows are sorted by their target, as data are that were stored by date or by size. One worker then has the
# small targets and the other the large ones.

rng = np.random.default_rng(0)


def sample(n_rows):
    """Return features and a skewed target."""
    X = rng.standard_normal((n_rows, 5))
    return X, 3.0 * np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + rng.lognormal(0.0, 1.0, n_rows)


(X, y), (X_test, y_test) = sample(8000), sample(10_000)
order = np.argsort(y)
X, y = X[order], y[order]


def parted(client, array, share):
    """Return the rows in two partitions, one with each worker."""
    workers = sorted(client.scheduler_info()["workers"])
    parts = []
    for rows, worker in zip(np.split(array, [int(share * len(array))]), workers, strict=True):
        part = client.scatter(rows, workers=[worker], hash=False)
        parts.append(da.from_delayed(part, rows.shape, rows.dtype))
    return da.concatenate(parts)


# %%
# One machine and two workers
# ---------------------------
# ``train`` for Dask takes Dask arrays in place of the engine's data, and returns the engine's own model, local
# and complete. Beside it the engine's own Dask interface with its own objective.

LOSS, ROUNDS = AbsoluteError(), 100
LGB, XGB = {"num_threads": 1, "verbosity": -1}, {"nthread": 1}


def boosters_lightgbm(client, dX, dy):
    """Return our model and that of the engine's own objective."""
    ours, _ = lightgbm_dask.train(client, LGB, dX, dy, loss=LOSS, num_boost_round=ROUNDS)
    model = lgb.DaskLGBMRegressor(client=client, objective="mae", n_estimators=ROUNDS, verbosity=-1)
    return ours, model.fit(dX, dy).to_local().booster_


def boosters_xgboost(client, dX, dy):
    """Return our model and that of the engine's own objective."""
    ours, _ = xgboost_dask.train(client, XGB, dX, dy, loss=LOSS, num_boost_round=ROUNDS)
    rows, params = xgb.dask.DaskDMatrix(client, dX, dy), {**XGB, "objective": "reg:absoluteerror"}
    return ours, xgb.dask.train(client, params, rows, num_boost_round=ROUNDS)["booster"]


BOOSTERS = {"lightgbm": boosters_lightgbm, "xgboost": boosters_xgboost}
models = {}
if "lightgbm" in ENGINES:
    data = lgb.Dataset(X, y)
    models["lightgbm", "one machine"] = on_lightgbm.train(LGB, data, loss=LOSS, num_boost_round=ROUNDS)
if "xgboost" in ENGINES:
    data = xgb.DMatrix(X, y)
    models["xgboost", "one machine"] = on_xgboost.train(XGB, data, loss=LOSS, num_boost_round=ROUNDS)
SPREADS = {"halves": 0.5, "90 to 10": 0.9}
cluster = SubprocessCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
with cluster, Client(cluster) as client:
    client.wait_for_workers(2)
    for engine in ENGINES:
        for name, share in SPREADS.items():
            pair = BOOSTERS[engine](client, parted(client, X, share), parted(client, y, share))
            models[engine, f"{name}, ours"], models[engine, f"{name}, the engine's own"] = pair

# %%
# Error of new rows
# -----------------
# The mean absolute error, over that of one machine:

rows = {"lightgbm": X_test, "xgboost": xgb.DMatrix(X_test)}
errors = {key: np.abs(booster.predict(rows[key[0]]) - y_test).mean() for key, booster in models.items()}
ratios = {(engine, name): error / errors[engine, "one machine"] for (engine, name), error in errors.items()}
for engine, name in sorted(ratios, key=lambda key: key[0]):
    print(f"{engine:<12}{name:<30}{ratios[engine, name]:>8.3f}")

figure, axes = plt.subplots(1, len(ENGINES), figsize=(9, 3.5), squeeze=False, layout="constrained")
for ax, engine in zip(axes[0], ENGINES, strict=True):
    for offset, whose, color in ((-0.2, "ours", "blue"), (0.2, "the engine's own", "red")):
        heights = [ratios[engine, f"{name}, {whose}"] for name in SPREADS]
        ax.bar(np.arange(2) + offset, heights, 0.38, color=COLORS[color], label=whose)
    ax.axhline(1.0, color="0.3", linewidth=1)
    ax.set_xticks([0, 1], SPREADS)
    ax.set_title(engine, loc="left")
    ax.set(xlabel="rows of the two workers", ylabel="error ÷ one machine's", ylim=(0.0, 3.0))
axes[0, 0].legend(frameon=False, loc="upper left")
plt.show()

# %%
# Ours is the model of one machine, up to how the engines sum and bin on two workers. Under the engines' own
# objective it depends on which rows are where.
