"""Several quantiles and conformal intervals: loss, crossing, coverage, width, time; ours against the engines' own.

    python -m benchmarks.intervals --data DIR [--splits N] [--output DIR]

Of each set a fifth of the rows is to judge on, a fifth to calibrate, and of the rest a fifth chooses the number of
rounds (early stopping, of each built-in model by itself). `--data` is a folder of sets as for
`benchmarks.accuracy`.

The first table has seven levels: the mean pinball loss over that of the better engine's own models, each row
sorted, and the share of rows that cross before. The second has 90 % intervals: before calibration, and after it
the width over that of MAPIE's conformalized quantile regression on the same engine's own models.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from lightgbm import LGBMRegressor
from mapie.regression import ConformalizedQuantileRegressor
from tqdm import tqdm
from xgboost import XGBRegressor

from benchmarks.accuracy_sets import uci_sets
from benchmarks.report import add_output, report
from gbm_objectives import AbsoluteError, GBMRegressor, Loss, MultiQuantile, Quantile
from gbm_objectives.distributions import Normal, StudentT

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ENDS = (0.05, 0.95, 0.5)  # the order that MAPIE wants
COVERAGE, MOST_ROUNDS, PATIENCE = 0.9, 1000, 30
INTERVALS: dict[str, Loss] = {
    "MultiQuantile(.05, .5, .95)": MultiQuantile((0.05, 0.5, 0.95)),
    "Normal": Normal(),
    "StudentT(5)": StudentT(),
    "AbsoluteError, one scale": AbsoluteError(),
}
Rows = dict[str, np.ndarray]


def split(n_rows: int, seed: int) -> Rows:
    """Return the rows of each part."""
    order = np.random.default_rng(seed).permutation(n_rows)
    ends = np.cumsum([round(share * n_rows) for share in (0.48, 0.12, 0.2)])
    return dict(zip(("fit", "late", "calibrate", "test"), np.split(order, ends), strict=True))


def built_in(engine: str, levels: Sequence[float], X: np.ndarray, y: np.ndarray, rows: Rows) -> list[Any]:
    """Return the engine's own quantile models, each stopped early."""
    fit, late = rows["fit"], rows["late"]
    models = []
    for alpha in levels:
        if engine == "LightGBM":
            model = LGBMRegressor(
                objective="quantile", alpha=alpha, n_estimators=MOST_ROUNDS, n_jobs=1, verbosity=-1
            )
            stopping = [lgb.early_stopping(PATIENCE, verbose=False)]
            model.fit(X[fit], y[fit], eval_set=[(X[late], y[late])], callbacks=stopping)
        else:
            settings = {"n_estimators": MOST_ROUNDS, "early_stopping_rounds": PATIENCE, "n_jobs": 1}
            model = XGBRegressor(objective="reg:quantileerror", quantile_alpha=alpha, **settings)
            model.fit(X[fit], y[fit], eval_set=[(X[late], y[late])], verbose=False)
        models.append(model)
    return models


def ours(engine: str, loss: Loss, X: np.ndarray, y: np.ndarray, rows: Rows) -> GBMRegressor:
    """Return our model, stopped early."""
    if engine == "LightGBM":
        estimator: Any = LGBMRegressor(
            n_estimators=MOST_ROUNDS, early_stopping_round=PATIENCE, n_jobs=1, verbosity=-1
        )
    else:
        estimator = XGBRegressor(n_estimators=MOST_ROUNDS, early_stopping_rounds=PATIENCE, n_jobs=1)
    late = rows["late"]
    return GBMRegressor(loss, estimator).fit(X[rows["fit"]], y[rows["fit"]], eval_set=[(X[late], y[late])])


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Return a result, and the seconds that it took."""
    began = time.perf_counter()
    return function(*arguments), time.perf_counter() - began


def pinball(y: np.ndarray, quantiles: np.ndarray) -> float:
    """Return the mean pinball loss of all levels, each row sorted."""
    columns = np.sort(quantiles, axis=1).T
    return float(np.mean([Quantile(alpha).value(y, q) for alpha, q in zip(LEVELS, columns, strict=True)]))


def measure_quantiles(X: np.ndarray, y: np.ndarray, rows: Rows) -> dict[str, list[float]]:
    """Return pinball loss, share of rows that cross, and seconds of each method."""
    test = rows["test"]
    results = {}
    for engine in ("LightGBM", "XGBoost"):
        models, seconds = timed(built_in, engine, LEVELS, X, y, rows)
        theirs = np.stack([model.predict(X[test]) for model in models], axis=1).astype(np.float64)
        model, own_seconds = timed(ours, engine, MultiQuantile(LEVELS), X, y, rows)
        quantiles = model.predict(X[test])
        for name, values, took in (("built-in", theirs, seconds), ("ours", quantiles, own_seconds)):
            crossing = float((np.diff(values, axis=1) < 0).any(axis=1).mean())
            results[f"{engine}, {name}"] = [pinball(y[test], values), crossing, took]
    return results


def measure_intervals(X: np.ndarray, y: np.ndarray, rows: Rows) -> dict[str, list[float]]:
    """Return coverage before and after calibration, and width after it, of each method."""
    known, test = rows["calibrate"], rows["test"]
    results = {}

    def row(before: np.ndarray, after: np.ndarray) -> list[float]:
        low, high = before.T
        own = float(np.mean((low <= y[test]) & (y[test] <= high)))
        low, high = after.T
        return [own, float(np.mean((low <= y[test]) & (y[test] <= high))), float(np.mean(high - low))]

    for engine in ("LightGBM", "XGBoost"):
        models = built_in(engine, ENDS, X, y, rows)
        mapie = ConformalizedQuantileRegressor(models, confidence_level=COVERAGE, prefit=True)
        mapie.conformalize(X[known], y[known])
        _, interval = mapie.predict_interval(X[test])
        own = np.stack([model.predict(X[test]) for model in models[:2]], axis=1)
        results[f"{engine}, built-in + MAPIE"] = row(own, interval[:, :, 0])
        for name, loss in INTERVALS.items():
            model = ours(engine, loss, X, y, rows)
            before = model.predict_interval(X[test], COVERAGE)
            model.calibrate(X[known], y[known])
            results[f"{engine}, {name}"] = row(before, model.predict_interval(X[test], COVERAGE))
    return results


def tables(results: dict[str, list[dict[str, list[float]]]], kind: str) -> str:
    """Return a table with a row for each method, from the splits of each set."""
    names = list(results)
    methods = list(results[names[0]][0])
    mean = {name: {m: np.mean([one[m] for one in results[name]], axis=0) for m in methods} for name in names}
    lines = []
    if kind == "quantiles":
        better = {name: min(v[0] for m, v in mean[name].items() if "built-in" in m) for name in names}
        lines += ["| 7 levels | " + " | ".join(names) + " | all sets | crossing | seconds ÷ 7 built-in |"]
        lines += ["|---" * (len(names) + 4) + "|"]
        for m in methods:
            ratio = [mean[name][m][0] / better[name] for name in names]
            theirs = m.split(",")[0] + ", built-in"
            took = np.median([one[m][2] / one[theirs][2] for name in names for one in results[name]])
            crossing = np.mean([mean[name][m][1] for name in names])
            cells = [f"{value:.3f}" for value in (*ratio, np.exp(np.mean(np.log(ratio))))]
            lines.append(f"| {m} | " + " | ".join(cells) + f" | {100 * crossing:.0f} % | {took:.2f} |")
        return "\n".join(lines)
    lines += [
        "| 90 % intervals: coverage before → after | " + " | ".join(names) + " | all sets | width ÷ MAPIE's |"
    ]
    lines += ["|---" * (len(names) + 3) + "|"]
    for m in methods:
        theirs = m.split(",")[0] + ", built-in + MAPIE"
        cells = [f"{mean[name][m][0]:.3f} → {mean[name][m][1]:.3f}" for name in names]
        every = np.mean([mean[name][m][:2] for name in names], axis=0)
        width = np.exp(np.mean([np.log(mean[name][m][2] / mean[name][theirs][2]) for name in names]))
        lines.append(f"| {m} | " + " | ".join(cells) + f" | {every[0]:.3f} → {every[1]:.3f} | {width:.3f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all sets, print both tables, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.intervals", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of data sets, as for benchmarks.accuracy")
    parser.add_argument("--splits", type=int, default=20, help="splits of each set (default: 20)")
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.splits < 1:
        parser.error(f"--splits must be at least 1, got {options.splits}")
    quantiles: dict[str, list[dict[str, list[float]]]] = {}
    intervals: dict[str, list[dict[str, list[float]]]] = {}
    for name, X, y in uci_sets(options.data):
        for seed in tqdm(range(options.splits), unit="split", desc=name, leave=False):
            rows = split(len(y), seed)
            quantiles.setdefault(name, []).append(measure_quantiles(X, y, rows))
            intervals.setdefault(name, []).append(measure_intervals(X, y, rows))
    text = f"LightGBM {lgb.__version__}, XGBoost {xgb.__version__}, {options.splits} splits\n\n"
    text += tables(quantiles, "quantiles") + "\n\n" + tables(intervals, "intervals")
    report(options.output, "intervals", text)


if __name__ == "__main__":
    main()
