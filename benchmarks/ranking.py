"""Ranking: NDCG@10 on a set of queries, and time on 100,000 rows, beside the engines' own objectives.

    python -m benchmarks.ranking --data DIR [--splits N] [--rows N] [--rounds N] [--pairs N] [--output DIR]

`--data` is a folder with LightGBM's example of learning to rank: rank.train and rank.test, svmlight rows, and
rank.train.query and rank.test.query, the number of rows of each query. All its queries are put together and split
anew, 80 % to train on, of which a fifth chooses the number of rounds; then all of them are trained on. Each model
and each split has the same queries. Trainings run on one thread. For times, queries of 20 to 100 rows are
simulated, and trainings of ours and of a peer take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.datasets import load_svmlight_file
from tqdm import tqdm

from benchmarks.report import add_output, report
from gbm_objectives import LambdaRank, ListNet, Loss, RankNet, SquaredError
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.ranking import NDCG

ENGINES = ("LightGBM", "XGBoost")
# Ours, and by engine its own objective of the same kind.
PEERS: dict[str, tuple[Loss, dict[str, str]]] = {
    "LambdaRank": (LambdaRank(), {"LightGBM": "lambdarank", "XGBoost": "rank:ndcg"}),
    "RankNet": (RankNet(), {"LightGBM": "lambdarank", "XGBoost": "rank:pairwise"}),
    "ListNet": (ListNet(), {"LightGBM": "rank_xendcg", "XGBoost": "rank:ndcg"}),
}
QUIET: dict[str, dict[str, Any]] = {"LightGBM": {"num_threads": 1, "verbosity": -1}, "XGBoost": {"nthread": 1}}
RATE, MOST, EVERY = 0.1, 200, 10
LEGEND = """NDCG@10 of new queries is the mean over splits, with the standard error over splits; "less own" is ours
less the engine's own objective in the same split. Regression is squared error of the relevances, without queries.
Seconds are those of training alone, on simulated rows; ÷ is the median over pairs of trainings in turns."""
Split = tuple[np.ndarray, np.ndarray, np.ndarray]  # numbers of queries to fit, to stop with, and to test with


@dataclass(frozen=True)
class Queries:
    """Rows of queries, one query after the other."""

    X: Any
    y: np.ndarray
    group: np.ndarray

    def some(self, queries: np.ndarray) -> Queries:
        """Return the rows of some queries."""
        ends = np.append(0, np.cumsum(self.group))
        rows = np.concatenate([np.arange(ends[one], ends[one + 1]) for one in queries])
        return Queries(self.X[rows], self.y[rows], self.group[queries])


def example_set(folder: Path) -> Queries:
    """Read LightGBM's example, its training and its test queries together."""
    parts = [load_svmlight_file(str(folder / name), n_features=300) for name in ("rank.train", "rank.test")]
    groups = [np.loadtxt(folder / f"{name}.query", dtype=int) for name in ("rank.train", "rank.test")]
    X = np.concatenate([part[0].toarray() for part in parts]).astype(np.float32)
    return Queries(X, np.concatenate([part[1] for part in parts]), np.concatenate(groups))


def split(n_queries: int, seed: int) -> Split:
    """Return the queries to fit, those to stop early with, and those to test with."""
    order = np.random.default_rng(seed).permutation(n_queries)
    first, second = int(0.64 * n_queries), int(0.8 * n_queries)
    return order[:first], order[first:second], order[second:]


def data_of(engine: str, rows: Queries, queries: bool = True) -> Any:
    """Return the engine's data set."""
    if engine == "LightGBM":
        group = rows.group if queries else None
        return lgb.Dataset(rows.X, rows.y, group=group, free_raw_data=False, params=QUIET[engine])
    data = xgb.DMatrix(rows.X, rows.y)
    if queries:
        data.set_group(rows.group)
    return data


def training(engine: str, objective: Loss | str, data: Any, rounds: int) -> Any:
    """Train under a loss of ours, or an objective of the engine's own."""
    params = {**QUIET[engine], "learning_rate": RATE}
    if engine == "LightGBM":
        if isinstance(objective, Loss):
            return on_lightgbm.train(params, data, loss=objective, num_boost_round=rounds)
        return lgb.train({**params, "objective": objective, "metric": "None"}, data, rounds)
    if isinstance(objective, Loss):
        return on_xgboost.train(params, data, loss=objective, num_boost_round=rounds)
    return xgb.train({**params, "objective": objective, "disable_default_eval_metric": True}, data, rounds)


def curve(engine: str, booster: Any, rows: Queries) -> np.ndarray:
    """Return NDCG@10 after every tenth round."""
    rounds = range(EVERY, MOST + 1, EVERY)
    if engine == "LightGBM":
        stages = [booster.predict(rows.X, raw_score=True, num_iteration=n) for n in rounds]
    else:
        data = xgb.DMatrix(rows.X)
        stages = [booster.predict(data, output_margin=True, iteration_range=(0, n)) for n in rounds]
    return np.array([NDCG(10).value(rows.y, one, group=rows.group) for one in stages])


def ndcg_of(engine: str, objective: Loss | str, rows: Queries, parts: Split) -> float:
    """Return NDCG@10 of the test queries, with the number of rounds that is best on others."""
    fit, late, test = (rows.some(part) for part in parts)
    both = rows.some(np.concatenate(parts[:2]))
    queries = not isinstance(objective, SquaredError)
    trial = training(engine, objective, data_of(engine, fit, queries), MOST)
    best = EVERY * (1 + int(curve(engine, trial, late).argmax()))
    model = training(engine, objective, data_of(engine, both, queries), best)
    raw = model.predict(test.X if engine == "LightGBM" else xgb.DMatrix(test.X))
    return NDCG(10).value(test.y, raw, group=test.group)


def accuracy(rows: Queries, splits: int) -> str:
    """Return a table of NDCG@10 in Markdown."""
    names: dict[str, dict[str, Loss | str]] = {
        engine: {
            **{name: loss for name, (loss, _) in PEERS.items()},
            **{own: own for own in dict.fromkeys(of[engine] for _, of in PEERS.values())},
            "regression": SquaredError(),
        }
        for engine in ENGINES
    }
    found: dict[tuple[str, str], list[float]] = {}
    for seed in tqdm(range(splits), unit="split", leave=False):
        parts = split(len(rows.group), seed)
        for engine, objectives in names.items():
            for name, objective in objectives.items():
                found.setdefault((engine, name), []).append(ndcg_of(engine, objective, rows, parts))
    lines = ["| engine | objective | NDCG@10 | own | less own |", "|---" * 5 + "|"]
    for (engine, name), values in found.items():
        own = PEERS[name][1][engine] if name in PEERS else "–"
        less = mean_and_error(np.subtract(values, found[engine, own])) if name in PEERS else "–"
        lines.append(f"| {engine} | {name} | {mean_and_error(np.array(values))} | {own} | {less} |")
    return "\n".join(lines)


def mean_and_error(values: np.ndarray) -> str:
    """Return the mean over splits, with its standard error if there are several."""
    text = f"{values.mean():.3f}"
    return text if len(values) < 2 else f"{text} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def simulated(n_rows: int) -> Queries:
    """Return queries of 20 to 100 rows, with 20 features and five grades."""
    rng = np.random.default_rng(0)
    group = rng.integers(20, 101, max(1, n_rows // 60))
    X = rng.standard_normal((group.sum(), 20), dtype=np.float32)
    signal = X[:, 0] + X[:, 1] * X[:, 2] + rng.standard_normal(len(X))
    return Queries(X, np.clip(np.round(signal + 1), 0, 4), group)


def seconds(train: Callable[[], Any]) -> float:
    """Return how long a training takes."""
    start = time.perf_counter()
    train()
    return time.perf_counter() - start


def speed(n_rows: int, rounds: int, pairs: int) -> str:
    """Return a table of seconds in Markdown."""
    rows = simulated(n_rows)
    lines = [
        f"{len(rows.y):,} rows in {len(rows.group):,} queries, {rounds} rounds",
        "",
        "| engine | objective | seconds | own | seconds | ÷ own |",
        "|---" * 6 + "|",
    ]
    for engine in ENGINES:
        data = data_of(engine, rows)
        for name, (loss, of) in PEERS.items():
            training(engine, loss, data, 1)  # which bins the data
            both = [
                [seconds(partial(training, engine, one, data, rounds)) for one in (loss, of[engine])]
                for _ in tqdm(range(pairs), unit="pair", leave=False)
            ]
            ours, own = np.array(both).T
            lines.append(
                f"| {engine} | {name} | {np.median(ours):.2f} | {of[engine]} | {np.median(own):.2f}"
                f" | {np.median(ours / own):.2f} |"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ranking", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of LightGBM's ranking example")
    parser.add_argument("--splits", type=int, default=20, help="splits of its queries (default: 20)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows to time (default: 100,000)")
    parser.add_argument("--rounds", type=int, default=100, help="rounds to time (default: 100)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of trainings to time (default: 5)")
    add_output(parser)
    options = parser.parse_args(arguments)
    if min(options.splits, options.rows, options.rounds, options.pairs) < 1:
        parser.error("--splits, --rows, --rounds and --pairs must be at least 1")
    if not (options.data / "rank.train").is_file():
        parser.error(f"there is no rank.train in {options.data}")
    rows = example_set(options.data)
    parts = [
        f"LightGBM {lgb.__version__}, XGBoost {xgb.__version__}, one thread, learning rate {RATE}",
        LEGEND,
        f"### NDCG@10, {options.splits} splits of {len(rows.group)} queries of {len(rows.y):,} rows",
        accuracy(rows, options.splits),
        "### Time",
        speed(options.rows, options.rounds, options.pairs),
    ]
    report(options.output, "ranking", "\n\n".join(parts))


if __name__ == "__main__":
    main()
