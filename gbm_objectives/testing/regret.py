"""Where training ends against where the loss says it should: what no derivative tells.

With one feature that has a few levels the best model is known: in each level the minimiser of its rows' losses,
which is found from their values alone. What training leaves of the way there from the best constant is its regret.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import minimize

from ..losses import Loss
from ..losses.start import constant_rows
from .trial import trained

__all__ = ["least_value", "regrets"]

# At LightGBM's rate of 0.1 a Newton step in each round leaves 0.9 ** 150 = 1e-7 of the way. The spread of a
# distribution takes a tenth of the step, and is there after 600 rounds (1e-3); where more are of no use, none is.
ROUNDS = (150, 600)
FINISHED = 0.002
# The interval around the least of a grid shrinks tenfold in each: to 1e-8 of the grid's distances.
ZOOMS = 8


def regrets(loss: Loss, y: np.ndarray, level: np.ndarray) -> dict[str, float]:
    """Return by engine what training at the engine's defaults leaves of the loss that could be gained.

    Parameters
    ----------
    loss : Loss
        The loss to train with.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Target.
    level : ndarray of shape (n_samples,)
        The only feature: a few whole numbers, each in many more rows than the 20 that LightGBM wants in a leaf.

    Returns
    -------
    dict of str to float
        For each engine that is installed, (loss after training - best) / (loss of the best constant - best), on
        these rows. 0 is right, 1 is no better than a constant.

    Examples
    --------
    >>> import numpy as np
    >>> from gbm_objectives import SquaredError
    >>> from gbm_objectives.testing.regret import regrets
    >>> level = np.arange(600) % 3
    >>> {engine: round(regret, 3) for engine, regret in regrets(SquaredError(), 2.0 * level, level).items()}
    {'lightgbm': 0.0, 'xgboost': 0.0}
    """
    known = loss.resolved(y)
    levels, sizes = np.unique(level, return_counts=True)
    best = float(np.average([least_value(known, y[level == k]) for k in levels], weights=sizes))
    constant = least_value(known, y)
    # Differences below this are rounding: a target without differences between levels leaves nothing to gain.
    gain = max(constant - best, 1e-9 * abs(constant), np.finfo(np.float64).tiny)
    X = level[:, None].astype(np.float64)
    result: dict[str, float] = {}
    for n_rounds in ROUNDS:
        for engine, raw, warned in trained(loss, X, y, n_rounds):
            for message in warned:
                warnings.warn(message, UserWarning, stacklevel=2)
            result[engine] = (known.value(y, raw) - best) / gain
        if max(result.values(), default=0.0) <= FINISHED:
            break
    return result


def least_value(loss: Loss, y: np.ndarray) -> float:
    """Return the least mean loss that one raw prediction for all rows has, by brute force."""
    with np.errstate(all="ignore"):
        return _least_of_numbers(loss, y) if loss.n_outputs == 1 else _least_of_vectors(loss, y)


def _least_of_numbers(loss: Loss, y: np.ndarray) -> float:
    """Try raw predictions all over the range of the targets and beyond, then ever closer around the best."""
    shares = np.linspace(0.0, 1.0, 101)
    tried = np.concatenate([np.quantile(y, shares, method="inverted_cdf"), y.min() + shares * np.ptp(y)])
    raw = np.asarray(loss.link.forward(tried))
    raw = np.unique(raw[np.isfinite(raw)]) if np.isfinite(raw).any() else np.zeros(1)
    # A loss may have its least value beyond all targets: one of labels has, and a smoothed quantile.
    beyond = (np.ptp(raw) or 1.0) * 2.0 ** np.arange(-3, 4)
    grid = np.unique(np.concatenate([raw[0] - beyond, raw, raw[-1] + beyond]))
    least = np.inf
    for _ in range(1 + ZOOMS):
        values = np.array([loss.value(y, np.full(len(y), f)) for f in grid])
        at = int(np.argmin(np.where(np.isnan(values), np.inf, values)))
        least = min(least, float(values[at]))
        grid = np.linspace(grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)], 21)
    return least


def _least_of_vectors(loss: Loss, y: np.ndarray) -> float:
    """Descend from the loss's own start value along one output after the other, which no kink stops for long."""
    start = np.asarray(loss.initial_raw(y))
    unit = [np.std(y) or 1.0 if output.link.name == "identity" else 1.0 for output in loss.outputs]

    def value(raw: np.ndarray) -> float:
        mean = loss.value(y, constant_rows(raw, len(y)))
        return np.inf if np.isnan(mean) else mean

    directions = np.diag(unit or np.ones(len(start)))
    found = minimize(value, start, method="Powell", options={"direc": directions, "ftol": 1e-12})
    return min(value(start), float(found.fun))
