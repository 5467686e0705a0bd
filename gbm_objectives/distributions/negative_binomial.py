"""The negative binomial distribution: counts that vary more than Poisson's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special
from scipy.interpolate import RectBivariateSpline
from scipy.optimize import minimize_scalar

from ..contract.domain import COUNTS
from ..contract.links import LOG, Output
from .base import Distribution, columns

__all__ = ["NegativeBinomial"]

# With r = 9 million, the variance of a count with mean 100 is a hundred thousandth above Poisson's; beyond that,
# the differences of digamma functions are mere rounding.
LARGEST_LOG_SIZE = 16.0
# Outside these logarithms of m/r the information has reached its limits, up to a thousandth.
LOG_RATIOS = -8.0, 60.0


class NegativeBinomial(Distribution):
    """Negative binomial distribution of a count with a mean m and a size r for each row.

    Domain: integers not below 0. Outputs: "mean", m, and "size", r, both on the log link; the variance is
    m + m²/r, Poisson's for an infinite r. With the digamma function ψ::

        loss       log((y + r) B(r, y + 1)) + r log(1 + m/r) + y log(1 + r/m)
        gradient   r (m - y)/(r + m), r (ψ(r) - ψ(y + r) + log(1 + m/r) + (y - m)/(r + m))
        curvature  m r/(m + r), r² (E[ψ₁(r) - ψ₁(r + y)] - m/(r (r + m)))    expected; the second over `scale_step`

    Start: mean of the target, and the maximum-likelihood size.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that r takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Lawless (1987). *Negative binomial and mixed Poisson regression*. Canadian Journal of Statistics 15, 209-225,
    section 2.

    Examples
    --------
    >>> loss = NegativeBinomial()
    >>> loss.pointwise([0.0], [[0.0, 0.0]]).round(6)  # log 2, the geometric distribution's
    array([0.693147])
    >>> round(float(loss.initial_raw([0, 0, 1, 7])[0]), 6)  # log 2
    0.693147
    """

    domain = COUNTS
    outputs = (Output("mean", LOG), Output("size", LOG))
    _reach = (100.0, LARGEST_LOG_SIZE)  # float32 holds targets up to exp(88)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_mean, log_r = self._within_reach(raw_prediction).T
        r, log_ratio = np.exp(log_r), log_mean - log_r
        more = np.logaddexp(0.0, log_ratio)  # log(1 + m/r)
        # 0 at 0, up to a rounding that is large next to the whole loss where nearly all counts are 0.
        ways = np.where(y_true == 0.0, 0.0, np.log(y_true + r) + special.betaln(r, y_true + 1.0))
        return np.asarray(ways + r * more + y_true * np.logaddexp(0.0, -log_ratio))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_mean, log_r = self._within_reach(raw_prediction).T
        mean, r, log_ratio = np.exp(log_mean), np.exp(log_r), log_mean - log_r
        slope = (y_true - mean) / (r + mean)
        by_size = special.digamma(r) - special.digamma(y_true + r) + np.logaddexp(0.0, log_ratio) + slope
        return columns(-r * slope, r * by_size), columns(mean * r / (mean + r), _information(log_r, log_ratio))

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        counts, row = np.unique(y_true, return_inverse=True)
        weight = np.bincount(row, sample_weight)
        log_mean = float(LOG.forward(np.average(counts, weights=weight)))

        def value(log_r: float) -> float:
            raw = np.tile([log_mean, log_r], (len(counts), 1))
            return float(np.average(self._pointwise(counts, raw), weights=weight))

        bounds = -LARGEST_LOG_SIZE, LARGEST_LOG_SIZE
        log_r = minimize_scalar(value, bounds=bounds, method="bounded", options={"xatol": 1e-8}).x
        return np.array([log_mean, log_r])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        mean, r = parameters.T
        return stats.nbinom(r, r / (r + mean))


def _information(log_r: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
    """Return the Fisher information on log r."""
    share = special.expit(log_ratio)  # m/(m + r)
    return np.asarray(share * share * np.exp(_table().ev(log_r, np.clip(log_ratio, *LOG_RATIOS))))


@lru_cache(maxsize=1)
def _table() -> RectBivariateSpline:
    """Return the logarithm of the information on log r over (m/(m + r))², by the logarithms of r and m/r.

    It is smooth, and summing over all counts each time would take as long as the rest of training. With the mean
    of exp(-s y), (1 + (1 - exp(-s)) m/r)^-r, and with ψ₁(x) as the integral of s exp(-x s)/(1 - exp(-s)), the
    information is a single integral, here over the logarithm of r s.
    """
    log_r = np.linspace(-LARGEST_LOG_SIZE, LARGEST_LOG_SIZE, 65)
    log_ratio = np.linspace(*LOG_RATIOS, 137)
    step = 0.1
    rs = np.exp(np.arange(-40.0, 6.5, step))
    table = np.empty((len(log_r), len(log_ratio)))
    for row, r in enumerate(np.exp(log_r)):
        s = rs / r
        some = -np.expm1(-s)
        kernel = step * s * np.exp(-rs) * s / some
        # 1 - the mean of exp(-s y).
        rest = -np.expm1(-r * np.logaddexp(0.0, np.add.outer(log_ratio, np.log(some))))
        share = special.expit(log_ratio)
        table[row] = np.log((r * r * (rest @ kernel) - r * share) / share**2)
    return RectBivariateSpline(log_r, log_ratio, table)
