"""Counts with more zeros than a distribution has."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..contract.domain import Domain
from ..contract.links import LOGIT, Output
from .base import columns
from .wrapped import LEAST_LEFT, LITTLE, Truncated, Wrapped, of_counts

__all__ = ["ZeroInflated"]


class ZeroInflated(Wrapped):
    """A distribution of counts with more zeros: 0 with probability π, otherwise the distribution's.

    Domain: integers not below 0. Outputs: those of the distribution, then "inflation", π on the logit link. With
    the distribution's loss L and its gradient and information g and I, at a count of 0 L₀ and g₀, with
    P₀ = π + (1 - π) exp(-L₀), q = π/P₀, and τ = q where y_true is 0 and 0 elsewhere::

        loss       -log P₀ where y_true is 0, L - log(1 - π) elsewhere
        gradient   (1 - τ) g, π - τ
        curvature  (1 - π)(I - q exp(-L₀) g₀²), P₀ q² - π²    expected; all but the first over `scale_step`

    Against `Hurdle` it can only add zeros, and a zero is not said to be of one kind or the other. With Poisson's
    distribution it is `ZeroInflatedPoisson`. Start: maximum likelihood; with π = 1e-7 for targets with fewer zeros
    than the distribution's.

    Parameters
    ----------
    distribution : Distribution
        A distribution of counts: ``NegativeBinomial()``, or one of your own.

    References
    ----------
    Greene (1994). *Accounting for excess zeros and sample selection in Poisson and negative binomial regression
    models*. Working paper EC-94-10, Stern School of Business, New York University.

    Examples
    --------
    >>> from gbm_objectives.distributions import NegativeBinomial
    >>> loss = ZeroInflated(NegativeBinomial())
    >>> [output.name for output in loss.outputs]
    ['mean', 'size', 'inflation']
    >>> loss.pointwise([0.0], np.zeros((1, 3))).round(4)  # -log(1/2 + 1/2 · 1/2)
    array([0.2877])
    """

    _example = "NegativeBinomial()"

    def check_params(self) -> None:
        """Raise if the distribution is not one of counts, or a parameter of it is out of range."""
        super().check_params()
        if not of_counts(self.distribution):
            raise ValueError(
                f"distribution of ZeroInflated must be one of counts, such as {self._example}, got"
                f" {self.distribution!r}, which has no zeros of its own: take Hurdle"
            )

    @property
    def domain(self) -> Domain:
        """That of the distribution."""
        return self.distribution.domain

    @property
    def _added(self) -> tuple[Output, ...]:
        return (Output("inflation", LOGIT),)

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        raw, logit = self._split(raw_prediction)
        logit = logit[:, 0]
        own = self.distribution._pointwise(y_true, raw)
        # log(1 + exp(logit)) is -log(1 - π); subtracted from it, log(exp(logit) + exp(-L)) gives -log P₀.
        return np.logaddexp(0.0, logit) + np.where(y_true == 0, -np.logaddexp(logit, -own), own)

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raw, logit = self._split(raw_prediction)
        logit, law = logit[:, 0], self.distribution
        own, information = law._derivatives(y_true, raw)
        zeros = np.zeros(len(y_true))
        loss_at_zero, at_zero = law._pointwise(zeros, raw), law._derivatives(zeros, raw)[0]
        p, rest, q = special.expit(logit), special.expit(-logit), special.expit(logit + loss_at_zero)
        tau = np.where(y_true == 0, q, 0.0)
        lost = (q * np.exp(-loss_at_zero))[:, None] * np.square(at_zero)
        of_law = rest[:, None] * np.maximum(information - lost, LEAST_LEFT * information)
        # P₀ q is π, and P₀ (1 - q) is (1 - π) exp(-L₀): written like this, nothing cancels.
        of_logit = p * rest * q * -np.expm1(-loss_at_zero)
        return columns(*((1.0 - tau)[:, None] * own).T, p - tau), columns(*of_law.T, of_logit)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        weight = np.ones(len(y_true)) if sample_weight is None else sample_weight
        some = (y_true > 0) & (weight > 0)
        if some.any():
            # If it leaves too few zeros, its positive part and the number of zeros are fitted one by one.
            own = Truncated(self.distribution)._initial_raw(y_true[some], weight[some])
            kept = -np.expm1(-float(self.distribution._pointwise(np.zeros(1), own[None])[0]))
            inflation = 1.0 - float(weight[some].sum() / weight.sum()) / kept
            if inflation > LITTLE:
                return np.array([*own, special.logit(min(inflation, 1.0 - LITTLE))])
        return np.array(
            [*np.asarray(self.distribution._initial_raw(y_true, sample_weight)), special.logit(LITTLE)]
        )

    def _frozen(self, parameters: np.ndarray) -> Any:
        from .mixed import zero_inflated

        return zero_inflated(self.distribution._frozen(parameters[:, :-1]), parameters[:, -1])
