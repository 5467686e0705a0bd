"""Distributions: losses that fit every parameter of a distribution for each row."""

from .base import Distribution
from .beta import Beta
from .censored import Censored
from .crps import crps
from .formula import FormulaDistribution
from .gamma import Gamma
from .hurdle import Hurdle
from .laplace import Laplace
from .logistic import Logistic, LogLogistic
from .negative_binomial import NegativeBinomial
from .normal import LogNormal, Normal
from .piecewise import PiecewiseNormal
from .piecewise_counts import PiecewiseCounts
from .student_t import StudentT
from .weibull import Weibull
from .zero_inflated import ZeroInflated
from .zero_inflated_poisson import ZeroInflatedPoisson

__all__ = [
    "Beta",
    "Censored",
    "Distribution",
    "FormulaDistribution",
    "Gamma",
    "Hurdle",
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
    "ZeroInflated",
    "ZeroInflatedPoisson",
    "crps",
]
