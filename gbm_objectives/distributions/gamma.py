"""The gamma distribution with its mean and its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..contract.domain import POSITIVE
from ..contract.links import LOG, Output
from ..contract.noise import fit_gamma
from .base import Distribution, columns

__all__ = ["Gamma"]

# Targets are float32: a distribution with a larger shape has a spread below their resolution.
LARGEST_LOG_SHAPE = 32.0
# From this shape on, differences of logarithms of gamma functions are mere rounding, and two terms of Stirling's
# series are accurate to all digits.
STIRLING = 1e4


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
        k = np.exp(log_k)
        # log Γ(k) - k log k + k.
        excess = np.where(
            k < STIRLING,
            special.gammaln(k) - k * log_k + k,
            0.5 * (np.log(2.0 * np.pi) - log_k) + 1.0 / (12.0 * k),
        )
        log_y = np.log(y_true)
        return np.asarray(excess + log_y + k * _divergence(log_y - log_mean))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_mean, log_k = self._within_reach(raw_prediction).T
        k = np.exp(log_k)
        log_u = np.log(y_true) - log_mean
        # k (ψ(k) - log k) and k (k ψ₁(k) - 1): -1/2 and 1/2 for large k, -1 and 1 for small k.
        slope = np.where(k < STIRLING, k * (special.digamma(k) - log_k), -0.5 - 1.0 / (12.0 * k))
        information = np.where(k < STIRLING, k * (k * special.polygamma(1, k) - 1.0), 0.5 + 1.0 / (6.0 * k))
        return columns(-k * np.expm1(log_u), slope + k * _divergence(log_u)), columns(k, information)

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


def _divergence(log_u: np.ndarray) -> np.ndarray:
    """Return u - 1 - log u from log u, which reduces the cancellation of its terms near u = 1."""
    return np.asarray(np.expm1(log_u) - log_u)
