"""The normal distribution, and the distribution of a target whose logarithm is normal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from ..contract.domain import POSITIVE
from ..contract.links import IDENTITY, LOG, Output
from ..contract.noise import Noise
from ..validation import check_choice
from .base import LARGEST_LOG, columns, log_spread
from .location_scale import LocationScale
from .standard import NORMAL

__all__ = ["LogNormal", "Normal"]


def mean_and_log_sigma(y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the maximum likelihood estimates."""
    mean = float(np.average(y, weights=weight))
    return np.array([mean, log_spread(float(np.sqrt(np.average(np.square(y - mean), weights=weight))), mean)])


class Normal(LocationScale):
    """Normal distribution of the target with a mean μ and a standard deviation σ for each row.

    Domain: finite numbers. Outputs: "loc", μ on the identity link, and "scale", σ on the log link. With
    z = (y_true - μ)/σ, and Φ and φ of the standard normal distribution::

        score       "nll"                              "crps"
        loss        log σ + z²/2 + log(2 π)/2          σ (z (2 Φ(z) - 1) + 2 φ(z) - 1/√π)
        gradient    (μ - y_true)/σ², 1 - z²            1 - 2 Φ(z), σ (2 φ(z) - 1/√π)
        curvature   1/σ², 2                            1/(σ √π), σ/(2 √π)        expected

    and the second curvature over `scale_step`. Start: mean and standard deviation of the target; with "crps", the
    constants that minimise it.

    Parameters
    ----------
    scale_step : float, default=0.1
        The fraction of a full Newton step that σ takes, above 0 and at most 1. A full step of σ is (z² - 1)/2 for
        a single row, far too long for one far out, and trees that fit σ freely make it 0 where they fit the mean
        exactly. With constant steps of 0.1, 0.2, 0.3, 0.5 and 1, the held-out loss, early-stopped at a learning
        rate of 0.1, was on average over ten public sets of 100 to 540 rows lower by 0.03 with 0.2 and 0.3 than
        with 0.1; but where trees learn for hundreds of rounds (airfoil, energy), higher by 0.07 and 0.15 with
        LightGBM. So the step is three times as long at first, and as stated in the end: lower by 0.035 on average
        over six small sets and both engines, and the same within 0.016 on five larger ones.
    score : {"nll", "crps"}, default="nll"
        What is minimised: the negative log-likelihood, or the continuous ranked probability score, which has the
        unit of the target and is far less affected by a row far out.

    References
    ----------
    Duan et al. (2020). *NGBoost: natural gradient boosting for probabilistic prediction*. ICML, section 3.

    Gneiting and Raftery (2007). *Strictly proper scoring rules, prediction, and estimation*. Journal of the
    American Statistical Association 102, 359-378, section 4.2.

    Examples
    --------
    >>> loss = Normal()
    >>> loss.pointwise([0.0], [[0.0, 0.0]])  # log(2 pi)/2
    array([0.91893853])
    >>> loss.initial_raw([-1.0, 1.0]).tolist()
    [0.0, 0.0]
    >>> loss.response([[3.0, 0.0]]).tolist()
    [[3.0, 1.0]]
    """

    standard = NORMAL
    outputs = (Output("loc", IDENTITY), Output("scale", LOG))
    _reach = (np.inf, LARGEST_LOG)

    def __init__(self, scale_step: float = 0.1, score: str = "nll") -> None:
        super().__init__(scale_step)
        self.score = score

    def check_params(self) -> None:
        """Raise if `scale_step` or `score` is out of range."""
        super().check_params()
        check_choice(self, "score", ("nll", "crps"))

    @property
    def noise(self) -> Noise:
        """The distribution itself: nothing is left to a common scale."""
        return replace(super().noise, likelihood=self.score == "nll")

    @property
    def name(self) -> str:
        """Name of the loss: the name of its metric."""
        return "normal_crps" if self.score == "crps" else "normal"

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        if self.score == "nll":
            return super()._pointwise(y_true, raw_prediction)
        mean, log_sigma = self._within_reach(raw_prediction).T
        sigma = np.exp(log_sigma)
        z = (y_true - mean) / sigma
        # 2 Φ(z) - 1 is erf(z/√2).
        return np.asarray(sigma * (z * special.erf(z * 0.5**0.5) + 2.0 * _density(z) - np.pi**-0.5))

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.score == "nll":
            return super()._derivatives(y_true, raw_prediction)
        mean, log_sigma = self._within_reach(raw_prediction).T
        sigma = np.exp(log_sigma)
        z = (y_true - mean) / sigma
        gradient = columns(-special.erf(z * 0.5**0.5), sigma * (2.0 * _density(z) - np.pi**-0.5))
        return gradient, np.pi**-0.5 * columns(1.0 / sigma, 0.5 * sigma)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        start = mean_and_log_sigma(y_true, sample_weight)
        if self.score == "nll" or np.ptp(y_true) == 0:
            return start
        return np.asarray(super()._initial_raw(y_true, sample_weight))

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.norm(parameters[:, 0], parameters[:, 1])


def _density(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))


class LogNormal(LocationScale):
    """Log-normal distribution of a positive target: its logarithm is normal with μ and σ for each row.

    Domain: numbers above 0. Outputs: "loc", μ on the identity link, and "scale", σ on the log link, both for the
    logarithm. With z = (log y_true - μ)/σ::

        loss       log y_true + log σ + z²/2 + log(2 π)/2
        gradient   (μ - log y_true)/σ², 1 - z²
        curvature  1/σ², 2            expected; the second over `scale_step`

    The mean is exp(μ + σ²/2). Start: mean and standard deviation of the target's logarithm.

    Parameters
    ----------
    scale_step : float, default=0.1
        The part of a full Newton step that σ takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Johnson, Kotz and Balakrishnan (1994). *Continuous Univariate Distributions* 1, chapter 14.

    Examples
    --------
    >>> loss = LogNormal()
    >>> loss.initial_raw([1.0, np.exp(2.0)]).tolist()
    [1.0, 0.0]
    >>> loss.predicted([[1.0, 0.0]]).round(4)  # exp(1 + 1/2)
    array([4.4817])
    """

    domain = POSITIVE
    standard, of_logarithm = NORMAL, True
    outputs = (Output("loc", IDENTITY), Output("scale", LOG))
    _reach = (np.inf, LARGEST_LOG)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        return mean_and_log_sigma(np.log(y_true), sample_weight)

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.lognorm(parameters[:, 1], scale=np.exp(parameters[:, 0]))
