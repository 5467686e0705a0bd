"""Where training ends, compared with where the loss says it should: something no derivative shows.

With one feature that has a few levels the best model is known: in each level, the minimiser of its rows' losses,
which is found from their values alone. What training leaves of the gain from the best constant to it is its
regret.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import minimize

from ..contract import Loss
from ..contract.links import IDENTITY
from ..contract.start import constant_rows
from .trial import as_trained, trained

__all__ = ["ROUNDS", "best_constant", "regrets", "trained_to_the_end"]

# At LightGBM's rate of 0.1, a Newton step in each round leaves 0.9 ** 150 = 1e-7 of the way. The spread of a
# distribution takes a tenth of the step, and arrives after 600 rounds (1e-3).
ROUNDS = (150, 600)
# The interval around the minimum on a grid shrinks tenfold in each zoom: to 1e-8 of the grid's spacing.
ZOOMS = 8


def regrets(loss: Loss, y: np.ndarray, level: np.ndarray, enough: float = 0.002) -> dict[str, float]:
    """Return, by engine, how much of the possible gain in loss training at the engine's defaults leaves.

    Parameters
    ----------
    loss : Loss
        The loss to train with.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Target.
    level : ndarray of shape (n_samples,)
        The only feature: a few whole numbers, each in many more rows than the 20 that LightGBM requires in a leaf.
    enough : float, default=0.002
        A regret at or below which training need not continue.

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
    return {engine: regret for engine, (regret, _) in trained_to_the_end(loss, y, level, enough).items()}


def trained_to_the_end(
    loss: Loss, y: np.ndarray, level: np.ndarray, enough: float
) -> dict[str, tuple[float, np.ndarray]]:
    """Return by engine the regret and the raw predictions of the rows; as for `regrets`."""
    known = loss.resolved(y)
    at_start = as_trained(known, y, constant_rows(known.initial_raw(y), len(y)))
    depends = at_start is not known
    best, gain = gain_of(at_start, y, level)
    X = level[:, None].astype(np.float64)
    result: dict[str, tuple[float, np.ndarray]] = {}
    for n_rounds in ROUNDS:
        for engine, raw, warned in trained(loss, X, y, n_rounds):
            for message in warned:
                warnings.warn(message, UserWarning, stacklevel=3)
            if depends:
                known = as_trained(known, y, raw)
                best, gain = gain_of(known, y, level)
            result[engine] = float((known.value(y, raw) - best) / gain), raw
        if max((regret for regret, _ in result.values()), default=0.0) <= enough:
            break
    return result


def gain_of(loss: Loss, y: np.ndarray, level: np.ndarray) -> tuple[float, float]:
    """Return the least loss that the levels allow, and how much more the best constant has."""
    levels, sizes = np.unique(level, return_counts=True)
    least = [best_constant(loss, y[level == k])[1] for k in levels]
    best, constant = float(np.average(least, weights=sizes)), best_constant(loss, y)[1]
    # Differences below this are rounding: if the levels carry no information, there is nothing to miss.
    return best, max(constant - best, 1e-9 * abs(constant), float(np.finfo(np.float64).tiny))


def best_constant(loss: Loss, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the raw prediction for all rows that has the least mean loss, and that loss, by brute force."""
    with np.errstate(all="ignore"):
        return _best_number(loss, y) if loss.n_outputs == 1 else _best_vector(loss, y)


def _best_number(loss: Loss, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Try raw predictions all over the range of the targets and beyond, then ever closer around the best."""
    shares = np.linspace(0.0, 1.0, 101)
    tried = np.concatenate([np.quantile(y, shares, method="inverted_cdf"), y.min() + shares * np.ptp(y)])
    raw = np.asarray(loss.link.forward(tried))
    raw = np.unique(raw[np.isfinite(raw)]) if np.isfinite(raw).any() else np.zeros(1)
    # A loss may have its minimum beyond all targets: one of labels does, and so does a smoothed quantile.
    beyond = (np.ptp(raw) or np.abs(raw).max() or 1.0) * 2.0 ** np.arange(-3, 4)
    grid = np.unique(np.concatenate([raw[0] - beyond, raw, raw[-1] + beyond]))
    found, least = grid[0], np.inf
    for _ in range(1 + ZOOMS):
        values = np.array([loss.value(y, np.full(len(y), f)) for f in grid])
        at = int(np.argmin(np.where(np.isnan(values), np.inf, values)))
        if values[at] < least:
            found, least = grid[at], float(values[at])
        grid = np.linspace(grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)], 21)
    return np.asarray(found), least


def _best_vector(loss: Loss, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Descend from the loss's own start value; among outputs, which may have kinks, along one after another."""
    start = np.asarray(loss.initial_raw(y))

    def value(raw: np.ndarray) -> float:
        mean = loss.value(y, constant_rows(raw, len(y)))
        return np.inf if np.isnan(mean) else mean

    if loss.outputs:
        # Of a target of several columns nothing is known, and a bound may be infinite.
        spread = 1.0 if y.ndim > 1 else float(np.std(y)) or 1.0
        unit = [spread if output.link == IDENTITY else 1.0 for output in loss.outputs]
        found = minimize(value, start, method="Powell", options={"direc": np.diag(unit), "ftol": 1e-12})
    else:
        # With thirty classes Powell's method takes minutes.
        found = minimize(value, start, method="BFGS")
    return (found.x, float(found.fun)) if found.fun < value(start) else (start, value(start))
