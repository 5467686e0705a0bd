"""Robust losses of the residual: quadratic near 0, linear far out, so that an outlier pulls like any other row."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..contract.loss import CurvatureKind
from ..contract.noise import Noise
from ..curvature import SMALLEST_WIDTH
from .hessian import ChoosesHessian
from .huber_noise import huber_noise
from .tangent import TangentLoss

__all__ = ["Fair", "Huber", "LogCosh", "PseudoHuber"]


class Huber(TangentLoss, ChoosesHessian):
    """Huber's loss: squared error near 0, absolute error beyond `delta`.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true::

        loss       r²/2               if |r| <= delta
                   delta (|r| - delta/2)  otherwise
        gradient   r clipped to [-delta, delta]
        curvature  min(1, delta/|r|)  majorizer

    The second derivative would be 0 for outliers, which would then count for nothing in the denominator of a
    leaf's Newton step; the curvature of the tangent parabola, L'(r)/r, keeps the step from overshooting
    (iteratively re-weighted least squares). Maximum likelihood under noise with a normal centre and exponential
    tails.

    Parameters
    ----------
    delta : float or "auto", default=1.0
        Where the loss turns linear, in the unit of the target, above 0; "auto" is 1.345 standard deviations.
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

    _size, _efficient = "delta", 1.345
    _kinds: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "majorizer",
        "majorizer": "majorizer",
        "constant": "constant",
    }

    def __init__(self, delta: float | str = 1.0, hessian: str = "auto") -> None:
        super().__init__(hessian)
        self.delta = delta

    @property
    def noise(self) -> Noise:
        return huber_noise(self._unit)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        inside = np.clip(r, -self._unit, self._unit)
        # r² would overflow where the linear branch applies.
        return np.multiply(inside, r - 0.5 * inside)

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        size = np.abs(u)
        # np.maximum with a number takes twice as long.
        np.clip(size, 1, np.inf, out=size)
        return np.divide(u.dtype.type(1), size, out=size)

    def _pair(self, r: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
        # As in `TangentLoss`, in half as many steps.
        delta = r.dtype.type(max(size, SMALLEST_WIDTH))
        curvature = np.abs(r)
        np.clip(curvature, delta, np.inf, out=curvature)
        np.divide(delta, curvature, out=curvature)
        return r * curvature, curvature


class PseudoHuber(TangentLoss):
    """Pseudo-Huber loss: Huber's with derivatives of any order.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and u = r/delta::

        loss       delta² (sqrt(1 + u²) - 1)
        gradient   r/sqrt(1 + u²)
        curvature  1/sqrt(1 + u²)     majorizer

    The second derivative, (1 + u²)^(-3/2), vanishes faster than the gradient does, and steps far out overshoot.

    Parameters
    ----------
    delta : float or "auto", default=1.0
        Where the loss turns linear, in the unit of the target, above 0; "auto" is 1.287 standard deviations.

    References
    ----------
    Hartley and Zisserman (2003). *Multiple View Geometry in Computer Vision*, appendix 6.

    Examples
    --------
    >>> loss = PseudoHuber(delta=3.0)
    >>> loss.pointwise([0.0], [4.0])  # 9 (5/3 - 1)
    array([6.])
    >>> loss.outlier_weights([0.0, 0.0], [0.0, 4.0]).round(6).tolist()
    [1.0, 0.6]
    """

    curvature_kind = "majorizer"
    _size, _efficient = "delta", 1.287

    def __init__(self, delta: float | str = 1.0) -> None:
        self.delta = delta

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        # sqrt(1 + u²) - 1 would suffer from cancellation near 0.
        u = r / self._unit
        return np.asarray(self._unit * r * (u / (1.0 + np.hypot(1.0, u))))

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        return np.asarray(1 / np.hypot(u.dtype.type(1), u))


class LogCosh(TangentLoss):
    """Logarithm of the hyperbolic cosine: half of the square near 0, linear far out.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and u = r/scale::

        loss       scale² log cosh u
        gradient   scale tanh u
        curvature  tanh(u)/u          majorizer

    Parameters
    ----------
    scale : float or "auto", default=1.0
        Where the loss turns linear, in the unit of the target, above 0; "auto" is 1.205 standard deviations.

    References
    ----------
    Green (1990). *Bayesian reconstructions from emission tomography data using a modified EM algorithm*. IEEE
    Transactions on Medical Imaging 9, 84-93.

    Examples
    --------
    >>> LogCosh().pointwise([0.0, 0.0], [0.0, 2.0]).round(4).tolist()
    [0.0, 1.325]
    """

    curvature_kind = "majorizer"
    _size, _efficient = "scale", 1.2047

    def __init__(self, scale: float | str = 1.0) -> None:
        self.scale = scale

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        # log cosh u = |u| - log 2 + log(1 + exp(-2 |u|)), because cosh would overflow; and near 0, where that
        # suffers from cancellation, u²/2.
        size = np.abs(r / self._unit)
        far = size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)
        return np.asarray(self._unit**2 * np.where(size < 1e-4, 0.5 * size * size, far))

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        # 0/0 at 0; tanh(u)/u is 1 to seven digits from 1e-3 inwards.
        size = np.maximum(np.abs(u), u.dtype.type(1e-3))
        return np.asarray(np.tanh(size) / size)


class Fair(TangentLoss):
    """Fair's loss: between squared and absolute error, with a second derivative everywhere.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and ``u = |r|/c``::

        loss       c² (u - log(1 + u))
        gradient   r/(1 + u)
        curvature  1/(1 + u)          majorizer

    Parameters
    ----------
    c : float or "auto", default=1.0
        Where the loss turns linear, in the unit of the target, above 0; "auto" is 1.4 standard deviations.

    References
    ----------
    Fair (1974). *On the robust estimation of econometric models*. Annals of Economic and Social Measurement 3.

    Examples
    --------
    >>> Fair(c=2.0).outlier_weights([0.0, 0.0], [2.0, 6.0]).tolist()
    [0.5, 0.25]
    """

    curvature_kind = "majorizer"
    _size, _efficient = "c", 1.3998

    def __init__(self, c: float | str = 1.0) -> None:
        self.c = c

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        u = np.abs(r / self._unit)
        # u - log(1 + u) would suffer from cancellation near 0.
        return np.asarray(self._unit**2 * np.where(u < 1e-4, u * u * (0.5 - u / 3.0), u - np.log1p(u)))

    def _weight_of_residual(self, u: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.abs(u)))
