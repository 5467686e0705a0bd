"""Losses as negative log-likelihoods: which noise each one assumes, and how large it is.

A loss L that is a negative log-likelihood up to constants has a density for each target, given the prediction::

    p(y | f) = exp(-L(y, f)/b)/Z(b)

with a scale b > 0 (squared error: twice the variance). Minimising the loss is then maximum likelihood for f, and
the maximum-likelihood b depends on the data only through the mean loss: the log-likelihood of a row is
-mean(L)/b - log Z(b) on average. Cross-entropies have b = 1. The distributions are SciPy's, where it has them.

A loss may be defined for more targets than its noise can draw: Poisson's for rates, the cross-entropy for shares.
For those it is a *quasi-likelihood*. It finds the mean, whatever the noise, and its values compare models on the
same rows; but such targets have no distribution under it, hence neither quantiles nor a CRPS.

References
----------
Hastie, Tibshirani and Friedman (2009). *The Elements of Statistical Learning*, section 2.6.3.
McCullagh and Nelder (1989). *Generalized Linear Models*, chapter 9 (quasi-likelihood).
Papke and Wooldridge (1996). *Econometric methods for fractional response variables*. Journal of Applied
Econometrics 11, 619-632.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from .domain import BINARY, COUNTS, Domain

__all__ = [
    "BERNOULLI",
    "CATEGORICAL",
    "GAMMA",
    "LAPLACE",
    "NORMAL",
    "POISSON",
    "Noise",
    "asymmetric_laplace",
    "fit_gamma",
]


@dataclass(frozen=True)
class Noise:
    """The noise under which a loss is a negative log-likelihood.

    Parameters
    ----------
    name : str
        Name of the distribution.
    distribution : callable
        From the response, (n_samples,) or (n_samples, n_classes), and the scale to a frozen distribution of
        `scipy.stats`.
    fit_scale : callable, optional
        From the mean loss to the maximum-likelihood scale; without it the scale is always `scale`.
    scale : float, default=1.0
        The scale if it is fixed: 2 for deviances, which are twice a negative log-likelihood.
    likelihood : bool, default=True
        Whether the loss is the negative log-likelihood under it, rather than another score of the distribution.
    support : Domain, optional
        The targets that the noise can draw, where they are fewer than those that the loss is defined for.
    quasi : callable, optional
        Needed with `support`: from targets and the response to the log-probability, extended to all targets that
        the loss is defined for.

    Examples
    --------
    >>> from gbm_objectives import SquaredError
    >>> noise = SquaredError().noise
    >>> noise.fit_scale(2.0)  # twice the variance
    4.0
    >>> noise.distribution(np.array([0.0, 10.0]), 4.0).std().round(3).tolist()
    [1.414, 1.414]
    """

    name: str
    distribution: Callable[[np.ndarray, float], Any]
    fit_scale: Callable[[float], float] | None = None
    scale: float = 1.0
    likelihood: bool = True
    support: Domain | None = None
    quasi: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def offender(self, y_true: np.ndarray) -> str:
        """Describe the first target that the noise cannot draw; an empty string if there is none."""
        return "" if self.support is None else self.support.offender(y_true)

    def __repr__(self) -> str:
        return f"<Noise {self.name}>"


# SciPy's distributions take half a second to import: only users who ask for one should wait for that.


def _normal(response: np.ndarray, scale: float) -> Any:
    from scipy import stats

    return stats.norm(response, np.sqrt(0.5 * scale))


def _laplace(response: np.ndarray, scale: float) -> Any:
    from scipy import stats

    return stats.laplace(response, scale)


def _bernoulli(response: np.ndarray, scale: float) -> Any:
    from scipy import stats

    return stats.bernoulli(response)


def _bernoulli_quasi(y_true: np.ndarray, response: np.ndarray) -> np.ndarray:
    return np.asarray(special.xlogy(y_true, response) + special.xlog1py(1.0 - y_true, -response))


def _categorical(response: np.ndarray, scale: float) -> Any:
    from scipy import stats

    # SciPy refuses sums that differ from 1, even by rounding.
    return stats.multinomial(1, response / response.sum(axis=1, keepdims=True))


def asymmetric_laplace(alpha: float) -> Noise:
    """Return the noise of the quantile loss: density alpha (1 - alpha)/b · exp(-L/b)."""

    def distribution(response: np.ndarray, scale: float) -> Any:
        from scipy import stats

        # SciPy's density falls as exp(-kappa r/s) above and exp(r/(kappa s)) below.
        kappa = np.sqrt(alpha / (1.0 - alpha))
        return stats.laplace_asymmetric(kappa, response, scale / np.sqrt(alpha * (1.0 - alpha)))

    return Noise("asymmetric Laplace", distribution, float)


def _poisson(response: np.ndarray, scale: float) -> Any:
    from scipy import stats

    return stats.poisson(response)


def _poisson_quasi(y_true: np.ndarray, response: np.ndarray) -> np.ndarray:
    return np.asarray(special.xlogy(y_true, response) - response - special.gammaln(y_true + 1.0))


def _gamma(response: np.ndarray, scale: float) -> Any:
    from scipy import stats

    return stats.gamma(2.0 / scale, scale=0.5 * scale * response)


def fit_gamma(mean_deviance: float) -> float:
    """Return 2/k for the maximum-likelihood shape k, where log k - digamma(k) is half of the mean deviance."""

    def excess(log_k: float) -> float:
        return log_k - float(special.digamma(np.exp(log_k))) - 0.5 * mean_deviance

    # For a nearly perfect fit the difference suffers from cancellation; there it is 1/(2 k).
    if mean_deviance < 1e-6:
        return 2.0 * mean_deviance
    # The difference lies between 1/(2 k) and 1/k.
    low, high = -np.log(mean_deviance), np.log(2.0 / mean_deviance)
    return 2.0 * float(np.exp(-optimize.brentq(excess, low - 1e-9, high + 1e-9, xtol=1e-14)))


NORMAL = Noise("normal", _normal, lambda mean_loss: 2.0 * mean_loss)
LAPLACE = Noise("Laplace", _laplace, float)
BERNOULLI = Noise("Bernoulli", _bernoulli, support=BINARY, quasi=_bernoulli_quasi)
CATEGORICAL = Noise("categorical", _categorical)
POISSON = Noise("Poisson", _poisson, scale=2.0, support=COUNTS, quasi=_poisson_quasi)
GAMMA = Noise("gamma", _gamma, fit_gamma)
