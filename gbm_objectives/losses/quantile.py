"""Losses of the residual with a kink: absolute error and its relatives, the quantile (pinball) loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract.domain import Domain
from ..contract.noise import LAPLACE, Noise, asymmetric_laplace
from ..curvature import consistent_pair
from ..validation import check_number
from .residual import KinkedLoss, residual, weighted_quantile, widths_of
from .widths import Widths

__all__ = ["AbsoluteError", "AbsolutePercentageError", "EpsilonInsensitive", "Quantile"]


class AbsoluteError(KinkedLoss):
    """Absolute error, ``|raw_prediction - y_true|``: fits the median.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true::

        loss       |r|
        gradient   sign(r), 0 at the kink
        curvature  1/min(max(|r|, s), 2 s)    consistent

    The second derivative is 0, and with sign(r) as gradient no curvature suits both far and near rows. So the
    engines get the pair of a smoothed loss: this curvature, and ``r/max(|r|, s)`` as gradient. The width s is the
    mean of ``min(|r|, s)`` on the row's side of its target, over rows with similar predictions, divided by a share
    that depends on the learning rate, so that both sides balance at the median; see `gbm_objectives.curvature`.
    Training is tested at learning rates up to 1. Maximum likelihood under Laplace noise.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The first two are the pair above; "constant" gives the engines the true gradient and a curvature of 1, so
        that the fit depends on the unit of the target.

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

    noise = LAPLACE

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.abs(r)

    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.sign(r)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return weighted_quantile(y_true, 0.5, sample_weight)


# The curvature of the side that pulls less is at least this share of the other's. In proportion to the gradient
# (0), every row would step to its own target, and the many rows on the weaker side would carry the fit of an
# extreme quantile along: fewer held-out targets lie under it than should, and on XGBoost its loss is 5% higher. If
# as high as the other side's (1), the fit creeps, and is behind when the rounds run out. Between a fifth and two
# thirds it makes little difference.
WEAKER_SIDE = 1.0 / 3.0


def two_sided_pair(
    r: np.ndarray,
    s: np.ndarray,
    broad: np.ndarray | None,
    above: float,
    below: float,
    weaker: float = WEAKER_SIDE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the consistent pair of a kink with the slopes `above` where r > 0 and -`below` elsewhere.

    The curvature of the side that pulls less is at least the share `weaker` of the other's.
    """
    gradient, curvature = consistent_pair(r, s, broad)
    slope = _by_side(r, above, below)
    gradient *= slope
    curvature *= np.maximum(slope, r.dtype.type(weaker * max(above, below)), out=slope)
    return gradient, curvature


def _by_side(r: np.ndarray, above: float, below: float) -> np.ndarray:
    """Return `above` where r > 0, `below` elsewhere; np.where takes ten times as long."""
    # Start from the smaller one: a small number computed as a difference of large ones would lose its digits.
    other = (r > 0 if abs(above) > abs(below) else ~(r > 0)).view(np.int8)
    small, large = sorted((above, below), key=abs)
    values = np.multiply(other, r.dtype.type(large - small), dtype=r.dtype)
    values += r.dtype.type(small)
    return values


class Quantile(KinkedLoss):
    """Quantile (pinball) loss: fits the value below which a share `alpha` of the targets lies.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and w = 1 - alpha if r > 0, alpha
    otherwise::

        loss       w |r|
        gradient   1 - alpha, -alpha, and 1/2 - alpha at the kink
        curvature  v/min(max(|r|, s), 4 s)    consistent

    with v = max(w, max(alpha, 1 - alpha)/3). With v = w, the rows of smaller weight would take steps as long as
    the others', and extreme quantiles would over-fit. The second derivative is 0, so the engines get the pair of a
    smoothed loss: this curvature, and ``w r/max(|r|, s)`` as gradient. The width s is the mean of ``min(|r|, s)``
    on the row's side of its target, over rows with similar predictions, divided by a share that depends on the
    learning rate, so that both sides balance at the quantile; see `gbm_objectives.curvature`. Training is tested
    at learning rates up to 1. Maximum likelihood under asymmetric Laplace noise.

    Parameters
    ----------
    alpha : float, default=0.5
        The quantile's level; above 0 and below 1.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        "auto" is the curvature above; "majorizer", slower, has the larger w as v on both sides; "constant" gives
        the engines the true gradient and a curvature of 1, so that the fit depends on the unit of the target.

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

    def __init__(self, alpha: float = 0.5, hessian: str = "auto") -> None:
        super().__init__(hessian)
        self.alpha = alpha

    def check_params(self) -> None:
        super().check_params()
        check_number(self, "alpha", 0.0, 1.0)

    @property
    def noise(self) -> Noise:
        return asymmetric_laplace(self.alpha)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.maximum((1.0 - self.alpha) * r, -self.alpha * r)

    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        gradient = _by_side(r, 1.0 - self.alpha, -self.alpha)
        gradient[r == 0] = 0.5 - self.alpha
        return gradient

    def _pair_of_residual(
        self, r: np.ndarray, s: np.ndarray, broad: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        weaker = 1.0 if self.hessian == "majorizer" else WEAKER_SIDE
        return two_sided_pair(r, s, broad, 1.0 - self.alpha, self.alpha, weaker)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return weighted_quantile(y_true, self.alpha, sample_weight)


class AbsolutePercentageError(KinkedLoss):
    """Absolute error over the size of the target, ``|raw_prediction - y_true|/|y_true|``: fits a weighted median.

    Domain: numbers other than 0. Link: identity. With r = raw_prediction - y_true::

        loss       |r|/|y_true|
        gradient   sign(r)/|y_true|, 0 at the kink
        curvature  1/(|y_true| min(max(|r|, s), 2 s))    consistent

    It is absolute error with ``1/|y_true|`` as weights, and the pair is that of `AbsoluteError`. Small targets
    dominate the fit, which lies below the median.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        As of `AbsoluteError`.

    References
    ----------
    de Myttenaere, Golden, Le Grand and Rossi (2016). *Mean absolute percentage error for regression models*.
    Neurocomputing 192, 38-48.

    Examples
    --------
    >>> loss = AbsolutePercentageError()
    >>> loss.value([1.0, 10.0], [2.0, 8.0])
    0.6
    >>> loss.initial_raw([1.0, 2.0, 100.0])
    1.0
    """

    domain = Domain("numbers other than 0", holds=lambda y: y != 0)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.abs(r)

    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.sign(r)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.abs((raw_prediction - y_true) / y_true)

    def _gradient(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.sign(raw_prediction - y_true) / np.abs(y_true)

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Widths:
        shares = 1.0 / np.abs(y_true, dtype=np.float64)
        return super()._summary(y_true, raw_prediction, shares if weight is None else shares * weight)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient, curvature = super()._block(y_true, raw_prediction, dtype)
        share = (1.0 / np.abs(y_true)).astype(dtype, copy=False)
        gradient *= share
        curvature *= share
        return gradient, curvature

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        shares = 1.0 / np.abs(y_true)
        return weighted_quantile(y_true, 0.5, shares if sample_weight is None else shares * sample_weight)


class EpsilonInsensitive(KinkedLoss):
    """Absolute error beyond a tube in which the loss is 0: the loss of support vector regression.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and
    ``e = sign(r) max(0, |r| - epsilon)``::

        loss       |e|
        gradient   sign(e), half of it at the edge of the tube
        curvature  1/min(max(|e|, s), 2 s)    consistent

    The pair is that of `AbsoluteError` with e in place of r: a leaf of one row steps to the edge of the tube.

    Parameters
    ----------
    epsilon : float, default=0.1
        Half of the width of the tube, in the unit of the target; at least 0.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        As of `AbsoluteError`.

    References
    ----------
    Vapnik (1995). *The Nature of Statistical Learning Theory*, section 6.1.

    Examples
    --------
    >>> EpsilonInsensitive(epsilon=0.5).pointwise([0.0, 0.0], [0.25, -2.0]).tolist()
    [0.0, 1.5]
    """

    def __init__(self, epsilon: float = 0.1, hessian: str = "auto") -> None:
        super().__init__(hessian)
        self.epsilon = epsilon

    def check_params(self) -> None:
        super().check_params()
        check_number(self, "epsilon", 0.0, 1e38, closed="left")

    def _beyond(self, r: np.ndarray) -> np.ndarray:
        """Return e, the part of the residual beyond the tube."""
        epsilon = r.dtype.type(max(self.epsilon, 0.0))
        return r - np.clip(r, -epsilon, epsilon)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.abs(self._beyond(r))

    def _gradient_of_residual(self, r: np.ndarray) -> np.ndarray:
        at_the_edge = np.abs(r) == self.epsilon
        return np.sign(self._beyond(r)) + 0.5 * np.sign(r) * at_the_edge

    def _summary(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Widths:
        if self.curvature_kind == "constant":
            return Widths()
        return widths_of(y_true, raw_prediction, weight, self._pace, self._beyond)

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        beyond = self._beyond(residual(y_true, raw_prediction, dtype))
        return self._pair_of_residual(beyond, *self.summary.of_rows(beyond, raw_prediction, y_true))
