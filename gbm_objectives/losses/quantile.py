"""Losses of the residual with a kink at 0: absolute error and the quantile (pinball) loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..curvature import residual_scale
from .base import CurvatureKind
from .regression import ResidualLoss
from .validation import check_number

__all__ = ["AbsoluteError", "Quantile"]


def weighted_quantile(y: np.ndarray, alpha: float, weight: np.ndarray | None) -> float:
    """Return the smallest value of `y` at or below which a share `alpha` of the weight lies."""
    if weight is not None:
        y, weight = y[weight > 0], weight[weight > 0]
    return float(np.quantile(y, alpha, weights=weight, method="inverted_cdf"))


class AbsoluteError(ResidualLoss):
    """Absolute error, |raw_prediction - y_true|: fits the median.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and the residual scale
    R = (mean √|r|)² of the rows at hand, s = 2 R::

        loss       |r|
        gradient   sign(r), 0 at the kink
        curvature  1/(|r| + s)        relaxed, slack 2 s

    The second derivative is 0; see `gbm_objectives.curvature` for the one used. Maximum likelihood under
    Laplace noise.

    References
    ----------
    Hunter and Lange (2000). *Quantile regression via an MM algorithm*. Journal of Computational and Graphical
    Statistics 9, 60-77.
    Natekin and Knoll (2013). *Gradient boosting machines, a tutorial*. Frontiers in Neurorobotics 7:21,
    section 2.2.

    Examples
    --------
    >>> loss = AbsoluteError()
    >>> loss.initial_raw([1.0, 2.0, 60.0])
    2.0
    >>> loss.gradient([1.0, 2.0, 60.0], [2.0, 2.0, 2.0]).tolist()
    [1.0, 0.0, -1.0]
    """

    curvature_kind: CurvatureKind = "relaxed"
    _unit_mean_curvature = True

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.abs(r)

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> float:
        return 2.0 * residual_scale(lambda rows: raw_prediction[rows] - y_true[rows], len(y_true), weight)

    def _derivatives_of_residual(self, r: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        s = r.dtype.type(scale)
        return s * np.sign(r), s / (np.abs(r) + s)

    def curvature_slack(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> float:
        """Return 2 s: the parabola's worst miss, for a step across the kink to the mirrored far side."""
        return 2.0 * self._scale(*self._checked(y_true, raw_prediction), None)

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        return weighted_quantile(y, 0.5, weight)


class Quantile(ResidualLoss):
    """Quantile (pinball) loss: fits the value below which a share `alpha` of the targets lies.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and the residual scale
    R = (mean √|r|)² of the rows at hand, s = 8 alpha (1 - alpha) R::

        loss       (1 - alpha) r      if r > 0
                   -alpha r           otherwise
        gradient   1 - alpha, -alpha, and 1/2 - alpha at the kink
        curvature  1/(2 (|r| + s))    relaxed, slack s

    The loss is half of |r| + (1 - 2 alpha) r, hence the curvature is half of the absolute error's. Maximum
    likelihood under asymmetric Laplace noise.

    Parameters
    ----------
    alpha : float, default=0.5
        The quantile's level; above 0 and below 1.

    References
    ----------
    Koenker and Bassett (1978). *Regression quantiles*. Econometrica 46, 33-50.
    Hunter and Lange (2000). *Quantile regression via an MM algorithm*. Journal of Computational and Graphical
    Statistics 9, 60-77.

    Examples
    --------
    >>> loss = Quantile(alpha=0.9)
    >>> loss.pointwise([0.0, 0.0], [1.0, -1.0]).round(3).tolist()
    [0.1, 0.9]
    >>> loss.initial_raw(range(1, 101))
    90.0
    """

    curvature_kind: CurvatureKind = "relaxed"
    _unit_mean_curvature = True

    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha

    def check_params(self) -> None:
        check_number(self, "alpha", 0.0, 1.0)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.maximum((1.0 - self.alpha) * r, -self.alpha * r)

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> float:
        # An extreme quantile lies where targets are few: the narrower parabola is 4 alpha (1 - alpha) of the
        # median's, or its leaves would creep.
        factor = 8.0 * self.alpha * (1.0 - self.alpha)
        return factor * residual_scale(lambda rows: raw_prediction[rows] - y_true[rows], len(y_true), weight)

    def _derivatives_of_residual(self, r: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        s, half_s = r.dtype.type(scale), r.dtype.type(0.5 * scale)
        gradient = half_s * np.sign(r) + r.dtype.type((0.5 - self.alpha) * scale)
        return gradient, half_s / (np.abs(r) + s)

    def curvature_slack(self, y_true: ArrayLike, raw_prediction: ArrayLike) -> float:
        """Return s: half the absolute error's slack of 2 s."""
        return self._scale(*self._checked(y_true, raw_prediction), None)

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        return weighted_quantile(y, self.alpha, weight)
