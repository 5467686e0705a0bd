"""What a Python objective costs: whole training and the callback alone, against peers in the same run.

    python -m benchmarks.speed [--rows N] [--small N ...] [--features 28] [--rounds 30] [--repeats 5]

Trainings take turns, on one data set object, under our loss, under a bare custom objective that hands out
gradients recorded before, and under the engine's built-in objective of the same maths. The second is what the
engine's own interface for custom objectives costs: what is above it is ours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from tqdm import tqdm

from benchmarks.report import add_output, report
from benchmarks.speed_tasks import TASKS, Task
from gbm_objectives import Loss
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

ENGINES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
# The engines' own defaults, and larger trees for many rows.
SMALL = {"lightgbm": {"num_threads": 2, "verbosity": -1}, "xgboost": {"nthread": 2}}
LARGE = {
    "lightgbm": {**SMALL["lightgbm"], "num_leaves": 63, "force_col_wise": True},
    "xgboost": {**SMALL["xgboost"], "max_depth": 6, "tree_method": "hist"},
}
# Trees of a training of few rows, which takes milliseconds: pairs of them are many.
SMALL_ROUNDS, SMALL_PAIRS = 100, 15


def make_data(rows: int, features: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 features and a target, a number or one of `labels` labels, that depends on them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, features), dtype=np.float32)
    signal = np.sin(X[:, 0]) * 2 + X[:, 1] * X[:, 2] + X[:, 3:].sum(axis=1) / 3
    y = signal + rng.standard_normal(rows, dtype=np.float32)
    if labels == 0:
        return X, y
    edges = np.quantile(y, np.arange(1, labels) / labels)
    return X, np.digitize(y, edges).astype(np.float32)


def make_set(engine: str, X: np.ndarray, y: np.ndarray) -> Any:
    """Return the engine's data set, binned."""
    if engine == "lightgbm":
        return lgb.Dataset(X, y, params=SMALL[engine], free_raw_data=False).construct()
    return xgb.QuantileDMatrix(X, y, nthread=2)


def recorded(engine: str, params: dict[str, Any], loss: Loss, data: Any, rounds: int) -> list[Any]:
    """Return the gradients and Hessians that a training asked for, round by round."""
    kept: list[Any] = []

    class Recording(type(loss)):  # type: ignore[misc]  # a class of run time
        def gradient_hessian(self, *arguments: Any) -> Any:
            kept.append(super().gradient_hessian(*arguments))
            return kept[-1]

    ours(engine, params, Recording(**loss.get_params()), data, rounds)
    # What XGBoost's unit of gains was found with is no round.
    return kept[len(kept) - rounds :]


def ours(engine: str, params: dict[str, Any], loss: Loss, data: Any, rounds: int) -> None:
    """Train a complete model."""
    train = on_lightgbm.train if engine == "lightgbm" else on_xgboost.train
    train(params, data, loss=loss, num_boost_round=rounds)


def ready(engine: str, params: dict[str, Any], task: Task, kept: list[Any], data: Any, rounds: int) -> None:
    """Train under a bare custom objective that has nothing to compute."""
    again = iter(kept)

    def objective(raw_prediction: np.ndarray, dataset: Any) -> Any:
        return next(again)

    params = params if task.loss.n_outputs == 1 else {**params, "num_class": task.loss.n_outputs}
    if engine == "lightgbm":
        lgb.train({**params, "objective": objective, "metric": "None"}, data, rounds)
    else:
        xgb.train({**params, "base_score": 0.0, "disable_default_eval_metric": True}, data, rounds, obj=objective)


def built_in(engine: str, params: dict[str, Any], task: Task, data: Any, rounds: int) -> None:
    """Train under the engine's own objective."""
    if engine == "lightgbm":
        lgb.train({**params, **task.lightgbm}, data, rounds)
    else:
        xgb.train({**params, **task.xgboost}, data, rounds)


def training(
    engine: str, task: Task, rows: int, features: int, rounds: int, pairs: int, params: Any
) -> np.ndarray:
    """Return the seconds (pairs, 3) of training: ours, with gradients ready, built-in, in turn."""
    data = make_set(engine, *make_data(rows, features, task.labels))
    kept = recorded(engine, params, task.loss, data, rounds)
    methods = [
        lambda: ours(engine, params, task.loss, data, rounds),
        lambda: ready(engine, params, task, kept, data, rounds),
        lambda: built_in(engine, params, task, data, rounds),
    ]
    for method in methods:
        method()  # caches, thread pools
    times = np.empty((pairs, 3))
    for pair in range(pairs):
        # The second of a pair finds a warmer machine: take turns.
        for which in np.roll(np.arange(3), pair):
            start = time.perf_counter()
            methods[which]()
            times[pair, which] = time.perf_counter() - start
    return times


def ratio(times: np.ndarray, over: int) -> str:
    """Return the median over the pairs of our time over another's, with their quartiles."""
    low, middle, high = np.quantile(times[:, 0] / times[:, over], [0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def small_table(engines: Sequence[str], sizes: Sequence[int], features: int) -> str:
    """Time whole trainings on few rows, with the engines' own defaults."""
    lines = ["| task | engine | rows | ours ÷ ready gradients | ours ÷ built-in | ready gradients, ms |"]
    lines.append("|---" * 6 + "|")
    for name, engine in tqdm([(t, e) for t in TASKS for e in engines], desc="few rows"):
        for rows in sizes:
            times = training(engine, TASKS[name], rows, features, SMALL_ROUNDS, SMALL_PAIRS, SMALL[engine])
            milliseconds = 1e3 * np.median(times[:, 1])
            cells = (name, ENGINES[engine], f"{rows:,}", ratio(times, 1), ratio(times, 2), f"{milliseconds:.0f}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def large_table(engines: Sequence[str], rows: int, features: int, rounds: int, pairs: int) -> str:
    """Time whole trainings on many rows, and compare their peak memory."""
    lines = ["| task | engine | ours ÷ ready gradients | ours ÷ built-in | built-in, s | memory over built-in's |"]
    lines.append("|---" * 6 + "|")
    for name, engine in tqdm([(t, e) for t in TASKS for e in engines], desc="many rows"):
        k = TASKS[name].loss.n_outputs
        # As many rounds as make about the same number of trees for any number of outputs.
        times = training(engine, TASKS[name], rows, features, max(3, rounds // k), pairs, LARGE[engine])
        peaks = [peak_memory(engine, name, which, rows, features) for which in ("ours", "built-in")]
        memory = f"{(peaks[0] - peaks[1]) / rows / k:.0f} B a row and output"
        seconds = f"{np.median(times[:, 2]):.1f}"
        lines.append(
            f"| {name} | {ENGINES[engine]} | {ratio(times, 1)} | {ratio(times, 2)} | {seconds} | {memory} |"
        )
    return "\n".join(lines)


def peak_memory(engine: str, task: str, which: str, rows: int, features: int) -> float:
    """Return the peak memory in bytes of a training of five rounds in a process of its own."""
    arguments = ["--peak-of", engine, task, which]
    sizes = ["--rows", str(rows), "--features", str(features)]
    command = [sys.executable, "-m", "benchmarks.speed", *arguments, *sizes]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak(engine: str, task: str, which: str, rows: int, features: int) -> None:
    """Train, and print the peak of the resident memory since the data set was made (Linux only)."""
    data = make_set(engine, *make_data(rows, features, TASKS[task].labels))
    for rounds in (1, 5):
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        if which == "ours":
            ours(engine, LARGE[engine], TASKS[task].loss, data, rounds)
        else:
            built_in(engine, LARGE[engine], TASKS[task], data, rounds)
    status = Path("/proc/self/status").read_text()
    print(1024 * int(status.split("VmHWM:")[1].split()[0]))


def nanoseconds(call: Callable[[], Any], numbers: int, repeats: int) -> float:
    """Return the median time of a call per row and output."""
    times = []
    for _ in range(max(9, repeats)):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) / numbers * 1e9


def callback(task: Task, rows: int, precision: str, repeats: int) -> dict[str, float]:
    """Return ns per row and output of our callback and of the peers, on predictions of a precision."""
    k = task.loss.n_outputs
    rng = np.random.default_rng(0)
    f = rng.standard_normal((rows, k) if k > 1 else rows).astype(precision)
    y = rng.integers(0, task.labels, rows) if task.labels else rng.standard_normal(rows)
    # Labels are float32 in both engines.
    y = y.astype(np.float32)
    # LightGBM predicts in float64, several outputs in Fortran order.
    raw = np.asfortranarray(f) if precision == "float64" else f
    numbers = rows * k
    results = {
        "ours": nanoseconds(lambda: task.loss.gradient_hessian(y, raw), numbers, repeats),
        "plain NumPy": nanoseconds(lambda: task.plain(y, raw), numbers, repeats),
    }
    gradient, hessian, same = np.empty_like(f), np.empty_like(f), y.astype(precision)
    for threads in (1, 2):
        results[f"scikit-learn, {threads} thread{'s' * (threads > 1)}"] = nanoseconds(
            lambda threads=threads: task.sklearn.gradient_hessian(same, f, None, gradient, hessian, threads),
            numbers,
            repeats,
        )
    if task.boost_loss and find_spec("boost_loss"):
        class_name, *arguments = task.boost_loss
        peer = getattr(import_module("boost_loss.regression"), class_name)(*arguments)
        results["boost-loss"] = nanoseconds(lambda: peer.grad_hess(y, raw), numbers, repeats)
    return results


def callback_table(rows: int, repeats: int) -> str:
    """Time the callbacks alone."""
    columns = ["ours", "plain NumPy", "scikit-learn, 1 thread", "scikit-learn, 2 threads", "boost-loss"]
    lines = [f"| task | predictions | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
    for name, task in TASKS.items():
        for precision, engine in (("float64", "LightGBM"), ("float32", "XGBoost")):
            numbers = rows // task.loss.n_outputs
            results = callback(task, numbers, precision, repeats)
            cells = " | ".join(f"{results[c]:.1f}" if c in results else "–" for c in columns)
            lines.append(f"| {name} | {precision} ({engine}) | {cells} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, nargs="*", default=[1000, 300], help="few rows (default: 1000 300)")
    parser.add_argument("--features", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=30, help="trees per training of many rows (default: 30)")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of trainings of many rows (default: 5)")
    parser.add_argument(
        "--engine", choices=[*ENGINES, "both", "none"], default="both", help="none: callbacks only"
    )
    add_output(parser)
    parser.add_argument("--peak-of", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    for name, low in (("rows", 1000), ("features", 4), ("rounds", 1), ("repeats", 1)):
        if getattr(options, name) < low:
            parser.error(f"--{name} must be at least {low}, got {getattr(options, name)}")
    if options.peak_of:
        print_peak(*options.peak_of, options.rows, options.features)
        return
    engines = {"both": list(ENGINES), "none": []}.get(options.engine, [options.engine])
    versions = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scikit-learn", "lightgbm", "xgboost"))
    parts = [f"{os.cpu_count()} cores, {versions}"]
    if engines and options.small:
        parts.append(f"Few rows: whole training, {SMALL_ROUNDS} rounds, two threads, {SMALL_PAIRS} pairs")
        parts.append(small_table(engines, options.small, options.features))
    if engines:
        size = f"{options.rows:,} rows of {options.features} features"
        parts.append(f"Many rows: whole training, {size}, two threads, {options.repeats} pairs")
        parts.append(large_table(engines, options.rows, options.features, options.rounds, options.repeats))
    parts.append(f"The callback alone: {options.rows:,} numbers, ns per row and output, one core")
    parts.append(callback_table(options.rows, options.repeats))
    report(options.output, "speed", "\n\n".join(parts))


if __name__ == "__main__":
    main()
