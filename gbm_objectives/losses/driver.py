"""The driver: from a loss's formulas to the arrays that the engines take, in blocks of rows that stay in cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..curvature import Scale, sample_rows

if TYPE_CHECKING:
    from .base import Loss

__all__ = ["BLOCK_ROWS", "blocks", "weighted_float32"]

# Numbers per block: a block's temporaries (a handful of float32 arrays of 128 kB) stay in a core's level-2
# cache. Whole columns at once would write and read each temporary through main memory; blocks of half the size
# cost a tenth more, in calls of NumPy.
BLOCK_ROWS = 32_768


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


def weighted_float32(
    loss: Loss, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian as `Loss.gradient_hessian` promises them; lengths fit, weights are checked."""
    scale = loss._scale(y, raw, weight)
    if loss._unit_mean_curvature:
        scale = _with_unit_mean_curvature(loss, y, raw, weight, scale)
    # One piece of memory: from 4 MB on NumPy asks for huge pages, without which the first touch of every page
    # can cost more than the mathematics. LightGBM's predictions of several classes are in Fortran order; the
    # answer in the same order saves the engine a copy.
    if raw.flags.c_contiguous:
        gradient, hessian = np.empty((2, *raw.shape), dtype=np.float32)
    else:
        gradient, hessian = (part.T for part in np.empty((2, *raw.shape[::-1]), dtype=np.float32))
    low, high = loss._bounds
    for rows in blocks(len(y), loss.n_outputs):
        target = y[rows]
        # A NaN is neither above nor below.
        if not (low <= target.min() and target.max() <= high):
            loss._check_domain(y)
        g, h = _float32_derivatives(loss, target, raw[rows], scale)
        if weight is None:
            gradient[rows] = g
            hessian[rows] = h
        else:
            w = weight[rows].reshape((-1,) + (1,) * (raw.ndim - 1))
            np.multiply(g, w, out=gradient[rows], casting="same_kind")
            np.multiply(h, w, out=hessian[rows], casting="same_kind")
    return gradient, hessian


def _float32_derivatives(
    loss: Loss, y: np.ndarray, raw: np.ndarray, scale: Scale
) -> tuple[np.ndarray, np.ndarray]:
    if raw.ndim == 2 and raw.strides[0] != raw.itemsize:
        raw = np.asfortranarray(raw)  # a class after the other, see Loss._derivatives
    g, h = loss._derivatives(y, raw, scale, np.float32)
    return g, np.full_like(g, scale.constant) if loss.curvature_kind == "constant" else h


def _with_unit_mean_curvature(
    loss: Loss, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None, scale: Scale
) -> Scale:
    """Return the scale with the constant that makes the weighted harmonic mean of the curvature 1.

    Not the arithmetic mean: it would be that of the rows with tiny residuals (most targets 0, say), and
    `min_child_weight` would forbid to split off the others.
    """
    rows = sample_rows(len(y), weight)
    _, h = _float32_derivatives(loss, y[rows], raw[rows], scale)
    by_row = np.mean(np.reciprocal(h, dtype=np.float64).reshape(len(h), -1), axis=1)
    mean = float(np.average(by_row, weights=None if weight is None else weight[rows]))
    if not 0 < mean < np.inf:
        raise ValueError(f"the curvature of {loss!r} must be positive and finite, its mean is {1 / mean:g}")
    return replace(scale, constant=scale.constant * mean)
