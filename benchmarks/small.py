"""What our estimators cost on few rows, where NumPy's calls weigh as much as trees, in turn with the engines' own.

    python -m benchmarks.small [--rows 500] [--trainings 200] [--repeats 15]

A search over parameters trains hundreds of small models: each setting is fitted with our estimator, with the
engine's own under its built-in objective, and with the engine's own under a custom objective as one writes it in
NumPy. Then one training of 50 rounds, and predictions of a single row, as a service makes them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.model_selection import ParameterSampler
from tqdm import tqdm

from benchmarks.report import add_output, report
from benchmarks.speed import ENGINES, make_data
from benchmarks.speed_tasks import TASKS, Task
from gbm_objectives import GBMClassifier, GBMRegressor

NAMES = ("MSE", "cross-entropy", "MAE", "Quantile 0.9")
FEATURES = 10
ONE_THREAD: dict[str, dict[str, Any]] = {"lightgbm": {"n_jobs": 1, "verbosity": -1}, "xgboost": {"n_jobs": 1}}
# What people search over, by the names that both engines' estimators share or nearly share.
SEARCHED = {
    "lightgbm": {
        "n_estimators": [50, 100],
        "learning_rate": [0.02, 0.05, 0.1, 0.2, 0.3],
        "num_leaves": [4, 8, 15, 31],
        "min_child_samples": [5, 10, 20],
        "reg_lambda": [0.0, 1.0, 10.0],
    },
    "xgboost": {
        "n_estimators": [50, 100],
        "learning_rate": [0.02, 0.05, 0.1, 0.2, 0.3],
        "max_depth": [2, 3, 4, 6],
        "min_child_weight": [1, 5, 10],
        "reg_lambda": [0.0, 1.0, 10.0],
    },
}
OURS, BUILT_IN, CUSTOM = "ours", "built-in", "custom"


def custom_objective(task: Task) -> Callable[..., Any]:
    """Return a custom objective as one writes it for an engine's estimator."""

    def objective(y_true: np.ndarray, raw_prediction: np.ndarray) -> Any:
        return task.plain(y_true, raw_prediction)

    return objective


def estimators(engine: str, task: Task, **setting: Any) -> dict[str, Any]:
    """Return our estimator, and the engine's own with its built-in and with a custom objective."""
    setting = {**ONE_THREAD[engine], **setting}
    prefix = {"lightgbm": "LGBM", "xgboost": "XGB"}[engine]
    module = {"lightgbm": lgb, "xgboost": xgb}[engine]
    own = getattr(module, prefix + ("Classifier" if task.labels else "Regressor"))
    given = {"lightgbm": task.lightgbm, "xgboost": task.xgboost}[engine]
    return {
        OURS: (GBMClassifier if task.labels else GBMRegressor)(task.loss, own(**setting)),
        BUILT_IN: own(**given, **setting),
        CUSTOM: own(objective=custom_objective(task), **setting),
    }


def seconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls: dict[str, Callable[[], Any]], turn: int) -> dict[str, float]:
    """Return the seconds of calls; each turn begins with another one, since the second finds a warmer machine."""
    order = np.roll(list(calls), turn)
    return {str(name): seconds(calls[str(name)]) for name in order}


def fit_all(
    engine: str, task: Task, rows: int, repeats: int, settings: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the seconds (n_settings, repeats) of fitting each setting, by estimator."""
    X, y = make_data(rows, FEATURES, task.labels)
    for one in estimators(engine, task).values():
        one.fit(X, y)  # caches, thread pools
    times: dict[str, list[list[float]]] = {OURS: [], BUILT_IN: [], CUSTOM: []}
    for i, setting in enumerate(settings):
        found: dict[str, list[float]] = {name: [] for name in times}
        for repeat in range(repeats):
            fits = {
                name: (lambda one=one: one.fit(X, y)) for name, one in estimators(engine, task, **setting).items()
            }
            for name, taken in in_turn(fits, i + repeat).items():
                found[name].append(taken)
        for name, taken in found.items():
            times[name].append(taken)
    return {name: np.array(one) for name, one in times.items()}


def one_row(engine: str, task: Task, rows: int, repeats: int) -> dict[str, np.ndarray]:
    """Return the seconds of predicting one row, by estimator."""
    X, y = make_data(rows, FEATURES, task.labels)
    fitted = {name: one.fit(X, y) for name, one in estimators(engine, task, n_estimators=50).items()}
    fitted.pop(CUSTOM)
    predictions = {name: (lambda one=one: one.predict(X[:1])) for name, one in fitted.items()}
    in_turn(predictions, 0)
    taken = [in_turn(predictions, turn) for turn in range(20 * repeats)]
    return {name: np.array([one[name] for one in taken]) for name in fitted}


def table(engines: Sequence[str], rows: int, trainings: int, repeats: int) -> str:
    """Time searches, single trainings, and predictions of one row."""
    columns = "search ÷ built-in", "search ÷ custom", "one fit ÷ custom", "`predict` of one row ÷ its own"
    lines = [f"| task | engine | {' | '.join(columns)} |"]
    lines.append("|---" * 6 + "|")
    for name, engine in tqdm([(t, e) for t in NAMES for e in engines], desc="tasks"):
        task = TASKS[name]
        settings = list(ParameterSampler(SEARCHED[engine], trainings, random_state=0))
        search = {name: one.sum() for name, one in fit_all(engine, task, rows, 1, settings).items()}
        fits = fit_all(engine, task, rows, repeats, [{"n_estimators": 50}])
        single = np.median(fits[OURS] / fits[CUSTOM])
        served = one_row(engine, task, rows, repeats)
        ratios = (
            search[OURS] / search[BUILT_IN],
            search[OURS] / search[CUSTOM],
            single,
            np.median(served[OURS]) / np.median(served[BUILT_IN]),
        )
        lines.append(f"| {name} | {ENGINES[engine]} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small", description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--trainings", type=int, default=200, help="settings in a search, at most 360")
    parser.add_argument("--repeats", type=int, default=15, help="pairs of single trainings (default: 15)")
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    add_output(parser)
    options = parser.parse_args(argv)
    for name, low in (("rows", 50), ("trainings", 1), ("repeats", 1)):
        if getattr(options, name) < low:
            parser.error(f"--{name} must be at least {low}, got {getattr(options, name)}")
    engines = list(ENGINES) if options.engine == "both" else [options.engine]
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scikit-learn", "lightgbm", "xgboost"))
    head = (
        f"{versions}\n\n{options.rows} rows of {FEATURES} features, one thread; a search of {options.trainings}"
        f" trainings, and medians of {options.repeats} trainings of 50 rounds and of {20 * options.repeats}"
        " predictions\n\n"
    )
    report(options.output, "small", head + table(engines, options.rows, options.trainings, options.repeats))


if __name__ == "__main__":
    main()
