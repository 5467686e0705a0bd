"""What a Python objective costs: whole training and the callback alone, against peers in the same run.

    python -m benchmarks.speed [--rows N] [--features 28] [--rounds 30] [--repeats 5] [--engine ...]

Training is timed turn about with the engine's built-in objective of the same maths on the same data set object.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn._loss import loss as sklearn_loss
from tqdm import tqdm

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    Loss,
    Quantile,
    SquaredError,
)
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost

ENGINES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
LGB = {"num_leaves": 63, "force_col_wise": True, "num_threads": 2, "verbosity": -1}
XGB = {"max_depth": 6, "tree_method": "hist", "nthread": 2}


@dataclass(frozen=True)
class Task:
    """A loss of ours, and the same in the engines and in the peers."""

    loss: Loss
    lightgbm: dict[str, Any]
    xgboost: dict[str, Any]
    sklearn: Any
    plain: Callable[[np.ndarray, np.ndarray], Any]
    boost_loss: tuple[Any, ...] = ()
    labels: int = 0  # number of classes; 0 for a number as target


def plain_absolute(y: np.ndarray, f: np.ndarray) -> Any:
    """Return our gradient and curvature for one group of rows, as one writes them in NumPy."""
    r = f - y
    s = 2.0 * np.mean(np.sqrt(np.abs(r))) ** 2
    h = s / (np.abs(r) + s)
    return s * np.sign(r) / h.mean(), h / h.mean()


def plain_quantile(y: np.ndarray, f: np.ndarray) -> Any:
    """Return the like for the 0.9 quantile."""
    r = f - y
    s = 2.0 * np.mean(np.sqrt(np.abs(r))) ** 2
    h = s / (2.0 * (np.abs(r) + s))
    return s * np.where(r > 0, 0.1, -0.9) / h.mean(), h / h.mean()


def plain_binary(y: np.ndarray, f: np.ndarray) -> Any:
    """Return the textbook's gradient and Hessian of the logistic loss."""
    p = 1.0 / (1.0 + np.exp(-f))
    return p - y, p * (1.0 - p)


def plain_softmax(y: np.ndarray, f: np.ndarray) -> Any:
    """Return the textbook's gradient and Hessian of softmax."""
    p = np.exp(f - f.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p - np.eye(f.shape[1])[y.astype(int)], 2.0 * p * (1.0 - p)


def plain_huber(y: np.ndarray, f: np.ndarray) -> Any:
    """Return gradient and tangent-parabola curvature of Huber's loss."""
    r = f - y
    return np.clip(r, -1.0, 1.0), np.where(np.abs(r) <= 1.0, 1.0, 1.0 / np.maximum(np.abs(r), 1e-9))


TASKS = {
    "cross-entropy": Task(
        BinaryCrossEntropy(),
        {"objective": "binary"},
        {"objective": "binary:logistic"},
        sklearn_loss.HalfBinomialLoss(),
        plain_binary,
        labels=2,
    ),
    "MAE": Task(
        AbsoluteError(),
        {"objective": "l1"},
        {"objective": "reg:absoluteerror"},
        sklearn_loss.AbsoluteError(),
        plain_absolute,
        ("L1Loss",),
    ),
    "Quantile 0.9": Task(
        Quantile(0.9),
        {"objective": "quantile", "alpha": 0.9},
        {"objective": "reg:quantileerror", "quantile_alpha": 0.9},
        sklearn_loss.PinballLoss(quantile=0.9),
        plain_quantile,
        ("QuantileLoss", 0.9),
    ),
    "Huber 1": Task(
        Huber(1.0),
        {"objective": "huber", "alpha": 1.0},
        {"objective": "reg:pseudohubererror", "huber_slope": 1.0},
        sklearn_loss.HuberLoss(delta=1.0),
        plain_huber,
        ("HuberLoss",),
    ),
    "MSE": Task(
        SquaredError(),
        {"objective": "l2"},
        {"objective": "reg:squarederror"},
        sklearn_loss.HalfSquaredError(),
        lambda y, f: (f - y, np.ones_like(f)),
        ("L2Loss",),
    ),
    "softmax, 10 classes": Task(
        CategoricalCrossEntropy(10),
        {"objective": "multiclass", "num_class": 10},
        {"objective": "multi:softprob", "num_class": 10},
        sklearn_loss.HalfMultinomialLoss(n_classes=10),
        plain_softmax,
        labels=10,
    ),
}


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
        return lgb.Dataset(X, y, params=LGB, free_raw_data=False).construct()
    return xgb.QuantileDMatrix(X, y, nthread=2)


def replayed(engine: str, task: Task, data: Any, rounds: int) -> Loss:
    """Return a loss that hands out the gradients of a training before: it costs what the engine's interface does."""
    kept: list[Any] = []

    class Recording(type(task.loss)):  # type: ignore[misc]  # a class of run time
        def gradient_hessian(self, *arguments: Any) -> Any:
            kept.append(super().gradient_hessian(*arguments))
            return kept[-1]

    parameters = task.loss.get_params()
    train(engine, task, Recording(**parameters), data, rounds)
    again = cycle(kept)

    class Replaying(type(task.loss)):  # type: ignore[misc]  # a class of run time
        def gradient_hessian(self, *arguments: Any) -> Any:
            return next(again)

    return Replaying(**parameters)


def train(engine: str, task: Task, loss: Loss | None, data: Any, rounds: int) -> float:
    """Train with a loss, or without one with the built-in objective; return the seconds."""
    start = time.perf_counter()
    if loss is not None:
        interface, params = (on_lightgbm.train, LGB) if engine == "lightgbm" else (on_xgboost.train, XGB)
        interface(params, data, loss=loss, num_boost_round=rounds)
    elif engine == "lightgbm":
        lgb.train({**LGB, **task.lightgbm}, data, rounds)
    else:
        xgb.train({**XGB, **task.xgboost}, data, rounds)
    return time.perf_counter() - start


def rounds_of(task: Task, rounds: int) -> int:
    """Return as many rounds as make about the same number of trees for any number of outputs."""
    return max(3, rounds // task.loss.n_outputs)


def training_table(engines: Sequence[str], rows: int, features: int, rounds: int, repeats: int) -> str:
    """Time whole training: ours, the built-in objective, and ours with gradients ready, turn about."""
    head = "| task | engine | ours ÷ built-in, time | min to max | ready gradients ÷ built-in | built-in, s |"
    lines = [head + " peak memory over the built-in's |", "|---" * 7 + "|"]
    for name, engine in tqdm([(t, e) for t in TASKS for e in engines], desc="training"):
        task = TASKS[name]
        data = make_set(engine, *make_data(rows, features, task.labels))
        n = rounds_of(task, rounds)
        train(engine, task, None, data, 2)  # caches, thread pools
        methods = [None, task.loss, replayed(engine, task, data, n)]
        times = []
        for repeat in range(repeats):
            # The second of a pair finds a warmer machine: take turns.
            order = methods[repeat % 3 :] + methods[: repeat % 3]
            seconds = {id(loss): train(engine, task, loss, data, n) for loss in order}
            times.append([seconds[id(loss)] for loss in methods])
        built_in, ours, ready = np.array(times).T
        del data, methods
        peaks = [peak_memory(engine, name, which, rows, features) for which in ("ours", "built-in")]
        excess = (peaks[0] - peaks[1]) / rows / task.loss.n_outputs
        ratios = ours / built_in
        lines.append(
            f"| {name} | {ENGINES[engine]} | {np.median(ratios):.2f} | {ratios.min():.2f} to {ratios.max():.2f}"
            f" | {np.median(ready / built_in):.2f} | {np.median(built_in):.1f} | {excess:.0f} B a row and output |"
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
    loss = TASKS[task].loss if which == "ours" else None
    train(engine, TASKS[task], loss, data, 1)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    train(engine, TASKS[task], loss, data, 5)
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
    parser.add_argument("--features", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=30, help="trees per training (default: 30)")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of trainings (default: 5)")
    parser.add_argument(
        "--engine", choices=[*ENGINES, "both", "none"], default="both", help="none: callbacks only"
    )
    parser.add_argument("--peak-of", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    for name, low in (("rows", 1000), ("features", 4), ("rounds", 1), ("repeats", 1)):
        if getattr(options, name) < low:
            parser.error(f"--{name} must be at least {low}, got {getattr(options, name)}")
    if options.peak_of:
        print_peak(*options.peak_of, options.rows, options.features)
        return
    versions = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scikit-learn", "lightgbm", "xgboost"))
    print(f"{os.cpu_count()} cores, {versions}\n")
    print(f"Callback, {options.rows:,} numbers, ns per row and output, one core\n")
    print(callback_table(options.rows, options.repeats), flush=True)
    engines = {"both": list(ENGINES), "none": []}.get(options.engine, [options.engine])
    if engines:
        print(f"\nWhole training, {options.rows:,} × {options.features}, two threads, {options.repeats} pairs\n")
        print(training_table(engines, options.rows, options.features, options.rounds, options.repeats))


if __name__ == "__main__":
    main()
