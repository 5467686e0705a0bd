"""Held-out loss of ours against the engines' built-in objectives, and against two other custom pairs.

    python -m benchmarks.accuracy [--data DIR] [--engine lightgbm|xgboost|both] [--seeds N] [--output DIR]

`--data` is a folder of sets laid out as the UCI splits of Hernandez-Lobato and Adams (2015): a folder a set, in it
`data.txt`, `index_features.txt` and `index_target.txt`. Without it the sets are such as scikit-learn ships.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightgbm as lgb
import matplotlib
import numpy as np
import xgboost as xgb
from sklearn import datasets
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from gbm_objectives import AbsoluteError, Huber, Loss, Quantile
from gbm_objectives.engines import lightgbm as on_lightgbm
from gbm_objectives.engines import xgboost as on_xgboost
from gbm_objectives.plotting import COLORS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROUNDS = [1, 3, 10, 20, 30, 50, 100, 150, 200, 300]
SHOWN = [30, 100, 300]
TASKS = ["MAE", "q=0.03", "q=0.1", "q=0.9", "q=0.97", "Huber 0.5", "Huber 0.1"]
METHODS = ["ours", "constant Hessian", "XGBoost 3.4's pair"]
LGB = {"num_leaves": 15, "min_data_in_leaf": 10, "learning_rate": 0.1, "verbosity": -1, "num_threads": 2}
XGB = {"max_depth": 4, "eta": 0.1, "nthread": 2}
ENGINES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}


class Pair34(Quantile):
    """The smooth pairs that XGBoost 3.4 has for absolute error and quantiles (pull requests 12373 to 12586)."""

    def gradient_hessian(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> Any:
        """Return the pair as published; without weights."""
        r = np.asarray(raw_prediction, dtype=np.float64) - y_true
        scale = max(np.mean(np.sqrt(np.abs(r))) ** 2, 1e-30)
        if self.alpha == 0.5:
            weight = scale / np.hypot(scale, r)
            return (r * weight).astype(np.float32), weight.astype(np.float32)
        x = r / (0.04 * scale)
        slope = np.divide(np.tanh(x), x, out=np.ones_like(x), where=x != 0)
        gradient = 0.5 * scale * (np.tanh(x) + 1.0 - 2.0 * self.alpha)
        return gradient.astype(np.float32), (12.5 * np.maximum(slope, 3e-4)).astype(np.float32)


def uci_sets(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, features and target of each set in a folder."""
    for path in sorted(folder.iterdir()):
        if (path / "data.txt").exists():
            data = np.loadtxt(path / "data.txt")
            features = np.loadtxt(path / "index_features.txt", dtype=int)
            target = int(np.loadtxt(path / "index_target.txt"))
            yield path.name, data[:, features], data[:, target]


def shipped_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield regression targets among the data that scikit-learn ships."""
    X, y = datasets.load_diabetes(return_X_y=True)
    yield "diabetes", X, y
    X = datasets.load_breast_cancer().data
    yield "breast-cancer-area", X[:, 4:10], X[:, 3]  # a skewed target: the mean area, not from the radius
    yield "breast-cancer-worst-area", X[:, 4:20], X[:, 23]
    X = datasets.load_wine().data
    yield "wine-proline", X[:, :12], X[:, 12]


def loss_of(task: str, y: np.ndarray) -> Loss:
    """Return the loss of a task; Huber's delta is 0.5 or 0.1 standard deviations of the training target."""
    if task == "MAE":
        return AbsoluteError()
    if task.startswith("Huber"):
        return Huber(float(task.split()[1]) * float(y.std()))
    return Quantile(float(task[2:]))


def rival(method: str, loss: Loss) -> Loss | None:
    """Return the loss that a method trains with, None if it has none for this task."""
    if method == "ours":
        return loss
    if method == "constant Hessian":
        return loss.__class__(**{**loss.get_params(), "hessian": "constant"})
    return None if isinstance(loss, Huber) else Pair34(getattr(loss, "alpha", 0.5))


def builtin_params(engine: str, loss: Loss) -> dict[str, Any]:
    """Return the engine's own objective for a loss."""
    if isinstance(loss, AbsoluteError):
        return {"objective": "l1" if engine == "lightgbm" else "reg:absoluteerror"}
    if isinstance(loss, Huber):
        if engine == "lightgbm":
            return {"objective": "huber", "alpha": loss.delta}
        return {"objective": "reg:pseudohubererror", "huber_slope": loss.delta}
    if engine == "lightgbm":
        return {"objective": "quantile", "alpha": loss.alpha}
    return {"objective": "reg:quantileerror", "quantile_alpha": loss.alpha}


def predictions(engine: str, loss: Loss | None, builtin: dict[str, Any], X: Any, y: Any, X_test: Any) -> list[Any]:
    """Train, with `loss` or the built-in objective, and predict after each of `ROUNDS`."""
    n = ROUNDS[-1]
    if engine == "lightgbm":
        data = lgb.Dataset(X, y)
        booster = (
            lgb.train({**LGB, **builtin}, data, n)
            if loss is None
            else on_lightgbm.train(LGB, data, loss=loss, num_boost_round=n)
        )
        return [booster.predict(X_test, num_iteration=k) for k in ROUNDS]
    data, test = xgb.DMatrix(X, y), xgb.DMatrix(X_test)
    booster = (
        xgb.train({**XGB, **builtin}, data, n)
        if loss is None
        else on_xgboost.train(XGB, data, loss=loss, num_boost_round=n)
    )
    return [booster.predict(test, iteration_range=(0, k)) for k in ROUNDS]


Curves = dict[tuple[str, str, str, str], np.ndarray]  # (engine, task, set, method) -> (seeds, rounds)


def measure(engines: Sequence[str], sets: Sequence[Any], seeds: int) -> tuple[Curves, Curves]:
    """Return held-out losses and the shares of held-out targets under the predictions."""
    curves: dict[Any, list[Any]] = {}
    shares: dict[Any, list[Any]] = {}
    runs = [(e, t, s, seed) for e in engines for t in TASKS for s in sets for seed in range(seeds)]
    for engine, task, (name, X, y), seed in tqdm(runs, unit="split"):
        X_fit, X_test, y_fit, y_test = train_test_split(X, y, test_size=0.2, random_state=seed)
        loss = loss_of(task, y_fit)
        for method in ["built-in", *METHODS]:
            trained = None if method == "built-in" else rival(method, loss)
            if method != "built-in" and trained is None:
                continue
            predicted = predictions(engine, trained, builtin_params(engine, loss), X_fit, y_fit, X_test)
            key = (engine, task, name, method)
            curves.setdefault(key, []).append([loss.value(y_test, p) for p in predicted])
            shares.setdefault(key, []).append([np.mean(y_test <= p) for p in predicted])
    return {k: np.array(v) for k, v in curves.items()}, {k: np.array(v) for k, v in shares.items()}


def ratios(curves: Curves, engine: str, task: str, method: str) -> dict[str, np.ndarray]:
    """Return by set the log ratio to the built-in at each of `ROUNDS`, and at last for the best of `SHOWN`."""
    shown = [ROUNDS.index(k) for k in SHOWN]
    result = {}
    for e, t, name, m in curves:
        if (e, t, m) == (engine, task, method):
            ours, theirs = curves[e, t, name, m], curves[e, t, name, "built-in"]
            best = ours[:, shown].min(axis=1) / theirs[:, shown].min(axis=1)
            result[name] = np.log(np.column_stack([ours / theirs, best])).mean(axis=0)
    return result


def table(curves: Curves, engine: str) -> str:
    """Return the Markdown table of geometric means, wins and the worst set."""
    head = "| task | method | 30 | 100 | 300 | best of these | sets won | worst set, at 300 |"
    rows = [head, "|---|---|---|---|---|---|---|---|"]
    for task in TASKS:
        for method in METHODS:
            by_set = ratios(curves, engine, task, method)
            if not by_set:
                continue
            values = np.array(list(by_set.values()))
            columns = [*(ROUNDS.index(k) for k in SHOWN), -1]
            means = " | ".join(f"{v:.3f}" for v in np.exp(values[:, columns].mean(axis=0)))
            won = f"{np.sum(values[:, -1] < 0)} of {len(values)}"
            worst = max(by_set, key=lambda name: by_set[name][len(ROUNDS) - 1])
            rows.append(
                f"| {task} | {method} | {means} | {won} | {np.exp(by_set[worst][len(ROUNDS) - 1]):.2f} ({worst}) |"
            )
    return "\n".join(rows)


def coverage(curves: Curves, shares: Curves, engine: str) -> str:
    """Return for each quantile on how many sets the share of targets under the fit is within 0.03 of alpha."""
    shown = [ROUNDS.index(k) for k in SHOWN]

    def miss(key: Any, alpha: float) -> float:
        """Return how far the share is from alpha, each split at its best of the rounds shown, splits averaged."""
        best = curves[key][:, shown].argmin(axis=1)
        share = np.take_along_axis(shares[key][:, shown], best[:, None], axis=1)
        return abs(float(share.mean()) - alpha)

    rows = []
    for task in TASKS:
        if not task.startswith("q="):
            continue
        alpha = float(task[2:])
        ours, theirs = [], []
        for e, t, name, method in shares:
            if (e, t, method) == (engine, task, "ours"):
                ours.append(miss((e, t, name, "ours"), alpha))
                theirs.append(miss((e, t, name, "built-in"), alpha))
        good = [o for o, b in zip(ours, theirs, strict=True) if b <= 0.03]
        rows.append(
            f"{task}: built-in's coverage within 0.03 of alpha on {len(good)} of {len(ours)} sets,"
            f" ours on {sum(o <= 0.03 for o in good)} of these and {sum(o <= 0.03 for o in ours)} of all"
        )
    return "\n".join(rows)


def draw(curves: Curves, engines: Sequence[str]) -> Any:
    """Draw the learning curves: geometric mean over sets of the loss over the built-in's, by round."""
    shown = ["MAE", "q=0.1", "q=0.9", "q=0.97"]
    figure, axes = plt.subplots(
        len(engines),
        len(shown),
        figsize=(13, 3.4 * len(engines)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for row, engine in zip(axes, engines, strict=True):
        for ax, task in zip(row, shown, strict=True):
            for method, color, style in zip(METHODS, ("blue", "orange", "red"), ("-", ":", "--"), strict=True):
                values = np.array(list(ratios(curves, engine, task, method).values()))[:, :-1]
                ax.plot(ROUNDS, np.exp(values.mean(axis=0)), style, color=COLORS[color], label=method, linewidth=2)
            ax.axhline(1.0, color="0.5", linewidth=1)
            ax.set_xscale("log")
            ax.set_ylim(0.5, 1.6)
            ax.set_title(f"{ENGINES[engine]}, {task}", loc="left")
        row[0].set_ylabel("held-out loss ÷ built-in's")
    for ax in axes[-1]:
        ax.set_xlabel("boosting rounds")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of sets (default: sets that scikit-learn ships)")
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--seeds", type=int, default=3, help="80/20 splits per set (default: 3)")
    parser.add_argument(
        "--output", type=Path, default=Path("output"), help="folder for the figure (default: output)"
    )
    options = parser.parse_args(argv)
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data must be a folder, got {options.data}")
    if options.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {options.seeds}")
    sets = list(shipped_sets() if options.data is None else uci_sets(options.data))
    if not sets:
        parser.error(f"--data must hold folders with data.txt in them, {options.data} does not")
    engines = list(ENGINES) if options.engine == "both" else [options.engine]

    curves, shares = measure(engines, sets, options.seeds)
    print(f"\nHeld-out loss ÷ built-in's, geometric mean over {len(sets)} sets, {options.seeds} splits each")
    for engine in engines:
        version = (lgb if engine == "lightgbm" else xgb).__version__
        print(
            f"\n### {ENGINES[engine]} {version}\n\n{table(curves, engine)}\n\n{coverage(curves, shares, engine)}"
        )
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "accuracy.png"
    figure = draw(curves, engines)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main()
