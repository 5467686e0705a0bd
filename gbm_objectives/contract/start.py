"""The start of a training: the constant raw prediction that minimises a loss, found from its formulas alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special
from scipy.optimize import brentq, minimize, minimize_scalar

from ..sampling import SAMPLE_ROWS, sample_rows
from .driver import blocks
from .formulas import Formulas
from .links import IDENTITY, LOG

__all__ = ["best_beside", "best_constant", "constant_rows", "descent"]

# Where a loss has several minima (redescending ones do), the best of this many quantiles of the target locates the
# neighbourhood of the right one.
CANDIDATES = 33
# Accept the mean as minimiser if the slope there is at most this share of the gradients' size; rounding is a
# thousandth of that.
STATIONARY = 1e-10
# Steps outwards double: this many of them span from float32's resolution of a target to its range.
EXPANSIONS = 60
# Of labels, which the engines keep as float32.
RESOLUTION = float(np.finfo(np.float32).eps)


Offset = np.ndarray | None  # given raw predictions, to which a constant is to be added


def constant_rows(start: float | np.ndarray, n_rows: int, offset: np.ndarray | None = None) -> np.ndarray:
    """Return a start value repeated as (n_rows,) or (n_rows, n_outputs), plus an offset if there is one.

    Examples
    --------
    >>> constant_rows(np.array([1.0, 2.0]), 2).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    return np.full((n_rows, *np.shape(start)), start) if offset is None else offset + start


def best_constant(loss: Formulas, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float | np.ndarray:
    """Return the constant raw prediction of least mean loss; target and weights are checked."""
    if sample_weight is not None:
        used = sample_weight > 0
        y_true, sample_weight = y_true[used], sample_weight[used]
    if loss.n_outputs > 1:
        return _best_vector(loss, y_true, sample_weight)
    return _best_number(loss, y_true, sample_weight)


def best_beside(
    loss: Formulas,
    y_true: np.ndarray,
    sample_weight: np.ndarray | None,
    offset: np.ndarray,
    near: float | np.ndarray,
) -> float | np.ndarray:
    """Return the constant of least mean loss when added to given raw predictions, such as a log of exposure.

    Parameters
    ----------
    loss : Loss
        The loss.
    y_true, sample_weight : ndarray of shape (n_samples,)
        Target and weights, checked, float64; weights may be None.
    offset : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The given raw predictions.
    near : float or ndarray of shape (n_outputs,)
        The best constant without them.

    Returns
    -------
    float or ndarray of shape (n_outputs,)
        The constant.
    """
    guess = near - np.average(offset, axis=0, weights=sample_weight)
    if sample_weight is not None:
        used = sample_weight > 0
        y_true, sample_weight, offset = y_true[used], sample_weight[used], offset[used]
    if np.ndim(guess):
        return descent(loss, y_true, sample_weight, offset, np.asarray(guess), _units(loss, y_true, sample_weight))
    return _best_number(loss, y_true, sample_weight, offset, float(guess))


def _mean(
    function: Callable[..., np.ndarray], y: np.ndarray, weight: np.ndarray | None, offset: Offset, constant: Any
) -> Any:
    """Return the weighted mean of a function of target and raw prediction, block by block to save memory."""
    total = 0.0
    for rows in blocks(len(y), np.size(constant)):
        given = None if offset is None else offset[rows]
        values = function(y[rows], constant_rows(constant, len(y[rows]), given))
        total = total + (values.sum(axis=0) if weight is None else weight[rows] @ values)
    return total / (len(y) if weight is None else weight.sum())


def _functions(
    loss: Formulas, y: np.ndarray, weight: np.ndarray | None, offset: Offset = None
) -> tuple[Callable[[Any], float], Callable[[Any], Any]]:
    """Return mean loss and mean gradient as functions of the constant."""

    def value(constant: Any) -> float:
        return float(_mean(loss._pointwise, y, weight, offset, constant))

    def slope(constant: Any) -> Any:
        return _mean(loss._gradient, y, weight, offset, constant)

    return value, slope


def _best_number(
    loss: Formulas, y: np.ndarray, weight: np.ndarray | None, offset: Offset = None, guess: float | None = None
) -> float:
    """Find the neighbourhood on a sample, then the point where the slope on all rows changes sign."""
    rows, few_weight = _sample(y, weight)
    few, few_offset = y[rows], None if offset is None else offset[rows]
    with np.errstate(all="ignore"):
        # The best prediction for each row alone.
        given = 0.0 if few_offset is None else few_offset
        # Where there are several columns, each may be near it.
        wanted = (loss.link.forward(few).T - given).ravel()
        grid = np.unique(np.quantile(wanted, np.linspace(0.0, 1.0, CANDIDATES), method="nearest"))
        grid = grid if guess is None else np.unique(np.append(grid, guess))
    grid = grid[np.isfinite(grid)] if np.isfinite(grid).any() else np.zeros(1)
    with np.errstate(over="ignore", invalid="ignore"):
        value, slope = _functions(loss, few, few_weight, few_offset)
        values = np.array([value(constant) for constant in grid])
        if offset is None and y.ndim == 1:
            mean = float(loss.link.forward(np.average(y, weights=weight)))
            low_enough = np.isfinite(mean) and value(mean) <= values.min() + 1e-3 * np.ptp(values)
            if low_enough and _is_minimum(loss, y, weight, mean):
                return mean
        at = int(np.nanargmin(values))
        low, high = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, len(grid) - 1)])
        # Links of probabilities are clipped short of 0 and 1.
        limits = float(loss.link.forward(-np.inf)), float(loss.link.forward(np.inf))
        limits = (-np.inf, np.inf) if np.isnan(limits).any() or offset is not None else limits
        near = _minimum_between(value, slope, low, high, limits)
        if value(near) > values[at] + 1e-9 * np.ptp(values) + 1e-12 * abs(values[at]):
            # Following the slope has led out of the valley.
            settings = {"xatol": 1e-12 * (high - low)}
            within = minimize_scalar(value, bounds=(low, high), method="bounded", options=settings)
            near = float(within.x if within.fun < values[at] else grid[at])
        if len(few) == len(y):
            return near
        # About how far a sample's minimiser is from that of all rows.
        error = max(high - low, abs(near) * RESOLUTION) / np.sqrt(len(few))
        return _minimum_between(*_functions(loss, y, weight, offset), near - error, near + error, limits)


def _sample(y: np.ndarray, weight: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    """Return all rows and their weights; if there are many, a sample drawn by weight, with equal weights."""
    if weight is None:
        return sample_rows(len(y)), None
    if len(y) <= SAMPLE_ROWS:
        return slice(None), weight
    below = np.cumsum(weight)
    places = (np.arange(SAMPLE_ROWS) + 0.5) * (below[-1] / SAMPLE_ROWS)
    return np.searchsorted(below, places), None


def _is_minimum(loss: Formulas, y: np.ndarray, weight: np.ndarray | None, constant: float) -> bool:
    """Return whether the slope vanishes at a constant and is rising there."""
    _, slope = _functions(loss, y, weight)
    size = _mean(lambda *rows: np.abs(loss._gradient(*rows)), y, weight, None, constant)
    if not abs(slope(constant)) <= STATIONARY * size:
        return False
    step = 1e-3 * max(float(np.std(loss.link.forward(y))), float(np.finfo(np.float32).tiny))
    return bool(slope(constant - step) <= 0.0 <= slope(constant + step))


def _minimum_between(
    value: Callable[[float], float],
    slope: Callable[[float], float],
    low: float,
    high: float,
    limits: tuple[float, float],
) -> float:
    """Return the minimiser in or around an interval, within limits."""
    step = max(high - low, RESOLUTION * float(max(abs(low), abs(high), 1.0)))
    low, high = _outwards(value, slope, low, -step, limits), _outwards(value, slope, high, step, limits)
    if slope(low) < 0.0 < slope(high):
        root = float(brentq(slope, low, high, xtol=1e-13 * (high - low)))
        # Where there are several roots, this one may be a maximum.
        if value(root) <= min(value(low), value(high)):
            return root
        settings = {"xatol": 1e-12 * (high - low)}
        return float(minimize_scalar(value, bounds=(low, high), method="bounded", options=settings).x)
    return low if value(low) <= value(high) else high


def _outwards(
    value: Callable[[float], float],
    slope: Callable[[float], float],
    end: float,
    step: float,
    limits: tuple[float, float],
) -> float:
    """Return an end of the interval, moved outwards for as long as the loss falls noticeably."""
    here = value(end)
    for _ in range(EXPANSIONS):
        if not slope(end) * step < 0.0:
            break
        end = float(np.clip(end + step, *limits))
        there = value(end)
        # With a single class the loss falls for ever, by less and less.
        if not there < here - 1e-9 * abs(here):
            break
        here, step = there, 2.0 * step
    else:
        raise ValueError(f"the loss falls without end as the prediction goes to {end:.3g}: it must have a minimum")
    return end


def _best_vector(loss: Formulas, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Descend from a rough guess: from each output's link, or from the shares of the classes."""
    if loss.outputs:
        return descent(loss, y, weight, None, _rough_vector(loss, y, weight), _units(loss, y, weight))
    rows = np.eye(loss.n_outputs)[y.astype(np.intp)] if y.ndim == 1 else y
    shares = np.asarray(loss.link.forward(np.average(rows, axis=0, weights=weight)))
    found = descent(loss, y, weight, None, shares, np.ones(loss.n_outputs))
    # Softmax is invariant to a constant; this one makes them logarithms of probabilities.
    return np.asarray(special.log_softmax(found))


def _rough_vector(loss: Formulas, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the best of some guesses: outputs may be of any column of the target, or one for each column."""
    links = [output.link for output in loss.outputs]
    means, guesses = [], [np.zeros(len(links))]
    for column in y.reshape(len(y), -1).T:
        # Bounds of the unbounded are infinite.
        known = np.isfinite(column)
        if not known.any():
            continue
        of_known = None if weight is None else weight[known]
        means.append(float(np.average(column[known], weights=of_known)))
        of_scale = [np.log(_spread(column[known], of_known)) if link == LOG else 0.0 for link in links]
        guesses.append(np.where([link == IDENTITY for link in links], means[-1], of_scale))
    if y.ndim == 1:
        return guesses[-1]
    value, _ = _functions(loss, y, weight)
    with np.errstate(all="ignore"):
        if len(means) == len(links):
            guesses.append(np.asarray(loss.link.forward(np.array(means))))
        losses = [value(one) if np.isfinite(one).all() else np.nan for one in guesses]
    return guesses[0] if np.isnan(losses).all() else guesses[int(np.nanargmin(losses))]


def _spread(y: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the standard deviation, or 1 if it is 0."""
    centre = np.average(y, weights=weight)
    return float(np.sqrt(np.average(np.square(y - centre), weights=weight))) or 1.0


def _units(loss: Formulas, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return a unit for each output's raw prediction."""
    if not loss.outputs or y.ndim > 1:
        return np.ones(loss.n_outputs)
    spread = _spread(y, weight)
    return np.array([spread if output.link == IDENTITY else 1.0 for output in loss.outputs])


def descent(
    loss: Formulas, y: np.ndarray, weight: np.ndarray | None, offset: Offset, start: np.ndarray, unit: np.ndarray
) -> np.ndarray:
    """Return the constant of least mean loss found by descent from a start, in steps of a unit for each output."""
    k = loss.n_outputs
    value, slope = _functions(loss, y, weight, offset)

    def both(t: np.ndarray) -> tuple[float, np.ndarray]:
        constant = start + unit * t
        return value(constant), np.asarray(slope(constant)) * unit

    with np.errstate(over="ignore", invalid="ignore"):
        best = minimize(both, np.zeros(k), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 1000})
        if not best.success:
            # A kink can stop a descent by slopes anywhere; if there are many rows, a sample has to do.
            rows, few_weight = _sample(y, weight)
            few_value, _ = _functions(loss, y[rows], few_weight, None if offset is None else offset[rows])
            settings = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 400 * k, "initial_simplex": _simplex(best.x)}
            function = lambda t: few_value(start + unit * t)  # noqa: E731  # named for the line below
            polished = minimize(function, best.x, method="Nelder-Mead", options=settings)
            best = polished if value(start + unit * polished.x) <= value(start + unit * best.x) else best
    found = np.asarray(start + unit * best.x)
    if not np.isfinite(found).all():
        raise ValueError(f"no start value of {loss!r} was found: the target is too large, or formulas overflow")
    return found


def _simplex(x: np.ndarray) -> np.ndarray:
    """Return a point and, along each axis, one a tenth of the target's spread away."""
    return np.vstack([x, x + 0.1 * np.eye(len(x))])
