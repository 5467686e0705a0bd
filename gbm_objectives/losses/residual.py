"""Losses of only the residual r = raw_prediction - y_true, on the identity link: the bases of their families."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple
from zlib import crc32

import numpy as np

from ..contract.loss import CurvatureKind, Loss, Scope
from ..curvature import Pace, consistent_pair
from ..sampling import SAMPLE_ROWS, sample_rows
from .hessian import ChoosesHessian
from .widths import Widths, residual_widths

Pair = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

__all__ = [
    "CONSISTENT",
    "KinkedLoss",
    "ResidualLoss",
    "rows_of_round",
    "weighted_quantile",
    "widths_of",
]

# If a loss is almost a kink (its curvature at the target is SHARP times that at NEAREST of the median residual),
# rows nearer than that are treated as being that far away. Otherwise a single row at its target has more Hessian
# than all others together, and LightGBM, which counts rows by it, splits nothing off. A hundredth of the rows then
# pulls more softly.
NEAREST, SHARP, FEW_ROWS = 0.01, 100.0, 64
# No row counts in the curvature as less than this share of a typical one. Without this, a leaf of outliers has
# almost no curvature, and steps right to them: with one row in ten an outlier, the fit of Huber's loss was seven
# times as far from the truth as that of LightGBM's own. With 0.3 it is 1.3 times as far after 200 rounds. With
# 0.5, rows that are far because the fit has not reached them yet take longer than the 100 rounds of the engines'
# defaults: with one row in ten an outlier, the fit of a sinc was then three times as far from it as with 0.3.
LEAST_SHARE = 0.4

# Where both sides are equally steep, rows further out than twice their width are outliers, and move by no more
# than that. With 4 times, as for a quantile, whose weaker side is meant to be far out, a leaf of only outliers
# steps right to them: with a tenth of outliers, absolute error on LightGBM ended 1.45 from Friedman's surface,
# with twice .93.
OF_EVEN_SIDES = 2.0

# For a loss with a kink: what `hessian` may be, see `ChoosesHessian`.
CONSISTENT: dict[str, CurvatureKind] = {"auto": "consistent", "majorizer": "consistent", "constant": "constant"}


def weighted_quantile(y: np.ndarray, alpha: float, weight: np.ndarray | None) -> float:
    """Return the smallest value of `y` at or below which a share `alpha` of the weight lies.

    If rounding puts a share just below alpha, it is the next value; both minimise the loss up to rounding.
    """
    if weight is not None:
        y, weight = y[weight > 0], weight[weight > 0]
    return float(np.quantile(y, alpha, weights=weight, method="inverted_cdf"))


def residual(y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]) -> np.ndarray:
    """Return raw_prediction - y_true in `dtype`."""
    # Subtract before converting: float32 would lose a small residual of a target far from 0.
    r = np.empty(raw_prediction.shape, dtype=dtype)
    return np.subtract(raw_prediction, y_true, out=r, casting="same_kind")


def rows_of_round(raw_prediction: np.ndarray, weight: np.ndarray | None, most: int = SAMPLE_ROWS) -> Any:
    """Return the rows to estimate widths from in this round of a training; see `sample_rows`."""
    rows = sample_rows(len(raw_prediction), weight, most=most)
    if isinstance(rows, slice):
        return rows
    # Different rows in every round, chosen by a hash of the predictions: the errors of samples average out over
    # the rounds. With the same rows throughout, the median of 50,000 moved to where 1.6% more of them were below
    # it.
    return sample_rows(len(raw_prediction), weight, crc32(raw_prediction[rows].tobytes()) / 2**32, most)


def widths_of(
    y_true: np.ndarray,
    raw_prediction: np.ndarray,
    weight: np.ndarray | None,
    pace: Pace,
    beyond: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Widths:
    """Return the widths of residuals, from a sample if there are many rows; see `gbm_objectives.curvature`.

    If the kink is not at the target, `beyond` computes from residuals how far beyond the kink they are.
    """
    # For several outputs fewer rows each, so that all their widths together take as long as those of one.
    most = SAMPLE_ROWS // (1 if raw_prediction.ndim == 1 else raw_prediction.shape[1])

    def of(rows: Any) -> Widths:
        counts = None if weight is None else weight[rows]
        return residual_widths(raw_prediction[rows], y_true[rows], counts, pace, beyond=beyond)

    widths = of(rows_of_round(raw_prediction, weight, most))
    if widths.table is None:
        # Most rows are at their target, and the sample holds no others.
        r = np.subtract(raw_prediction.T, y_true, dtype=np.float64)
        away = ((r if beyond is None else beyond(r)) != 0).reshape(-1, len(y_true)).any(axis=0)
        others = np.flatnonzero(away if weight is None else away & (weight > 0))
        if others.size == 0:
            return widths  # nothing to learn
        rows = others[sample_rows(len(others), most=most)]
        widths = of(rows)
    return widths


def nearest_residual(
    pair: Pair, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None
) -> float:
    """Return the least size of a residual for `not_nearer`; 0 unless the loss is almost a kink there."""

    def sharp(nearest: float) -> bool:
        curvature = pair(np.array([0.0, nearest, -nearest]))[1]
        return bool(np.ndim(curvature) and curvature[0] > SHARP * max(curvature[1], curvature[2]))

    # The largest of a few residuals is above the median, except once in 2**64 cases; the median takes ten times as
    # long.
    step = max(1, len(y_true) // FEW_ROWS)
    largest = NEAREST * float(np.maximum.reduce(np.abs(raw_prediction[::step] - y_true[::step])))
    if not sharp(largest):
        return 0.0
    rows = sample_rows(len(y_true), weight)
    size = np.abs(raw_prediction[rows] - y_true[rows])
    nearest = NEAREST * weighted_quantile(size, 0.5, None if weight is None else weight[rows])
    return nearest if sharp(nearest) else 0.0


def not_nearer(pair: Pair, r: np.ndarray, nearest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature of residuals, linear and constant where they are smaller than `nearest`."""
    if not nearest:
        return pair(r)
    size = np.abs(r)
    counted = np.maximum(size, r.dtype.type(nearest))
    gradient, curvature = pair(np.copysign(counted, r))
    return gradient * (size / counted), curvature


def longest_step(gradient: np.ndarray, curvature: Any, weight: np.ndarray | None) -> float:
    """Return the step of the row that pulls most, if it had only `LEAST_SHARE` of the median curvature."""
    if np.ndim(curvature) == 0:
        return np.inf
    if weight is not None:
        gradient, curvature, weight = (a[weight > 0] for a in (gradient, curvature, weight))
    middle, pull = weighted_quantile(curvature, 0.5, weight), float(np.abs(gradient).max(initial=0.0))
    # If no row pulls, or more than half of them have no curvature, nothing defines "far".
    return pull / (LEAST_SHARE * middle) if pull > 0 and middle > 0 else np.inf


def no_longer(gradient: np.ndarray, curvature: Any, longest: float) -> Any:
    """Return the curvature with which no row by itself steps further than `longest`."""
    return (
        curvature if longest == np.inf else np.maximum(curvature, np.abs(gradient) / gradient.dtype.type(longest))
    )


class Majorized(NamedTuple):
    """What a majorizer needs to know about all rows: nearest residual and longest step, see `ResidualLoss`."""

    nearest: float
    longest: float


class OfResidual(Loss):
    """A loss L(r) of the residual."""

    _smooths_by_summary = True

    @abstractmethod
    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L(r)."""

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._of_residual(raw_prediction - y_true)


class ResidualLoss(OfResidual):
    """A loss L(r) of the residual r = raw_prediction - y_true.

    A subclass gives `_of_residual` and `_derivatives_of_residual` instead of `_pointwise` and `_derivatives`, and
    `_gradient_of_residual` if the latter gives that of a smoothed loss.

    If a loss with a majorizer is almost a kink at the size of the residuals, its scale being less than a ten
    thousandth of their median, it is smoothed for the engines within a hundredth of that median. And no row by
    itself steps further than the row that pulls most would with `LEAST_SHARE` of the median curvature: the engines
    get a larger one.
    """

    @property
    def scope(self) -> Scope:
        """What a row's pair depends on; see `Loss`."""
        return "summary" if self.curvature_kind == "majorizer" else "row"

    @abstractmethod
    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return L'(r) and the curvature, as new arrays in r's precision; the curvature may be a number."""

    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L'(r)."""
        return self._derivatives_of_residual(r)[0]

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._derivatives_of_residual(raw_prediction - y_true)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._gradient_of_residual(raw_prediction - y_true)

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Any:
        pair = self._derivatives_of_residual
        nearest = nearest_residual(pair, y_true, raw_prediction, weight)
        rows = sample_rows(len(y_true), weight)
        few = not_nearer(pair, raw_prediction[rows] - y_true[rows], nearest)
        return Majorized(nearest, longest_step(*few, None if weight is None else weight[rows]))

    def _softened(self) -> bool:
        return self.summary is not None and self.summary.nearest > 0

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        r = residual(y_true, raw_prediction, dtype)
        if self.summary is None:
            return self._derivatives_of_residual(r)
        gradient, curvature = not_nearer(self._derivatives_of_residual, r, self.summary.nearest)
        return gradient, no_longer(gradient, curvature, self.summary.longest)


class KinkedLoss(OfResidual, ChoosesHessian):
    """A loss L(r) of the residual with a kink at 0; the engines get it smoothed, see `gbm_objectives.curvature`.

    A subclass gives `_of_residual` and `_gradient_of_residual`, and, if the two sides are not equally steep,
    `_pair_of_residual`.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The first two are the pair of the smoothed loss; "constant" gives the engines the true gradient and a
        curvature of 1, so that the fit depends on the unit of the target.
    """

    scope = "summary"
    _kinds: ClassVar[dict[str, CurvatureKind]] = CONSISTENT

    @abstractmethod
    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L'(r); at the kink, the middle of the subdifferential."""

    def _pair_of_residual(
        self, r: np.ndarray, s: np.ndarray, broad: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and curvature of the smoothed loss, in r's precision, from each row's widths."""
        return consistent_pair(r, s, broad, OF_EVEN_SIDES)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._gradient_of_residual(raw_prediction - y_true)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.on(y_true, raw_prediction)._block(y_true, raw_prediction, raw_prediction.dtype.type)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        r = residual(y_true, raw_prediction, dtype)
        return self._pair_of_residual(r, *self.summary.of_rows(r, raw_prediction, y_true))

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Widths:
        if self.curvature_kind == "constant":
            return Widths()
        return widths_of(y_true, raw_prediction, weight, self._pace)
