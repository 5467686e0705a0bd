"""More than one machine: the same model, however the rows are spread over the workers.

    python -m demos.dask_cluster [--engine lightgbm|xgboost|both] [--rows N] [--rounds N] [--seed N]

What to look at: the mean absolute error of new rows, over that of one machine. The data are skewed, sorted by
target, and spread over two workers in halves or 90 to 10, as data are that were stored by date or by size. Under
our loss it makes no difference. The engines' own absolute error (XGBoost's up to 3.3) re-fits leaves by medians of
each worker's rows, and these are medians of different things.

Needs `pip install gbm_objectives[dask]`; starts a cluster of two processes on this machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import dask.array as da
import lightgbm as lgb
import numpy as np
import xgboost as xgb
import xgboost.dask
from dask.distributed import Client, LocalCluster

from gbm_objectives import AbsoluteError
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.engines.lightgbm import dask as lightgbm_dask
from gbm_objectives.engines.xgboost import dask as xgboost_dask

LOSS = AbsoluteError()
LGB: dict[str, Any] = {"num_threads": 1, "verbosity": -1}
XGB: dict[str, Any] = {"nthread": 1}
SPREADS = {"halves": 0.5, "90 to 10": 0.9}


def sample(rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and a skewed target."""
    X = rng.standard_normal((n_rows, 5))
    return X, 3.0 * np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + rng.lognormal(0.0, 1.0, n_rows)


def parted(client: Client, array: np.ndarray, share: float) -> da.Array:
    """Return the rows in two partitions, one with each worker."""
    workers = sorted(client.scheduler_info()["workers"])
    parts = []
    for rows, worker in zip(np.split(array, [int(share * len(array))]), workers, strict=True):
        part = client.scatter(rows, workers=[worker], hash=False)
        parts.append(da.from_delayed(part, rows.shape, rows.dtype))
    return da.concatenate(parts)


def errors(
    engine: str,
    client: Client,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    rounds: int,
) -> dict[str, float]:
    """Return mean absolute errors of new rows: of one machine, and of two workers, ours and the engine's own."""
    (X, y), (X_test, y_test) = train, test

    def error(booster: Any) -> float:
        rows = xgb.DMatrix(X_test) if isinstance(booster, xgb.Booster) else X_test
        return float(np.abs(booster.predict(rows) - y_test).mean())

    if engine == "xgboost":
        alone = on_xgboost.train(XGB, xgb.DMatrix(X, y), loss=LOSS, num_boost_round=rounds)
    else:
        alone = on_lightgbm.train(LGB, lgb.Dataset(X, y), loss=LOSS, num_boost_round=rounds)
    results = {"one machine": error(alone)}
    for name, share in SPREADS.items():
        dX, dy = parted(client, X, share), parted(client, y, share)
        if engine == "xgboost":
            ours, _ = xgboost_dask.train(client, XGB, dX, dy, loss=LOSS, num_boost_round=rounds)
            rows = xgboost.dask.DaskDMatrix(client, dX, dy)
            params = {**XGB, "objective": "reg:absoluteerror"}
            own = xgboost.dask.train(client, params, rows, num_boost_round=rounds)["booster"]
        else:
            ours, _ = lightgbm_dask.train(client, LGB, dX, dy, loss=LOSS, num_boost_round=rounds)
            model = lgb.DaskLGBMRegressor(
                client=client, objective="mae", n_estimators=rounds, n_jobs=1, verbosity=-1
            )
            own = model.fit(dX, dy).to_local().booster_
        results[f"{name}, ours"] = error(ours)
        results[f"{name}, the engine's own"] = error(own)
    return results


def main(argv: Sequence[str] | None = None) -> None:
    """Train on one machine and on two workers, print the errors."""
    parser = argparse.ArgumentParser(
        prog="python -m demos.dask_cluster", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--engine", choices=["lightgbm", "xgboost", "both"], default="both")
    parser.add_argument("--rows", type=int, default=8000, help="rows to train on (default: 8000)")
    parser.add_argument("--rounds", type=int, default=100, help="boosting rounds (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (default: 0)")
    options = parser.parse_args(argv)
    if options.rows < 100 or options.rounds < 1:
        parser.error("--rows must be at least 100 and --rounds at least 1")
    rng = np.random.default_rng(options.seed)
    (X, y), test = sample(rng, options.rows), sample(rng, 10_000)
    order = np.argsort(y)
    engines = ["lightgbm", "xgboost"] if options.engine == "both" else [options.engine]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        for engine in engines:
            results = errors(engine, client, (X[order], y[order]), test, options.rounds)
            one = results["one machine"]
            print(f"\n{engine}: mean absolute error of new rows, over one machine's {one:.3f}")
            for name, error in results.items():
                print(f"  {name:<30}{error / one:>8.3f}")


if __name__ == "__main__":
    main()
