"""The beta distribution of a share with its mean and its precision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import brentq, minimize_scalar

from ..contract.domain import SMALLEST, Domain
from ..contract.links import LOG, LOGIT, Output
from .base import Distribution, columns
from .gamma_function import divergence, excess, excess_information, excess_slope
from .quadrature import LARGEST_SHARE

__all__ = ["Beta"]

# Targets are float32: a distribution with a larger precision has a spread below their resolution.
LARGEST_LOG_PRECISION = 32.0
# From this precision on, the start is that of the moments: the two agree to its inverse, and the mean logarithms
# that maximum likelihood needs cancel.
NEARLY_CONSTANT = 1e8


class Beta(Distribution):
    """Beta distribution of a share between 0 and 1 with a mean m and a precision φ for each row.

    Domain: numbers above 0 and below 1; for targets that may also be 0 or 1 take ``Hurdle(Beta(), at=(0, 1))``.
    Outputs: "mean", m on the logit link, and "precision", φ on the log link; the variance is m (1 - m)/(1 + φ).
    With a = m φ, b = (1 - m) φ, the digamma function ψ and its derivative ψ₁::

        loss       log B(a, b) - (a - 1) log y_true - (b - 1) log(1 - y_true)
        gradient   φ m (1 - m) (ψ(a) - ψ(b) - logit y_true),
                   φ (m (ψ(a) - log y_true) + (1 - m)(ψ(b) - log(1 - y_true)) - ψ(φ))
        curvature  (φ m (1 - m))² (ψ₁(a) + ψ₁(b)), a² ψ₁(a) + b² ψ₁(b) - φ² ψ₁(φ)
                   expected; the second over `scale_step`

    Start: maximum likelihood.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that φ takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Ferrari and Cribari-Neto (2004). *Beta regression for modelling rates and proportions*. Journal of Applied
    Statistics 31, 799-815.

    Examples
    --------
    >>> loss = Beta()
    >>> loss.pointwise([0.2, 0.5], [[0.0, np.log(2.0)]] * 2).round(6) + 0.0  # the uniform distribution's
    array([0., 0.])
    >>> loss.response([[0.0, np.log(4.0)]]).round(6).tolist()
    [[0.5, 4.0]]
    """

    domain = Domain("numbers above 0 and below 1, also as float32", SMALLEST, LARGEST_SHARE)
    outputs = (Output("mean", LOGIT), Output("precision", LOG))
    _reach = (100.0, LARGEST_LOG_PRECISION)  # float32 holds shares from exp(-103) on

    def _logarithms(self, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the logit of m, and the logarithms of m, 1 - m and φ."""
        logit, log_precision = self._within_reach(raw_prediction).T
        return logit, special.log_expit(logit), special.log_expit(-logit), log_precision

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        _, log_m, log_rest, log_phi = self._logarithms(raw_prediction)
        log_y, log_other = np.log(y_true), np.log1p(-y_true)
        of_functions = excess(log_m + log_phi) + excess(log_rest + log_phi) - excess(log_phi)
        return np.asarray(
            of_functions + log_y + log_other + np.exp(log_phi) * _divergence(log_m, log_rest, log_y, log_other)
        )

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logit, log_m, log_rest, log_phi = self._logarithms(raw_prediction)
        log_y, log_other = np.log(y_true), np.log1p(-y_true)
        m, rest, phi, log_a, log_b = (
            np.exp(log_m),
            np.exp(log_rest),
            np.exp(log_phi),
            log_m + log_phi,
            log_rest + log_phi,
        )
        # Each ψ(x) and ψ₁(x) times x is its leading term, which cancels, and a rest of the order of 1.
        of_a, of_b = excess_slope(log_a), excess_slope(log_b)
        gradient = columns(
            rest * of_a - m * of_b + phi * m * rest * (logit - (log_y - log_other)),
            of_a + of_b - excess_slope(log_phi) + phi * _divergence(log_m, log_rest, log_y, log_other),
        )
        more_a, more_b = excess_information(log_a), excess_information(log_b)
        return gradient, columns(
            rest * rest * more_a + m * m * more_b + phi * m * rest, more_a + more_b - excess_information(log_phi)
        )

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        mean = float(np.average(y_true, weights=sample_weight))
        variance = float(np.average(np.square(y_true - mean), weights=sample_weight))
        of_mean = float(special.logit(np.clip(mean, SMALLEST, LARGEST_SHARE)))
        if variance <= mean * (1.0 - mean) / NEARLY_CONSTANT:
            least = mean * (1.0 - mean) * np.exp(-LARGEST_LOG_PRECISION)
            return np.array([of_mean, np.log(mean * (1.0 - mean) / max(variance, least))])
        log_y = float(np.average(np.log(y_true), weights=sample_weight))
        log_other = float(np.average(np.log1p(-y_true), weights=sample_weight))

        def best_logit(log_phi: float) -> float:
            def slope(logit: float) -> float:
                log_a, log_b = special.log_expit(logit) + log_phi, special.log_expit(-logit) + log_phi
                return float(special.digamma(np.exp(log_a)) - special.digamma(np.exp(log_b)) - log_y + log_other)

            return (
                float(brentq(slope, -100.0, 100.0, xtol=1e-13)) if slope(-100.0) < 0.0 < slope(100.0) else of_mean
            )

        def value(log_phi: float) -> float:
            logit = best_logit(log_phi)
            log_a, log_b = special.log_expit(logit) + log_phi, special.log_expit(-logit) + log_phi
            a, b = np.exp(log_a), np.exp(log_b)
            return float(special.betaln(a, b) - (a - 1.0) * log_y - (b - 1.0) * log_other)

        bounds = -LARGEST_LOG_PRECISION, LARGEST_LOG_PRECISION
        log_phi = float(minimize_scalar(value, bounds=bounds, method="bounded", options={"xatol": 1e-9}).x)
        return np.array([best_logit(log_phi), log_phi])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        mean, phi = parameters.T
        # A mean that is 1 in float64 has no distribution below 1.
        return stats.beta(mean * phi, np.maximum(1.0 - mean, np.finfo(np.float64).eps) * phi)

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the mean of each row's distribution, (n_samples,)."""
        return self.response(raw_prediction)[:, 0]


def _divergence(log_m: np.ndarray, log_rest: np.ndarray, log_y: np.ndarray, log_other: np.ndarray) -> np.ndarray:
    """Return Kullback and Leibler's divergence from m to the target, m log(m/y) + (1 - m) log((1 - m)/(1 - y))."""
    of_m, of_rest = divergence(log_y - log_m), divergence(log_other - log_rest)
    return np.asarray(np.exp(log_m) * of_m + np.exp(log_rest) * of_rest)
