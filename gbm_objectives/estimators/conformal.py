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

Rows in the order of time may count less the older they are. That weight does not say how often a row occurs: with
weights r, of which a fresh row has 1, intervals reach as far as the score at or below which coverage · (sum r + 1)
of the rows lie. For exchangeable rows the promise is the same. For independent rows that drift, coverage is lower
by at most 2 · sum r·d/(sum r + 1), where d is the distance in total variation between the distributions of this
row and of a fresh one. Both kinds of weights are multiplied, and a fresh row has the weight sum r·w²/sum r·w.

References
----------
Barber, Candès, Ramdas and Tibshirani (2023). *Conformal prediction beyond exchangeability*. Annals of Statistics
51, 816-845.
Vovk, Gammerman and Shafer (2005). *Algorithmic Learning in a Random World*, sections 4.2 and 4.5.
Romano, Patterson and Candès (2019). *Conformalized quantile regression*. NeurIPS.
Romano, Sesia and Candès (2020). *Classification with valid and adaptive coverage*. NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..validation import shown
from .ties import Ties

__all__ = ["Calibration", "Quantiles", "class_sets", "interval", "one_sided"]

# 0.9 · 10 is 9, and 1/(1 - 0.9) is 10, only up to rounding; and a coverage may have been a float32.
ROUNDING = 1e-7
# An end is a model's quantile moved by a distance that was measured from another row. Rounded down by one unit in
# the last place it leaves out all targets that are equal to it: of rounded data, several percent.
ULPS = 8.0 * np.finfo(np.float64).eps
TINY = np.finfo(np.float64).tiny  # all rows of a window may have the weight 0


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
    ties : Ties, optional
        Values that ends near them stand for.
    integers : bool, default=False
        Whether quantiles and units are integers, so that nothing is rounded.
    """

    quantiles: Callable[[np.ndarray, np.ndarray], np.ndarray]
    unit: Callable[[np.ndarray], np.ndarray]
    ties: Ties | None = None
    integers: bool = False

    def below(self, low: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return how far below a target a lower end is at the least: below 0 where it must move to contain it."""
        return (y if self.ties is None else self.ties.lowest_end(y)) - low

    def above(self, high: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return how far above a target an upper end is at the least: below 0 where it must move to contain it."""
        return high - (y if self.ties is None else self.ties.highest_end(y))

    def moved(self, ends: np.ndarray, outwards: float, distance: np.ndarray) -> np.ndarray:
        """Return ends moved by a distance; `outwards` is 1 for upper ends and -1 for lower ones."""
        slack = 0.0 if self.integers else ULPS * (np.abs(ends) + np.abs(distance))
        return np.asarray(ends + outwards * (distance + slack))

    def snapped(self, ends: np.ndarray) -> np.ndarray:
        """Return ends, those near a value that many targets have replaced by it."""
        return ends if self.ties is None else self.ties.snapped(ends)


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
    window : int, optional
        The number of rows to keep, the last ones.
    half_life : float, optional
        The number of rows after which a row counts half.
    """

    raw: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    window: int | None = None
    half_life: float | None = None

    def after(self, earlier: Calibration) -> Calibration:
        """Return both calibrations' rows, these after the earlier ones, with settings that are not set from there.

        Raises
        ------
        ValueError
            If only one has groups, or those of one are integers and those of the other strings.
        """
        kinds = [None if one.groups is None else one.groups.dtype.kind for one in (earlier, self)]
        if kinds[0] != kinds[1]:
            names = {None: "none", "i": "integers", "U": "strings"}
            raise ValueError(
                f"groups must be as in the calibration that is updated, {names[kinds[0]]}, got {names[kinds[1]]}"
            )

        weight = None
        if not (self.weight is None and earlier.weight is None):
            parts = [np.ones(len(one.y)) if one.weight is None else one.weight for one in (earlier, self)]
            weight = np.concatenate(parts)
        return Calibration(
            np.concatenate([earlier.raw, self.raw]),
            np.concatenate([earlier.y, self.y]),
            weight,
            None if self.groups is None else np.concatenate([earlier.groups, self.groups]),
            earlier.window if self.window is None else self.window,
            earlier.half_life if self.half_life is None else self.half_life,
        )

    def recent(self) -> Calibration:
        """Return the calibration with only the rows in its window."""
        if self.window is None or self.window >= len(self.y):
            return self
        rows = slice(-self.window, None)
        weight, groups = (None if of_row is None else of_row[rows].copy() for of_row in (self.weight, self.groups))
        return replace(self, raw=self.raw[rows].copy(), y=self.y[rows].copy(), weight=weight, groups=groups)

    @property
    def recency(self) -> np.ndarray:
        """How much each row counts for its age, where a fresh row counts 1."""
        if self.half_life is None:
            return np.ones(len(self.y))
        return np.asarray(0.5 ** (np.arange(len(self.y), 0, -1) / self.half_life))

    def reach(self, scores: np.ndarray, coverage: float, groups: np.ndarray | None, n_rows: int) -> np.ndarray:
        """Return how far each of `n_rows` fresh rows must reach, from the scores of the calibration rows.

        Raises
        ------
        ValueError
            If there are too few rows for the coverage, or groups are missing, not expected, or unseen.
        """
        weight = np.ones(len(scores)) if self.weight is None else self.weight / max(self.weight.max(), TINY)
        recency = self.recency
        if self.groups is None:
            if groups is not None:
                raise ValueError("groups must be left out: calibrate had none")
            return np.full(n_rows, _ranked(scores, weight, recency, coverage, ""))
        if groups is None:
            raise ValueError("groups must be given, an entry for each row, as to calibrate")
        reach = np.empty(n_rows)
        for label in np.unique(groups):
            group, members = label.item(), (self.groups == label) & (weight > 0)
            if not members.any():
                raise ValueError(f"the group {shown(group)} was not among those of calibrate")
            reach[groups == label] = _ranked(
                scores[members], weight[members], recency[members], coverage, f" of the group {shown(group)}"
            )
        return reach

    def n_effective(self, label: object = None) -> float:
        """Return how many rows, of a group if there are groups, the calibration rows count as."""
        weight = np.ones(len(self.y)) if self.weight is None else self.weight / max(self.weight.max(), TINY)
        of_group = slice(None) if self.groups is None else self.groups == label
        weight, recency = weight[of_group], self.recency[of_group]
        return float(weight @ recency / _of_fresh_row(weight, recency))


def _ranked(scores: np.ndarray, weight: np.ndarray, recency: np.ndarray, coverage: float, of: str) -> float:
    """Return the smallest score at or below which coverage · (n + 1) rows lie, counted by weight and recency."""
    counted, one = weight * recency, _of_fresh_row(weight, recency)
    scores, counted = scores[counted > 0], counted[counted > 0]
    n, wanted = counted.sum() / one, coverage * (counted.sum() / one + 1.0)
    if wanted > n * (1.0 + ROUNDING):
        needed = int(np.ceil(coverage / (1.0 - coverage) * (1.0 - 10.0 * ROUNDING)))
        raise ValueError(
            f"the calibration rows{of} are too few for a coverage of {coverage:g}: at least {needed} are needed,"
            f" there are {len(scores)}"
            + (f", which with their weights count as {n:.3g}" if n < len(scores) - 0.5 else "")
        )
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(counted[order]) / one
    return float(scores[order[min(np.searchsorted(below, wanted * (1.0 - ROUNDING)), len(order) - 1)]])


def _of_fresh_row(weight: np.ndarray, recency: np.ndarray) -> float:
    """Return the weight of a fresh row; how old the others are does not come into it: weights by age alone give 1.

    With the mean weight, 60 rows of which a twentieth weigh 200 cover 0.76 instead of 0.9. With the largest, 50
    rows of lognormal weights cover 0.96, and half of the calibrations have too few rows.
    """
    counted = weight * recency
    return float(counted @ weight / counted.sum()) if counted.any() else 1.0


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
    inside = np.minimum(model.below(low, calibration.y), model.above(high, calibration.y))
    scores = -inside / model.unit(calibration.raw)
    low, high = model.quantiles(raw, levels).T
    reach = calibration.reach(scores, coverage, groups, len(low)) * model.unit(raw)
    ends = np.column_stack([model.moved(low, -1.0, reach), model.moved(high, 1.0, reach)])
    # An interval that shrinks by more than its width is reduced to its middle.
    crossed = ends[:, 0] > ends[:, 1]
    ends[crossed] = ends[crossed].mean(axis=1, keepdims=True)
    return model.snapped(ends)


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
        outwards, inside = (1.0, model.above) if level >= 0.5 else (-1.0, model.below)
        scores = -inside(own[:, column], calibration.y) / model.unit(calibration.raw)
        reach = calibration.reach(scores, max(level, 1.0 - level), groups, len(fresh)) * model.unit(raw)
        fresh[:, column] = model.moved(fresh[:, column], outwards, reach)
    # Not sorted where they cross: a quantile would then depend on the other levels requested, and lose its own.
    return model.snapped(fresh)


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
