"""Survival analysis: held-out likelihood, Brier score, concordance and time, ours against other boosters.

    python -m benchmarks.survival --data DIR [--splits N] [--shipped] [--rows N] [--ngboost PYTHON]
        [--output DIR]

`--data` is a folder of CSV files with features x0, x1, ..., `event` (1 observed, 0 right-censored) and `time`;
`--shipped` adds sets that scikit-survival brings. Of each set, 75 % of the rows are to train on, the same for
all models, and all run on one thread. What must be chosen, a number of rounds or one of several settings, a
fifth of the training rows chooses, and then all of them are trained on. scikit-survival, where it is installed,
is a peer, and computes the Brier score; NGBoost is one with `--ngboost`, as in `benchmarks.distributions`.

Three simulations stand below: the distance from a known truth, the best model there is, and strong signals.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import xgboost
from tqdm import tqdm

from benchmarks.report import add_output, report
from benchmarks.survival_models import (
    ENGINES,
    LOSSES,
    TUNED,
    Aft,
    Model,
    NGBoost,
    Ours,
    Shipped,
    Trainings,
    XGBoostCox,
)
from benchmarks.survival_sets import Rows, Split, csv_sets, shipped_sets, split
from benchmarks.survival_truth import demonstration, known_truth, regret
from gbm_objectives.losses import CoxPH
from gbm_objectives.survival import concordance

HAS_SKSURV = find_spec("sksurv") is not None
AFT, BEST_AFT, COX = (
    ("survival:aft", "XGBoost"),
    ("survival:aft, best of 12", "XGBoost"),
    ("survival:cox", "XGBoost"),
)
BEST, OURS_COX, NGBOOST = "best of 3", "CoxPH", ("NGBoost, LogNormal", "")
PEERS = (("GradientBoostingSurvivalAnalysis", ""), ("RandomSurvivalForest", ""))
METRICS = ("NLL", "Brier", "C", "seconds")
Key = tuple[str, str]
Results = dict[Key, np.ndarray]


LEGEND = """Differences are means over splits, ours less theirs, with the share of splits in which ours is
better; ratios of seconds are medians over splits. "Best of 3" is that of our distributions, "best of 12" that of
XGBoost's three with scales of 0.3, 0.6, 1 and 1.5; a fifth of the training rows chooses them by the NLL. Brier
scores are integrated over 20 times; those of survival:cox have Breslow's baseline. scikit-survival's models have
its defaults in all tables, and LightGBM's own defaults are those of the first protocol. The peer in seconds of
"best of 3" is "best of 12", that of CoxPH survival:cox, and that of the others survival:aft."""


@dataclass(frozen=True)
class Protocol:
    """How all models of a table are trained."""

    title: str
    rates: dict[str, float]
    stops: bool = False


FIXED = Protocol("rate 0.1, 100 rounds", {"LightGBM": 0.1, "XGBoost": 0.1})
DEFAULTS = Protocol("the engines' defaults", {"LightGBM": 0.1, "XGBoost": 0.3})
STOPPED = Protocol("early stopping", {"LightGBM": 0.1, "XGBoost": 0.1}, stops=True)
PROTOCOLS = (FIXED, DEFAULTS, STOPPED)


def brier_times(rows: Rows) -> np.ndarray:
    """Return the times at which Brier scores are taken, the same for all splits of a set."""
    first, last = np.quantile(rows.time[rows.event], [0.15, 0.85])
    return np.linspace(first, last, 20)


def brier(rows: Split, model: Model, times: np.ndarray) -> float:
    """Return the Brier score, integrated over times and weighted for censoring; nan without scikit-survival."""
    if not HAS_SKSURV:
        return float("nan")
    from sksurv.metrics import integrated_brier_score
    from sksurv.util import Surv

    # What comes after the last time matters to no score, but weights must be known wherever a test row ends.
    end = np.nextafter(times[-1], np.inf)
    test = rows.test
    late = test.time > end
    known = Surv.from_arrays(rows.train.event, rows.train.time)
    judged = Surv.from_arrays(test.event & ~late, np.where(late, end, test.time))
    inside = times[(times >= test.time.min()) & (times < judged["time"].max())]
    survival = np.exp(model.log_survival(test.X, inside))
    if not np.isfinite(survival).all():
        return float("nan")
    return float(integrated_brier_score(known, judged, survival, inside))


def scores(rows: Split, model: Model, seconds: float, times: np.ndarray) -> list[float]:
    """Return what the table has of a model, in the order of `METRICS`."""
    risk = np.asarray(model.risk(rows.test.X))
    lower, upper = rows.test.bounds.T
    c = concordance(lower, upper, risk) if np.isfinite(risk).all() else np.nan
    return [model.nll(rows.test), brier(rows, model, times), c, seconds]


def candidates() -> dict[Key, list[Any]]:
    """Return what is trained in each split, ours beside others: settings, of which the best one is taken."""
    ours: dict[Key, list[Any]] = {
        (name, engine): [Ours(loss, engine)] for name, loss in LOSSES.items() for engine in ENGINES
    }
    best = {(BEST, engine): [Ours(loss, engine) for loss in LOSSES.values()] for engine in ENGINES}
    cox = {(OURS_COX, engine): [Ours(CoxPH(), engine)] for engine in ENGINES}
    shipped = {peer: [Shipped(peer[0])] for peer in PEERS if HAS_SKSURV}
    return {**ours, AFT: [Aft()], **best, BEST_AFT: list(TUNED), **cox, COX: [XGBoostCox()], **shipped}


def measure(all_rows: Rows, splits: int, ngboost: NGBoost | None) -> dict[str, Results]:
    """Return by protocol (n_splits, n_metrics) for each model."""
    found: dict[str, dict[Key, list[list[float]]]] = {protocol.title: {} for protocol in PROTOCOLS}
    times = brier_times(all_rows)
    for seed in tqdm(range(splits), unit="split", leave=False):
        rows = split(all_rows, seed)
        for protocol in PROTOCOLS:
            trainings = Trainings(rows, protocol.rates, protocol.stops)
            for key, settings in candidates().items():
                of_fixed = found[FIXED.title].get(key, [])
                # LightGBM's default rate is that of the first protocol, scikit-survival's models have but one.
                same = (key in PEERS and protocol is not FIXED) or (key[1] == "LightGBM" and protocol is DEFAULTS)
                row = of_fixed[seed] if same else scores(rows, *trainings.best(settings), times)
                found[protocol.title].setdefault(key, []).append(row)
            if ngboost is not None:
                model = ngboost.train(rows, 0.1 if protocol is FIXED else None, protocol.stops)
                found[protocol.title].setdefault(NGBOOST, []).append(scores(rows, *model, times))
    return {title: {key: np.array(of_key) for key, of_key in models.items()} for title, models in found.items()}


def mean_and_error(values: np.ndarray) -> str:
    """Return the mean over splits, with its standard error if there are several."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "–"
    text = f"{known.mean():.3f}"
    if len(known) > 1:
        text += f" ± {known.std(ddof=1) / np.sqrt(len(known)):.3f}"
    return text + (f" (fails in {len(values) - len(known)})" if len(known) < len(values) else "")


def table(results: Results) -> str:
    """Return a table of one set at one protocol in Markdown."""
    lines = [
        "| model | engine | NLL | below survival:aft's | below best of 12's | Brier | C | C less survival:cox's"
        " | seconds | ÷ peer's |",
        "|---" * 10 + "|",
    ]
    for (model, engine), values in results.items():
        nll, brier_score, c, seconds = values.T
        ours = model in LOSSES or model in (BEST, OURS_COX)
        peer = {BEST: BEST_AFT, OURS_COX: COX}.get(model, AFT)
        # The partial likelihood is none of times, which others could be compared with.
        cells = [
            "–" if model == OURS_COX else mean_and_error(nll),
            "–",
            "–",
            mean_and_error(brier_score),
            mean_and_error(c),
            "–",
        ]
        if ours and model != OURS_COX:
            cells[1:3] = [f"{np.mean(nll < results[other][:, 0]):.0%}" for other in (AFT, BEST_AFT)]
        if ours:
            cells[5] = mean_and_error(c - results[COX][:, 2])
        cells += [f"{np.median(seconds):.2f}"]
        cells += [f"{np.median(seconds / results[peer][:, 3]):.1f}" if ours else "–"]
        lines.append(f"| {model} | {engine} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


# What is compared: a metric, ours and theirs.
COMPARISONS: tuple[tuple[str, str, Key], ...] = (
    ("NLL", "LogLogistic", AFT),
    ("NLL", BEST, BEST_AFT),
    ("Brier", BEST, BEST_AFT),
    ("Brier", OURS_COX, COX),
    ("Brier", OURS_COX, PEERS[0]),
    ("Brier", OURS_COX, PEERS[1]),
    ("C", OURS_COX, COX),
    ("C", OURS_COX, PEERS[0]),
    ("C", OURS_COX, PEERS[1]),
    ("seconds", "LogLogistic", AFT),
    ("seconds", OURS_COX, COX),
)


def compared(metric: str, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Return the mean difference and the share of splits in which ours is better; of seconds, the median ratio."""
    if metric == "seconds":
        return f"{np.median(ours / theirs):.1f}"
    by = (ours - theirs)[np.isfinite(ours - theirs)]
    if not len(by):
        return "–"
    return f"{by.mean():+.3f} ({np.mean(by > 0 if metric == 'C' else by < 0):.0%})"


def summary(sets: dict[str, dict[str, Results]]) -> str:
    """Return a table of each comparison: sets in columns."""
    parts = []
    for metric, ours, theirs in COMPARISONS:
        if any(theirs not in results for by_protocol in sets.values() for results in by_protocol.values()):
            continue
        sign = "÷" if metric == "seconds" else "less"
        better = "above 0" if metric == "C" else "below 1" if metric == "seconds" else "below 0"
        lines = [
            f"**{metric}, {ours} {sign} {theirs[0]}** ({better} is better)",
            "",
            "| protocol | engine | " + " | ".join(sets) + " |",
            "|---" * (2 + len(sets)) + "|",
        ]
        column = METRICS.index(metric)
        for protocol in PROTOCOLS:
            for engine in ENGINES:
                pairs = [
                    [by_protocol[protocol.title][key][:, column] for key in ((ours, engine), theirs)]
                    for by_protocol in sets.values()
                ]
                cells = (compared(metric, *pair) for pair in pairs)
                lines.append(f"| {protocol.title} | {engine} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def limited(rows: Rows, most: int | None) -> Rows:
    """Return the rows, or so many of them drawn at random."""
    if most is None or len(rows) <= most:
        return rows
    return rows[np.random.default_rng(0).permutation(len(rows))[:most]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all sets, print the tables, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.survival", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of CSV files")
    parser.add_argument("--splits", type=int, default=10, help="75/25 splits per set (default: 10)")
    parser.add_argument("--shipped", action="store_true", help="add sets of scikit-survival")
    parser.add_argument("--rows", type=int, help="cut sets to so many rows, drawn at random")
    parser.add_argument("--ngboost", metavar="PYTHON", help="Python of an environment with NGBoost")
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.splits < 1:
        parser.error("--splits must be at least 1")
    if options.shipped and not HAS_SKSURV:
        parser.error("--shipped needs scikit-survival, which is not installed")
    if not HAS_SKSURV:
        print("scikit-survival is not installed: there are no Brier scores, and its models are left out")
    ngboost = NGBoost(options.ngboost) if options.ngboost else None
    given = {**dict(csv_sets(options.data)), **(dict(shipped_sets()) if options.shipped else {})}
    if not given:
        parser.error(f"there is no CSV file in {options.data}")
    given = {name: limited(rows, options.rows) for name, rows in given.items()}
    sets = {name: measure(rows, options.splits, ngboost) for name, rows in given.items()}
    versions = f"LightGBM {lightgbm.__version__}, XGBoost {xgboost.__version__}"
    if HAS_SKSURV:
        import sksurv

        versions += f", scikit-survival {sksurv.__version__}"
    parts = [f"{versions}, one thread, splits of each set: {options.splits}", LEGEND, summary(sets)]
    for name, by_protocol in sets.items():
        rows = given[name]
        parts.append(f"### {name}: {len(rows):,} rows, {1 - rows.event.mean():.0%} censored")
        for title, results in by_protocol.items():
            parts += [f"#### {name}, {title}", table(results)]
    parts += ["### Distance from a known truth", known_truth()]
    parts += ["### What training leaves of the best model, with six levels", regret()]
    parts += ["### Cox's likelihood and strong signals", demonstration()]
    report(options.output, "survival", "\n\n".join(parts))


if __name__ == "__main__":
    main()
