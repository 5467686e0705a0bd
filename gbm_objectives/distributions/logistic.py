"""The logistic distribution, and the distribution of a target whose logarithm is logistic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import POSITIVE
from ..contract.links import IDENTITY, LOG, Output
from .base import LARGEST_LOG, log_spread
from .location_scale import LocationScale
from .standard import LOGISTIC

__all__ = ["LogLogistic", "Logistic"]

# Targets are float32: a distribution with a larger shape has a spread below their resolution.
LARGEST_LOG_SHAPE = 16.0


class Logistic(LocationScale):
    """Logistic distribution of the target with a mean μ and a scale s for each row: heavier tails than normal.

    Domain: finite numbers. Outputs: "loc", μ on the identity link, and "scale", s on the log link. The standard
    deviation is π s/√3. With z = (y_true - μ)/s and t = tanh(z/2)::

        loss       log s + log(1 + exp(z)) + log(1 + exp(-z))
        gradient   -t/s, 1 - z t
        curvature  1/(3 s²), (3 + π²)/9       expected; the second over `scale_step`

    No row far out moves μ by more than a row at a few s. Start: maximum likelihood.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that s takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1995). *Continuous Univariate Distributions* 2, chapter 23.

    Examples
    --------
    >>> loss = Logistic()
    >>> loss.pointwise([0.0], [[0.0, 0.0]])  # log 4
    array([1.38629436])
    >>> loss.initial_raw([-1.0, 1.0]).round(4).tolist()  # z tanh(z/2) = 1 at z = 1.5434, and s = 1/z
    [0.0, -0.434]
    """

    standard = LOGISTIC
    outputs = (Output("loc", IDENTITY), Output("scale", LOG))
    _reach = (np.inf, LARGEST_LOG)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        used = y_true if sample_weight is None else y_true[sample_weight > 0]
        centre = float(np.average(y_true, weights=sample_weight))
        spread = log_spread(float(np.sqrt(np.average(np.square(y_true - centre), weights=sample_weight))), centre)
        if np.ptp(used) == 0:
            return np.array([centre, spread])
        location, log_s = np.asarray(super()._initial_raw(y_true, sample_weight))
        # Where more than half of the rows share one value, the likelihood may rise without bound as s falls.
        return np.array([location, log_spread(float(np.exp(max(log_s, -LARGEST_LOG))), location)])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.logistic(parameters[:, 0], parameters[:, 1])


class LogLogistic(LocationScale):
    """Log-logistic distribution of a positive target, such as a time, with a scale α and a shape β for each row.

    Its hazard rises and then falls, or only falls if β ≤ 1. Domain: numbers above 0. Outputs: "scale", α, which is
    the median, and "shape", β, both on the log link. With z = β log(y_true/α) and t = tanh(z/2)::

        loss       log y_true - log β + log(1 + exp(z)) + log(1 + exp(-z))
        gradient   -β t, z t - 1
        curvature  β²/3, (3 + π²)/9           expected; the second over `scale_step`

    `predict` is the median: there is a mean only for β > 1, and it is infinite as β falls to 1. Start: maximum
    likelihood.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that β takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Kalbfleisch and Prentice (2002). *The Statistical Analysis of Failure Time Data*, section 2.2.6.

    Examples
    --------
    >>> loss = LogLogistic()
    >>> loss.pointwise([1.0], [[0.0, 0.0]])  # log 4
    array([1.38629436])
    >>> loss.predicted([[np.log(3.0), 0.0]]).round(6)
    array([3.])
    """

    domain = POSITIVE
    standard, of_logarithm, _towards_scale = LOGISTIC, True, -1.0
    outputs = (Output("scale", LOG), Output("shape", LOG))
    _has_mean = False
    _reach = (100.0, LARGEST_LOG_SHAPE)  # float32 holds targets from exp(-103) to exp(88)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        location, log_scale = Logistic()._initial_raw(np.log(y_true), sample_weight)
        return np.array([location, min(-log_scale, LARGEST_LOG_SHAPE)])

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the median of each row's distribution, (n_samples,)."""
        return self.response(raw_prediction)[:, 0]

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.fisk(parameters[:, 1], scale=parameters[:, 0])
