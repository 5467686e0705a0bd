"""Losses of the residual with a kink at 0: absolute error and the quantile (pinball) loss."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..curvature import Scale, residual_scale, sample_rows
from ..likelihood import LAPLACE, Noise, asymmetric_laplace
from .base import CurvatureKind
from .regression import ResidualLoss
from .validation import check_number

__all__ = ["AbsoluteError", "Quantile"]


def _scale_of(y_true: np.ndarray, raw: np.ndarray, weight: np.ndarray | None, factor: float) -> Scale:
    rows = sample_rows(len(y_true), weight)
    raw = raw[rows]
    return residual_scale(raw - y_true[rows], None if weight is None else weight[rows], raw).times(factor)


def weighted_quantile(y: np.ndarray, alpha: float, weight: np.ndarray | None) -> float:
    """Return the smallest value of `y` at or below which a share `alpha` of the weight lies.

    Where rounding puts a share just below alpha, the next value; both minimise the loss up to rounding.
    """
    if weight is not None:
        y, weight = y[weight > 0], weight[weight > 0]
    return float(np.quantile(y, alpha, weights=weight, method="inverted_cdf"))


class AbsoluteError(ResidualLoss):
    """Absolute error, |raw_prediction - y_true|: fits the median.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and the residual scale
    R = (mean √|r|)² of the rows at hand, by groups of rows, s = 2 R::

        loss       |r|
        gradient   sign(r), 0 at the kink
        curvature  1/(|r| + s)        relaxed, slack 2 s

    The second derivative is 0; see `gbm_objectives.curvature` for the one used. Maximum likelihood under
    Laplace noise.

    Parameters
    ----------
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the relaxed majoriser above, or 1.

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
    _curvatures: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "relaxed",
        "majorizer": "relaxed",
        "constant": "constant",
    }
    _unit_mean_curvature = True

    def __init__(self, hessian: str = "auto") -> None:
        self.hessian = hessian

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.abs(r)

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Scale:
        return _scale_of(y_true, raw_prediction, weight, 2.0)

    def _derivatives_of_residual(
        self, r: np.ndarray, s: np.ndarray, constant: float
    ) -> tuple[np.ndarray, np.ndarray]:
        c = r.dtype.type(constant)
        return c * np.sign(r), c / (np.abs(r) + s)

    def _slack(self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale) -> np.ndarray:
        # The parabola misses most for a step across the kink to the mirrored far side, d = -2 (|r| + s).
        return np.broadcast_to(2.0 * scale.of_rows(raw_prediction, np.float64), raw_prediction.shape)

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        return weighted_quantile(y, 0.5, weight)


class Quantile(ResidualLoss):
    """Quantile (pinball) loss: fits the value below which a share `alpha` of the targets lies.

    Domain: finite numbers. Link: identity. With r = raw_prediction - y_true and the residual scale
    R = (mean √|r|)² of the rows at hand, by groups of rows, and s = 2 R (4 alpha (1 - alpha))^1.5::

        loss       (1 - alpha) r            if r > 0
                   -alpha r                 otherwise
        gradient   1 - alpha, -alpha, and 1/2 - alpha at the kink
        curvature  a/(2 (|r| + s))    relaxed, slack max(0, (|r| + s)/a - |r|)
                   1/(2 (|r| + s))    relaxed, slack s: hessian="majorizer"

    with a = 1/sqrt(2 alpha) if r > 0, 1/sqrt(2 (1 - alpha)) if r < 0, at the kink their mean. The loss is half of
    |r| + (1 - 2 alpha) r, hence the second curvature is half of the absolute error's. For an extreme quantile it
    creeps: the many rows on the flat side pull little, each against a full curvature. A curvature in
    proportion to the gradient would let every row step to its own target, which over-fits: fewer held-out
    targets lie under the fit than should. The square root, sqrt(|g|/(2 alpha (1 - alpha))) with g the gradient,
    lies between; it was chosen on held-out loss and coverage as `benchmarks/accuracy.py` measures them. Maximum
    likelihood under asymmetric Laplace noise.

    Parameters
    ----------
    alpha : float, default=0.5
        The quantile's level; above 0 and below 1.
    hessian : {"auto", "majorizer", "constant"}, default="auto"
        The curvature: the first or the second above, or 1.

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

    _curvatures: ClassVar[dict[str, CurvatureKind]] = {
        "auto": "relaxed",
        "majorizer": "relaxed",
        "constant": "constant",
    }
    _unit_mean_curvature = True

    def __init__(self, alpha: float = 0.5, hessian: str = "auto") -> None:
        self.alpha = alpha
        self.hessian = hessian

    def check_params(self) -> None:
        self._check_hessian()
        check_number(self, "alpha", 0.0, 1.0)

    @property
    def noise(self) -> Noise:  # type: ignore[override]  # here it depends on a hyper-parameter
        return asymmetric_laplace(self.alpha)

    def _of_residual(self, r: np.ndarray) -> np.ndarray:
        return np.maximum((1.0 - self.alpha) * r, -self.alpha * r)

    def _scale(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> Scale:
        # An extreme quantile lies where targets are few and R is large: the noise there is smaller than R.
        factor = 2.0 * (4.0 * self.alpha * (1.0 - self.alpha)) ** 1.5
        return _scale_of(y_true, raw_prediction, weight, factor)

    def _derivatives_of_residual(
        self, r: np.ndarray, s: np.ndarray, constant: float
    ) -> tuple[np.ndarray, np.ndarray]:
        dtype = r.dtype.type
        sign = np.sign(r)
        above, below = self._heights()
        # The mean of both sides plus or minus half their difference: np.where takes ten times as long.
        height = dtype(0.5 * (above - below) * constant) * sign
        height += dtype(0.5 * (above + below) * constant)
        height /= np.abs(r) + s
        sign *= dtype(0.5 * constant)
        sign += dtype((0.5 - self.alpha) * constant)
        return sign, height

    def _heights(self) -> tuple[float, float]:
        """Return h·(|r| + s) above and below the target; at the target it is their mean."""
        if self.hessian == "majorizer":
            return 0.5, 0.5
        return 0.5 / math.sqrt(2.0 * self.alpha), 0.5 / math.sqrt(2.0 * (1.0 - self.alpha))

    def _slack(self, y_true: np.ndarray, raw_prediction: np.ndarray, scale: Scale) -> np.ndarray:
        # The parabola misses most for a step across the kink by (|r| + s)/height.
        r = raw_prediction - y_true
        s = scale.of_rows(raw_prediction, np.float64)
        above, below = self._heights()
        height = 0.5 * (above + below) + 0.5 * (above - below) * np.sign(r)
        return np.maximum((np.abs(r) + s) / (2.0 * height) - np.abs(r), 0.0)

    def initial_raw(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        y, weight = self._checked_target(y_true, sample_weight)
        return weighted_quantile(y, self.alpha, weight)
