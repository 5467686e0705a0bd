"""Residual scale and self-scaled curvature: how an L1-like loss trains with gradient and Hessian alone.

The second derivative of |r| is 0 almost everywhere, and 1/|r|, the curvature of its tangent parabola
(iteratively re-weighted least squares), explodes at r = 0. Between them lies h = 1/(|r| + s): Hunter and
Lange (2000, *Quantile regression via an MM algorithm*, J. Comput. Graph. Stat. 9, 60-77) perturb the loss
so. Here s is no constant to tune but follows the residuals, so that it shrinks as the training proceeds
and the objective does not depend on the unit of the target.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .blocks import blocks

__all__ = ["SMALLEST_SCALE", "residual_scale"]

# All residuals 0 (a constant target, fitted): 0/(|r| + 0) would be NaN. float32 holds hardly less.
SMALLEST_SCALE = 1e-37


def residual_scale(
    residual: Callable[[slice], np.ndarray], n_rows: int, weight: np.ndarray | None = None
) -> float:
    """Return the weighted scale R = (mean √|r|)² of residuals, in their unit.

    The mean of square roots is between the geometric and the arithmetic mean: outliers move it little, and
    residuals of exactly 0 (ties, a start at the median) do not send it to 0.

    Parameters
    ----------
    residual : callable
        From a slice of rows to their residuals.
    n_rows : int
        Number of rows.
    weight : ndarray of shape (n_rows,), optional
        Weights, none negative.

    Returns
    -------
    float
        The scale, at least `SMALLEST_SCALE`.

    Examples
    --------
    >>> r = np.array([1.0, -1.0, 16.0])
    >>> residual_scale(lambda rows: r[rows], 3)
    4.0
    """
    total = 0.0
    for rows in blocks(n_rows):
        roots = np.sqrt(np.abs(residual(rows)))
        total += float(roots.sum() if weight is None else roots @ weight[rows])
    mean = total / (n_rows if weight is None else float(weight.sum(dtype=np.float64)))
    return max(mean * mean, SMALLEST_SCALE)
