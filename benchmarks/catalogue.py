"""Losses of the catalogue against the engines' own objectives of the same mathematics, at the engines' defaults.

    python -m benchmarks.catalogue [--data FOLDER] [--splits 3]

Held-out loss over the built-in's, each at its best round, on simulated data of the loss's family and, with a
folder of data sets as `benchmarks.accuracy` takes them, on real ones. Below 1 is better.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from tqdm import tqdm

from benchmarks.accuracy_sets import uci_sets
from benchmarks.report import add_output, report
from gbm_objectives import (
    AbsolutePercentageError,
    Fair,
    GammaDeviance,
    Loss,
    PoissonDeviance,
    PseudoHuber,
    SquaredLogError,
    TweedieDeviance,
)
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

LGB: dict[str, Any] = {"num_threads": 2, "verbosity": -1}
XGB: dict[str, Any] = {"nthread": 2}
# Rounds at which the held-out loss is looked at.
ROUNDS = (1, 2, 3, 5, 8, 12, 18, 25, 35, 50, 70, 100, 140, 200, 300)


@dataclass(frozen=True)
class Task:
    """A loss, the engines' objectives, data of its family, and how a real target becomes one of its domain."""

    loss: Loss
    simulate: Callable[[np.random.Generator, np.ndarray], np.ndarray]  # from the logarithm of the mean
    lightgbm: dict[str, Any] = field(default_factory=dict)
    xgboost: dict[str, Any] = field(default_factory=dict)
    # The built-in predicts on the response scale; from there to ours.
    to_raw: Callable[[np.ndarray], np.ndarray] = np.log


def counts(rng: np.random.Generator, log_mean: np.ndarray) -> np.ndarray:
    """Draw Poisson counts."""
    return rng.poisson(np.exp(log_mean)).astype(float)


def claims(rng: np.random.Generator, log_mean: np.ndarray) -> np.ndarray:
    """Draw gamma variables of shape 2."""
    return rng.gamma(2.0, np.exp(log_mean) / 2.0) + 1e-3


def sums(rng: np.random.Generator, log_mean: np.ndarray) -> np.ndarray:
    """Draw sums of a Poisson number of gamma variables, many of them 0."""
    numbers = rng.poisson(0.7 * np.exp(0.5 * log_mean))
    return np.array([rng.gamma(2.0, 0.7, n).sum() for n in numbers])


def heavy(rng: np.random.Generator, log_mean: np.ndarray) -> np.ndarray:
    """Draw numbers around the mean with heavy tails."""
    return 5.0 + log_mean + 0.5 * rng.standard_t(2.0, len(log_mean))


def same(values: np.ndarray) -> np.ndarray:
    """Return predictions that are raw ones."""
    return values


TASKS = {
    "poisson": Task(PoissonDeviance(), counts, {"objective": "poisson"}, {"objective": "count:poisson"}),
    "gamma": Task(GammaDeviance(), claims, {"objective": "gamma"}, {"objective": "reg:gamma"}),
    "tweedie 1.5": Task(
        TweedieDeviance(1.5),
        sums,
        {"objective": "tweedie", "tweedie_variance_power": 1.5},
        {"objective": "reg:tweedie", "tweedie_variance_power": 1.5},
    ),
    "mape": Task(AbsolutePercentageError(), claims, {"objective": "mape"}, to_raw=same),
    "fair 1": Task(Fair(1.0), heavy, {"objective": "fair", "fair_c": 1.0}, to_raw=same),
    "pseudo-huber 1": Task(
        PseudoHuber(1.0), heavy, {}, {"objective": "reg:pseudohubererror", "huber_slope": 1.0}, to_raw=same
    ),
    "squared log": Task(SquaredLogError(), claims, {}, {"objective": "reg:squaredlogerror"}, to_raw=np.log1p),
}


def simulated(task: Task, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 4,000 rows of six features, of which three tell the mean."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (4000, 6))
    return X, task.simulate(rng, 0.5 + X[:, 0] + np.sin(3 * X[:, 1]) * X[:, 2])


def of_domain(task: Task, y: np.ndarray) -> np.ndarray:
    """Return a real target, shifted and scaled to the size of a few and to positive numbers."""
    y = (y - y.min()) / np.std(y) + 0.1
    return np.round(y) if task.simulate is counts else y


def held_out(task: Task, engine: str, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the best held-out loss of ours and of the built-in."""
    order = np.random.default_rng(seed).permutation(len(y))
    fit, late = order[: int(0.8 * len(y))], order[int(0.8 * len(y)) :]
    loss, n = task.loss, ROUNDS[-1]
    if engine == "LightGBM":
        ours: Any = on_lightgbm.train(LGB, lgb.Dataset(X[fit], y[fit]), loss=loss, num_boost_round=n)
        theirs: Any = lgb.train({**LGB, **task.lightgbm}, lgb.Dataset(X[fit], y[fit]), n)
        raw = [ours.predict(X[late], raw_score=True, num_iteration=k) for k in ROUNDS]
        response = [theirs.predict(X[late], num_iteration=k) for k in ROUNDS]
    else:
        ours = on_xgboost.train(XGB, xgb.DMatrix(X[fit], y[fit]), loss=loss, num_boost_round=n)
        theirs = xgb.train({**XGB, **task.xgboost}, xgb.DMatrix(X[fit], y[fit]), n)
        data = xgb.DMatrix(X[late])
        raw = [ours.predict(data, output_margin=True, iteration_range=(0, k)) for k in ROUNDS]
        response = [theirs.predict(data, iteration_range=(0, k)) for k in ROUNDS]
    with np.errstate(all="ignore"):
        others = [task.to_raw(np.asarray(p, dtype=float)) for p in response]
    return tuple(
        float(np.nanmin([loss.value(y[late], f) if np.isfinite(f).all() else np.nan for f in predictions]))
        for predictions in (raw, others)
    )


def ratio(task: Task, engine: str, sets: Sequence[tuple[np.ndarray, np.ndarray]], splits: int) -> list[float]:
    """Return for each data set the geometric mean over splits of ours over the built-in's."""
    ratios = []
    for X, y in sets:
        pairs = [held_out(task, engine, X, y, seed) for seed in range(splits)]
        ratios.append(float(np.exp(np.mean([np.log(ours / theirs) for ours, theirs in pairs]))))
    return ratios


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of data sets, as benchmarks.accuracy takes it")
    parser.add_argument("--splits", type=int, default=3, help="80/20 splits per data set (default: 3)")
    add_output(parser)
    options = parser.parse_args(argv)
    real = {name: (X, y) for name, X, y in uci_sets(options.data)} if options.data else {}
    lines = ["| objective | engine | simulated | real sets | worst real set |", "|---" * 5 + "|"]
    for name, task in tqdm(TASKS.items(), desc="losses"):
        for engine, params in (("LightGBM", task.lightgbm), ("XGBoost", task.xgboost)):
            if not params:
                continue
            of_family = ratio(task, engine, [simulated(task, seed) for seed in range(2)], options.splits)
            cells = [f"{np.exp(np.mean(np.log(of_family))):.3f}", "–", "–"]
            if real:
                by_set = ratio(task, engine, [(X, of_domain(task, y)) for X, y in real.values()], options.splits)
                worst = int(np.argmax(by_set))
                cells[1:] = [
                    f"{np.exp(np.mean(np.log(by_set))):.3f}",
                    f"{by_set[worst]:.3f} ({list(real)[worst]})",
                ]
            lines.append(f"| {name} | {engine} | {' | '.join(cells)} |")
    head = (
        "Held-out loss over the built-in's at the engines' defaults, each at its best round; geometric means over"
        f" sets and {options.splits} splits, below 1 is better."
    )
    report(options.output, "catalogue", head + "\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
