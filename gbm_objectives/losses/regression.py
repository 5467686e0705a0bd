"""Losses of the residual with a smooth centre: squared error and Huber."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..curvature import SMALLEST_WIDTH
from ..validation import check_number
from .base import CurvatureKind
from .hessian import ChoosesHessian
from .noise import NORMAL, Noise, huber_noise
from .residual import ResidualLoss

__all__ = ["Huber", "SquaredError"]


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

    curvature_kind = "exact"
    noise = NORMAL

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.square(r)

    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return r + r, np.asarray(2.0, dtype=r.dtype)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(np.average(y_true, weights=sample_weight))


class Huber(ResidualLoss, ChoosesHessian):
    """Huber's loss: squared error near 0, absolute error beyond `delta`.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true::

        loss       r²/2               if |r| <= delta
                   delta (|r| - delta/2)  otherwise
        gradient   r clipped to [-delta, delta]
        curvature  min(1, delta/|r|)  majorizer

    The second derivative would be 0 for outliers, which then count for nothing in a leaf's Newton step; the
    curvature of the tangent parabola, L'(r)/r, keeps the step from overshooting (iteratively re-weighted
    least squares). Maximum likelihood under noise with a normal centre and exponential tails.

    Parameters
    ----------
    delta : float, default=1.0
        Where the loss turns linear, in the unit of the target; above 0.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the majorizer above, or 1.

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

    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "majorizer",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def __init__(self, delta: float = 1.0, hessian: str = "auto") -> None:
        super().__init__(hessian)
        self.delta = delta

    def check_params(self) -> None:
        super().check_params()
        check_number(self, "delta", 0.0, 1e38)  # float32 holds no more

    @property
    def noise(self) -> Noise:  # type: ignore[override]  # here it depends on a hyper-parameter
        return huber_noise(self.delta)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        inside = np.clip(r, -self.delta, self.delta)
        # r² would overflow where the linear branch is meant.
        return np.multiply(inside, r - 0.5 * inside)

    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        delta = r.dtype.type(max(self.delta, SMALLEST_WIDTH))  # 0 in float32 would give 0/0 at r = 0
        curvature = np.abs(r)
        # With a number np.maximum takes twice as long.
        np.clip(curvature, delta, np.inf, out=curvature)
        np.divide(delta, curvature, out=curvature)
        return r * curvature, curvature
