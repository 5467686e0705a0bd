"""Fisher information by quadrature: the mean of the squared score, tabulated where there are many rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import NdBSpline, make_interp_spline

from .quadrature import MOST_LOST, SCALES, Nodes, nodes_of

__all__ = ["Family", "information", "near"]

# Up to so many rows, each has its own integral; it takes 20 to 100 µs.
FEW = 32
# A table has a spline through its points, whose number along each axis is about doubled until those between the
# points of the table before are met to this relative error.
POINTS = (7, 13, 25, 49)
CLOSE = 2e-3
# Larger tables take longer than the rows of a block.
LARGEST_TABLE = 8_000
# Numbers in memory at once.
CHUNK = 1 << 20


class Family(NamedTuple):
    """A log-density with its derivatives by raw predictions, as functions of the target and raw predictions."""

    log_density: Callable[..., Any]
    slopes: Callable[..., Any]
    domain_name: str
    links: tuple[str, ...]

    def nodes(self, raw: np.ndarray) -> Nodes:
        """Return nodes for the densities of raw predictions."""
        of_rows = raw.T[:, :, None]
        return nodes_of(lambda y: self.log_density(y, *of_rows), self.domain_name, near(raw))

    def scores(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the derivatives of each row's log-density by its raw predictions, (n_rows, n_outputs)."""
        with np.errstate(over="ignore", divide="ignore"):  # a row whose density vanishes is refused by name
            return np.stack([np.broadcast_to(slope, y.shape) for slope in self.slopes(y, *raw.T)], axis=-1)

    def scores_at(self, x: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the same at nodes on the whole line, (n_outputs, n_rows, n_nodes)."""
        slopes = self.slopes(SCALES[self.domain_name][0](x), *raw.T[:, :, None])
        return np.array([np.broadcast_to(slope, x.shape) for slope in slopes])


def near(raw: np.ndarray) -> np.ndarray:
    """Return where on the line the peak of each row's density may be: at 0, or at a raw prediction."""
    return np.column_stack([np.zeros(len(raw)), raw])


def information(family: Family, raw: np.ndarray) -> np.ndarray:
    """Return the diagonal of the Fisher information on the raw predictions of each row, NaN if it is not found.

    Parameters
    ----------
    family : Family
        The densities.
    raw : ndarray of shape (n_rows, n_outputs)
        Raw predictions.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        To three digits if there are many rows, to six of few.
    """
    if (raw[0] == raw).all():
        return np.broadcast_to(_integrals(family, raw[:1]), raw.shape)
    if len(raw) > FEW:
        table = _table(family, tuple(map(_range, raw.T)))
        if table is not None:
            return np.exp(table(raw))
    return _integrals(family, raw)


def _range(column: np.ndarray) -> tuple[float, float]:
    """Return a range around numbers, whose ends stay the same over many rounds of boosting."""
    low, high = float(column.min()), float(column.max())
    step = 0.25 * 2.0 ** np.ceil(np.log2(max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-30)))
    return float(step * (np.floor(low / step) - 0.01)), float(step * (np.ceil(high / step) + 0.01))


@lru_cache(maxsize=16)
def _table(family: Family, ranges: tuple[tuple[float, float], ...]) -> NdBSpline | None:
    """Return a spline of the information's logarithm on a grid over ranges; None if none of moderate size fits."""
    before = None
    for n_points in POINTS:
        if n_points ** len(ranges) > LARGEST_TABLE:
            return None
        axes = [np.linspace(low, high, n_points) for low, high in ranges]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        found = _integrals(family, points.reshape(-1, len(ranges)))
        if not (np.isfinite(found) & (found > 0.0)).all():
            return None
        values = np.log(found).reshape(points.shape)
        if before is not None and np.abs(before(points) - values).max() < CLOSE:
            return _spline(axes, values)
        before = _spline(axes, values)
    return None


def _spline(axes: list[np.ndarray], values: np.ndarray) -> NdBSpline:
    knots = []
    for axis, at in enumerate(axes):
        spline = make_interp_spline(at, values, k=3, axis=axis)
        knots.append(spline.t)
        values = np.moveaxis(spline.c, 0, axis)
    return NdBSpline(tuple(knots), values, k=3)


def _integrals(family: Family, raw: np.ndarray) -> np.ndarray:
    """Return the integral of each row."""
    result = np.empty(raw.shape)
    step = max(1, CHUNK // 1000)
    for start in range(0, len(raw), step):
        rows = slice(start, start + step)
        nodes = family.nodes(raw[rows])
        with np.errstate(all="ignore"):
            squares = np.square(family.scores_at(nodes.x, raw[rows]))
        some = nodes.mass > 0.0
        found = np.einsum("rn,krn->rk", nodes.mass, np.where(some, squares, 0.0))
        total = nodes.mass.sum(axis=1)[:, None]
        known = (np.abs(total - 1.0) <= MOST_LOST) & np.isfinite(found)
        result[rows] = np.where(known, found, np.nan) / np.where(known, total, 1.0)
    return result
