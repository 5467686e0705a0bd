"""NGBoost on splits that another interpreter sends; run by `benchmarks.distributions` where NGBoost is installed.

    PYTHON benchmarks/ngboost_peer.py

It pins an older scikit-learn than ours, so it has an environment of its own, and this file imports nothing of
ours.
Reads the path of an .npz file with X, y, fit, late, test (rows) from each line of standard input, writes one with
mean, scale and seconds beside it, and answers with a line.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
from ngboost import NGBRegressor

ROUNDS = 500  # its default


def answer(path: str) -> None:
    """Fit with the defaults, the number of rounds by the late rows, then on both; predict the test rows."""
    with np.load(path) as rows:
        X, y, fit, late, test = (rows[name] for name in ("X", "y", "fit", "late", "test"))
    began = time.perf_counter()
    first = NGBRegressor(n_estimators=ROUNDS, verbose=False).fit(X[fit], y[fit])
    losses = [-staged.logpdf(y[late]).mean() for staged in first.staged_pred_dist(X[late])]
    both = np.concatenate([fit, late])
    best = int(np.argmin(losses)) + 1
    model = NGBRegressor(n_estimators=best, verbose=False).fit(X[both], y[both])
    seconds = time.perf_counter() - began
    params = model.pred_dist(X[test]).params
    np.savez(path.replace(".npz", "-answer.npz"), mean=params["loc"], scale=params["scale"], seconds=seconds)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        answer(line.strip())
        print("done", flush=True)
