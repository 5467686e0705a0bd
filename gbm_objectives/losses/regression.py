"""Losses of the residual with a smooth centre: squared error and Huber."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..curvature import SMALLEST_SCALE, Scale
from ..likelihood import NORMAL, Noise, huber_noise
from .base import CurvatureKind, Loss
from .validation import check_number

__all__ = ["Huber", "ResidualLoss", "SquaredError"]


class ResidualLoss(Loss):
    """A loss L(r) of the residual r = raw_prediction - y_true alone, on the identity link."""

    @abstractmethod
    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        """Return L(r)."""

    @abstractmethod
    def _derivatives_of_residual(
        self, r: np.ndarray, s: np.ndarray, constant: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `constant` times L'(r) and the curvature, in r's precision; `s` is each row's width."""

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return self._of_residual(raw_prediction - y_true)

    def _derivatives(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        # The difference first: float32 would lose a small residual of a target far from 0.
        r = (raw_prediction - y_true).astype(dtype, copy=False)
        return self._derivatives_of_residual(r, scale.of_rows(r, raw_prediction, y_true), scale.constant)


class SquaredError(ResidualLoss):
    """Squared error, (raw_prediction - y_true)²: fits the mean.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true::

        loss       r²
        gradient   2 r
        curvature  2                  exact

    The engines get half of gradient and curvature, as from their own squared error. Maximum likelihood under
    normal noise.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009). *The Elements of Statistical Learning*, section 10.6.

    Examples
    --------
    >>> loss = SquaredError()
    >>> loss.value([1.0, 2.0, 6.0], [3.0, 3.0, 3.0])
    4.666...
    >>> loss.initial_raw([1.0, 2.0, 6.0])
    3.0
    """

    noise = NORMAL
    _curvatures: ClassVar[dict[str, CurvatureKind]] = {"auto": "exact"}

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Scale:
        return Scale(0.5)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.square(r)

    def _derivatives_of_residual(
        self, r: np.ndarray, s: np.ndarray, constant: float
    ) -> tuple[np.ndarray, np.ndarray]:
        return r, np.ones((), dtype=r.dtype)

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        return float(np.average(y, weights=weight))


class Huber(ResidualLoss):
    """Huber's loss: squared error near 0, absolute error beyond `delta`.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true::

        loss       r²/2               if |r| <= delta
                   delta (|r| - delta/2)  otherwise
        gradient   r clipped to [-delta, delta]
        curvature  min(1, delta/|r|)  majoriser

    The second derivative would be 0 for outliers, which then count for nothing in a leaf's Newton step; the
    curvature of the tangent parabola, L'(r)/r, keeps the step from overshooting (iteratively re-weighted
    least squares). Maximum likelihood under noise with a normal centre and exponential tails.

    Parameters
    ----------
    delta : float, default=1.0
        Where the loss turns linear, in the unit of the target; above 0.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the majoriser above, or 1.

    References
    ----------
    Huber (1964). *Robust estimation of a location parameter*. Annals of Mathematical Statistics 35, 73-101.
    Natekin and Knoll (2013). *Gradient boosting machines, a tutorial*. Frontiers in Neurorobotics 7:21,
    section 2.2.

    Examples
    --------
    >>> loss = Huber(delta=2.0)
    >>> loss.pointwise([0.0, 0.0], [1.0, 4.0]).tolist()
    [0.5, 6.0]
    >>> loss.gradient([0.0, 0.0], [1.0, 4.0]).tolist()
    [1.0, 2.0]
    """

    _curvatures: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "majorizer",
        "majorizer": "majorizer",
        "constant": "constant",
    }
    _unit_mean_curvature = True

    def __init__(self, delta: float = 1.0, hessian: str = "auto") -> None:
        self.delta = delta
        self.hessian = hessian

    def check_params(self) -> None:
        self._check_hessian()
        check_number(self, "delta", 0.0, 1e38)  # float32 holds no more

    @property
    def noise(self) -> Noise:  # type: ignore[override]  # here it depends on a hyper-parameter
        return huber_noise(self.delta)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        inside = np.clip(r, -self.delta, self.delta)
        # r² would overflow where the linear branch is meant.
        return np.multiply(inside, r - 0.5 * inside)

    def _derivatives_of_residual(
        self, r: np.ndarray, s: np.ndarray, constant: float
    ) -> tuple[np.ndarray, np.ndarray]:
        delta = r.dtype.type(max(self.delta, SMALLEST_SCALE))  # 0 in float32 would give 0/0 at r = 0
        curvature = r.dtype.type(constant) * delta / np.maximum(np.abs(r), delta)
        return r * curvature, curvature

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        low, high = float(y.min()), float(y.max())
        if low == high:
            return low

        def slope(constant: float) -> float:
            return float(np.average(np.clip(constant - y, -self.delta, self.delta), weights=weight))

        # The slope rises from below 0 to above 0 between the smallest and the largest target that has weight.
        return float(brentq(slope, low, high, xtol=1e-12 * (high - low)))
