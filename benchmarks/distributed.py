"""What training on a Dask cluster costs and gives, beside the engines' own Dask estimators.

    python -m benchmarks.distributed [--rows N ...] [--workers K ...] [--rounds N] [--pairs N] [--output DIR]

All workers are processes of this machine, with one thread each. Times are of whole trainings, in turn with the
engine's own built-in objective on the same cluster; data are in memory before. "Time in our sums" is what a worker
spends in the sums that ours adds, waiting for the others included. The last table is the held-out loss by how the
rows are spread, over that of one machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import dask.array as da
import lightgbm as lgb
import numpy as np
import xgboost as xgb
import xgboost.dask
from dask.distributed import Client, LocalCluster, wait
from tqdm import tqdm

from benchmarks.report import add_output, report
from gbm_objectives import AbsoluteError, Loss, SquaredError
from gbm_objectives.engines.cluster.communicator import Communicator

ENGINES = ("lightgbm", "xgboost")
OWN = {
    ("lightgbm", "squared_error"): "regression",
    ("lightgbm", "absolute_error"): "regression_l1",
    ("xgboost", "squared_error"): "reg:squarederror",
    ("xgboost", "absolute_error"): "reg:absoluteerror",
}
PARAMS: dict[str, dict[str, Any]] = {
    "lightgbm": {"num_leaves": 63, "learning_rate": 0.1, "num_threads": 1, "verbosity": -1},
    "xgboost": {"max_depth": 6, "eta": 0.1, "nthread": 1, "verbosity": 0},
}
LOSSES: list[Loss] = [SquaredError(), AbsoluteError()]
FEATURES = 10


def count_sums() -> None:
    """Let a worker keep how many bytes it sums, and for how long; from 0 when called again."""
    # On the class: this function travels to the workers by value, and its module's globals would be copies.
    there: Any = Communicator
    kept = there.kept = {"bytes": 0, "seconds": 0.0, "calls": 0}
    plain_sum = there.plain_sum = getattr(there, "plain_sum", there.sum)

    def counted(self: Any, values: np.ndarray) -> np.ndarray:
        start = time.perf_counter()
        result: np.ndarray = plain_sum(self, values)
        kept["seconds"] += time.perf_counter() - start
        kept["bytes"] += np.asarray(values).nbytes
        kept["calls"] += 1
        return result

    there.sum = counted


def sums() -> dict[str, float]:
    """Return what a worker has kept."""
    there: Any = Communicator
    kept: dict[str, float] = there.kept
    return kept


def rows_of(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and a skewed target."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, FEATURES), dtype=np.float32)
    noise = rng.exponential(size=n).astype(np.float32)
    return X, 5 * np.sin(4 * X[:, 0]) + 3 * X[:, 1] * X[:, 2] + (1 + X[:, 3]) * noise


def spread(client: Client, arrays: Sequence[np.ndarray], ends: Sequence[int]) -> list[Any]:
    """Return Dask arrays in memory, a partition on each worker in turn."""
    workers = sorted(client.nthreads())
    results = []
    for array in arrays:
        parts = np.split(array, ends)
        futures = [
            client.scatter(part, workers=[workers[i % len(workers)]], hash=False) for i, part in enumerate(parts)
        ]
        wait(futures)
        pieces = [
            da.from_delayed(future, part.shape, part.dtype) for future, part in zip(futures, parts, strict=True)
        ]
        results.append(da.concatenate(pieces))
    return results


def ours(engine: str, client: Client, loss: Loss, X: Any, y: Any, rounds: int) -> Any:
    """Train with one of our losses."""
    train = import_module(f"gbm_objectives.engines.{engine}.dask").train
    return train(client, PARAMS[engine], X, y, loss=loss, num_boost_round=rounds)[0]


def own(engine: str, client: Client, loss: Loss, X: Any, y: Any, rounds: int) -> Any:
    """Train with the engine's own Dask estimator and objective."""
    params = {**PARAMS[engine], "objective": OWN[engine, loss.name], "n_estimators": rounds}
    if engine == "lightgbm":
        params["n_jobs"] = params.pop("num_threads")
        return lgb.DaskLGBMRegressor(client=client, **params).fit(X, y).to_local().booster_
    params["n_jobs"] = params.pop("nthread")
    params["learning_rate"] = params.pop("eta")
    model = xgboost.dask.DaskXGBRegressor(**params)
    model.client = client
    return model.fit(X, y).get_booster()


def seconds(way: Callable[..., Any], *arguments: Any) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    way(*arguments)
    return time.perf_counter() - start


def timed(engine: str, client: Client, loss: Loss, X: Any, y: Any, rounds: int, pairs: int) -> list[str]:
    """Return the cells of a row of the table of times."""
    ours(engine, client, loss, X, y, 2)
    client.run(count_sums)
    arguments = engine, client, loss, X, y, rounds
    builtin, times = np.array([[seconds(way, *arguments) for way in (own, ours)] for _ in range(pairs)]).T
    kept = list(client.run(sums).values())
    share = max(one["seconds"] for one in kept) / times.sum()
    each = 1e3 * min(one["seconds"] / max(one["calls"], 1) for one in kept)
    a_round = max(one["bytes"] for one in kept) / pairs / rounds
    ratio = np.median(times / builtin)
    return [f"{np.median(builtin):.1f}", f"{ratio:.2f}", f"{share:.1%}", f"{each:.2f}", f"{a_round:,.0f}"]


def predicted(engine: str, booster: Any, X: np.ndarray) -> np.ndarray:
    """Return predictions of a native model."""
    data = xgb.DMatrix(X) if engine == "xgboost" else X
    return np.asarray(booster.predict(data))


def times_table(rows: Sequence[int], workers: Sequence[int], rounds: int, pairs: int) -> str:
    """Return a Markdown table of times by engine, loss, rows and workers."""
    lines = [
        "| engine | loss | rows | workers | built-in, s | ours ÷ built-in | time in our sums | ms a sum |"
        " bytes a round |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    kinds = [(engine, loss) for engine in ENGINES for loss in LOSSES]
    bar = tqdm(total=len(kinds) * len(rows) * len(workers), unit="case")
    for k in workers:
        with (
            LocalCluster(n_workers=k, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            for n in rows:
                X, y = spread(client, rows_of(n, 0), [n * i // k for i in range(1, k)])
                for engine, loss in kinds:
                    cells = [engine, loss.name, f"{n:,}", str(k)]
                    cells += timed(engine, client, loss, X, y, rounds, pairs)
                    lines.append(f"| {' | '.join(cells)} |")
                    bar.update()
    return "\n".join(lines)


def losses_table(n: int, rounds: int) -> str:
    """Return a Markdown table of held-out losses over one machine's, by how rows are spread over two workers."""
    lines = [
        "| engine | loss | of | random | sorted | sorted, 90 to 10 |",
        "|---|---|---|---|---|---|",
    ]
    X, y = rows_of(n, 0)
    fresh = rows_of(100_000, 1)
    order = np.argsort(y)
    ways = {"random": (np.arange(n), n // 2), "sorted": (order, n // 2), "90/10": (order, 9 * n // 10)}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        for engine in ENGINES:
            train = import_module(f"gbm_objectives.engines.{engine}").train
            data = lgb.Dataset(X, y) if engine == "lightgbm" else xgb.DMatrix(X, y)
            for loss in LOSSES:
                alone = train(PARAMS[engine], data, loss=loss, num_boost_round=rounds)
                reference = loss.value(fresh[1], predicted(engine, alone, fresh[0]))
                for name, way in (("ours", ours), ("the engine's own", own)):
                    cells = []
                    for rows, end in ways.values():
                        spread_X, spread_y = spread(client, (X[rows], y[rows]), [end])
                        booster = way(engine, client, loss, spread_X, spread_y, rounds)
                        cells.append(loss.value(fresh[1], predicted(engine, booster, fresh[0])) / reference)
                    lines.append(
                        f"| {engine} | {loss.name} | {name} | " + " | ".join(f"{c:.3f}" for c in cells) + " |"
                    )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed", description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=3)
    add_output(parser)
    options = parser.parse_args(argv)
    few = min(*options.rows, 100_000)  # one machine trains on them, too
    parts = [
        f"LightGBM {lgb.__version__}, XGBoost {xgb.__version__}, {options.rounds} rounds, {FEATURES} features, one"
        " thread a worker; medians of pairs.",
        times_table(options.rows, options.workers, options.rounds, options.pairs),
        f"Held-out loss over one machine's with {few:,} rows on two workers:",
        losses_table(few, options.rounds),
    ]
    report(options.output, "distributed", "\n\n".join(parts))


if __name__ == "__main__":
    main()
