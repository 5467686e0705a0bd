"""Distributions for every row: held-out likelihood, CRPS, error, coverage and time, ours against NGBoost.

    python -m benchmarks.distributions --data DIR [--splits N] [--losses NAME ...]
                                       [--ngboost PYTHON] [--output DIR]

NGBoost's protocol (Duan et al. 2020, section 4.1): 90 % of a set to train, a fifth of them to choose the number of
rounds by the score, then all of them with that number; means over the splits. `--data` is a folder of sets as for
`benchmarks.accuracy`; scikit-learn's 442 diabetics come first, a small set. `--ngboost` is the Python of an
environment where NGBoost is installed (`nox -s distributions` makes one); each of its fits is between ours, on the
same rows and one thread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from scipy import stats
from sklearn.datasets import load_diabetes
from tqdm import tqdm
from xgboost import XGBRegressor

from benchmarks.accuracy_sets import uci_sets
from benchmarks.report import add_output, report
from gbm_objectives import AbsoluteError, GBMRegressor, Loss, SquaredError
from gbm_objectives.distributions import Normal, StudentT, crps

RATE, MOST_ROUNDS, PATIENCE = 0.1, 3000, 100
ENGINES: dict[str, Callable[..., Any]] = {
    "LightGBM": lambda **params: LGBMRegressor(n_jobs=1, learning_rate=RATE, verbosity=-1, **params),
    "XGBoost": lambda **params: XGBRegressor(n_jobs=1, learning_rate=RATE, verbosity=0, **params),
}
STOPPING = {"LightGBM": "early_stopping_round", "XGBoost": "early_stopping_rounds"}
LOSSES: dict[str, Loss] = {
    "Normal": Normal(),
    "Normal, CRPS": Normal(score="crps"),
    "StudentT(5)": StudentT(),
    "SquaredError, one scale": SquaredError(),
    "AbsoluteError, one scale": AbsoluteError(),
}
NGBOOST = "NGBoost"
# Duan et al. (2020), table 1.
PUBLISHED = {"concrete": 3.04, "energy": 0.60, "kin8nm": -0.49, "power-plant": 2.79, "wine-quality-red": 0.91}
COLUMNS = ("NLL", "CRPS", "RMSE", "coverage", "width", "seconds")
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def split(n_rows: int, seed: int) -> Rows:
    """Return the rows to fit on, to choose the number of rounds on, and to judge on."""
    order = np.random.default_rng(seed).permutation(n_rows)
    train, test = np.split(order, [round(0.9 * n_rows)])
    fit, late = np.split(train, [int(0.8 * len(train))])
    return fit, late, test


def ours(engine: str, loss: Loss, X: np.ndarray, y: np.ndarray, rows: Rows) -> tuple[Any, np.ndarray, float]:
    """Return the distributions of the test rows, their means, and the seconds that both fits took."""
    fit, late, test = rows
    began = time.perf_counter()
    stopping = {STOPPING[engine]: PATIENCE, "n_estimators": MOST_ROUNDS}
    first = GBMRegressor(loss, ENGINES[engine](**stopping)).fit(X[fit], y[fit], eval_set=[(X[late], y[late])])
    both = np.concatenate([fit, late])
    model = GBMRegressor(loss, ENGINES[engine](n_estimators=first.best_iteration_)).fit(X[both], y[both])
    seconds = time.perf_counter() - began
    # A common scale is that of rows that were not trained on.
    model.noise_scale_ = first.noise_scale_
    return model.predict_distribution(X[test]), model.predict(X[test]), seconds


class Peer:
    """NGBoost in another process, which waits for splits."""

    def __init__(self, python: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.process = subprocess.Popen(
            [python, str(Path(__file__).with_name("ngboost_peer.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads},
        )

    def __call__(self, X: np.ndarray, y: np.ndarray, rows: Rows) -> tuple[Any, np.ndarray, float]:
        """Return the same as `ours`."""
        mean, scale, seconds = self.ask(X=X, y=y, fit=rows[0], late=rows[1], test=rows[2])
        return stats.norm(mean, scale), mean, seconds

    def ask(self, **given: Any) -> tuple[np.ndarray, np.ndarray, float]:
        """Return mean and scale of the test rows, and the seconds, for what `ngboost_peer` takes."""
        path = Path(self.folder.name) / "split.npz"
        np.savez(path, **given)
        assert self.process.stdin is not None and self.process.stdout is not None
        print(path, file=self.process.stdin, flush=True)
        if self.process.stdout.readline() != "done\n":
            raise RuntimeError("NGBoost's process has failed; what it wrote is above")
        with np.load(path.with_name("split-answer.npz")) as answer:
            return answer["mean"], answer["scale"], float(answer["seconds"])


def scores(distribution: Any, mean: np.ndarray, seconds: float, y: np.ndarray) -> list[float]:
    """Return what the table has of a fit, in the order of `COLUMNS`."""
    low, high = distribution.interval(0.9)
    return [
        float(-distribution.logpdf(y).mean()),
        float(crps(distribution, y).mean()),
        float(np.sqrt(np.mean((mean - y) ** 2))),
        float(np.mean((low <= y) & (y <= high))),
        float(np.mean(high - low)),
        seconds,
    ]


def measure(
    X: np.ndarray, y: np.ndarray, splits: int, losses: Sequence[str], peer: Peer | None
) -> dict[tuple[str, str], np.ndarray]:
    """Return (n_splits, n_columns) for each loss and engine."""
    results: dict[tuple[str, str], list[list[float]]] = {}
    for seed in tqdm(range(splits), unit="split", leave=False):
        rows = split(len(y), seed)
        for name in losses:
            loss = LOSSES[name]
            for engine in ENGINES:
                results.setdefault((name, engine), []).append(scores(*ours(engine, loss, X, y, rows), y[rows[2]]))
        if peer is not None:
            results.setdefault((NGBOOST, ""), []).append(scores(*peer(X, y, rows), y[rows[2]]))
    return {key: np.array(values) for key, values in results.items()}


def table(name: str, results: dict[tuple[str, str], np.ndarray]) -> str:
    """Return a table of one set in Markdown."""
    lines = [
        f"### {name}" + (f" (NGBoost, published: NLL {PUBLISHED[name]:.2f})" if name in PUBLISHED else ""),
        "",
        "| model | engine | NLL | CRPS | RMSE | coverage of 90 % | width | seconds | beats NGBoost in | faster |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    theirs = results.get((NGBOOST, ""))
    for (model, engine), values in results.items():
        mean, error = values.mean(axis=0), values.std(axis=0, ddof=1)[0] / np.sqrt(len(values))
        better = faster = "–"
        if theirs is not None and model != NGBOOST:
            better = f"{100 * np.mean(values[:, 0] < theirs[:, 0]):.0f} % of splits"
            faster = f"{np.median(theirs[:, -1] / values[:, -1]):.1f} ×"
        cells = [f"{mean[0]:.3f} ± {error:.3f}", *(f"{value:.3g}" for value in mean[1:3]), f"{mean[3]:.3f}"]
        cells += [f"{mean[4]:.3g}", f"{mean[5]:.2f}", better, faster]
        lines.append(f"| {model} | {engine} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all sets, print a table of each, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.distributions", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of data sets, as for benchmarks.accuracy")
    parser.add_argument("--splits", type=int, default=20, help="90/10 splits per set (default: 20)")
    parser.add_argument("--losses", nargs="+", choices=LOSSES, default=list(LOSSES), help="some of them only")
    parser.add_argument("--ngboost", metavar="PYTHON", help="Python of an environment with NGBoost")
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.splits < 2:
        parser.error("--splits must be at least 2")
    peer = Peer(options.ngboost) if options.ngboost else None
    tables = []
    for name, X, y in [("diabetes", *load_diabetes(return_X_y=True)), *uci_sets(options.data)]:
        tables.append(table(name, measure(X, y, options.splits, options.losses, peer)))
    report(options.output, "distributions", "\n\n".join(tables))


if __name__ == "__main__":
    main()
