"""Split-conformal calibration: how far intervals and sets must reach to contain a share of fresh targets.

Rows that the model was not trained on are scored: how far outside the model's own interval, or how deep among its
classes, each target lies. If a fresh row is exchangeable with them, its score is below the k-th smallest of n with
probability at least k/(n + 1), whatever the model and the data. So an interval that reaches as far as the score of
rank coverage · (n + 1), rounded up, contains that share of fresh targets, on average over rows and calibration
sets. It promises nothing for a single row, nor if the distribution of rows has changed. With groups ("Mondrian")
it holds in each of them.

Weighted rows count by their effective number, n = (sum w)²/sum w². A fresh row, which occurs in proportion to its
weight, has the weight sum w/n on average, the same as an n-th part of the rows. With equal weights the promise is
exact; with uneven ones it holds to the extent that the calibration rows include the largest weights.

References
----------
Vovk, Gammerman and Shafer (2005). *Algorithmic Learning in a Random World*, sections 4.2 and 4.5.
Romano, Patterson and Candès (2019). *Conformalized quantile regression*. NeurIPS.
Romano, Sesia and Candès (2020). *Classification with valid and adaptive coverage*. NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..validation import shown

__all__ = ["Calibration", "Quantiles", "class_sets", "interval", "one_sided"]

# 0.9 · 10 is 9, and 1/(1 - 0.9) is 10, only up to rounding; and a coverage may have been a float32.
ROUNDING = 1e-7


@dataclass(frozen=True)
class Quantiles:
    """What is calibrated in a model.

    Parameters
    ----------
    quantiles : callable
        From raw predictions and levels (n_levels,) to the model's own quantiles, (n_rows, n_levels).
    unit : callable
        From raw predictions to the unit of each row, (n_rows,), in which all quantiles are moved by the same
        distance: 1, or a spread of the row ("normalised residuals").
    """

    quantiles: Callable[[np.ndarray, np.ndarray], np.ndarray]
    unit: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Calibration:
    """The rows that intervals or sets are calibrated on.

    Parameters
    ----------
    raw : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Raw predictions.
    y : ndarray of shape (n_samples,)
        Targets, or codes of labels.
    weight : ndarray of shape (n_samples,), optional
        Weights, as if rows occurred that often.
    groups : ndarray of shape (n_samples,), optional
        Labels of the groups; coverage is to hold in each of them.
    """

    raw: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None

    def reach(self, scores: np.ndarray, coverage: float, groups: np.ndarray | None, n_rows: int) -> np.ndarray:
        """Return how far each of `n_rows` fresh rows must reach, from the scores of the calibration rows.

        Raises
        ------
        ValueError
            If there are too few rows for the coverage, or groups are missing, not expected, or unseen.
        """
        weight = np.ones(len(scores)) if self.weight is None else self.weight
        if self.groups is None:
            if groups is not None:
                raise ValueError("groups must be left out: calibrate had none")
            return np.full(n_rows, _ranked(scores, weight, coverage, ""))
        if groups is None:
            raise ValueError("groups must be given, an entry for each row, as to calibrate")
        reach = np.empty(n_rows)
        for label in np.unique(groups):
            group, members = label.item(), (self.groups == label) & (weight > 0)
            if not members.any():
                raise ValueError(f"the group {shown(group)} was not among those of calibrate")
            reach[groups == label] = _ranked(
                scores[members], weight[members], coverage, f" of the group {shown(group)}"
            )
        return reach

    def n_effective(self, label: object = None) -> float:
        """Return how many rows, of a group if there are groups, the weighted calibration rows count as."""
        weight = np.ones(len(self.y)) if self.weight is None else self.weight
        weight = weight if self.groups is None else weight[self.groups == label]
        return float(weight.sum() / _of_fresh_row(weight)) if weight.any() else 0.0


def _ranked(scores: np.ndarray, weight: np.ndarray, coverage: float, of: str) -> float:
    """Return the smallest score at or below which coverage · (n + 1) rows lie, rows counted by weight."""
    scores, weight = scores[weight > 0], weight[weight > 0]
    one = _of_fresh_row(weight)
    n, wanted = weight.sum() / one, coverage * (weight.sum() / one + 1.0)
    if wanted > n * (1.0 + ROUNDING):
        needed = int(np.ceil(coverage / (1.0 - coverage) * (1.0 - 10.0 * ROUNDING)))
        raise ValueError(
            f"the calibration rows{of} are too few for a coverage of {coverage:g}: at least {needed} are needed,"
            f" there are {len(scores)}"
            + (f", which with their weights count as {n:.3g}" if n < len(scores) - 0.5 else "")
        )
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(weight[order]) / one
    return float(scores[order[min(np.searchsorted(below, wanted * (1.0 - ROUNDING)), len(order) - 1)]])


def _of_fresh_row(weight: np.ndarray) -> float:
    """Return the weight of a fresh row.

    With the mean weight, 60 rows of which a twentieth weigh 200 cover 0.76 instead of 0.9. With the largest, 50
    rows of lognormal weights cover 0.96, and half of the calibrations have too few rows.
    """
    return float(weight @ weight / weight.sum())


def interval(
    calibration: Calibration,
    model: Quantiles,
    raw: np.ndarray,
    coverage: float,
    groups: np.ndarray | None,
) -> np.ndarray:
    """Return calibrated intervals (n_rows, 2): the model's own, widened or narrowed by a number of units."""
    levels = np.array([0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage])
    low, high = model.quantiles(calibration.raw, levels).T
    scores = np.maximum(low - calibration.y, calibration.y - high) / model.unit(calibration.raw)
    ends = model.quantiles(raw, levels)
    reach = calibration.reach(scores, coverage, groups, len(ends)) * model.unit(raw)
    ends = ends + reach[:, None] * [-1.0, 1.0]
    # An interval that shrinks by more than its width is reduced to its middle.
    crossed = ends[:, 0] > ends[:, 1]
    ends[crossed] = ends[crossed].mean(axis=1, keepdims=True)
    return ends


def one_sided(
    calibration: Calibration,
    model: Quantiles,
    raw: np.ndarray,
    levels: np.ndarray,
    groups: np.ndarray | None,
) -> np.ndarray:
    """Return calibrated quantiles (n_rows, n_levels), each by itself; see `predict_quantiles`."""
    own, fresh = model.quantiles(calibration.raw, levels), model.quantiles(raw, levels)
    for column, level in enumerate(levels):
        # For a level below 1/2, at most that share lies below: what lies above has the coverage 1 - level.
        sign = 1.0 if level >= 0.5 else -1.0
        scores = sign * (calibration.y - own[:, column]) / model.unit(calibration.raw)
        reach = calibration.reach(scores, max(level, 1.0 - level), groups, len(fresh))
        fresh[:, column] += sign * reach * model.unit(raw)
    # Not sorted where they cross: a quantile would then depend on the other levels requested, and lose its own.
    return fresh


def class_sets(
    calibration: Calibration,
    probabilities: Callable[[np.ndarray], np.ndarray],
    raw: np.ndarray,
    coverage: float,
    groups: np.ndarray | None,
) -> np.ndarray:
    """Return which classes each row's set holds, (n_rows, n_classes): adaptive prediction sets.

    The score of a class is the probability of all more likely classes, plus a random part of its own.
    """

    def scores(raw: np.ndarray) -> np.ndarray:
        p = probabilities(raw)
        order = np.argsort(-p, axis=1, kind="stable")
        sorted_p = np.take_along_axis(p, order, axis=1)
        before = np.cumsum(sorted_p, axis=1) - sorted_p
        result = np.empty_like(p)
        np.put_along_axis(result, order, before + _dice(raw)[:, None] * sorted_p, axis=1)
        return result

    codes = calibration.y.astype(np.intp)
    reach = calibration.reach(scores(calibration.raw)[np.arange(len(codes)), codes], coverage, groups, len(raw))
    return np.asarray(scores(raw) <= reach[:, None])


def _dice(raw: np.ndarray) -> np.ndarray:
    """Return a number in [0, 1) for each row that looks random but depends only on its raw predictions.

    So the set of a row is the same in every call, alone or among others. (The steps are those of splitmix64.)
    """
    state = np.zeros(len(raw), dtype=np.uint64)
    for column in raw.reshape(len(raw), -1).T:
        state += np.ascontiguousarray(column + 0.0).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) / 2.0**53
