"""NGBoost on splits that `benchmarks.distributions` or `benchmarks.survival` sends from another interpreter.

    PYTHON benchmarks/ngboost_peer.py

NGBoost pins an older scikit-learn than ours, so it has an environment of its own, and this file imports nothing
of ours.
Reads the path of an .npz file with X, y, fit, late, test (rows) from each line of standard input, writes one with
mean, scale and seconds beside it, and answers with a line. With `event` in the file, y are right-censored times,
and mean and scale those of their logarithm. There may be a `rate` and a number of `rounds`; without late rows all
rounds stay.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np
from ngboost import NGBRegressor, NGBSurvival
from ngboost.distns import LogNormal
from scipy import stats

ROUNDS = 500  # its default


def fitted(given: dict[str, np.ndarray], rows: np.ndarray, rounds: int) -> Any:
    """Return a model of some rows."""
    params: dict[str, Any] = {"n_estimators": rounds, "verbose": False}
    if "rate" in given:
        params["learning_rate"] = float(given["rate"])
    X, y = given["X"][rows], given["y"][rows]
    if "event" in given:
        return NGBSurvival(Dist=LogNormal, **params).fit(X, y, given["event"][rows])
    return NGBRegressor(**params).fit(X, y)


def mean_and_scale(predicted: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return those of a normal distribution, or of the logarithm."""
    params = predicted.params
    return (np.log(params["scale"]), params["s"]) if "s" in params else (params["loc"], params["scale"])


def loss(given: dict[str, np.ndarray], rows: np.ndarray, predicted: Any) -> float:
    """Return the negative log-likelihood, less what no model changes."""
    mean, scale = mean_and_scale(predicted)
    y = given["y"][rows]
    z = ((np.log(y) if "event" in given else y) - mean) / scale
    observed = given["event"][rows] if "event" in given else np.ones(len(y), dtype=bool)
    return float(-np.where(observed, stats.norm.logpdf(z) - np.log(scale), stats.norm.logsf(z)).mean())


def answer(path: str) -> None:
    """Fit with the defaults, the number of rounds by the late rows, then on both; predict the test rows."""
    with np.load(path) as rows:
        given = dict(rows)
    fit, late, test = (given[name] for name in ("fit", "late", "test"))
    best = int(given.get("rounds", ROUNDS))
    began = time.perf_counter()
    if len(late):
        first = fitted(given, fit, best)
        losses = [loss(given, late, staged) for staged in first.staged_pred_dist(given["X"][late])]
        best = int(np.argmin(losses)) + 1
    model = fitted(given, np.concatenate([fit, late]), best)
    seconds = time.perf_counter() - began
    mean, scale = mean_and_scale(model.pred_dist(given["X"][test]))
    np.savez(path.replace(".npz", "-answer.npz"), mean=mean, scale=scale, seconds=seconds)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        answer(line.strip())
        print("done", flush=True)
