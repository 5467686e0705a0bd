"""Distributions: losses that fit every parameter of a distribution for each row."""

from .base import Distribution
from .censored import Censored
from .crps import crps
from .gamma import Gamma
from .laplace import Laplace
from .logistic import Logistic, LogLogistic
from .negative_binomial import NegativeBinomial
from .normal import LogNormal, Normal
from .piecewise import PiecewiseNormal
from .piecewise_counts import PiecewiseCounts
from .student_t import StudentT
from .weibull import Weibull
from .zero_inflated_poisson import ZeroInflatedPoisson

__all__ = [
    "Censored",
    "Distribution",
    "Gamma",
    "Laplace",
    "LogLogistic",
    "LogNormal",
    "Logistic",
    "NegativeBinomial",
    "Normal",
    "PiecewiseCounts",
    "PiecewiseNormal",
    "StudentT",
    "Weibull",
    "ZeroInflatedPoisson",
    "crps",
]
