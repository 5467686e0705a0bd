"""Held-out loss of ours against the engines' built-in objectives, and against other custom pairs.

    python -m benchmarks.accuracy [--data DIR] [--engine lightgbm|xgboost|both] [--seeds N] [--output DIR]
                                  [--full] [--jobs N]

`--data` is a folder of sets laid out as the UCI splits of Hernandez-Lobato and Adams (2015): a folder a set, in it
`data.txt`, `index_features.txt` and `index_target.txt`. Without it the real sets are such as scikit-learn ships.
Every fit is scored at its own best of `ROUNDS`, as early stopping would find it, and at rounds 30 and 100.
"""

from __future__ import annotations

import argparse
import multiprocessing
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import matplotlib
import numpy as np
import xgboost as xgb
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from benchmarks.accuracy_sets import (
    BUILT_IN,
    CONSTANT,
    GROUP_OF,
    GROUPS,
    ONE_THREAD,
    OURS,
    PAIR_01,
    PAIR_34,
    REFITS,
    REFITTED,
    DataSet,
    loss_of,
    methods_of,
    sets_by_name,
    shipped_sets,
    staged,
    train,
    uci_sets,
)
from benchmarks.report import add_output, report
from gbm_objectives.plotting import COLORS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROUNDS = [1, 2, 3, 5, 7, 10, 14, 20, 30, 40, 50, 60, 75, 100, 125, 150, 200, 250, 300, 400, 500]
TASKS = ["MAE", "q=0.03", "q=0.1", "q=0.9", "q=0.97", "Huber 0.5", "Huber 0.1", "hinge"]
ENGINES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
# All tasks are measured at an engine's defaults, MAE alone at the others unless all are asked for.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "LightGBM defaults": ("lightgbm", {}),
    "LightGBM 0.03": ("lightgbm", {"learning_rate": 0.03}),
    "LightGBM 0.3": ("lightgbm", {"learning_rate": 0.3}),
    "LightGBM 1": ("lightgbm", {"learning_rate": 1.0}),
    "LightGBM small trees": ("lightgbm", {"num_leaves": 15, "min_data_in_leaf": 10, "learning_rate": 0.1}),
    "XGBoost defaults": ("xgboost", {}),
    "XGBoost 0.03": ("xgboost", {"eta": 0.03}),
    "XGBoost 0.1": ("xgboost", {"eta": 0.1}),
    "XGBoost 1": ("xgboost", {"eta": 1.0}),
    "XGBoost small trees": ("xgboost", {"max_depth": 4, "eta": 0.1}),
}
SYNTHETIC = list(GROUP_OF)


class Job(NamedTuple):
    """A split of a set to fit all methods to."""

    engine: str
    setting: str
    params: dict[str, Any]
    task: str
    name: str
    seed: int


Fit = tuple[np.ndarray, np.ndarray]  # by round: held-out loss; share at or below the prediction, hinge: recall
Fits = dict[tuple[str, str, str, str], list[Fit | None]]  # (setting, task, set, method) -> splits; None: failed
SETS: dict[str, DataSet] = {}  # of this process


def keep_sets(sets: dict[str, DataSet]) -> None:
    """Set the sets of this process: sent to a worker once, not with every job."""
    SETS.clear()
    SETS.update(sets)


def run(job: Job) -> tuple[Job, dict[str, Fit | None]]:
    """Fit all methods to a split."""
    one = SETS[job.name]
    stratify = one.y if job.task == "hinge" else None
    rows, test = train_test_split(np.arange(len(one.y)), test_size=0.2, random_state=job.seed, stratify=stratify)
    test = test[one.scored[test]]
    X, y, y_test = one.X[rows], one.y[rows], one.y[test]
    loss = loss_of(job.task, y, one.group)
    params = {**job.params, **ONE_THREAD[job.engine]}
    if job.engine == "lightgbm":
        data = lgb.Dataset(X, y, params=params, free_raw_data=False).construct()
    else:
        data = xgb.DMatrix(X, y, nthread=1)
    fits: dict[str, Fit | None] = {}
    for method in methods_of(job.engine, job.task, job.params):
        try:
            # What overflows or rises shows in the predictions, and is a result here.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                booster = train(job.engine, method, loss, params, data, ROUNDS[-1])
                predicted = staged(job.engine, booster, one.X[test], ROUNDS)
                losses = np.array([loss.value(y_test, p) for p in predicted])
        except Exception:
            fits[method] = None  # an engine or a loss that gives up is a result, too
            continue
        hit = [np.mean(p[y_test > 0] > 0) if job.task == "hinge" else np.mean(y_test <= p) for p in predicted]
        fits[method] = (losses, np.array(hit)) if np.isfinite(losses).all() else None
    return job, fits


def measure(jobs: Sequence[Job], sets: dict[str, DataSet], processes: int) -> Fits:
    """Run the jobs, in this process if it is to be the only one."""
    found: dict[tuple[str, str, str, str], dict[int, Fit | None]] = {}

    def gather(results: Iterable[tuple[Job, dict[str, Fit | None]]]) -> None:
        for job, fits in tqdm(results, total=len(jobs), unit="split"):
            for method, fit in fits.items():
                found.setdefault((job.setting, job.task, job.name, method), {})[job.seed] = fit

    if processes == 1:
        keep_sets(sets)
        gather(map(run, jobs))
    else:
        # A fork of a process with OpenMP's threads may hang.
        with multiprocessing.get_context("spawn").Pool(processes, keep_sets, (sets,)) as pool:
            gather(pool.imap_unordered(run, jobs))
    return {key: [by_seed[seed] for seed in sorted(by_seed)] for key, by_seed in found.items()}


def log_ratios(fits: Fits, setting: str, task: str, method: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return by set the log ratio of losses at each of `ROUNDS`, and at last each at its best; splits averaged."""
    against = CONSTANT if task == "hinge" else BUILT_IN
    result = {}
    for name in names:
        pairs = zip(fits[setting, task, name, method], fits[setting, task, name, against], strict=True)
        rows = [
            np.append(ours[0], ours[0].min()) / np.append(theirs[0], theirs[0].min())
            for ours, theirs in pairs
            if ours and theirs
        ]
        if rows:
            result[name] = np.log(np.maximum(rows, 1e-30)).mean(axis=0)  # of a loss of 0, too
    return result


def miss_of_coverage(fits: Fits, setting: str, task: str, method: str, names: Sequence[str]) -> float:
    """Return how far the share of targets at or below the prediction is from alpha, at each fit's best round."""
    misses = []
    for name in names:
        shares = [share[losses.argmin()] for losses, share in filter(None, fits[setting, task, name, method])]
        if shares:
            misses.append(abs(np.mean(shares) - float(task[2:])))
    return float(np.mean(misses)) if misses else np.nan


def shown(value: float) -> str:
    """Return a number with three decimals, a small or large one with three digits; a dash for none."""
    return "–" if np.isnan(value) else f"{value:.3f}" if 0.1 <= value < 10 else f"{value:.3g}"


def table(fits: Fits, settings: Sequence[str], sets: dict[str, DataSet], others: Sequence[str]) -> str:
    """Return the Markdown table of geometric means of the ratio to the built-in objective."""
    head = ["setting", "task", "sets", "ours, best", "ours @30", "ours @100", "worst set, best"]
    head += [f"{method}, best" for method in others]
    head += ["coverage off by, ours / built-in", "failed fits"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for setting, task, group in ((s, t, g) for s in settings for t in TASKS for g in GROUPS):
        names = [name for name in sets if sets[name].group == group and (setting, task, name, OURS) in fits]
        if not names or task == "hinge":
            continue
        present = [m for m in (BUILT_IN, OURS, *others) if (setting, task, names[0], m) in fits]
        logs = {m: log_ratios(fits, setting, task, m, names) for m in present}

        def mean(method: str, column: int, logs: dict[str, dict[str, np.ndarray]] = logs) -> str:
            """Return a method's geometric mean over the sets."""
            values = [by_round[column] for by_round in logs.get(method, {}).values()]
            return shown(np.exp(np.mean(values))) if values else "–"

        cells = [mean(OURS, -1), *(mean(OURS, ROUNDS.index(k)) if k in ROUNDS else "–" for k in (30, 100))]
        worst = max(logs[OURS], key=lambda name: logs[OURS][name][-1], default="")
        cells.append(f"{shown(np.exp(logs[OURS][worst][-1]))} ({worst})" if worst else "–")
        cells += [mean(method, -1) for method in others]
        misses = [miss_of_coverage(fits, setting, task, m, names) for m in (OURS, BUILT_IN) if task[:2] == "q="]
        cells.append(" / ".join(map(shown, misses)) or "–")
        failed = {m: sum(fit is None for name in names for fit in fits[setting, task, name, m]) for m in present}
        total = sum(len(fits[setting, task, name, OURS]) for name in names)
        cells.append(", ".join(f"{m} {k} of {total}" for m, k in failed.items() if k) or "none")
        lines.append(f"| {setting} | {task} | {group} | {' | '.join(cells)} |")
    return "\n".join(lines)


def hinge_table(fits: Fits, settings: Sequence[str], names: Sequence[str]) -> str:
    """Return the Markdown table of the hinge loss, which has no built-in peer; empty if it was not measured."""
    head = ["setting", "set", "hinge at best, ours", "constant Hessian", "ours ÷ constant"]
    head += ["recall @100, ours", "constant Hessian"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for setting, name in ((s, n) for s in settings for n in names if (s, "hinge", n, OURS) in fits):
        values, recalls = [], []
        for method in (OURS, CONSTANT):
            good = [fit for fit in fits[setting, "hinge", name, method] if fit]
            values.append(shown(np.mean([fit[0].min() for fit in good])) if good else "failed")
            at = ROUNDS.index(100) if 100 in ROUNDS else -1
            recalls.append(shown(np.mean([fit[1][at] for fit in good])) if good else "failed")
        logs = log_ratios(fits, setting, "hinge", OURS, [name])
        ratio = shown(np.exp(logs[name][-1])) if logs else "–"
        lines.append(f"| {setting} | {name} | {' | '.join([*values, ratio, *recalls])} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def draw(fits: Fits, defaults: dict[str, str], names: Sequence[str]) -> Any:
    """Draw the loss over the built-in's by round at each engine's defaults: geometric mean over the real sets."""
    tasks = ["MAE", "q=0.1", "q=0.9", "q=0.97"]
    figure, axes = plt.subplots(
        len(defaults), 4, figsize=(13, 3.4 * len(defaults)), sharex=True, squeeze=False, layout="constrained"
    )
    styles = {OURS: ("blue", "-"), PAIR_01: ("green", "-."), CONSTANT: ("orange", ":"), PAIR_34: ("red", "--")}
    for row, (engine, setting) in zip(axes, defaults.items(), strict=True):
        for ax, task in zip(row, tasks, strict=True):
            for method, (color, style) in styles.items():
                measured = [name for name in names if (setting, task, name, method) in fits]
                values = list(log_ratios(fits, setting, task, method, measured).values())
                mean = np.exp(np.mean(values, axis=0)[:-1]) if values else np.full(len(ROUNDS), np.nan)
                ax.plot(ROUNDS, mean, style, color=COLORS[color], label=method, linewidth=2)
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
    parser.add_argument("--seeds", type=int, default=2, help="80/20 splits per set (default: 2)")
    parser.add_argument("--full", action="store_true", help="all tasks at all settings, not at defaults only")
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each (default: 2)")
    add_output(parser)
    options = parser.parse_args(argv)
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data must be a folder, got {options.data}")
    for name in ("seeds", "jobs"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(options, name)}")
    found = list(shipped_sets() if options.data is None else uci_sets(options.data))
    if not found:
        parser.error(f"--data must hold folders with data.txt in them, {options.data} does not")
    sets = sets_by_name(found, SYNTHETIC)
    engines = list(ENGINES) if options.engine == "both" else [options.engine]
    jobs = [
        Job(engine, setting, params, task, name, seed)
        for setting, (engine, params) in SETTINGS.items()
        for task in TASKS
        for name, one in sets.items()
        for seed in range(options.seeds)
        if engine in engines
        and (options.full or not params or task == "MAE")
        and (task == "hinge") == (one.group == "labels")
    ]
    fits = measure(jobs, sets, options.jobs)

    defaults, parts = {}, []
    for engine in engines:
        settings = [setting for setting, (of, _) in SETTINGS.items() if of == engine]
        defaults[engine] = next((s for s in settings if not SETTINGS[s][1]), "")
        parts.append(f"### {ENGINES[engine]} {(lgb if engine == 'lightgbm' else xgb).__version__}")
        described = "; ".join(f"{s}: {SETTINGS[s][1] or 'no parameters'}" for s in settings)
        parts.append(
            f"Held-out loss ÷ built-in's, geometric mean over sets; splits of each set: {options.seeds}.\n"
            f"Settings: {described}. Each fit at its best of the rounds {', '.join(map(str, ROUNDS))}."
        )
        others = [PAIR_01, CONSTANT, PAIR_34, *([REFITTED] if engine == "xgboost" and REFITS else [])]
        tables = [table(fits, settings, sets, others), hinge_table(fits, settings, list(sets))]
        parts += filter(None, tables)
    report(options.output, "accuracy", "\n\n".join(parts))
    path = options.output / "accuracy.png"
    figure = draw(fits, defaults, [name for name, *_ in found])
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main()
