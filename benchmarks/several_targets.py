"""Several targets in one model: held-out error and time, ours against the engines' own ways.

    python -m benchmarks.several_targets [--splits N] [--rows N] [--output DIR]

Real sets that scikit-learn ships: of diabetes, six blood values from age, sex, body mass and blood pressure; of
digits, the lower half of each image, 32 targets, from the upper half. Errors are root mean squares over all
targets, each in its own standard deviations, on a quarter of the rows that no model has seen; ratios are medians
over splits. One thread. Peers: scikit-learn's `MultiOutputRegressor` around the engine's own estimator, a model
for each target, and XGBoost's own multi-output models. Then half of the training targets are hidden at random,
which no peer takes: those leave out the rows in which any is missing (of 32 targets no row is left), or train a
model for each target on the rows that have it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.multioutput import MultiOutputRegressor
from tqdm import tqdm
from xgboost import XGBRegressor

from benchmarks.report import add_output, report
from gbm_objectives import GBMRegressor, MultiTarget, SquaredError

SETTINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "LightGBM": (LGBMRegressor, {"learning_rate": 0.1, "n_estimators": 100, "verbosity": -1, "n_jobs": 1}),
    "XGBoost": (XGBRegressor, {"learning_rate": 0.1, "n_estimators": 100, "n_jobs": 1}),
}
OURS, SEPARATE, COMPLETE = "ours", "a model each, on its rows", "complete rows only"
Fit = Callable[[np.ndarray, np.ndarray], Any]


def real_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return features and standardised targets of each set."""
    blood, _ = load_diabetes(return_X_y=True)
    digits, _ = load_digits(return_X_y=True)
    below = digits[:, 32:]
    sets = {
        "diabetes": (blood[:, :4], blood[:, 4:]),
        "digits": (digits[:, :32], below[:, below.std(axis=0) > 0.5]),
    }
    return {name: (X, (y - y.mean(axis=0)) / y.std(axis=0)) for name, (X, y) in sets.items()}


def ours(engine: str, **more: Any) -> Fit:
    """Return what trains our model."""
    kind, settings = SETTINGS[engine]
    return lambda X, y: GBMRegressor(MultiTarget(SquaredError(), y.shape[1]), kind(**settings, **more)).fit(X, y)


def stock(engine: str) -> Fit:
    """Return what trains one of the engine's own models for each target."""
    kind, settings = SETTINGS[engine]
    return MultiOutputRegressor(kind(**settings)).fit


def own_of_xgboost(**more: Any) -> Fit:
    """Return what trains XGBoost's own model of several targets."""
    kind, settings = SETTINGS["XGBoost"]
    return lambda X, y: kind(**settings, **more).fit(X, y)


class OfKnownRows:
    """One of the engine's own models for each target, on the rows that have it."""

    def __init__(self, engine: str) -> None:
        self.kind, self.settings = SETTINGS[engine]

    def fit(self, X: np.ndarray, y: np.ndarray) -> OfKnownRows:
        """Train."""
        known = ~np.isnan(y)
        self.models = [self.kind(**self.settings).fit(X[rows], y[rows, i]) for i, rows in enumerate(known.T)]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict."""
        return np.column_stack([model.predict(X) for model in self.models])


def methods() -> dict[tuple[str, str], Fit]:
    """Return the ways for complete targets, by engine and name."""
    vector = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
    return {
        ("LightGBM", OURS): ours("LightGBM"),
        ("LightGBM", "MultiOutputRegressor"): stock("LightGBM"),
        ("XGBoost", OURS): ours("XGBoost"),
        ("XGBoost", "MultiOutputRegressor"): stock("XGBoost"),
        ("XGBoost", "its own, a tree for each target"): own_of_xgboost(),
        ("XGBoost", "ours, vector leaves"): ours("XGBoost", **vector),
        ("XGBoost", "its own, vector leaves"): own_of_xgboost(**vector),
    }


def with_holes() -> dict[tuple[str, str], Fit]:
    """Return the ways for targets of which half are missing."""

    def complete(engine: str) -> Fit:
        def fit(X: np.ndarray, y: np.ndarray) -> Any:
            rows = ~np.isnan(y).any(axis=1)
            return stock(engine)(X[rows], y[rows]) if rows.sum() > 1 else None

        return fit

    return {
        (engine, name): fit
        for engine in SETTINGS
        for name, fit in (
            (OURS, ours(engine)),
            (SEPARATE, OfKnownRows(engine).fit),
            (COMPLETE, complete(engine)),
        )
    }


def results(
    ways: dict[tuple[str, str], Fit], X: np.ndarray, y: np.ndarray, splits: int, hidden: float = 0.0
) -> dict[tuple[str, str], np.ndarray]:
    """Return error and seconds of each way, (n_splits, 2)."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {way: [] for way in ways}
    for seed in range(splits):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(X))
        train, test = order[len(X) // 4 :], order[: len(X) // 4]
        known = np.where(rng.random((len(train), y.shape[1])) < hidden, np.nan, y[train])
        for way, fit in ways.items():
            began = perf_counter()
            model = fit(X[train], known)
            seconds = perf_counter() - began
            error = np.nan if model is None else np.sqrt(np.mean(np.square(model.predict(X[test]) - y[test])))
            found[way].append((float(error), seconds))
    return {way: np.array(rows) for way, rows in found.items()}


def lines(name: str, found: dict[tuple[str, str], np.ndarray]) -> list[str]:
    """Return a row of the table for each way, beside ours on the same engine."""
    rows = []
    for (engine, way), of_way in found.items():
        own = found[engine, OURS]
        if np.isnan(of_way).any():
            continue  # no row is complete
        error = np.median(own[:, 0] / of_way[:, 0])
        ratio = "" if way == OURS else f"{error:.3f}"
        time = "" if way == OURS else f"{np.median(own[:, 1] / of_way[:, 1]):.2f}"
        cells = f"{np.median(of_way[:, 0]):.3f}", ratio, f"{np.median(of_way[:, 1]):.2f}", time
        rows.append(f"| {name} | {engine} | {way} | {' | '.join(cells)} |")
    return rows


HEAD = [
    "| set | engine | way | error | error, ours ÷ | seconds | seconds, ours ÷ |",
    "|---|---|---|---|---|---|---|",
]


def main() -> None:
    """Print the tables and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--rows", type=int, default=100_000, help="of the simulation that is timed")
    add_output(parser)
    options = parser.parse_args()
    tables: dict[str, list[str]] = {"All targets known": [], "Half of the training targets hidden": []}
    for name, (X, y) in tqdm(real_sets().items(), desc="sets"):
        splits = options.splits if y.shape[1] < 10 else max(1, options.splits // 3)
        tables["All targets known"] += lines(name, results(methods(), X, y, splits))
        tables["Half of the training targets hidden"] += lines(name, results(with_holes(), X, y, splits, 0.5))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(options.rows * 4 // 3, 10))
    y = np.column_stack([np.sin(X[:, i]) + X[:, i + 1] for i in range(5)]) + rng.normal(size=(len(X), 5))
    large = f"simulated, {options.rows:,} rows, 5 targets"
    tables["All targets known"] += lines(large, results(methods(), X, y, 3))
    text = "Medians over splits; a learning rate of 0.1, 100 rounds, one thread.\n\n"
    text += "\n\n".join(f"{title}:\n\n" + "\n".join(HEAD + rows) for title, rows in tables.items())
    report(options.output, "several_targets", text)


if __name__ == "__main__":
    main()
