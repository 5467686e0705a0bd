"""Three rows in ten are outliers: redescending losses find the curve, and tell which rows they left out.

    python -m demos.outliers [--engine lightgbm|xgboost|both] [--output DIR] [--seed N] [--share S] [--rounds N]

What to look at: absolute error and Huber's loss are lifted by so many one-sided outliers, since each of them pulls
as hard as a row nearby. The pull of Cauchy's, Welsch's and Tukey's losses falls off again (left), and the weight
with which a row counts, `outlier_weights`, separates outliers from noise (right). What counts as far is measured
first: the constants of 95 % efficiency times the median absolute residual of the MAE fit over 0.6745. "auto" would
take the spread of the targets instead, which here is mostly signal.

Beaton and Tukey (1974). *The fitting of power series, meaning polynomials, illustrated on band-spectroscopic
data*.
Technometrics 16(2).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from demos.common import command_line, plt, write
from demos.sinc import ENGINE_NAMES, FIT, REACH, ROUNDS, Curve, sample, truth
from gbm_objectives import AbsoluteError, Cauchy, Huber, Loss, Tukey, Welsch
from gbm_objectives.plotting import COLORS

COLOR = {"MAE": "red", "Huber": "orange", "Cauchy": "green", "Welsch": "purple", "Tukey": "blue"}


def losses_of(noise: float) -> dict[str, Loss]:
    """Return the losses with the textbook constants of 95 % efficiency, for noise of this standard deviation."""
    return {
        "Huber": Huber(delta=1.345 * noise),
        "Cauchy": Cauchy(scale=2.385 * noise),
        "Welsch": Welsch(scale=2.985 * noise),
        "Tukey": Tukey(c=4.685 * noise),
    }


def fit_all(engine: str, x: np.ndarray, y: np.ndarray, rounds: int, seed: int) -> tuple[dict[str, Curve], Loss]:
    """Return the fits by name, and Tukey's loss as it was fitted."""
    fit = FIT[engine]
    curves = {"MAE": fit(AbsoluteError(), x, y, rounds, seed)}
    noise = float(np.median(np.abs(y - curves["MAE"](x)))) / 0.6745
    losses = losses_of(noise)
    curves |= {name: fit(loss, x, y, rounds, seed) for name, loss in losses.items()}
    return curves, losses["Tukey"]


def draw(engine: str, curves: dict[str, Curve], weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> Figure:
    """Draw what the fits are off by, and the sample coloured by the weights that Tukey's loss gave it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), sharex=True, layout="constrained")
    grid = np.linspace(-REACH, REACH, 1501)
    for (name, curve), style in zip(curves.items(), ["-", "-", "--", "-", "--"], strict=True):
        left.plot(grid, curve(grid) - truth(grid), style, color=COLORS[COLOR[name]], label=name)
    left.axhline(0.0, color=COLORS["black"], linewidth=0.8, zorder=0)
    left.set_title(f"A   fits with {ENGINE_NAMES[engine]}, less 10 sin(x)/x", loc="left")
    left.legend(loc="upper left", ncols=3, frameon=False)
    left.set_ylabel("fit less truth")
    left.set_ylim(-0.4, 1.4)

    points = right.scatter(x, y, c=weights, s=6, cmap="viridis", vmin=0.0, vmax=1.0)
    right.set_title("B   how much a row counts under Tukey's loss", loc="left")
    figure.colorbar(points, ax=right, label="outlier weight, ψ(r)/r over its maximum")
    right.set_ylabel("y")
    for ax in (left, right):
        ax.set_xlabel("x")
        ax.set_xlim(-REACH, REACH)
    return figure


def report(curves: dict[str, dict[str, Curve]], x: np.ndarray) -> str:
    """Return a table of the RMSE to the true curve."""
    rows = [f"{'loss':<10}" + "".join(f"{ENGINE_NAMES[engine]:>12}" for engine in curves)]
    for name in COLOR:
        errors = [np.sqrt(np.mean((fitted[name](x) - truth(x)) ** 2)) for fitted in curves.values()]
        rows.append(f"{name:<10}" + "".join(f"{error:>12.3f}" for error in errors))
    return "\n".join(rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, draw, and print."""
    parser = command_line("outliers", __doc__, "the figures")
    parser.add_argument("--engine", choices=[*FIT, "both"], default="both")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample and the engines (default: 0)")
    parser.add_argument("--share", type=float, default=0.3, help="share of outliers (default: 0.3)")
    parser.add_argument("--rounds", type=int, help=f"boosting rounds (default: {ROUNDS})")
    options = parser.parse_args(argv)
    if not 0 <= options.share < 0.5:
        parser.error(f"--share must be at least 0 and below 0.5, got {options.share}")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")

    warnings.filterwarnings("ignore", message="[^`]*`booster=gblinear` is deprecated", category=UserWarning)
    engines = list(FIT) if options.engine == "both" else [options.engine]
    x, y, _ = sample(options.seed, share=options.share)
    curves: dict[str, dict[str, Curve]] = {}
    for engine in tqdm(engines, unit="engine"):
        curves[engine], loss = fit_all(engine, x, y, options.rounds or ROUNDS[engine], options.seed)
        assert isinstance(loss, Tukey)
        weights = loss.outlier_weights(y, curves[engine]["Tukey"](x))
        write(draw(engine, curves[engine], weights, x, y), options.output, f"outliers_{engine}")
    print("\nRMSE to the true curve:\n")
    print(report(curves, x))


if __name__ == "__main__":
    main()
