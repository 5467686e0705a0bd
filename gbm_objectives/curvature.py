"""Consistent pairs and widths of residuals: how an L1-like loss trains with gradient and Hessian alone.

A leaf of a tree gets the Newton step -Σg/Σh of its rows. For |r| the true derivatives are of no use: its second
derivative is 0 almost everywhere, and with the sign of r as gradient no curvature is right both for a row far from
its target and for noise around it. Where it is too small the step overshoots, and what it overshoots by grows with
the learning rate, until training diverges. So the engines get a *consistent pair*: the gradient and the curvature
of a loss that is smoothed near its kink, |r| replaced by Huber's function of width s::

    gradient   r/max(|r|, s)                the sign of r from s on
    curvature  1/min(max(|r|, s), 4 s)

Up to 4 s their ratio is r itself: a leaf of one row steps right to its target, whatever s is, and a row further
out than 4 s moves by 4 s. No row overshoots its own target, at learning rates up to 1. (Hunter and Lange 2000,
*Quantile regression via an MM algorithm*, J. Comput. Graph. Stat. 9, 60-77, have the pair with |r| + s in place of
max(|r|, s): its curvature is less flat near the target.) A leaf's step is then one step of iteratively re-weighted
least squares towards its median; in noise it is steadier than the median, since it looks at more than the middle
rows.

What is smoothed is biased: under skewed noise Huber's function is smallest between median and mean. Therefore each
*side* of the target has a width of its own, as large as makes the mean of |gradient| a quarter there::

    s = 4 · mean of min(|r|, s)             over the rows on that side

Both sides then pull with equal force exactly where the rows are shared out as the loss wants them (half and half,
for a quantile alpha to 1 - alpha), whatever the shape of the noise, as long as the widths differ less than
twentyfold (`NARROWEST`). An outlier counts as s at most, so that few of them cannot carry the width away; and
rows with a residual of exactly 0 (ties, a start at the median), which are on no side, do not send it to 0. A
quarter: with a smaller share the widths grow, and the fit is steadier but less robust; with a larger one the
curvature varies more within a leaf, by which LightGBM counts rows (see `FLATNESS`). Where more than a sixteenth of
the rows of a side are further out than s (2% are with exponential noise, 6% with Cauchy's), they would make much
of its pull and inflate its width. Therefore the share rises on all sides from a quarter to four times theirs, but
not above `LARGEST_PULL`.

The widths are *local*: rows are grouped by their raw prediction, since noise and skew often change with it. And
where most targets have one value (intermittent demand: most are 0), the rows at this *atom* have widths of their
own: the many that are close to it would else count the few others as outliers, and cut their steps short. Its
price: where no feature tells the others apart, the fit scatters around the atom. Of 95 to 97% zeros at random
the held-out absolute error came out 1.08 to 1.3 of a constant's at the engines' defaults, and worse at learning
rate 1.

All carry the unit of the target, so the trees do not depend on it. Gradient and curvature are finally multiplied
by the one constant that makes the *harmonic* mean of the curvature 1, the same as an average Newton step, so that
`reg_lambda` and `min_child_weight` mean about what they do for squared error. (The arithmetic mean would be that
of the rows with tiny residuals.) Of many rows a sample is enough to know the widths: see `sample_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = [
    "SAMPLE_ROWS",
    "SMALLEST_WIDTH",
    "Widths",
    "consistent_pair",
    "residual_widths",
    "sample_rows",
]

# A subnormal width would have an infinite reciprocal in float32.
SMALLEST_WIDTH = 1e-37

# The mean of |gradient| on each side of the target; the docstring has the reason.
MEAN_PULL = 0.25
# Rows further out than their width make at most a quarter of their side's pull: a tenth of outliers on one side of
# 2,000 rows, 20 to 200 times the noise, had moved the fit 3.5 times as far from the curve on XGBoost and 2.5 times
# on LightGBM. Clean data seldom have so many.
PULL_OF_OUTLIERS = 0.25
# At a larger share the widths are less than the mean of |r|, and the curvature is as uneven as without any.
LARGEST_PULL = 0.6
# Beyond so many widths the curvature falls no further. LightGBM estimates a leaf's rows by its share of the
# Hessian: without this bound rows far out would count as none, and `min_data_in_leaf` would forbid to split them
# off.
FLATNESS = 4.0
# No width is below that share of the widest of its group, for the same reason. With most targets 0 the many that
# have come close to 0 would otherwise have a curvature beside which the few others count as no rows at all. The
# price: where the sides differ more, the fit is drawn to the wider one. The 0.1 quantile of exp(2 z), z normal, is
# fitted where 0.19 of the targets lie below it.
NARROWEST = 1.0 / 20.0

# Noise that grows tenfold over the range of predictions varies by 15% within a sixteenth of it. The 128 rows that
# an even sample has on each side of a group tell its width within 15% at the worst, too: the values min(|r|, s)
# are between 0 and s with a mean of s/4. More groups would lose by the second what they win by the first.
GROUPS = 16
# Each group knows its widths as well as all rows together with the weight of so large a share of them: the few
# rows of a small group know little.
SHRINKAGE = 0.05
# Each iteration from the median leaves of the error four times the share of the rows that are clipped: a tenth for
# exponential sides, a third for Cauchy's. A narrow side whose start is far too wide is right after the first.
ITERATIONS = 5

# Of more rows than this a sample of so many will do: a mean over half of them is known within 2%, and no row
# overshoots whatever its width is. Reading all rows in every round would triple the cost of a callback.
SAMPLE_ROWS = 4096
GOLDEN_RATIO = (5**0.5 - 1) / 2


def consistent_pair(r: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature of |r|, smoothed within `s`: r/max(|r|, s) and 1/min(max(|r|, s), 4 s).

    Parameters
    ----------
    r, s : ndarray of shape (n_rows,)
        Residuals, and each row's width (or one for all), above 0, in the unit of the residuals.

    Returns
    -------
    gradient, curvature : ndarray of shape (n_rows,)
        New arrays, of the precision of `r`.

    Examples
    --------
    >>> gradient, curvature = consistent_pair(np.array([0.0, -0.5, 2.0, 8.0]), np.array(1.0))
    >>> gradient.tolist(), curvature.tolist()
    ([0.0, -0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.25])
    """
    curvature = np.abs(r)
    np.maximum(curvature, s, out=curvature)
    np.divide(r.dtype.type(1), curvature, out=curvature)
    gradient = r * curvature
    np.maximum(curvature, r.dtype.type(1 / FLATNESS) / s, out=curvature)
    return gradient, curvature


@dataclass(frozen=True)
class Widths:
    """The widths of rows, by kind of row and by group.

    Parameters
    ----------
    table : ndarray of shape (n_outputs · n_groups · n_kinds,), optional
        The width of each kind of row in each group: of those on or below the target and of those above it; with an
        `atom` these two for all other rows, then for those whose target it is.
    low, groups_per_unit : float or ndarray of shape (n_outputs,)
        The raw prediction at which the first group begins, and the number of groups per unit of it.
    atom : float, optional
        The value that most targets have, if there is one.
    """

    table: np.ndarray | None = None
    low: Any = 0.0
    groups_per_unit: Any = 0.0
    atom: float | None = None

    def of_rows(self, residual: np.ndarray, raw_prediction: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        """Return each row's width, in the precision of the residual; the number 1 where there are none.

        Of several outputs residuals and raw predictions are (n_rows, n_outputs), and targets (n_rows, 1).
        """
        if self.table is None:
            return np.ones((), dtype=residual.dtype)
        cell = self.cell(residual, raw_prediction, y_true)
        return self.table.astype(residual.dtype).take(cell, mode="clip")  # NaN has no group, any will do

    def cell(self, residual: np.ndarray, raw_prediction: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        """Return each row's place in the table; rows outside of the sample's range belong to its ends."""
        kind = (residual > 0).view(np.int8)
        if self.atom is not None:
            at_atom = (y_true == self.atom).view(np.int8)
            at_atom += at_atom
            kind += at_atom
        if np.ndim(self.low) == 0 and not self.groups_per_unit:
            return kind
        # float32: the engines' labels have no more digits, and it takes half the time.
        group = raw_prediction.astype(np.float32)
        group -= np.asarray(self.low, dtype=np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            group *= np.asarray(self.groups_per_unit, dtype=np.float32)
            np.clip(group, np.float32(0), np.float32(GROUPS - 1), out=group)
            cell = group.astype(np.int32)
        if np.ndim(self.low):
            cell += np.arange(len(self.low), dtype=np.int32) * GROUPS
        cell *= self.n_kinds
        cell += kind
        return cell

    @property
    def n_kinds(self) -> int:
        """Number of kinds of rows, each with a width of its own in every group."""
        return 2 if self.atom is None else 4


def residual_widths(
    raw_prediction: np.ndarray, y_true: np.ndarray, weight: np.ndarray | None = None, local: bool = True
) -> Widths:
    """Return the widths s = 4 · mean of min(|r|, s) (less, of many outliers), by kind of row and group.

    Parameters
    ----------
    raw_prediction : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Raw predictions; those that are equal to the target are left out.
    y_true : ndarray of shape (n_rows,)
        Targets.
    weight : ndarray of shape (n_rows,), optional
        Weights, none negative.
    local : bool, default=True
        Group the rows by `GROUPS` equal parts of the range of the raw prediction.

    Returns
    -------
    Widths
        None where all rows are left out. All at least `SMALLEST_WIDTH`, and at least a twentieth of the widest of
        the group.

    Examples
    --------
    >>> residual_widths(np.zeros(5), np.array([1.0, 3.0, -1.0, -7.0, 0.0])).table.round(1).tolist()
    [8.0, 16.0]
    """
    n_outputs = 1 if raw_prediction.ndim == 1 else raw_prediction.shape[1]
    atom = _atom(y_true, weight)
    residual = raw_prediction - (y_true if n_outputs == 1 else y_true[:, None])
    used = residual != 0 if n_outputs == 1 else (residual != 0).any(axis=1)
    if weight is not None:
        used &= weight > 0
    if not used.all():
        residual, raw_prediction, y_true = residual[used], raw_prediction[used], y_true[used]
        weight = None if weight is None else weight[used]
    if residual.size == 0:
        return Widths()
    low = raw_prediction.min(axis=0)
    width = raw_prediction.max(axis=0).astype(np.float64) - low
    # Denormal widths would give an infinite number of groups per unit.
    grouped = (width > SMALLEST_WIDTH) & local
    groups_per_unit = np.divide(GROUPS, width, out=np.zeros_like(width), where=grouped)
    known = Widths(None, low, groups_per_unit, atom)
    cell = known.cell(residual, raw_prediction, y_true if n_outputs == 1 else y_true[:, None])
    size = np.abs(residual, dtype=np.float64)
    shape = n_outputs, GROUPS if n_outputs > 1 or grouped else 1, known.n_kinds
    start = _medians(size, cell, shape)
    if n_outputs > 1:
        weight = None if weight is None else np.repeat(weight, n_outputs)
        size, cell = size.ravel(), cell.ravel()
        if not size.all():  # a row may be at its target with some outputs
            weight = None if weight is None else weight[size > 0]
            size, cell = size[size > 0], cell[size > 0]
    widths = _widths(size, cell, shape, start, weight)
    if n_outputs > 1:
        # With some outputs all of these rows may be at their target, and others not.
        seen = np.bincount(cell // (shape[1] * shape[2]), minlength=n_outputs) > 0
        widths[~seen] = widths[seen].max()
    least = np.maximum(NARROWEST * widths.max(axis=-1, keepdims=True), SMALLEST_WIDTH)
    return Widths(np.maximum(widths, least).ravel(), low, groups_per_unit, atom)


def _atom(y_true: np.ndarray, weight: np.ndarray | None) -> float | None:
    """Return the value that more than half of the targets have, or None."""
    if weight is None:
        value = _median(y_true)
    else:
        order = np.argsort(y_true)
        below = np.cumsum(weight[order])
        value = float(y_true[order[np.searchsorted(below, 0.5 * below[-1])]])
    at_value = y_true == value
    share = at_value.mean() if weight is None else np.average(at_value, weights=weight)
    return value if 0.5 < share < 1.0 else None


def _median(values: np.ndarray) -> float:
    """Return the middle value, of two the larger; 1 of none. np.median takes four times as long."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle]) if values.size else 1.0


def _medians(size: np.ndarray, cell: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return where to begin the iteration, (n_outputs, 1, n_kinds): medians of each kind, or of each output."""
    n_outputs, _, n_kinds = shape
    if n_outputs > 1:
        # Of the kinds of each output it would take as long as all the rest.
        if size.all():
            medians = np.partition(size, len(size) // 2, axis=0)[len(size) // 2]
        else:
            medians = np.array([_median(column[column > 0]) for column in size.T])
        return medians[:, None, None]
    kind = cell & (n_kinds - 1)  # which are two or four
    return np.array([[[_median(size[kind == k]) for k in range(n_kinds)]]])


def _widths(
    size: np.ndarray, cell: np.ndarray, shape: tuple[int, int, int], start: np.ndarray, weight: np.ndarray | None
) -> np.ndarray:
    """Return the widths (n_outputs, n_groups, n_kinds), by iteration of their equation from medians.

    On few rows what it costs is the number of calls of NumPy, therefore few of them in the loop.
    """
    pull: Any = MEAN_PULL
    n_cells = shape[0] * shape[1] * shape[2]
    total = np.bincount(cell, weight, n_cells).reshape(shape)
    by_kind = np.add.reduce(total, axis=1, keepdims=True)
    prior = SHRINKAGE * np.add.reduce(by_kind, axis=2, keepdims=True)
    share = prior / np.maximum(by_kind, SMALLEST_WIDTH)
    # Of several outputs one may be at the target in all rows.
    total, weighed = np.maximum(total + prior, SMALLEST_WIDTH), np.maximum(by_kind + prior, SMALLEST_WIDTH)
    table = np.empty(shape)
    table[:] = start / MEAN_PULL
    divisor = pull * total
    for iteration in range(ITERATIONS):
        width = table.take(cell)
        if iteration == ITERATIONS // 2:  # near enough by now
            far = size > width
            outliers = np.bincount(cell, far if weight is None else far * weight, n_cells).reshape(shape)
            outliers = np.add.reduce(outliers, axis=1, keepdims=True)
            most = (outliers + SHRINKAGE * np.add.reduce(outliers, axis=2, keepdims=True)) / weighed
            most = np.maximum.reduce(most, axis=2, keepdims=True)
            pull = np.minimum(np.maximum(most / PULL_OF_OUTLIERS, MEAN_PULL), LARGEST_PULL)
            divisor = pull * total
        clipped = np.minimum(size, width, out=width)
        if weight is not None:
            clipped *= weight
        sums = np.bincount(cell, clipped, n_cells).reshape(shape)
        pooled = np.add.reduce(sums, axis=1, keepdims=True)
        table = (sums + share * pooled) / divisor
    if by_kind.all():
        return table
    # A kind that the sample has no rows of is asked for by few others: as wide as all together.
    every = pooled.sum(axis=2, keepdims=True) / (pull * by_kind.sum(axis=2, keepdims=True) + SMALLEST_WIDTH)
    return np.where(by_kind > 0, table, every)


def sample_rows(
    n_rows: int, weight: np.ndarray | None = None, turn: float = 0.0, most: int = SAMPLE_ROWS
) -> slice | np.ndarray:
    """Return the rows to estimate a mean from: all of them, or of more than `most` as many.

    They are spread evenly over the data and depend on nothing but the arguments, so that training is repeatable.
    Each `turn`, from 0 to 1, gives others.
    """
    if n_rows <= most:
        return slice(None)
    rows = _spread(n_rows, turn, most)
    if weight is None or weight[rows].any():
        return rows
    # Weights that single out a few rows.
    weighted = np.flatnonzero(weight)
    return weighted[sample_rows(len(weighted), None, turn, most)]


@lru_cache(maxsize=2)
def _spread(n_rows: int, turn: float, most: int) -> np.ndarray:
    # A row from each of equal strips, its place in the strip by the golden ratio: always the first would fall into
    # step with periodic data (hours of days, cells of a grid).
    strip = np.arange(most)
    return ((strip + (strip * GOLDEN_RATIO + turn) % 1.0) * (n_rows / most)).astype(np.intp)
