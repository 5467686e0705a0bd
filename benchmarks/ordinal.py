"""Ordered classes: held-out log loss, error of the class, kappa and time, ours against free classes and numbers.

    python -m benchmarks.ordinal --data FOLDER [FOLDER ...] [--splits N] [--output DIR]

Each folder holds data sets as for `benchmarks.accuracy`. A target of at most a dozen whole numbers is a rating,
and its values are the classes, less those that fewer than five rows have; any other is cut into five classes of
equally many rows. Three quarters of the rows are to train on, the shares of classes the same in both parts. All
models run on one thread.

The classes compared are the best ones for each measure that a model has probabilities for: the median for the mean
absolute error, the one nearest to the mean for quadratic weighted kappa. Squared error of the class numbers is
rounded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import train_test_split
from tqdm import tqdm
from xgboost import XGBClassifier, XGBRegressor

from benchmarks.accuracy_sets import uci_sets
from benchmarks.report import add_output, report
from gbm_objectives import CategoricalCrossEntropy, GBMClassifier, GBMRegressor, ProportionalOdds, SquaredError

MOST_CLASSES, LEAST_ROWS, BINS = 12, 5, 5
OURS, EXACT, FREE, BUILT_IN, NUMBERS = (
    "ProportionalOdds",
    'ProportionalOdds(hessian="exact")',
    "CategoricalCrossEntropy",
    "built-in multi-class",
    "squared error, rounded",
)
MODELS = (OURS, EXACT, FREE, BUILT_IN, NUMBERS)
ENGINES = ("LightGBM", "XGBoost")


@dataclass(frozen=True)
class Protocol:
    """How all models of a table are trained: for 100 rounds, or for as many as a fifth of the rows choose."""

    title: str
    rates: tuple[float, float]  # of LightGBM and of XGBoost
    stops: bool = False


PROTOCOLS = (
    Protocol("early stopping, rate 0.1", (0.1, 0.1), stops=True),
    Protocol("the engines' defaults: 100 rounds, rates 0.1 and 0.3", (0.1, 0.3)),
    Protocol("100 rounds, rates 0.3 and 0.1", (0.3, 0.1)),
    Protocol("100 rounds, rate 1", (1.0, 1.0)),
)
MOST_ROUNDS, PATIENCE = 1000, 30
Scores = dict[tuple[str, str], list[float]]  # by engine and model: log loss, error, kappa, seconds


def sets_of(folders: Sequence[Path]) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Yield kind, name, features and classes of each set."""
    for folder in folders:
        for name, X, y in uci_sets(folder):
            values, counts = np.unique(y, return_counts=True)
            if len(values) <= MOST_CLASSES and (values == np.round(values)).all():
                rows = np.isin(y, values[counts >= LEAST_ROWS])
                yield "ratings", name, X[rows], np.unique(y[rows], return_inverse=True)[1]
            else:
                ends = np.quantile(y, np.arange(1, BINS) / BINS)
                yield "numbers in five classes", name, X, np.searchsorted(ends, y)


def estimator(engine: str, classifier: bool, rate: float, stops: bool) -> Any:
    """Return the engine's own estimator."""
    common: dict[str, Any] = {"n_jobs": 1, "learning_rate": rate, "n_estimators": MOST_ROUNDS if stops else 100}
    if engine == "LightGBM":
        common |= {"verbosity": -1, "early_stopping_round": PATIENCE if stops else None}
        return (LGBMClassifier if classifier else LGBMRegressor)(**common)
    common |= {"early_stopping_rounds": PATIENCE if stops else None}
    return (XGBClassifier if classifier else XGBRegressor)(**common)


def model_of(name: str, engine: str, n_classes: int, rate: float, stops: bool) -> Any:
    """Return a model by its name in the tables."""
    bare = estimator(engine, name != NUMBERS, rate, stops)
    loss = {
        OURS: ProportionalOdds(n_classes),
        EXACT: ProportionalOdds(n_classes, hessian="exact"),
        FREE: CategoricalCrossEntropy(n_classes),
    }
    if name == BUILT_IN:
        return bare
    return GBMRegressor(SquaredError(), bare) if name == NUMBERS else GBMClassifier(loss[name], bare)


def scores(model: Any, X: np.ndarray, y: np.ndarray, n_classes: int) -> list[float]:
    """Return log loss, mean absolute error of the class and quadratic weighted kappa on held-out rows."""
    if isinstance(model, GBMRegressor):
        rounded = np.clip(np.rint(model.predict(X)), 0, n_classes - 1)
        return [np.nan, float(np.abs(rounded - y).mean()), kappa(y, rounded)]
    p = np.clip(model.predict_proba(X).astype(float), 1e-15, None)
    log_loss = -float(np.log(p[np.arange(len(y)), y] / p.sum(axis=1)).mean())
    median = (p.cumsum(axis=1) < 0.5).sum(axis=1)
    return [log_loss, float(np.abs(median - y).mean()), kappa(y, np.rint(p @ np.arange(n_classes)))]


def kappa(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return quadratic weighted kappa; 0 where all predictions are one class."""
    return float(np.nan_to_num(cohen_kappa_score(y, predicted.astype(int), weights="quadratic")))


def measure(X: np.ndarray, y: np.ndarray, seed: int, protocol: Protocol) -> Scores:
    """Train all models on a split and judge them."""
    X_fit, X_test, y_fit, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y)
    keywords: dict[str, Any] = {}
    if protocol.stops:
        X_fit, late, y_fit, y_late = train_test_split(
            X_fit, y_fit, test_size=0.2, random_state=seed, stratify=y_fit
        )
        keywords = {"eval_set": [(late, y_late)]}
    n_classes, found = int(y.max()) + 1, {}
    for engine, rate in zip(ENGINES, protocol.rates, strict=True):
        quiet = {"verbose": False} if engine == "XGBoost" and protocol.stops else {}
        for name in MODELS:
            model = model_of(name, engine, n_classes, rate, protocol.stops)
            start = time.perf_counter()
            model.fit(X_fit, y_fit, **keywords, **quiet)
            seconds = time.perf_counter() - start
            found[engine, name] = [*scores(model, X_test, y_test, n_classes), seconds]
    return found


def table(results: dict[str, list[Scores]]) -> str:
    """Return a table of all sets: each model beside free classes on the same engine."""
    head = ["", "log loss ÷", "better in", "error ÷", "kappa +", "seconds ÷"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for engine in ENGINES:
        for name in MODELS:
            by_set = [
                np.array([[*one[engine, name], *one[engine, FREE]] for one in splits])
                for splits in results.values()
            ]
            ratio, error, seconds = (
                np.exp(np.mean([np.log(one[:, i].mean() / one[:, i + 4].mean()) for one in by_set]))
                for i in (0, 1, 3)
            )
            better = np.mean([np.mean(one[:, 0] < one[:, 4]) for one in by_set])
            more = np.mean([np.mean(one[:, 2] - one[:, 6]) for one in by_set])
            no_loss = name == NUMBERS
            cells = ["–" if no_loss else f"{ratio:.3f}", "–" if no_loss else f"{100 * better:.0f} %"]
            cells += [f"{error:.3f}", f"{more:+.3f}", f"{seconds:.2f}"]
            lines.append(f"| {engine}, {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def by_set(results: dict[str, list[Scores]], sizes: dict[str, str]) -> str:
    """Return a table with the log loss of each set, ours over that of free classes."""
    head = ["log loss ÷ CategoricalCrossEntropy's", "rows", "classes", *ENGINES]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, splits in results.items():
        ratios = [
            np.mean([one[engine, OURS][0] for one in splits]) / np.mean([one[engine, FREE][0] for one in splits])
            for engine in ENGINES
        ]
        lines.append(f"| {name} | {sizes[name]} | {' | '.join(f'{ratio:.3f}' for ratio in ratios)} |")
    return "\n".join(lines)


LEGEND = """All columns compare with CategoricalCrossEntropy on the same engine: "log loss ÷", the error of the
class and seconds are ratios, geometric means over sets of the means over splits; "better in" is the share of
splits with a lower log loss; "kappa +" is the difference of quadratic weighted kappas."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all sets, print the tables, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ordinal", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of data sets, as for benchmarks.accuracy"
    )
    parser.add_argument("--splits", type=int, default=5, help="splits of each set (default: 5)")
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.splits < 1:
        parser.error(f"--splits must be at least 1, got {options.splits}")
    sets = list(sets_of(options.data))
    if not sets:
        parser.error(f"--data must hold data sets, there are none in {', '.join(map(str, options.data))}")
    sizes = {name: f"{len(y):,} | {int(y.max()) + 1}" for _, name, _, y in sets}
    text = f"LightGBM {lgb.__version__}, XGBoost {xgb.__version__}, {options.splits} splits\n\n{LEGEND}\n"
    for kind in dict.fromkeys(kind for kind, *_ in sets):
        for i, protocol in enumerate(PROTOCOLS):
            results: dict[str, list[Scores]] = {}
            for of_kind, name, X, y in tqdm(sets, unit="set", desc=f"{kind}, {protocol.title}", leave=False):
                if of_kind == kind:
                    results[name] = [measure(X, y, seed, protocol) for seed in range(options.splits)]
            text += f"\n### {kind.capitalize()}, {protocol.title}\n\n{table(results)}\n"
            if i == 0:
                text += f"\n{by_set(results, sizes)}\n"
    report(options.output, "ordinal", text)


if __name__ == "__main__":
    main()
