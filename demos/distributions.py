"""A distribution for every row: noise that grows, under one scale for all rows and under a scale for each.

    python -m demos.distributions [--engine lightgbm|xgboost] [--output DIR] [--seed N] [--rounds N]

What to look at: the band of one common scale is too wide where the data are quiet and too narrow where they are
not; that of `Normal` follows. Over all rows both hold about 90 % of the targets: coverage alone does not see it.
The likelihood, the CRPS and the coverage by region do, and so does the histogram of the probability integral
transform, which is flat where the distributions are right and humped in the middle under one scale.

Duan et al. (2020). *NGBoost: natural gradient boosting for probabilistic prediction*. ICML.
Gneiting, Balabdaoui and Raftery (2007). *Probabilistic forecasts, calibration and sharpness*, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib.figure import Figure
from xgboost import XGBRegressor

from demos.common import command_line, plt, write
from gbm_objectives import GBMRegressor, Loss, SquaredError
from gbm_objectives.distributions import Normal, StudentT
from gbm_objectives.plotting import plot_calibration, plot_prediction_interval

ROWS = 3000
LOSSES: dict[str, Loss] = {
    "SquaredError": SquaredError(),
    "Normal": Normal(),
    "Normal, CRPS": Normal(score="crps"),
    "StudentT": StudentT(),
}


def sample(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a wave whose noise is small on the left and twelve times as large on the right."""
    x = rng.uniform(0.0, 10.0, ROWS)
    spread = 0.1 + 1.1 / (1.0 + np.exp(-2.0 * (x - 6.0)))
    return x[:, None], 2.0 * np.sin(x) + spread * rng.standard_normal(ROWS)


def model_of(engine: str, loss: Loss, rounds: int) -> GBMRegressor:
    """Return a model that stops early."""
    if engine == "lightgbm":
        estimator = LGBMRegressor(
            n_estimators=rounds,
            num_leaves=8,
            min_child_samples=40,
            early_stopping_round=50,
            verbosity=-1,
            n_jobs=2,
        )
    else:
        estimator = XGBRegressor(
            n_estimators=rounds,
            learning_rate=0.1,
            max_depth=3,
            min_child_weight=20,
            early_stopping_rounds=50,
            n_jobs=2,
        )
    return GBMRegressor(loss, estimator)


def inside(model: GBMRegressor, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which targets lie in their 90 % interval."""
    low, high = model.predict_interval(X, coverage=0.9).T
    return (low <= y) & (y <= high)


def draw(models: dict[str, GBMRegressor], X: np.ndarray, y: np.ndarray) -> Figure:
    """Draw the bands of one scale and of many, and below them how the targets lie in the distributions."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), sharey="row", layout="constrained", height_ratios=[3, 2])
    titles = {"SquaredError": "SquaredError: one scale for all rows", "Normal": "Normal: a scale for each row"}
    for column, (name, title) in zip(axes.T, titles.items(), strict=True):
        plot_prediction_interval(models[name], X[:1000], y[:1000], column[0])
        column[0].set(xlabel="x", xlim=(0, 10))
        column[0].set_title(title, loc="left")
        plot_calibration(models[name], X, y, column[1])
    axes[0, 0].set_ylabel("y")
    axes[0, 1].get_legend().remove()
    for ax in axes[:, 1]:
        ax.set_ylabel("")
    axes[1, 1].get_legend().remove()
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, print the table of held-out scores, draw."""
    parser = command_line("distributions", __doc__, "the figure")
    parser.add_argument("--engine", choices=["lightgbm", "xgboost"], default="lightgbm")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (default: 0)")
    parser.add_argument("--rounds", type=int, default=1000, help="boosting rounds at the most (default: 1000)")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")

    rng = np.random.default_rng(options.seed)
    (X, y), late, (X_test, y_test) = sample(rng), sample(rng), sample(rng)
    models = {
        name: model_of(options.engine, loss, options.rounds).fit(X, y, eval_set=[late])
        for name, loss in LOSSES.items()
    }
    print("Held-out rows: negative log-likelihood, CRPS, and the share of targets in their 90 % interval\n")
    print(f"{'loss':<16}{'NLL':>8}{'CRPS':>8}{'all rows':>10}{'x < 4':>8}{'x > 8':>8}")
    quiet, loud = X_test[:, 0] < 4.0, X_test[:, 0] > 8.0
    for name, model in models.items():
        nll = -model.log_likelihood(X_test, y_test) / ROWS
        held = inside(model, X_test, y_test)
        shares = f"{held.mean():>10.3f}{held[quiet].mean():>8.3f}{held[loud].mean():>8.3f}"
        print(f"{name:<16}{nll:>8.3f}{model.crps(X_test, y_test):>8.3f}{shares}")
    rows = np.array([[1.0], [9.0]])
    print("\nparameters at x = 1 and 9 (true spreads 0.10 and 1.20):")
    for name in ("Normal", "StudentT"):
        print(f"{name:<16}", models[name].predict_params(rows))
    print()
    write(draw(models, X_test, y_test), options.output, "distributions")


if __name__ == "__main__":
    main()
