"""Why cross-entropy and not squared error: how fast a badly wrong sigmoid learns, alone and boosted.

    python -m demos.learning_speed [--output DIR] [--rounds N]

What to look at: squared error multiplies the error by σ′, the slope of the sigmoid, which is next to 0 where the
output is badly wrong. (A, B) A neuron that starts there stands on a plateau; with cross-entropy σ′ cancels. (C)
Several layers multiply several slopes. Boosting of first order has the same plateau (left column); a Newton step
divides by a curvature of σ′² and is over it at once (right column).

Nielsen (2015). *Neural Networks and Deep Learning*, chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from matplotlib.figure import Figure
from scipy import special
from sklearn.datasets import load_breast_cancer
from tqdm import tqdm

from demos.common import command_line, plt, write
from gbm_objectives import BinaryCrossEntropy, Loss, SigmoidSquaredError
from gbm_objectives.plotting import COLORS

STARTS = [(0.6, 0.9), (2.0, 2.0)]
ETA, EPOCHS = 0.15, 300
# The figures that Nielsen gives; he trains cross-entropy at another rate.
PUBLISHED = {("squared error", (0.6, 0.9)): 0.09, ("squared error", (2.0, 2.0)): 0.20}
LOSSES = {"squared error": SigmoidSquaredError, "cross-entropy": BinaryCrossEntropy}
STYLE = {"squared error": (COLORS["red"], "--"), "cross-entropy": (COLORS["blue"], "-")}

# Boosting: 95 % sure of class 0, where 63 % are of class 1.
WRONG_START = -3.0
ORDERS = {"first order": "constant", "Newton": "auto"}
LEARNED = 0.05  # a Brier score at which the classes are told apart


def first_order_rate(loss: Loss, rate: float) -> float:
    """Return a learning rate; the textbook's squared error is half of ours, and a rate takes the half as well."""
    return 0.5 * rate if isinstance(loss, SigmoidSquaredError) else rate


def train_neuron(loss: Loss, weight: float, bias: float) -> np.ndarray:
    """Train sigmoid(weight·1 + bias) to give 0, by gradient descent; return the output after each epoch."""
    outputs = []
    for _ in range(EPOCHS):
        # The raw prediction is the pre-activation.
        step = first_order_rate(loss, ETA) * float(loss.gradient([0.0], [weight + bias])[0])
        weight, bias = weight - step, bias - step
        outputs.append(float(loss.response([weight + bias])[0]))
    return np.array(outputs)


def boost(engine: str, loss: Loss, rounds: int) -> list[float]:
    """Boost from the wrong start, through the engine's own interface; return the Brier score after each round."""
    X, y = load_breast_cancer(return_X_y=True)
    start = np.full(len(y), WRONG_START)
    brier = SigmoidSquaredError().metric
    rate = first_order_rate(loss, 0.3) if loss.curvature_kind == "constant" else 0.3
    # XGBoost's usual least curvature of a leaf, 1, would forbid leaves where σ′² is 0.002; LightGBM has 0.001.
    if engine == "LightGBM":
        params = {"num_leaves": 8, "learning_rate": rate, "lambda_l2": 1.0}
        fixed: dict[str, Any] = {"objective": loss, "metric": "None", "num_threads": 2, "verbosity": -1}
        data = lgb.Dataset(X, y, init_score=start)
        seen: dict[str, dict[str, list[float]]] = {}
        record = lgb.record_evaluation(seen)
        lgb.train({**params, **fixed}, data, rounds, valid_sets=[data], feval=brier, callbacks=[record])
        return seen["training"][brier.__name__]
    params = {"max_depth": 3, "eta": rate, "lambda": 1.0, "min_child_weight": 1e-3}
    matrix = xgb.DMatrix(X, y, base_margin=start)
    history: dict[str, dict[str, list[float]]] = {}
    xgb.train(
        {**params, "nthread": 2, "disable_default_eval_metric": True},
        matrix,
        rounds,
        obj=loss,
        custom_metric=brier,
        evals=[(matrix, "training")],
        evals_result=history,
        verbose_eval=False,
    )
    return history["training"][brier.__name__]


def slope_through_layers(layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the product of σ′ over layers: at its largest, and the typical one for normal pre-activations."""
    z = np.random.default_rng(0).standard_normal(100_000)
    typical = np.exp(np.mean(np.log(special.expit(z) * special.expit(-z))))
    return 0.25**layers, typical**layers


def draw_neurons(curves: dict[Any, np.ndarray]) -> Figure:
    """Draw the neuron's output by epoch for both starts, and the slopes through layers."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for ax, letter, start in zip(axes, "AB", STARTS, strict=False):
        for name in LOSSES:
            color, style = STYLE[name]
            ax.plot(np.arange(1, EPOCHS + 1), curves[name, start], style, color=color, label=name)
        ax.set_title(f"{letter}   from w = {start[0]:g}, b = {start[1]:g}", loc="left")
        ax.set(xlabel="epoch", ylabel="output of the neuron (wanted: 0)", ylim=(0.0, 1.02))
        ax.legend(frameon=False)
    ax, layers = axes[2], np.arange(1, 21)
    largest, typical = slope_through_layers(layers)
    ax.semilogy(layers, np.ones(len(layers)), "-", color=COLORS["green"], label="ReLU, active units")
    ax.semilogy(layers, largest, "--", color=COLORS["red"], label="sigmoid at its steepest, σ′ = 1/4")
    ax.semilogy(layers, typical, ":", color=COLORS["red"], label="sigmoid, normal pre-activations")
    ax.set_title("C   product of slopes through layers", loc="left")
    ax.set(xlabel="layers", ylabel="factor of the gradient", xticks=[1, 5, 10, 15, 20])
    ax.set_ylim(top=30)
    ax.legend(frameon=False, loc="lower left")
    return figure


def draw_boosting(curves: dict[Any, list[float]]) -> Figure:
    """Draw the Brier score by round, an engine a row, first order and Newton side by side."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True, sharey=True, layout="constrained")
    for row, engine in zip(axes, ("LightGBM", "XGBoost"), strict=True):
        for ax, order in zip(row, ORDERS, strict=True):
            for name in LOSSES:
                color, style = STYLE[name]
                values = curves[engine, order, name]
                ax.plot(np.arange(1, len(values) + 1), values, style, color=color, label=name)
            ax.set_title(f"{engine}, {order}", loc="left")
        row[0].set_ylabel("Brier score on the training rows")
    for ax in axes[1]:
        ax.set_xlabel("boosting round")
        ax.set_xscale("log")
    axes[0, 0].set_ylim(bottom=0.0)
    axes[0, 0].legend(frameon=False)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Train, print beside the published figures, draw."""
    parser = command_line("learning_speed", __doc__, "the figures")
    parser.add_argument("--rounds", type=int, default=100, help="boosting rounds (default: 100)")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")

    neurons = {(name, start): train_neuron(LOSSES[name](), *start) for name in LOSSES for start in STARTS}
    print(f"A neuron trained to give 0: output after {EPOCHS} epochs at a rate of {ETA:g}\n")
    print(f"{'loss':<16}{'start':<14}{'at first':>10}{'at last':>10}{'published':>11}")
    for (name, start), outputs in neurons.items():
        published = PUBLISHED.get((name, start))
        shown = "–" if published is None else f"{published:.2f}"
        first = special.expit(sum(start))
        print(f"{name:<16}{f'({start[0]:g}, {start[1]:g})':<14}{first:>10.2f}{outputs[-1]:>10.2f}{shown:>11}")

    runs = [(engine, order, name) for engine in ("LightGBM", "XGBoost") for order in ORDERS for name in LOSSES]
    boosted = {}
    for engine, order, name in tqdm(runs, unit="model"):
        boosted[engine, order, name] = boost(engine, LOSSES[name](hessian=ORDERS[order]), options.rounds)
    print(
        f"\nBreast cancer, boosted from a raw prediction of {WRONG_START:g}: rounds to a Brier score {LEARNED:g}"
    )
    print(f"{'engine':<10}{'order':<13}{'loss':<15}{'rounds':>8}{'at last':>9}")
    for (engine, order, name), values in boosted.items():
        reached = np.flatnonzero(np.array(values) <= LEARNED)
        rounds = str(reached[0] + 1) if reached.size else "never"
        print(f"{engine:<10}{order:<13}{name:<15}{rounds:>8}{values[-1]:>9.3f}")

    print()
    write(draw_neurons(neurons), options.output, "learning_speed_neuron")
    write(draw_boosting(boosted), options.output, "learning_speed_boosting")
    print(
        "\nSeen: under squared error the badly wrong neuron waits on its plateau, as does first-order boosting;\n"
        "under cross-entropy both set off at once. A Newton step divides by σ′² and hardly knows the difference."
    )


if __name__ == "__main__":
    main()
