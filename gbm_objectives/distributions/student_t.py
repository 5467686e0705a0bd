"""Student's t distribution with a location and a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.links import IDENTITY, LOG, Output
from ..losses.residual import weighted_quantile
from ..validation import check_number
from .base import LARGEST_LOG, log_spread
from .location_scale import LocationScale
from .standard import Standard, StandardT

__all__ = ["StudentT"]

# The error falls by about a half or more in each iteration of expectation and maximisation: to 1e-12 in 40. With
# two distant clusters there are several maxima, and the iterations may find the one near the median.
ITERATIONS = 200
# With more degrees of freedom it equals the normal distribution to float32's digits.
LARGEST_DF = 1e6


class StudentT(LocationScale):
    """Student's t distribution of the target with a location μ and a scale σ for each row, heavy-tailed.

    Domain: finite numbers. Outputs: "loc", μ on the identity link, and "scale", σ on the log link. With
    ν = `df`, z = (y_true - μ)/σ and w = (ν + 1)/(ν + z²)::

        loss       log σ + (ν + 1)/2 log(1 + z²/ν) + log(B(ν/2, 1/2) √ν)
        gradient   w (μ - y_true)/σ², 1 - w z²
        curvature  (ν + 1)/((ν + 3) σ²), 2 ν/(ν + 3)    expected; the second over `scale_step`

    The gradient of σ is at least -ν, so no row far out moves it by much. Start: maximum likelihood by expectation
    and maximisation. `predict` is μ, which is the mean where there is one (ν > 1).

    Parameters
    ----------
    df : float, default=5.0
        Degrees of freedom ν, the same for all rows; from 1 (Cauchy's) to 1e6. Small values give heavy tails.
    scale_step : float, default=0.1
        The fraction of a full Newton step that σ takes, above 0 and at most 1; see `Normal`.

    References
    ----------
    Lange, Little and Taylor (1989). *Robust statistical modeling using the t distribution*. Journal of the
    American Statistical Association 84, 881-896, section 3 and appendix B.

    Examples
    --------
    >>> loss = StudentT(df=1.0)
    >>> loss.pointwise([0.0], [[0.0, 0.0]]).round(6)  # log pi, Cauchy's
    array([1.14473])
    >>> loss.initial_raw([-2.0, 0.0, 2.0]).round(3).tolist()
    [0.0, 0.144]
    """

    outputs = (Output("loc", IDENTITY), Output("scale", LOG))
    _reach = (np.inf, LARGEST_LOG)

    def __init__(self, df: float = 5.0, scale_step: float = 0.1) -> None:
        super().__init__(scale_step)
        self.df = df

    def check_params(self) -> None:
        """Raise if `df` or `scale_step` is out of range."""
        super().check_params()
        check_number(self, "df", 1.0, LARGEST_DF, closed="both")

    @property
    def standard(self) -> Standard:
        """The t distribution with a location of 0 and a scale of 1."""
        return StandardT(self.df)

    def _initial_raw(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        location = weighted_quantile(y_true, 0.5, sample_weight)
        least = np.exp(log_spread(0.0, location))
        sigma = np.exp(log_spread(float(np.average(np.abs(y_true - location), weights=sample_weight)), location))
        rows = np.ones(len(y_true)) if sample_weight is None else sample_weight
        for _ in range(ITERATIONS):
            weight = rows * (self.df + 1.0) / (self.df + np.square((y_true - location) / sigma))
            location = float(np.average(y_true, weights=weight))
            before, sigma = sigma, float(np.sqrt(weight @ np.square(y_true - location) / rows.sum()))
            # If too many rows share one value for this many degrees of freedom, σ falls to 0.
            sigma = max(sigma, least)
            if abs(sigma - before) <= 1e-12 * sigma:
                break
        return np.array([location, log_spread(sigma, location)])

    def predicted(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return the location of each row's distribution, (n_samples,)."""
        return self.response(raw_prediction)[:, 0]

    def _frozen(self, parameters: np.ndarray) -> Any:
        from scipy import stats

        return stats.t(self.df, parameters[:, 0], parameters[:, 1])
