"""A loss is an assumption about noise: data of four kinds, each fitted under the right loss and the wrong ones.

    python -m demos.likelihood [--engine lightgbm|xgboost] [--output DIR] [--seed N] [--rounds N]

What to look at: in each row of the table the loss whose noise made the data is the most likely on held-out rows.
In the figure new data are drawn from the fitted model, beside the real sample: the right loss gives back spread,
tails and asymmetry.

Hastie, Tibshirani and Friedman (2009). *The Elements of Statistical Learning*, section 2.6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from matplotlib.figure import Figure
from tqdm import tqdm
from xgboost import XGBRegressor

from demos.common import command_line, plt, write
from gbm_objectives import AbsoluteError, GBMRegressor, Huber, Loss, Quantile, SquaredError
from gbm_objectives.plotting import COLORS, plot_prediction_interval

LOSSES: dict[str, Loss] = {
    "normal": SquaredError(),
    "Laplace": AbsoluteError(),
    "Huber": Huber(delta=0.5),
    "asymmetric Laplace": Quantile(alpha=0.8),
}
SCALES = {"normal": 0.5, "Laplace": 0.4, "Huber": 0.25, "asymmetric Laplace": 0.2}
ROWS = 4000
Sets = tuple[np.ndarray, np.ndarray]


def curve(x: np.ndarray) -> np.ndarray:
    """Return the centre of the data: a wave that slows down."""
    return np.asarray(3.0 * np.sin(6.0 * np.sqrt(x)))


def sample(noise: str, seed: int) -> list[Sets]:
    """Return three sets of rows with the given noise: to train, to choose round and scale, to judge."""
    rng = np.random.default_rng(seed)
    sets = []
    for _ in range(3):
        x = rng.uniform(0.0, 4.0, ROWS)
        y = LOSSES[noise].noise.distribution(curve(x), SCALES[noise]).rvs(random_state=rng)
        sets.append((x[:, None], y))
    return sets


def model_of(engine: str, loss: Loss, rounds: int) -> GBMRegressor:
    """Return a model that stops early."""
    if engine == "lightgbm":
        settings: dict[str, Any] = {
            "num_leaves": 8,
            "min_child_samples": 40,
            "early_stopping_round": 20,
            "verbosity": -1,
        }
        return GBMRegressor(loss, LGBMRegressor(n_estimators=rounds, learning_rate=0.05, n_jobs=2, **settings))
    settings = {"max_depth": 3, "min_child_weight": 20, "early_stopping_rounds": 20}
    return GBMRegressor(loss, XGBRegressor(n_estimators=rounds, learning_rate=0.05, n_jobs=2, **settings))


def draw(samples: dict[str, list[Sets]], models: dict[Any, GBMRegressor], seed: int) -> Figure:
    """Draw the real sample with the right model's interval, and below it a sample drawn from that model."""
    figure, axes = plt.subplots(3, 4, figsize=(15, 9), sharey="row", layout="constrained", height_ratios=[3, 3, 2])
    bins = np.linspace(-4, 4, 65)
    for column, noise in zip(axes.T, samples, strict=True):
        model, (X, y) = models[noise, noise], samples[noise][2]
        drawn = model.sample(X, random_state=seed)[:, 0]
        for ax, values, what in ((column[0], y, "the data"), (column[1], drawn, "drawn")):
            plot_prediction_interval(model, X[:1000], values[:1000], ax)
            ax.set(xlabel="x", ylim=(-8.5, 9.5))
            ax.set_title(f"{noise}: {what}", loc="left")
        if column[0] is not axes[0, 0]:
            column[0].get_legend().remove()
        column[1].get_legend().remove()
        ax = column[2]
        ax.hist(y - curve(X[:, 0]), bins, color="0.75", label="data")
        steps = {"bins": bins, "histtype": "step"}
        ax.hist(drawn - curve(X[:, 0]), **steps, color=COLORS["blue"], linewidth=1.5, label="drawn, right loss")
        wrong = "Laplace" if noise == "normal" else "normal"
        other = models[noise, wrong]
        ax.hist(
            other.sample(X, random_state=seed)[:, 0] - curve(X[:, 0]),
            **steps,
            color=COLORS["red"],
            linestyle="--",
            label=f"drawn, {wrong}",
        )
        ax.set(xlabel="distance from the centre", xlim=(-4, 4))
        ax.legend(frameon=False, fontsize="small")
    axes[0, 0].set_ylabel("y")
    axes[1, 0].set_ylabel("y")
    axes[2, 0].set_ylabel("rows")
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, print the table of log-likelihoods, draw."""
    parser = command_line("likelihood", __doc__, "the figure")
    parser.add_argument("--engine", choices=["lightgbm", "xgboost"], default="lightgbm")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (default: 0)")
    parser.add_argument("--rounds", type=int, default=500, help="boosting rounds at the most (default: 500)")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")

    samples = {noise: sample(noise, options.seed) for noise in LOSSES}
    models, likelihoods = {}, {}
    for noise, name in tqdm([(noise, name) for noise in LOSSES for name in LOSSES], unit="model"):
        (X, y), chosen, (X_test, y_test) = samples[noise]
        model = model_of(options.engine, LOSSES[name], options.rounds).fit(X, y, eval_set=[chosen])
        models[noise, name] = model
        likelihoods[noise, name] = model.log_likelihood(X_test, y_test) / ROWS

    print("Held-out log-likelihood per row: noise of the data by row, loss by column; the largest has a star\n")
    print(f"{'noise':<20}" + "".join(f"{type(loss).__name__:>16}" for loss in LOSSES.values()))
    for noise in LOSSES:
        best = max(LOSSES, key=lambda name: likelihoods[noise, name])
        cells = (f"{likelihoods[noise, name]:.3f}" + ("*" if name == best else " ") for name in LOSSES)
        print(f"{noise:<20}" + "".join(f"{cell:>16}" for cell in cells))
    print(f"\n{'scale b':<20}{'true':>16}{'fitted':>16}")
    for noise in LOSSES:
        print(f"{noise:<20}{SCALES[noise]:>16.3f}{models[noise, noise].noise_scale_:>16.3f}")
    won = sum(max(LOSSES, key=lambda name: likelihoods[noise, name]) == noise for noise in LOSSES)
    print()
    write(draw(samples, models, options.seed), options.output, "likelihood")
    print(f"\nSeen: the loss whose noise made the data is the most likely in {won} of {len(LOSSES)} rows.")


if __name__ == "__main__":
    main()
