"""The driver: from a loss's formulas to the arrays that the engines take, in blocks of rows that stay in cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..sampling import SAMPLE_ROWS, sample_rows
from .formulas import Formulas, Scale

__all__ = [
    "BLOCK_ROWS",
    "SMALLEST_CURVATURE",
    "blocks",
    "check_derivatives",
    "derivatives",
    "scale_of",
    "weighted_float32",
]

# Numbers per block: a block's temporaries (a handful of float32 arrays of 128 kB) stay in a core's level-2
# cache. Whole columns at once would write and read each temporary through main memory; blocks of half the size
# cost a tenth more, in calls of NumPy.
BLOCK_ROWS = 32768

# Far out, a curvature may underflow to 0 (p (1 - p) of a probability does on either side), and a leaf of only such
# rows would divide 0 by 0 in an engine without regularisation. The same floor as XGBoost's own.
SMALLEST_CURVATURE = np.float32(1e-16)

# For the mean, curvatures are floored at this share of the median: under a loss that grows linearly, no row counts
# as more than a thousand times as far out as the median row.
LEAST_SHARE = 1e-3

# Gradient and curvature are multiplied in float32: a larger factor would be infinite there.
LARGEST_FACTOR = float(np.finfo(np.float32).max)


def blocks(n_rows: int, n_outputs: int = 1) -> Iterator[slice]:
    """Yield slices that cover `n_rows` rows, about `BLOCK_ROWS` numbers each.

    Examples
    --------
    >>> list(blocks(40_000))
    [slice(0, 32768, None), slice(32768, 40000, None)]
    """
    step = max(1, BLOCK_ROWS // n_outputs)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def derivatives(
    loss: Formulas, y: np.ndarray, raw: np.ndarray, dtype: type[np.floating[Any]]
) -> tuple[np.ndarray, Any]:
    """Return gradient and curvature of a block of rows; the curvature may be a number."""
    if loss.curvature_kind == "constant":
        return loss._gradient_block(y, raw, dtype), dtype(1)
    if raw.ndim == 2 and raw.strides[0] != raw.itemsize:
        raw = np.asfortranarray(raw)  # one output after another: sums over outputs are then sums of columns
    return loss._block(y, raw, dtype)


def scale_of(loss: Formulas, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None) -> Scale:
    """Return the scale of a loss on these rows, from a sample if there are many."""
    if not loss.normalised:
        return Scale(np.float32(loss._share), SMALLEST_CURVATURE)
    rows = sample_rows(len(y), weight)
    _, h = derivatives(loss, y[rows], raw[rows], np.float32)
    return _normalising(loss, h, None if weight is None else weight[rows])


def weighted_float32(
    loss: Formulas, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None, at_start: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian as `Loss.gradient_hessian` promises them; lengths fit, weights are checked.

    The loss already knows what it must about all rows, perhaps also its scale. At the start of a training every
    row is checked.
    """
    # One piece of memory: from 4 MB on, NumPy asks for huge pages, without which the first touch of every page
    # can cost more than the mathematics. LightGBM's predictions of several classes are in Fortran order;
    # returning the same order saves the engine a copy.
    if raw.flags.c_contiguous:
        gradient, hessian = np.empty((2, *raw.shape), dtype=np.float32)
    else:
        gradient, hessian = (part.T for part in np.empty((2, *raw.shape[::-1]), dtype=np.float32))
    scale, trusted, domain = loss._scale, loss._in_training, loss.domain
    few = raw.size <= BLOCK_ROWS or loss.joint
    if scale is None:
        # The sample of a small data set is all of its rows, which need not be computed twice.
        if loss.normalised and (len(y) <= SAMPLE_ROWS or loss.joint):
            few = True
        else:
            scale = scale_of(loss, y, raw, weight)
    for rows in [slice(0, len(y))] if few else blocks(len(y), loss.n_outputs):
        # All rows are passed as they are, not as slices: the summary may hold their results.
        target, prediction = (y, raw) if few else (y[rows], raw[rows])
        # A NaN is neither above nor below. The target may be float32, whose range is smaller than float64's.
        if not trusted and not (
            np.float64(domain.low) <= target.min() and target.max() <= np.float64(domain.high)
        ):
            loss._check_domain(y)
        g, h = derivatives(loss, target, prediction, np.float32)
        if at_start:
            check_derivatives(loss, target, g, h, rows.start)
        if scale is None:
            scale = _normalising(loss, h, weight)
        np.multiply(g, scale.factor, out=gradient[rows], casting="same_kind")
        if np.ndim(h) == 0:
            hessian[rows] = np.maximum(h * scale.factor, scale.least)
        else:
            np.multiply(h, scale.factor, out=hessian[rows], casting="same_kind")
            # This check costs a sixth of the floor itself, which few blocks need.
            if (np.minimum.reduce(hessian[rows], axis=0) < scale.least).any():
                np.maximum(hessian[rows], scale.least, out=hessian[rows])
        if weight is not None:
            w = weight[rows].reshape((-1,) + (1,) * (raw.ndim - 1))
            np.multiply(gradient[rows], w, out=gradient[rows], casting="same_kind")
            np.multiply(hessian[rows], w, out=hessian[rows], casting="same_kind")
    return gradient, hessian


def check_derivatives(loss: Formulas, y: np.ndarray, gradient: np.ndarray, curvature: Any, first_row: int) -> None:
    """Raise for the first row of a block with a gradient or curvature that is not finite.

    Engines sum what they are given: a single NaN silently makes nonsense of the predictions for all rows.
    """
    if np.isfinite(gradient).all() and np.isfinite(curvature).all():
        return
    finite = np.isfinite(gradient) & np.isfinite(curvature)
    row = int(np.argmin(finite.reshape(len(y), -1).all(axis=1)))
    curvature = np.broadcast_to(curvature, gradient.shape)
    raise ValueError(
        f"gradient and curvature of {loss!r} must be finite, they are {gradient[row]} and {curvature[row]} for the"
        f" target {y[row]} in row {first_row + row}"
    )


def _normalising(loss: Formulas, h: Any, weight: np.ndarray | None) -> Scale:
    """Return for each output the constant that makes the harmonic mean of the curvature 1, and then its floor.

    Not the arithmetic mean: it would be dominated by the rows with tiny residuals (most targets 0, say), and
    `min_child_weight` would then forbid splitting off the others.
    """
    if np.ndim(h) == 0:
        factor: Any = 1.0 / np.float64(h)
    else:
        # Rows whose curvature is far below the others', or underflows, would dominate the harmonic mean.
        known = h if weight is None else h[weight > 0]
        middle = np.partition(known, len(known) // 2, axis=0)[len(known) // 2]
        h = np.maximum(h, LEAST_SHARE * middle + np.finfo(np.float32).tiny, dtype=np.float64)
        inverse = np.reciprocal(h)
        factor = np.add.reduce(inverse) / len(inverse) if weight is None else weight @ inverse / weight.sum()
    if not ((factor > 0) & (factor <= LARGEST_FACTOR)).all():
        raise ValueError(
            f"the curvature of {loss!r} must be positive and of a size that float32 holds, its mean is"
            f" {1 / factor}"
        )
    factor = factor.astype(np.float32)
    if not loss._pace.least or np.ndim(h) == 0 or not loss._counts_far_rows:
        return Scale(factor, SMALLEST_CURVATURE)
    mean = np.average(h, axis=0, weights=weight)
    least = np.float32(loss._pace.least) * mean.astype(np.float32) * factor
    return Scale(factor, np.maximum(least, SMALLEST_CURVATURE))
