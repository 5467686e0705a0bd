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
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .blocks import blocks

__all__ = ["SMALLEST_SCALE", "Scale", "residual_scale"]

# All residuals 0 (a constant target, fitted): 0/(|r| + 0) would be NaN. float32 holds hardly less.
SMALLEST_SCALE = 1e-37

GROUPS = 16
# Each group's mean is drawn to that of all rows as by so large a share of the whole weight: a group of a few rows
# knows little of its scale.
SHRINKAGE = 0.1


@dataclass(frozen=True)
class Scale:
    """What a loss's formulas need to know of all rows.

    Parameters
    ----------
    constant : float
        The engines get gradient and curvature times this; for a self-scaled loss the scale of all residuals,
        which keeps the numbers near 1.
    table : ndarray of shape (n_groups,), optional
        The residual scale of each group of rows.
    low, groups_per_unit : float
        The raw prediction at which the first group begins, and the number of groups per unit of it.
    """

    constant: float = 1.0
    table: np.ndarray | None = None
    low: float = 0.0
    groups_per_unit: float = 0.0

    def of_rows(self, raw_prediction: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return each row's residual scale, of `dtype`; a single number where there is one group."""
        if self.table is None:
            return np.asarray(self.constant, dtype=dtype)
        if len(self.table) == 1:
            return self.table[0].astype(dtype)
        return self.table.astype(dtype)[_groups(raw_prediction, self.low, self.groups_per_unit)]

    def times(self, factor: float) -> Scale:
        """Return the scale with all residual scales multiplied."""
        table = None if self.table is None else self.table * factor
        return Scale(self.constant * factor, table, self.low, self.groups_per_unit)


def residual_scale(
    residual: Callable[[slice], np.ndarray],
    n_rows: int,
    weight: np.ndarray | None = None,
    raw_prediction: np.ndarray | None = None,
) -> Scale:
    """Return the weighted scale R = (mean √|r|)² of residuals, in their unit, of all rows and by group.

    Parameters
    ----------
    residual : callable
        From a slice of rows to their residuals.
    n_rows : int
        Number of rows.
    weight : ndarray of shape (n_rows,), optional
        Weights, none negative.
    raw_prediction : ndarray of shape (n_rows,), optional
        What the rows are grouped by: `GROUPS` equal parts of its range. One group without it.

    Returns
    -------
    Scale
        All scales at least `SMALLEST_SCALE`.

    Examples
    --------
    >>> r = np.array([1.0, -1.0, 16.0])
    >>> residual_scale(lambda rows: r[rows], 3).constant
    4.0
    """
    low, groups_per_unit, n_groups = 0.0, 0.0, 1
    if raw_prediction is not None:
        counted = True if weight is None else weight > 0
        low = float(raw_prediction.min(where=counted, initial=np.inf))
        high = float(raw_prediction.max(where=counted, initial=-np.inf))
        # Denormal widths would give an infinite number of groups per unit.
        if high - low > SMALLEST_SCALE:
            groups_per_unit, n_groups = GROUPS / (high - low), GROUPS
    sums, weights = np.zeros(n_groups), np.zeros(n_groups)
    for rows in blocks(n_rows):
        roots = np.sqrt(np.abs(residual(rows)))
        w = None if weight is None else weight[rows]
        if raw_prediction is None or n_groups == 1:
            sums += roots.sum(dtype=np.float64) if w is None else float(roots @ w)
            weights += len(roots) if w is None else w.sum(dtype=np.float64)
        else:
            group = _groups(raw_prediction[rows], low, groups_per_unit)
            sums += np.bincount(group, roots if w is None else roots * w, minlength=n_groups)
            weights += np.bincount(group, w, minlength=n_groups)
    total = weights.sum()
    mean = sums.sum() / total
    means = (sums + SHRINKAGE * total * mean) / (weights + SHRINKAGE * total)
    return Scale(max(float(mean) ** 2, SMALLEST_SCALE), np.maximum(means**2, SMALLEST_SCALE), low, groups_per_unit)


def _groups(raw_prediction: np.ndarray, low: float, groups_per_unit: float) -> np.ndarray:
    group = ((raw_prediction - low) * groups_per_unit).astype(np.intp)
    # The largest prediction is the upper end of the last group; rows without weight may lie outside the range.
    return np.clip(group, 0, GROUPS - 1, out=group)
