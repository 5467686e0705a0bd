"""Squared error and its relatives: asymmetric, and of the logarithm."""

from __future__ import annotations

import numpy as np

from ..contract.domain import Domain
from ..contract.links import LOG1P
from ..contract.loss import Loss
from ..contract.noise import NORMAL
from ..validation import check_number
from .residual import ResidualLoss

__all__ = ["Expectile", "SquaredError", "SquaredLogError"]


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
    # A mean curvature of 1 without asking rows, which a cluster would have to share.
    normalised, _share = False, 0.5

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.square(r)

    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return r + r, np.asarray(2.0, dtype=r.dtype)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(np.average(y_true, weights=sample_weight))


class Expectile(ResidualLoss):
    """Squared error weighted by side: fits an expectile, which is to the mean what a quantile is to the median.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and w = 1 - alpha if r > 0, alpha
    otherwise::

        loss       w r²
        gradient   2 w r
        curvature  2 w                exact

    At the expectile of level alpha, the mean distance of the targets above it is (1 - alpha)/alpha times that of
    those below it, over all rows.

    Parameters
    ----------
    alpha : float, default=0.5
        The level; above 0 and below 1. One half is the mean.

    References
    ----------
    Newey and Powell (1987). *Asymmetric least squares estimation and testing*. Econometrica 55, 819-847.

    Examples
    --------
    >>> loss = Expectile(alpha=0.8)
    >>> loss.pointwise([0.0, 0.0], [1.0, -1.0]).round(3).tolist()
    [0.2, 0.8]
    >>> round(loss.initial_raw([0.0, 1.0]), 6)
    0.8
    """

    curvature_kind = "exact"

    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha

    def check_params(self) -> None:
        check_number(self, "alpha", 0.0, 1.0)

    def _weight(self, r: np.ndarray) -> np.ndarray:
        return np.where(r > 0, r.dtype.type(1.0 - self.alpha), r.dtype.type(self.alpha))

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.asarray(self._weight(r) * np.square(r))

    def _derivatives_of_residual(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        curvature = 2 * self._weight(r)
        return curvature * r, curvature


class SquaredLogError(Loss):
    """Squared error of logarithms, (log(1 + prediction) - log(1 + y_true))²: for numbers that vary by factors.

    Domain: numbers above -1. Link: log(1 + prediction), so that the raw prediction is on the scale of the
    logarithms. With r = raw_prediction - log(1 + y_true)::

        loss       r²
        gradient   2 r
        curvature  2                  exact

    The engines get half of gradient and curvature. None of their objectives has this link: from a saved model they
    serve the raw prediction.

    References
    ----------
    Chen and Guestrin (2016). *XGBoost: a scalable tree boosting system*. KDD (its objective reg:squaredlogerror).

    Examples
    --------
    >>> loss = SquaredLogError()
    >>> raw = loss.initial_raw([0.0, 3.0])
    >>> float(loss.response([raw])[0].round(6))  # sqrt(1 · 4) - 1
    1.0
    """

    link = LOG1P
    domain = Domain("numbers above -1", low=float(np.nextafter(np.float32(-1), np.float32(0))))
    curvature_kind = "exact"
    _share = 0.5

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.square(raw_prediction - np.log1p(y_true))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r = raw_prediction - np.log1p(y_true)
        return r + r, np.asarray(2.0, dtype=r.dtype)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(np.average(np.log1p(y_true), weights=sample_weight))
