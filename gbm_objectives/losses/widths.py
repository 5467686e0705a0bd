"""Widths of residuals, by group and side of the target; `gbm_objectives.curvature` explains their purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..curvature import LEAST_PULL, SMALLEST_WIDTH, Pace

__all__ = ["Widths", "residual_widths"]

# Rows further out than their width contribute at most this share of their side's pull, so that a few outliers do
# not set its width. With a quarter, a tenth of outliers of 50 to 200 times the noise leave absolute error 1.2
# times as far from Friedman's surface as LightGBM's own; with this share it is as near. Clean data seldom have so
# many rows so far out.
PULL_OF_OUTLIERS = 0.15
# With a larger share the widths are less than the mean of |r|, and the curvature is as uneven as without any; with
# less than .75, a rate of 1, which calls for that, would not get it. With .6, a fifth of outliers leave absolute
# error 1.25 times as far as LightGBM's own, with .8 1.05 times.
LARGEST_PULL = 0.8
# If a kind of rows is rare, its curvature may be larger still: in total up to twice that of the other rows at the
# widest width. LightGBM then counts no other row as less than a third of one. Without this, the 0.01 quantile of
# targets that crowd at their lower end (gamma noise of shape 1/2) has 4% of them below it.
SHARE_OF_RARE = 2.0
# Noise that grows tenfold over the range of predictions varies by 15% within a sixteenth of it. The 128 rows that
# an even sample has on each side of a group also determine its width within 15% at worst: the values min(|r|, s)
# are between 0 and s with a mean of s/4. More groups would lose by the second what they gain by the first.
GROUPS = 16
# Group widths are shrunk towards the pooled ones, which count as much as this share of all rows: the rows of a
# small group alone say little.
SHRINKAGE = 0.05
# Each iteration from the median multiplies the error by four times the share of rows that are clipped: by a tenth
# for exponential sides, a third for Cauchy's. A narrow side whose start is far too wide is right after the first.
ITERATIONS = 5


@dataclass(frozen=True)
class Widths:
    """The widths of rows, by kind of row and by group.

    Parameters
    ----------
    table : ndarray of shape (n_outputs · n_groups · n_kinds,), optional
        The width of each kind of row in each group: of those on or below the target and of those above it; with an
        `atom`, first these two for all other rows, then for those whose target is the atom.
    low, groups_per_unit : float or ndarray of shape (n_outputs,)
        The raw prediction at which the first group begins, and the number of groups per unit of it.
    atom : float, optional
        The value that more than half of the targets have, if there is one.
    broad : ndarray of the table's shape, optional
        The curvature's widths, if some of them differ.
    """

    table: np.ndarray | None = None
    low: Any = 0.0
    groups_per_unit: Any = 0.0
    atom: float | None = None
    broad: np.ndarray | None = None

    def of_rows(
        self, residual: np.ndarray, raw_prediction: np.ndarray, y_true: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return each row's width, and the curvature's if that differs, in the precision of the residual.

        If there are no widths, it is the number 1. For several outputs, residuals and raw predictions are
        (n_rows, n_outputs), and targets (n_rows, 1).
        """
        if self.table is None:
            return np.ones((), dtype=residual.dtype), None
        cell = self.cell(residual, raw_prediction, y_true)
        # NaN has no group; any will do.
        width = self.table.astype(residual.dtype).take(cell, mode="clip")
        broad = None if self.broad is None else self.broad.astype(residual.dtype).take(cell, mode="clip")
        return width, broad

    def cell(self, residual: np.ndarray, raw_prediction: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        """Return each row's place in the table; rows outside the sample's range belong to its ends."""
        kind = (residual > 0).view(np.int8)
        if self.atom is not None:
            at_atom = (y_true == self.atom).view(np.int8)
            at_atom += at_atom
            kind += at_atom
        if np.ndim(self.low) == 0 and not self.groups_per_unit:
            return kind
        # float32: the engines' labels have no more digits, and it takes half the time.
        low, per_unit = (np.asarray(one, dtype=np.float32) for one in (self.low, self.groups_per_unit))
        with np.errstate(invalid="ignore", over="ignore"):
            group = raw_prediction.astype(np.float32, copy=False) - low
            group *= per_unit
            np.clip(group, np.float32(0), np.float32(GROUPS - 1), out=group)
            # Bytes, of which arithmetic takes a fifth of the time.
            cell = group.astype(np.int8)
        cell *= np.int8(self.n_kinds)
        cell += kind
        return cell if low.ndim == 0 else cell + GROUPS * self.n_kinds * np.arange(len(low), dtype=np.int32)

    @property
    def n_kinds(self) -> int:
        """Number of kinds of rows, each with a width of its own in every group."""
        return 2 if self.atom is None else 4


def residual_widths(
    raw_prediction: np.ndarray,
    y_true: np.ndarray,
    weight: np.ndarray | None = None,
    pace: Pace = Pace(),  # noqa: B008  # it is immutable
    local: bool = True,
    beyond: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Widths:
    """Return the widths s = mean of min(|r|, s) / p (less with many outliers), by kind of row and group.

    Parameters
    ----------
    raw_prediction : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Raw predictions; those that are equal to the target are left out.
    y_true : ndarray of shape (n_rows,)
        Targets.
    weight : ndarray of shape (n_rows,), optional
        Weights, none negative.
    pace : Pace, optional
        The settings of the training that widths depend on.
    local : bool, default=True
        Whether to group the rows by `GROUPS` equal parts of the range of the raw prediction.
    beyond : callable, optional
        From residuals to how far they are beyond the kink, if that is not at the target; rows with 0 are left out.

    Returns
    -------
    Widths
        None if all rows are left out. All are at least `SMALLEST_WIDTH`; those of the curvature are not below
        `pace.narrowest` of the widest of the group, unless the row's kind is rare.

    Examples
    --------
    >>> pace = Pace(learning_rate=0.5)  # p is a half
    >>> residual_widths(np.zeros(5), np.array([1.0, 3.0, -1.0, -7.0, 0.0]), pace=pace).table.round(1).tolist()
    [4.0, 8.0]
    """
    n_outputs = 1 if raw_prediction.ndim == 1 else raw_prediction.shape[1]
    atom = _atom(y_true, weight)
    residual = raw_prediction - (y_true if n_outputs == 1 else y_true[:, None])
    if beyond is not None:
        residual = beyond(residual)
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
    cell = known.cell(residual, raw_prediction, y_true if n_outputs == 1 else y_true[:, None]).astype(np.intp)
    size = np.abs(residual, dtype=np.float64)
    shape = n_outputs, GROUPS if n_outputs > 1 or grouped else 1, known.n_kinds
    start = _medians(size, cell, shape)
    if n_outputs > 1:
        weight = None if weight is None else np.repeat(weight, n_outputs)
        size, cell = size.ravel(), cell.ravel()
        if not size.all():  # a row may be at its target with some outputs
            weight = None if weight is None else weight[size > 0]
            size, cell = size[size > 0], cell[size > 0]
    widths = _widths(size, cell, shape, start, weight, pace.pull)
    if n_outputs > 1:
        # For some outputs all of the sampled rows may be at their target, and other rows not.
        seen = np.bincount(cell // (shape[1] * shape[2]), minlength=n_outputs) > 0
        widths[~seen] = widths[seen].max()
    widest = widths.max(axis=-1, keepdims=True)
    broad = None
    if np.minimum.reduce(widths - pace.narrowest * widest, axis=None) < 0:
        counts = np.bincount(cell, weight, widths.size).reshape(shape).astype(np.float64)
        counts += SHRINKAGE * counts.sum(axis=1, keepdims=True)
        others = np.maximum(counts.sum(axis=-1, keepdims=True) - counts, SMALLEST_WIDTH)
        least = np.minimum(pace.narrowest, counts / (SHARE_OF_RARE * others)) * widest
        broad = np.maximum(np.maximum(widths, least), SMALLEST_WIDTH).ravel()
        widths = np.maximum(widths, min(pace.learning_rate, 1.0) * least)
    return Widths(np.maximum(widths, SMALLEST_WIDTH).ravel(), low, groups_per_unit, atom, broad)


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
    """Return the middle value, the larger of two; 1 if there are none. np.median takes four times as long."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle]) if values.size else 1.0


def _medians_of_columns(size: np.ndarray) -> np.ndarray:
    if len(size) and size.all():
        return np.asarray(np.partition(size, len(size) // 2, axis=0)[len(size) // 2])
    return np.array([_median(column[column > 0]) for column in size.T])


def _medians(size: np.ndarray, cell: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return where to begin the iteration, (n_outputs, 1, n_kinds): medians of each kind, or of each output."""
    n_outputs, _, n_kinds = shape
    if n_outputs > 1:
        # Separate medians for both sides of each output would take as long as all the rest. But rows at an atom
        # are so near that the others' widths, starting from there, would not have grown enough after all
        # iterations.
        at_atom = (cell[:, 0] & 2) > 0
        parts = [size[~at_atom], size[at_atom]] if n_kinds == 4 else [size]
        medians = np.array([_medians_of_columns(part) for part in parts])
        return np.repeat(medians.T, 2, axis=1)[:, None, :]
    kind = cell & (n_kinds - 1)  # which are two or four
    return np.array([[[_median(size[kind == k]) for k in range(n_kinds)]]])


def _widths(
    size: np.ndarray,
    cell: np.ndarray,
    shape: tuple[int, int, int],
    start: np.ndarray,
    weight: np.ndarray | None,
    mean_pull: float,
) -> np.ndarray:
    """Return the widths (n_outputs, n_groups, n_kinds), by iterating their equation.

    On few rows the cost is the number of calls of NumPy, so the loop has few of them.
    """
    pull: Any = LEAST_PULL  # outliers are recognised by the widths for this pull
    n_cells = shape[0] * shape[1] * shape[2]
    total = np.bincount(cell, weight, n_cells).reshape(shape)
    by_kind = np.add.reduce(total, axis=1, keepdims=True)
    prior = SHRINKAGE * np.add.reduce(by_kind, axis=2, keepdims=True)
    share = prior / np.maximum(by_kind, SMALLEST_WIDTH)
    # One of several outputs may be at the target in all rows.
    total, weighed = np.maximum(total + prior, SMALLEST_WIDTH), np.maximum(by_kind + prior, SMALLEST_WIDTH)
    table = np.empty(shape)
    table[:] = start / LEAST_PULL
    divisor = pull * total
    for iteration in range(ITERATIONS):
        width = table.take(cell)
        if iteration == ITERATIONS // 2:  # near enough by now
            far = size > width
            outliers = np.bincount(cell, far if weight is None else far * weight, n_cells).reshape(shape)
            outliers = np.add.reduce(outliers, axis=1, keepdims=True)
            most = (outliers + SHRINKAGE * np.add.reduce(outliers, axis=2, keepdims=True)) / weighed
            most = np.maximum.reduce(most, axis=2, keepdims=True)
            pull = np.minimum(np.maximum(most / PULL_OF_OUTLIERS, mean_pull), LARGEST_PULL)
            divisor = pull * total
        clipped = np.minimum(size, width, out=width)
        if weight is not None:
            clipped *= weight
        sums = np.bincount(cell, clipped, n_cells).reshape(shape)
        pooled = np.add.reduce(sums, axis=1, keepdims=True)
        table = (sums + share * pooled) / divisor
    if by_kind.all():
        return table
    # A kind without rows in the sample is rarely needed: it gets the width of all kinds together.
    every = pooled.sum(axis=2, keepdims=True) / (pull * by_kind.sum(axis=2, keepdims=True) + SMALLEST_WIDTH)
    return np.where(by_kind > 0, table, every)
