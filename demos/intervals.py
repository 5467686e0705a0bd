"""Intervals that keep their promise: coverage by region, before and after calibration.

    python -m demos.intervals [--engine lightgbm|xgboost] [--output DIR] [--seed N] [--repeats N]

What to look at: the model's own 90 % intervals hold far fewer of fresh targets, because it fits its training rows
more closely than new ones. Calibrated on 500 rows that it has not seen they hold 90 % on average, but one region
pays for another: the middle, where the noise is largest, gets less. Calibrated in groups each region has its 90 %.

Romano, Patterson and Candès (2019). *Conformalized quantile regression*. NeurIPS.
Vovk, Gammerman and Shafer (2005). *Algorithmic Learning in a Random World*, section 4.5 (groups).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib.figure import Figure
from tqdm import tqdm
from xgboost import XGBRegressor

from demos.common import command_line, plt, write
from gbm_objectives import GBMRegressor, MultiQuantile
from gbm_objectives.plotting import COLORS, plot_prediction_interval

ROWS, CALIBRATION, COVERAGE = 1000, 500, 0.9
REGIONS = np.array(["left", "middle", "right"])
KINDS = ("own", "calibrated", "by group")


def sample(rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a wave whose noise is largest in the middle."""
    x = rng.uniform(0.0, 9.0, n_rows)
    spread = 0.15 + 1.2 * np.exp(-(((x - 4.5) / 1.2) ** 2))
    return x[:, None], np.sin(1.5 * x) + spread * rng.standard_normal(n_rows)


def region(X: np.ndarray) -> np.ndarray:
    """Return the third that each row is in."""
    return REGIONS[np.minimum(X[:, 0] // 3.0, 2.0).astype(int)]


def model_of(engine: str) -> GBMRegressor:
    """Return a model of three quantiles, trained for so long that it knows its training rows too well."""
    if engine == "lightgbm":
        estimator = LGBMRegressor(n_estimators=300, n_jobs=1, verbosity=-1)
    else:
        estimator = XGBRegressor(n_jobs=1)
    return GBMRegressor(MultiQuantile(alphas=(0.05, 0.5, 0.95)), estimator)


def intervals(model: GBMRegressor, known: tuple[np.ndarray, np.ndarray], X: np.ndarray) -> dict[str, np.ndarray]:
    """Return the model's own intervals, calibrated ones, and ones that are calibrated in each region."""
    X_known, y_known = known
    model.calibration_ = None
    own = model.predict_interval(X, COVERAGE)
    calibrated = model.calibrate(X_known, y_known).predict_interval(X, COVERAGE)
    model.calibrate(X_known, y_known, groups=region(X_known))
    return dict(zip(KINDS, (own, calibrated, model.predict_interval(X, COVERAGE, groups=region(X))), strict=True))


def draw(model: GBMRegressor, X: np.ndarray, y: np.ndarray, shares: dict[str, np.ndarray]) -> Figure:
    """Draw one model's own band and its calibrated one, and coverage by region of all repeats."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained", width_ratios=[3, 2])
    model.calibrate(X, y)
    order = np.argsort(X[:, 0])
    model.calibration_ = None
    plot_prediction_interval(model, X, y, left, level=COVERAGE)
    low, high = model.calibrate(X, y).predict_interval(X, COVERAGE)[order].T
    for edge, label in ((low, "calibrated"), (high, None)):
        left.plot(X[order, 0], edge, color=COLORS["red"], linewidth=1, label=label)
    left.set(xlabel="x", ylabel="y", xlim=(0, 9))
    left.legend(frameon=False, loc="upper left")
    places = np.arange(4)
    for offset, (kind, color) in zip(
        (-0.25, 0, 0.25), zip(KINDS, ("sky", "red", "green"), strict=True), strict=True
    ):
        mean = shares[kind].mean(axis=0)
        right.bar(places + offset, mean, 0.23, color=COLORS[color], label=kind)
    right.axhline(COVERAGE, color="0.3", linewidth=1)
    right.set_xticks(places, ["all", *REGIONS])
    right.set(ylabel="share of fresh targets inside", ylim=(0.5, 1.07))
    right.legend(frameon=False, loc="upper center", ncols=3)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, calibrate, count, draw."""
    parser = command_line("intervals", __doc__, "the figure")
    parser.add_argument("--engine", choices=["lightgbm", "xgboost"], default="lightgbm")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (default: 0)")
    parser.add_argument("--repeats", type=int, default=20, help="models and calibration sets (default: 20)")
    options = parser.parse_args(argv)
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {options.repeats}")

    rng = np.random.default_rng(options.seed)
    shares: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    widths: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in tqdm(range(options.repeats), unit="model"):
        model = model_of(options.engine).fit(*sample(rng, ROWS))
        known, (X, y) = sample(rng, CALIBRATION), sample(rng, 5000)
        where = region(X)
        for kind, ends in intervals(model, known, X).items():
            held = (ends[:, 0] <= y) & (y <= ends[:, 1])
            shares[kind].append([held.mean(), *(held[where == name].mean() for name in REGIONS)])
            widths[kind].append(float(np.mean(ends[:, 1] - ends[:, 0])))

    print("Share of fresh targets in 90 % intervals, and their mean width\n")
    print(f"{'interval':<14}" + "".join(f"{name:>9}" for name in ("all", *REGIONS, "width")))
    for kind in KINDS:
        cells = (*np.mean(shares[kind], axis=0), np.mean(widths[kind]))
        print(f"{kind:<14}" + "".join(f"{cell:>9.3f}" for cell in cells))
    print()
    write(
        draw(model, *known, {kind: np.array(rows) for kind, rows in shares.items()}), options.output, "intervals"
    )


if __name__ == "__main__":
    main()
