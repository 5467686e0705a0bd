"""Deviances of counts and of positive numbers, on the log link: Poisson, gamma, Tweedie."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..contract.domain import NON_NEGATIVE, POSITIVE, Domain
from ..contract.links import LOG
from ..contract.loss import CurvatureKind, Loss
from ..contract.noise import GAMMA, POISSON, Noise
from ..validation import check_number

__all__ = ["GammaDeviance", "PoissonDeviance", "TweedieDeviance"]

# How far to look ahead along a step in the logarithm of the mean, as LightGBM's `poisson_max_delta_step` and
# XGBoost's `count:poisson` do.
AHEAD = 0.7


class Deviance(Loss):
    """A deviance on the log link, minimised by the mean target; the engines get half of its derivatives."""

    link = LOG
    _share = 0.5

    @property
    def domain(self) -> Domain:
        return NON_NEGATIVE

    @property
    def curvature_kind(self) -> CurvatureKind:
        """What the curvature promises; see `Loss`."""
        return "exact"

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(self.link.forward(np.average(y_true, weights=sample_weight)))


class PoissonDeviance(Deviance):
    """Deviance of a Poisson variable: counts, or rates with the exposure as weight or offset.

    Domain: numbers not below 0. Link: log. With the mean m = exp(raw_prediction)::

        loss       2 (y log(y/m) - y + m)
        gradient   2 (m - y)
        curvature  2 m exp(0.7)       the second derivative at the end of a step of 0.7

    The engines get half of both, as from their own objectives. The second derivative at the current place, 2 m, is
    too small for a step upwards, along which it grows: the step overshoots (held-out deviance with XGBoost up to
    1.08 times that of its own objective). Both engines' own objectives look equally far ahead. On both engines the
    step is also limited to 0.7, as in XGBoost's own objective, unless the parameters say otherwise
    (`max_delta_step`): without that, a leaf of one large count oversteps it a hundredfold.

    References
    ----------
    McCullagh and Nelder (1989). *Generalized Linear Models*, chapter 6.

    Examples
    --------
    >>> loss = PoissonDeviance()
    >>> loss.pointwise([0.0, 1.0], [0.0, 0.0]).tolist()
    [2.0, 0.0]
    >>> round(loss.initial_raw([0.0, 1.0, 5.0]), 6)  # log 2
    0.693147
    """

    curvature_kind = "surrogate"
    noise = POISSON

    @property
    def _largest_step(self) -> float:
        return AHEAD

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        return np.asarray(
            2.0 * (special.xlogy(y_true, y_true) - y_true * (raw_prediction + 1.0) + np.exp(raw_prediction))
        )

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        twice = 2 * np.exp(raw_prediction)
        return twice - 2 * y_true, twice * raw_prediction.dtype.type(np.exp(AHEAD))


class GammaDeviance(Deviance):
    """Deviance of a gamma variable: positive numbers whose spread grows with their mean, such as claims.

    Domain: numbers above 0. Link: log. With the mean m = exp(raw_prediction)::

        loss       2 (y/m - log(y/m) - 1)
        gradient   2 (1 - y/m)
        curvature  2 y/m              exact

    The engines get half of both, as from their own objectives.

    References
    ----------
    McCullagh and Nelder (1989). *Generalized Linear Models*, chapter 8.

    Examples
    --------
    >>> GammaDeviance().pointwise([1.0, 2.0], [0.0, 0.0]).round(4).tolist()
    [0.0, 0.6137]
    """

    domain = POSITIVE
    noise = GAMMA

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_ratio = np.log(y_true) - raw_prediction
        # exp(x) - 1 - x, in which the first two terms would cancel near 0.
        return np.asarray(2.0 * (np.expm1(log_ratio) - log_ratio))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        curvature = 2 * y_true * np.exp(-raw_prediction)
        return 2 - curvature, curvature


class TweedieDeviance(Deviance):
    """Deviance of a Tweedie variable, between Poisson (power 1) and gamma (power 2): sums of claims, mostly 0.

    Domain: numbers not below 0; above 0 for power 2. Link: log. With the mean m = exp(raw_prediction) and
    p = power::

        loss       2 (y^(2-p)/((1-p)(2-p)) - y m^(1-p)/(1-p) + m^(2-p)/(2-p))
        gradient   2 (m^(2-p) - y m^(1-p))
        curvature  2 ((2-p) m^(2-p) + (p-1) y m^(1-p))    exact; for power 1 that of `PoissonDeviance`

    The engines get half of both, as from their own objectives.

    Parameters
    ----------
    power : float, default=1.5
        Power of the mean to which the variance is proportional, 1 to 2.

    References
    ----------
    Jorgensen (1987). *Exponential dispersion models*. Journal of the Royal Statistical Society B 49, 127-162.

    Examples
    --------
    >>> TweedieDeviance().pointwise([0.0, 1.0], [0.0, 0.0]).tolist()
    [4.0, 0.0]
    >>> TweedieDeviance(power=1.0).pointwise([3.0], [0.5]) == PoissonDeviance().pointwise([3.0], [0.5])
    array([ True])
    """

    def __init__(self, power: float = 1.5) -> None:
        self.power = power

    def check_params(self) -> None:
        check_number(self, "power", 1.0, 2.0, closed="both")

    @property
    def domain(self) -> Domain:
        return POSITIVE if self.power == 2.0 else NON_NEGATIVE

    @property
    def curvature_kind(self) -> CurvatureKind:
        """What the curvature promises; see `Loss`."""
        return "surrogate" if self.power == 1.0 else "exact"

    @property
    def _largest_step(self) -> float | None:
        return AHEAD if self.power == 1.0 else None

    @property
    def noise(self) -> Noise | None:
        return {1.0: POISSON, 2.0: GAMMA}.get(float(self.power))

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        p = self.power
        if p in (1.0, 2.0):
            return (PoissonDeviance() if p == 1.0 else GammaDeviance())._pointwise(y_true, raw_prediction)
        of_target = np.power(y_true, 2.0 - p) / ((1.0 - p) * (2.0 - p))
        mean, ratio = self._mean_and_ratio(y_true, raw_prediction)
        return np.asarray(2.0 * (of_target - ratio / (1.0 - p) + mean / (2.0 - p)))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = self.power
        if p == 1.0:
            return PoissonDeviance()._derivatives(y_true, raw_prediction)
        mean, ratio = self._mean_and_ratio(y_true, raw_prediction)
        return 2 * (mean - ratio), 2 * ((2.0 - p) * mean + (p - 1.0) * ratio)

    def _mean_and_ratio(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return m^(2-p) and y m^(1-p); 0 for a target of 0 even where the power overflows."""
        with np.errstate(divide="ignore"):
            log_y = np.log(y_true)
        return np.exp((2.0 - self.power) * raw_prediction), np.exp((1.0 - self.power) * raw_prediction + log_y)
