"""Coverage of intervals on simulated data: where the data drift, and where many targets are equal.

    python -m benchmarks.simulated_intervals [--seeds N] [--output DIR]

Drift: 5,000 rows in the order of time. The model is trained on the first 1,000, calibrated on the next 1,000 for
intervals of 90 %, and then calibrated anew after every 50 rows. Over 1,000 rows the spread grows by 35 %, or the
mean moves by half of the largest spread.

Equal targets: 300 rows to train on and 1,000 to calibrate on, for intervals of 80 %, at the engines' defaults but
for 30 rounds. "Plain" ends are as fitted or calibrated, without regard to the values that many targets have.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from lightgbm import LGBMRegressor
from tqdm import tqdm
from xgboost import XGBRegressor

from benchmarks.report import add_output, report
from gbm_objectives import GBMRegressor, MultiQuantile

ROUNDS, EVERY, TRAINED, KNOWN, N_ROWS = 30, 50, 1000, 2000, 5000
DRIFTS = ("none", "spread grows", "mean moves")
CALIBRATIONS: dict[str, dict[str, float] | None] = {
    "once": None,
    "all rows so far": {},
    "window=300": {"window": 300},
    "half_life=150": {"half_life": 150.0},
}
TARGETS = ("60 % zeros", "90 % zeros", "Poisson, mean 0.5", "Poisson, mean 3", "none equal")


def engines() -> dict[str, Any]:
    """Return an unfitted estimator of each engine."""
    return {
        "LightGBM": LGBMRegressor(n_estimators=ROUNDS, n_jobs=1, verbosity=-1),
        "XGBoost": XGBRegressor(n_estimators=ROUNDS, n_jobs=1),
    }


def drifting(drift: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows in the order of time."""
    rng = np.random.default_rng(seed)
    t, X = np.arange(N_ROWS) / 1000, rng.uniform(-1, 1, (N_ROWS, 3))
    spread = np.exp(0.3 * t) if drift == "spread grows" else 1.0
    mean = 2 * X[:, 0] + (0.5 * t if drift == "mean moves" else 0.0)
    return X, mean + spread * (0.5 + 0.5 * (X[:, 1] > 0)) * rng.standard_normal(N_ROWS)


def tied(target: str, seed: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of which many have equal targets."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n_rows, 3))
    if "zeros" in target:
        positive = np.exp(X[:, 1] + 0.5 * rng.standard_normal(n_rows))
        return X, np.where(rng.random(n_rows) < float(target[:2]) / 100, 0.0, positive)
    if target == "none equal":
        return X, X[:, 0] + rng.standard_normal(n_rows)
    return X, rng.poisson(float(target.split()[-1]) * np.exp(0.5 * X[:, 0])).astype(float)


def contained(model: GBMRegressor, X: np.ndarray, y: np.ndarray, coverage: float) -> float:
    """Return the share of targets in their intervals."""
    low, high = model.predict_interval(X, coverage).T
    return float(np.mean((low <= y) & (y <= high)))


def rolling(model: GBMRegressor, X: np.ndarray, y: np.ndarray, settings: dict[str, Any] | None) -> list[float]:
    """Return the share in 90 % intervals among all rows, and among the last 1,000."""
    model.calibrate(X[TRAINED:KNOWN], y[TRAINED:KNOWN], **(settings or {}))
    shares = []
    for start in range(KNOWN, N_ROWS, EVERY):
        rows = slice(start, start + EVERY)
        shares.append(contained(model, X[rows], y[rows], 0.9))
        if settings is not None:
            model.calibrate(X[rows], y[rows], update=True)
    return [float(np.mean(shares)), float(np.mean(shares[-1000 // EVERY :]))]


def drift_table(seeds: int) -> str:
    """Return the coverage under drift."""
    lines = ["| 90 % intervals: all rows, last 1,000 | " + " | ".join(DRIFTS) + " |", "|---" * 4 + "|"]
    got: dict[str, dict[str, list[list[float]]]] = {}
    for drift in DRIFTS:
        for seed in tqdm(range(seeds), unit="seed", desc=drift, leave=False):
            X, y = drifting(drift, seed)
            for engine, estimator in engines().items():
                model = GBMRegressor(MultiQuantile((0.05, 0.5, 0.95)), estimator).fit(X[:TRAINED], y[:TRAINED])
                for name, settings in CALIBRATIONS.items():
                    row = got.setdefault(f"{engine}, {name}", {})
                    row.setdefault(drift, []).append(rolling(model, X, y, settings))
    for name, row in got.items():
        means = [np.mean(row[drift], axis=0) for drift in DRIFTS]
        lines.append(f"| {name} | " + " | ".join(f"{whole:.3f}, {last:.3f}" for whole, last in means) + " |")
    return "\n".join(lines)


def ties_table(seeds: int) -> str:
    """Return the coverage where many targets are equal, with plain ends and with those of the values."""
    lines = ["| 80 % intervals: plain → ours | " + " | ".join(TARGETS) + " |", "|---" * (len(TARGETS) + 1) + "|"]
    got: dict[str, dict[str, list[list[float]]]] = {}
    for target in TARGETS:
        for seed in tqdm(range(seeds), unit="seed", desc=target, leave=False):
            X, y = tied(target, seed, 5300)
            for engine, estimator in engines().items():
                model = GBMRegressor(MultiQuantile((0.1, 0.5, 0.9)), estimator).fit(X[:300], y[:300])
                known, model._told_of_ties = model.ties_, True
                for calibrated in (False, True):
                    if calibrated:
                        model.calibrate(X[300:1300], y[300:1300])
                    pair = []
                    for model.ties_ in (None, known):
                        pair.append(contained(model, X[1300:], y[1300:], 0.8))
                    name = f"{engine}, {'calibrated' if calibrated else 'not calibrated'}"
                    got.setdefault(name, {}).setdefault(target, []).append(pair)
    for name, row in got.items():
        means = [np.mean(row[target], axis=0) for target in TARGETS]
        lines.append(f"| {name} | " + " | ".join(f"{plain:.3f} → {ours:.3f}" for plain, ours in means) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate both, print the tables, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulated_intervals", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=20, help="simulated data sets of each kind (default: 20)")
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {options.seeds}")
    text = f"LightGBM {lgb.__version__}, XGBoost {xgb.__version__}, {options.seeds} data sets of each kind\n\n"
    text += drift_table(options.seeds) + "\n\n" + ties_table(options.seeds)
    report(options.output, "simulated_intervals", text)


if __name__ == "__main__":
    main()
