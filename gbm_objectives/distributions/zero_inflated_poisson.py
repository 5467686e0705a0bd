"""Poisson's distribution with more zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special
from scipy.optimize import brentq

from ..contract.domain import COUNTS
from ..contract.links import LOG, LOGIT, Output
from .base import LARGEST_LOGIT, Distribution, columns

__all__ = ["ZeroInflatedPoisson"]

# If no rows are inflated, the maximum-likelihood π is 0, whose logit is infinite; without any counts the same
# holds for log λ. With this share instead, the likelihood differs in its seventh digit.
LITTLE = 1e-7


class ZeroInflatedPoisson(Distribution):
    """Distribution of a count that is 0 with probability π, otherwise Poisson's with rate λ, both for each row.

    Domain: integers not below 0. Outputs: "rate", λ on the log link, and "inflation", π on the logit link. With
    the probability of a zero P₀ = π + (1 - π) exp(-λ), q = π/P₀, and τ = q where y_true is 0 and 0 elsewhere::

        loss       -log P₀ where y_true is 0, λ - y_true log λ + log(y_true!) - log(1 - π) elsewhere
        gradient   (1 - τ)(λ - y_true), π - τ
        curvature  (1 - π) λ - λ² P₀ q (1 - q), P₀ q² - π²    expected; the second over `scale_step`

    The mean is (1 - π) λ. Start: maximum likelihood; with π = 1e-7 for targets that have fewer zeros than
    Poisson's.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that π takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Lambert (1992). *Zero-inflated Poisson regression, with an application to defects in manufacturing*.
    Technometrics 34, 1-14, section 3.

    Examples
    --------
    >>> loss = ZeroInflatedPoisson()
    >>> loss.response(loss.initial_raw([0, 0, 0, 0, 2, 3])[None]).round(3).tolist()
    [[2.232, 0.627]]
    """

    domain = COUNTS
    outputs = (Output("rate", LOG), Output("inflation", LOGIT))
    _reach = (80.0, LARGEST_LOGIT)  # float32 holds gradients up to exp(88)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        log_rate, logit = self._within_reach(raw_prediction).T
        rate = np.exp(log_rate)
        # log(1 + exp(logit)) is -log(1 - π); subtracted from it, log(exp(logit) + exp(-λ)) gives -log P₀.
        loss = np.logaddexp(0.0, logit) - np.logaddexp(logit, -rate)
        positive = y_true > 0
        some, theirs = y_true[positive], log_rate[positive]
        loss[positive] = (
            np.exp(theirs) - some * theirs + special.gammaln(some + 1.0) + np.logaddexp(0.0, logit[positive])
        )
        return np.asarray(loss)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_rate, logit = self._within_reach(raw_prediction).T
        rate, inflation = np.exp(log_rate), special.expit(logit)
        q = special.expit(logit + rate)
        tau = np.where(y_true == 0, q, 0.0)
        # P₀ q is π, and P₀ (1 - q) is (1 - π) exp(-λ): written like this, nothing cancels or vanishes.
        rest = 1.0 - inflation
        by_rate = rest * rate * (1.0 - rate * np.exp(-rate) * q)
        by_logit = inflation * rest * special.expit(logit + rate) * -np.expm1(-rate)
        return columns((1.0 - tau) * (rate - y_true), inflation - tau), columns(by_rate, by_logit)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        weight = np.ones(len(y_true)) if sample_weight is None else sample_weight
        mean = float(np.average(y_true, weights=weight))
        positive = weight * (y_true > 0)
        rate = mean = max(mean, LITTLE)
        if positive.any():
            of_positive = float(np.average(y_true, weights=positive))
            if of_positive > 1.0:
                rate = float(brentq(lambda x: x / -np.expm1(-x) - of_positive, 1e-12, of_positive))
        inflation = 1.0 - mean / rate
        if inflation < LITTLE:
            rate, inflation = mean, LITTLE
        return np.array([np.log(rate), float(LOGIT.forward(np.array(inflation)))])

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        from .mixed import zero_inflated

        return zero_inflated(stats.poisson(parameters[:, 0]), parameters[:, 1])
