"""The gamma distribution with its mean and its shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract.domain import POSITIVE
from ..contract.links import LOG, Output
from ..contract.noise import fit_gamma
from .base import Distribution, columns
from .gamma_function import divergence, excess, excess_information, excess_slope

__all__ = ["Gamma"]

# Targets are float32: a distribution with a larger shape has a spread below their resolution.
LARGEST_LOG_SHAPE = 32.0


class Gamma(Distribution):
    """Gamma distribution of a positive target with a mean m and a shape k for each row.

    Domain: numbers above 0. Outputs: "mean", m, and "shape", k, both on the log link. The standard deviation is
    m/√k. With u = y_true/m, and the digamma function ψ and its derivative ψ₁::

        loss       log Γ(k) - k log k + k + log y_true + k (u - 1 - log u)
        gradient   k (1 - u), k (ψ(k) - log k + u - 1 - log u)
        curvature  k, k (k ψ₁(k) - 1)      expected; the second over `scale_step`

    Start: mean of the target, and the maximum-likelihood shape.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that k takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1994). *Continuous Univariate Distributions* 1, chapter 17.

    Examples
    --------
    >>> loss = Gamma()
    >>> loss.pointwise([1.0], [[0.0, 0.0]])  # the exponential distribution's
    array([1.])
    >>> loss.response([[0.0, np.log(4.0)]]).round(6).tolist()
    [[1.0, 4.0]]
    """

    domain = POSITIVE
    outputs = (Output("mean", LOG), Output("shape", LOG))
    _reach = (100.0, LARGEST_LOG_SHAPE)  # float32 holds targets from exp(-103) to exp(88)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_mean, log_k = self._within_reach(raw_prediction).T
        log_y = np.log(y_true)
        return np.asarray(excess(log_k) + log_y + np.exp(log_k) * divergence(log_y - log_mean))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_mean, log_k = self._within_reach(raw_prediction).T
        k = np.exp(log_k)
        log_u = np.log(y_true) - log_mean
        gradient = columns(-k * np.expm1(log_u), excess_slope(log_k) + k * divergence(log_u))
        return gradient, columns(k, excess_information(log_k))

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        mean = float(np.average(y_true, weights=sample_weight))
        # Twice the mean of u - 1 - log u, whose first two terms cancel.
        deviance = -2.0 * float(np.average(np.log(y_true / mean), weights=sample_weight))
        scale = fit_gamma(max(deviance, 2.0 * np.exp(-LARGEST_LOG_SHAPE)))
        return np.array([np.log(mean), min(np.log(2.0 / scale), LARGEST_LOG_SHAPE)])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        mean, k = parameters.T
        return stats.gamma(k, scale=mean / k)
