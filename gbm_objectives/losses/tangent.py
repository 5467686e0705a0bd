"""Losses of the residual that grow more slowly than its square, with the curvature of a tangent parabola."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..contract.loss import Loss
from ..curvature import SMALLEST_WIDTH
from ..sampling import sample_rows
from ..validation import as_weight, check_number
from .residual import LEAST_SHARE, NEAREST, ResidualLoss, residual

__all__ = ["Round", "TangentLoss"]

# For standard normal z: the mean of |z|, and the median of those |z| that are at most `CUT` times their median.
NORMAL_MEAN_DEVIATION, NORMAL_TYPICAL = 0.7978845608028654, 0.6411037
# Residuals beyond this many medians (two standard deviations of normal ones) are left out and the median is taken
# again: if three rows in ten are outliers, the median of all is 1.6 times that of the others.
CUT = 3.0
# A value that more than this share of the targets have is an atom. The typical residual is a median, which fewer
# do not determine.
LEAST_ATOM = 0.1
# Of more rows than this, this many determine what is typical, within 4%.
ROWS = 1024


def middle_of_half(y: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the middle of the shortest interval that holds half of the weight (least median of squares).

    The median would lie nearer to three outliers in ten on one side.
    """
    order = y.argsort()
    ends, counts = y[order], np.ones(len(y)) if weight is None else weight[order]
    below = np.cumsum(counts)
    last = below.searchsorted((below - counts) + 0.5 * below[-1])
    first = np.flatnonzero(last < len(y))
    shortest = first[np.argmin(ends[last[first]] - ends[first])]
    return 0.5 * float(ends[shortest] + ends[last[shortest]])


def typical_size(y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the median size of the residuals, leaving out outliers."""
    size = np.abs(raw_prediction - y_true)
    if weight is None:
        size.sort()
        near = int(size.searchsorted(CUT * size[len(size) // 2], "right"))
        return float(size[near // 2])
    order = size.argsort()
    size, below = size[order], np.cumsum(weight[order])
    near = int(size.searchsorted(CUT * size[below.searchsorted(0.5 * below[-1], "right")], "right"))
    return float(size[below.searchsorted(0.5 * below[near - 1], "right")])


def away_from_atom(y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | slice:
    """Return which targets do not have the most frequent shared value, the atom.

    The residuals of those that do would say nothing about the others': with half of the targets 0, the typical
    residual goes to 0 as soon as predictions do.
    """
    ordered = np.sort(y)
    least = max(int(LEAST_ATOM * len(y)), 2)
    ends = np.flatnonzero(ordered[least:] == ordered[:-least])
    if not ends.size:
        return slice(None)
    _, place, ties = np.unique(y, return_inverse=True, return_counts=True)
    share = ties if weight is None else np.bincount(place, weight)
    away = place != share.argmax()
    left = away if weight is None else away & (weight > 0)
    return away if left.any() else slice(None)


class Round(NamedTuple):
    """What is large in a round of training, and the least weight of a row in its curvature."""

    size: float
    least: float


class TangentLoss(ResidualLoss):
    """A loss of the residual that grows more slowly than its square; the curvature ψ(r)/r is a tangent parabola's.

    With it no step raises the loss (iteratively re-weighted least squares), and ψ(r)/r over its largest value, 1,
    is the weight with which a row counts. One hyper-parameter, named by `_size`, says in the unit of the target
    what is large.

    For outliers the engines get a larger curvature, which is still a majorizer: no row counts in it as less than
    0.4 of a typical one.

    "auto" sets the hyper-parameter to `_efficient` standard deviations of normal noise, estimated from the
    residuals at hand: in training those of the round, in `value` those that are evaluated. The value is then a
    robust estimate of their variance (the square of a τ-scale, times a constant), which is comparable between
    rounds; with a scale from the first round it would not be, and that scale could not tell noise from signal.

    References
    ----------
    Holland and Welsch (1977). *Robust regression using iteratively reweighted least-squares*. Communications in
    Statistics 6, 813-827 (the weights, and the constants of 95% efficiency under normal noise).

    Yohai and Zamar (1988). *High breakdown-point estimates of regression by means of the minimization of an
    efficient scale*. Journal of the American Statistical Association 83, 406-413.
    """

    scope = "summary"
    _size: ClassVar[str]
    _efficient: ClassVar[float]
    # The least size in training, in typical residuals: for losses that are absolute error far out, a smaller one
    # makes no difference, except to a row at its target, which would have all the curvature there is.
    _least_size: ClassVar[float] = NEAREST

    @abstractmethod
    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        """Return ψ(r)/r for a residual in units of the hyper-parameter, as a new array; 1 at 0."""

    def check_params(self) -> None:
        super().check_params()
        if getattr(self, self._size) != "auto":
            check_number(self, self._size, 0.0, 1e38)  # float32 holds no more

    def resolved(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Loss:
        if getattr(self, self._size) != "auto":
            return self
        y, weight = self._target(y_true).astype(np.float64), as_weight(sample_weight, len(self._target(y_true)))
        return self._resolved_by(y, np.full(len(y), middle_of_half(y, weight)), weight)

    def outlier_weights(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the weight of each row, ψ(r)/r over its largest value: 1 at the target, towards 0 far from it.

        Arguments and errors as for `pointwise`; float64, (n_samples,).
        """
        y, raw = self._checked(y_true, raw_prediction)
        return self._weight_of_residual((raw.astype(np.float64) - y) / self._unit)

    def value(
        self,
        y_true: ArrayLike,
        raw_prediction: ArrayLike,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> float:
        """Return the weighted mean of `pointwise`; with "auto", the scale is that of these residuals.

        Arguments and errors as for `pointwise`, weights (n_samples,).
        """
        if getattr(self, self._size) == "auto":
            y, raw = self._checked(y_true, raw_prediction)
            known = self._resolved_at(y, raw, as_weight(sample_weight, len(y)))
            return known.value(y, raw, sample_weight, group)
        return super().value(y_true, raw_prediction, sample_weight, group)

    def _resolved_at(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Loss:
        if getattr(self, self._size) != "auto":
            return self
        rows = sample_rows(len(y_true), weight)
        counts = None if weight is None else weight[rows]
        return self._resolved_by(y_true[rows], raw_prediction[rows], counts)

    def _resolved_by(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None
    ) -> TangentLoss:
        away = away_from_atom(y_true, weight)
        some = y_true[away], raw_prediction[away], None if weight is None else weight[away]
        size = self._auto_size(typical_size(*some), *some)
        return self._with(**{self._size: size})

    def _auto_size(
        self, typical: float, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """Return what "auto" stands for, from the typical residual."""
        spread = typical / NORMAL_TYPICAL
        if not spread:
            # Most rows are at their target.
            spread = float(np.average(np.abs(raw_prediction - y_true), weights=weight)) / NORMAL_MEAN_DEVIATION
        # If all are, nothing is large.
        return self._efficient * spread or 1.0

    @property
    def _unit(self) -> float:
        """The hyper-parameter as a number."""
        value = getattr(self, self._size)
        if value == "auto":
            raise ValueError(
                f"{self._size}='auto' of {type(self).__name__} is estimated from the residuals of a training or an"
                " evaluation: here take loss.resolved(y_true), or the loss_ of a fitted estimator"
            )
        return float(value)

    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._pair(r, self._unit)

    def _pair(self, r: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Return L'(r) and the tangent parabola's curvature, with `size` as what is large, as new arrays."""
        # A size of 0 in float32 would give 0/0 at r = 0.
        weight = self._weight_of_residual(r / r.dtype.type(max(size, SMALLEST_WIDTH)))
        return r * weight, weight

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Round:
        own = getattr(self, self._size)
        if own != "auto" and self.curvature_kind == "constant":
            return Round(own, 0.0)
        rows = sample_rows(len(y_true), weight, most=ROWS)
        some = y_true[rows], raw_prediction[rows], None if weight is None else weight[rows]
        typical = typical_size(*some)
        size = self._resolved_by(*some)._unit if own == "auto" else max(own, self._least_size * typical)
        size = max(size, SMALLEST_WIDTH)
        # All of these losses weight a typical row about as Huber's does.
        return Round(size, LEAST_SHARE / max(1.0, typical / size))

    def _softened(self) -> bool:
        return bool(self.summary.size != getattr(self, self._size))

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient, weight = self._pair(residual(y_true, raw_prediction, dtype), self.summary.size)
        return gradient, np.maximum(weight, dtype(self.summary.least), out=weight)

    def _gradient_block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> np.ndarray:
        return self._pair(residual(y_true, raw_prediction, dtype), self.summary.size)[0]
