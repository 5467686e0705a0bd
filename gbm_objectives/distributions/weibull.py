"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from ..contract.domain import POSITIVE
from ..contract.links import LOG, Output
from .location_scale import LocationScale
from .standard import SMALLEST_EXTREME

__all__ = ["Weibull"]

# Targets are float32: a distribution with a larger shape has a spread below their resolution.
LARGEST_LOG_SHAPE = 16.0


class Weibull(LocationScale):
    """Weibull distribution of a positive target, such as a lifetime, with a scale λ and a shape k for each row.

    Domain: numbers above 0. Outputs: "scale", λ, and "shape", k, both on the log link. A share of 1 - 1/e lies
    below λ. With u = k log(y_true/λ) and Euler's constant γ::

        loss       log y_true - log k - u + exp(u)
        gradient   k (1 - exp(u)), u (exp(u) - 1) - 1
        curvature  k², π²/6 + (1 - γ)²     expected; the second over `scale_step`

    The mean is λ Γ(1 + 1/k). Start: maximum likelihood.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that k takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1994). *Continuous Univariate Distributions* 1, chapter 21.

    Examples
    --------
    >>> loss = Weibull()
    >>> loss.pointwise([1.0], [[0.0, 0.0]])  # the exponential distribution's
    array([1.])
    >>> loss.predicted([[0.0, np.log(0.5)]]).round(6)  # gamma(3)
    array([2.])
    """

    domain = POSITIVE
    standard, of_logarithm, _towards_scale = SMALLEST_EXTREME, True, -1.0
    outputs = (Output("scale", LOG), Output("shape", LOG))
    _reach = (100.0, LARGEST_LOG_SHAPE)  # float32 holds targets from exp(-103) to exp(88)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        log_y = np.log(y_true if sample_weight is None else y_true[sample_weight > 0])
        weight = None if sample_weight is None else sample_weight[sample_weight > 0]
        top, mean = log_y.max(), np.average(log_y, weights=weight)

        def slope(log_k: float) -> float:
            # The mean of log y weighted by y^k, minus 1/k, minus the plain mean: it rises with k.
            share = np.exp(np.exp(log_k) * (log_y - top))
            return float(
                np.average(log_y, weights=share if weight is None else share * weight) - mean - np.exp(-log_k)
            )

        ends = -LARGEST_LOG_SHAPE, LARGEST_LOG_SHAPE
        log_k = float(brentq(slope, *ends, xtol=1e-12)) if slope(ends[0]) < 0.0 < slope(ends[1]) else ends[1]
        k = np.exp(log_k)
        return np.array([top + np.log(np.average(np.exp(k * (log_y - top)), weights=weight)) / k, log_k])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.weibull_min(parameters[:, 1], scale=parameters[:, 0])
