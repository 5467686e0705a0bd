"""Residual scale and self-scaled curvature: how an L1-like loss trains with gradient and Hessian alone.

The second derivative of |r| is 0 almost everywhere, and 1/|r|, the curvature of its tangent parabola
(iteratively re-weighted least squares), explodes at r = 0. Between them lies h = 1/(|r| + s): Hunter and
Lange (2000, *Quantile regression via an MM algorithm*, J. Comput. Graph. Stat. 9, 60-77) perturb the loss
so. A row's own Newton step is then |r| + s, and s decides: a large one is quick while whole regions lie on one
side, a small one is calm once residuals are noise. Here s is no constant to tune but follows the residuals:

- their *scale* is R = (mean √|r|)², between the geometric and the arithmetic mean: outliers move it little,
  and residuals of exactly 0 (ties, a start at the median) do not send it to 0;
- it is *local*: rows are grouped by their raw prediction, and a group has its own R. With a skewed target most
  residuals are tiny and a few are large; one R for all would make the many jitter or the few creep.

Gradient and curvature then carry the unit of the target, so the trees do not depend on it. Both are finally
multiplied by the one constant that makes the *harmonic* mean of the curvature 1, the same as an average Newton
step: so `reg_lambda` and `min_child_weight` mean about what they do for squared error. (The arithmetic mean would
be that of the rows with tiny residuals, and `min_child_weight` would forbid splits among the others.)

Of many rows a sample is enough to know the scale: see `sample_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["SMALLEST_CURVATURE", "SMALLEST_SCALE", "Scale", "residual_scale", "sample_rows"]

# All residuals 0 (a constant target, fitted): 0/(|r| + 0) would be NaN. float32 holds hardly less.
SMALLEST_SCALE = 1e-37

# Far out on either side p (1 - p) underflows to 0, and a leaf of such rows alone would divide 0 by 0 in an
# engine without regularisation. The same floor as XGBoost's own.
SMALLEST_CURVATURE = 1e-16

GROUPS = 16
# Each group's mean is drawn to that of all rows as by so large a share of the whole weight: a group of a few rows
# knows little of its scale.
SHRINKAGE = 0.1

# Of more rows than this a sample will do.
ALL_ROWS = 16_384
# R of so many rows is within 1.5 % of that of all (the root of |r| of a normal variable varies by 42 %), and any
# s > 0 gives a valid curvature. Reading all rows in every round would triple the cost of a callback.
SAMPLE_ROWS = 4096
GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Scale:
    """What a loss's formulas need to know of all rows.

    Parameters
    ----------
    constant : float
        The engines get gradient and curvature times this.
    table : ndarray of shape (n_groups,), optional
        The residual scale of each group of rows.
    low, groups_per_unit : float
        The raw prediction at which the first group begins, and the number of groups per unit of it.
    """

    constant: float = 1.0
    table: np.ndarray | None = None
    low: float = 0.0
    groups_per_unit: float = 0.0

    def of_rows(self, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]) -> np.ndarray:
        """Return each row's residual scale, of `dtype`; a single number where there is one group, or none."""
        if self.table is None:
            return np.ones((), dtype=dtype)
        if len(self.table) == 1:
            return self.table[0].astype(dtype)
        return self.table.astype(dtype).take(self.group(raw_prediction), mode="clip")

    def group(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return each row's group; the largest prediction is the upper end of the last one, thus one too many."""
        # float32: the engines' labels have no more digits, and it takes half the time.
        group = raw_prediction.astype(np.float32)
        group -= np.float32(self.low)
        # A row far outside of a sample's range would overflow, and NaN has no group; any group will do for them.
        with np.errstate(invalid="ignore", over="ignore"):
            group *= np.float32(self.groups_per_unit)
            return group.astype(np.int32)

    def times(self, factor: float) -> Scale:
        """Return the scale with all residual scales multiplied."""
        table = None if self.table is None else self.table * factor
        return replace(self, constant=self.constant * factor, table=table)


def residual_scale(
    residual: np.ndarray, weight: np.ndarray | None = None, raw_prediction: np.ndarray | None = None
) -> Scale:
    """Return the weighted scale R = (mean √|r|)² of residuals, in their unit, of all rows and by group.

    Parameters
    ----------
    residual : ndarray of shape (n_rows,)
        Residuals.
    weight : ndarray of shape (n_rows,), optional
        Weights, none negative, not all 0.
    raw_prediction : ndarray of shape (n_rows,), optional
        What the rows are grouped by: `GROUPS` equal parts of its range. One group without it.

    Returns
    -------
    Scale
        All scales at least `SMALLEST_SCALE`; the constant is the scale of all rows.

    Examples
    --------
    >>> residual_scale(np.array([1.0, -1.0, 16.0])).constant
    4.0
    """
    weight = np.ones(len(residual)) if weight is None else weight.astype(np.float64)
    roots = weight * np.sqrt(np.abs(residual))
    total = weight.sum()
    mean = roots.sum() / total
    overall = max(float(mean) ** 2, SMALLEST_SCALE)
    low = high = 0.0
    if raw_prediction is not None:
        low = float(raw_prediction.min(where=weight > 0, initial=np.inf))
        high = float(raw_prediction.max(where=weight > 0, initial=-np.inf))
    # Denormal widths would give an infinite number of groups per unit.
    if raw_prediction is None or high - low <= SMALLEST_SCALE:
        return Scale(overall, np.array([overall]))
    scale = Scale(overall, None, low, GROUPS / (high - low))
    group = np.clip(scale.group(raw_prediction), 0, GROUPS - 1)
    sums, weights = (np.bincount(group, of_rows, minlength=GROUPS) for of_rows in (roots, weight))
    means = (sums + SHRINKAGE * total * mean) / (weights + SHRINKAGE * total)
    return replace(scale, table=np.maximum(means**2, SMALLEST_SCALE))


def sample_rows(n_rows: int, weight: np.ndarray | None = None) -> slice | np.ndarray:
    """Return the rows to estimate a mean from: all of them, or of more than `ALL_ROWS` a number of `SAMPLE_ROWS`.

    They are spread evenly over the data and depend on their number alone, so that training is repeatable.
    """
    if n_rows <= ALL_ROWS:
        return slice(None)
    rows = _spread(n_rows)
    if weight is None or weight[rows].any():
        return rows
    # Weights that single out a few rows.
    weighted = np.flatnonzero(weight)
    return weighted[sample_rows(len(weighted))]


@lru_cache(maxsize=1)
def _spread(n_rows: int) -> np.ndarray:
    # A row from each of equal strips, its place in the strip by the golden ratio: always the first would fall into
    # step with periodic data (hours of days, cells of a grid).
    strip = np.arange(SAMPLE_ROWS)
    return ((strip + strip * GOLDEN_RATIO % 1.0) * (n_rows / SAMPLE_ROWS)).astype(np.intp)
