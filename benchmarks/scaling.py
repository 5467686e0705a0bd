"""What a callback costs per row and output, over numbers of rows and of classes.

python -m benchmarks.scaling [--rows N ...] [--classes K ...] [--output DIR]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from tqdm import tqdm

from benchmarks.report import add_output, report
from benchmarks.speed import nanoseconds
from gbm_objectives import AbsoluteError, BinaryCrossEntropy, CategoricalCrossEntropy, Huber, Loss, Quantile
from gbm_objectives.plotting import COLORS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LOSSES = {
    "Huber": Huber(),
    "cross-entropy": BinaryCrossEntropy(),
    "MAE": AbsoluteError(),
    "quantile": Quantile(0.9),
}
STYLES = {"Huber": "o-", "cross-entropy": "s--", "MAE": "^-.", "quantile": "v:"}


def cost(loss: Loss, rows: int) -> float:
    """Return the median ns per row and output of a callback, on LightGBM's kind of predictions."""
    rng = np.random.default_rng(0)
    k = loss.n_outputs
    raw = rng.standard_normal((k, rows)).T if k > 1 else rng.standard_normal(rows)
    y = rng.integers(0, max(k, 2), rows) if loss.classifies else rng.standard_normal(rows)
    target = y.astype(np.float32)
    # A few small calls would measure the clock.
    calls = max(1, 200_000 // (rows * k))

    def call() -> None:
        # As in a training a result is gone when the next is asked for.
        for _ in range(calls):
            loss.gradient_hessian(target, raw)

    call()
    return nanoseconds(call, calls * rows * k, 9)


def table(costs: dict[str, list[float]], head: str, sizes: Sequence[int]) -> str:
    """Return a Markdown table, a row a loss."""
    lines = [f"| {head} | {' | '.join(f'{n:,}' for n in sizes)} |", "|---" * (1 + len(sizes)) + "|"]
    lines += [f"| {name} | {' | '.join(f'{c:.1f}' for c in values)} |" for name, values in costs.items()]
    return "\n".join(lines)


def draw(
    by_rows: dict[str, list[float]], rows: Sequence[int], by_classes: list[float], classes: Sequence[int]
) -> Any:
    """Draw the cost per row and output, log-log: flat is good."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for (name, values), color in zip(by_rows.items(), ("blue", "orange", "green", "red"), strict=False):
        left.loglog(rows, values, STYLES[name], color=COLORS[color], label=name)
    left.set(xlabel="rows", ylabel="ns per row and output")
    left.legend(frameon=False, ncols=2)
    right.loglog(classes, by_classes, "o-", color=COLORS["blue"])
    right.set(xlabel="classes (softmax, 1,000,000 numbers in all)")
    right.set_xticks(list(classes), [str(k) for k in classes])
    right.minorticks_off()
    left.set_ylim(1, 100)
    for ax in (left, right):
        ax.grid(True, which="major", color="0.9")
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 3, 10, 30, 100])
    add_output(parser)
    options = parser.parse_args(argv)
    if min(options.rows) < 1 or min(options.classes) < 2:
        parser.error("--rows must be at least 1 and --classes at least 2")
    by_rows: dict[str, list[float]] = {name: [] for name in LOSSES}
    for name, rows in tqdm([(name, rows) for rows in options.rows for name in LOSSES], desc="rows"):
        by_rows[name].append(cost(LOSSES[name], rows))
    by_classes = [cost(CategoricalCrossEntropy(k), 1_000_000 // k) for k in tqdm(options.classes, desc="classes")]
    tables = table(by_rows, "rows", options.rows), table({"softmax": by_classes}, "classes", options.classes)
    report(options.output, "scaling", "\n\n".join(["ns per row and output of a callback, one core", *tables]))
    path = options.output / "scaling.png"
    figure = draw(by_rows, options.rows, by_classes, options.classes)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main()
