"""The losses: the mathematics, on plain arrays; imports no engine."""

from ..contract.loss import CurvatureKind, Loss
from .binary import BinaryCrossEntropy, Focal, SigmoidSquaredError, WeightedCrossEntropy
from .categorical import CategoricalCrossEntropy, CategoricalFocal
from .counts import GammaDeviance, PoissonDeviance, TweedieDeviance
from .lambda_rank import LambdaRank
from .margin import Exponential, Hinge, SquaredHinge
from .multi_quantile import MultiQuantile
from .multi_target import MultiTarget
from .ordinal import ProportionalOdds
from .quantile import AbsoluteError, AbsolutePercentageError, EpsilonInsensitive, Quantile
from .ranking import ListNet, RankNet
from .redescending import Cauchy, Tukey, Welsch
from .regression import Expectile, SquaredError, SquaredLogError
from .residual import KinkedLoss, ResidualLoss
from .robust import Fair, Huber, LogCosh, PseudoHuber
from .survival import CoxPH

__all__ = [
    "AbsoluteError",
    "AbsolutePercentageError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "CategoricalFocal",
    "Cauchy",
    "CoxPH",
    "CurvatureKind",
    "EpsilonInsensitive",
    "Expectile",
    "Exponential",
    "Fair",
    "Focal",
    "GammaDeviance",
    "Hinge",
    "Huber",
    "KinkedLoss",
    "LambdaRank",
    "ListNet",
    "LogCosh",
    "Loss",
    "MultiQuantile",
    "MultiTarget",
    "PoissonDeviance",
    "ProportionalOdds",
    "PseudoHuber",
    "Quantile",
    "RankNet",
    "ResidualLoss",
    "SigmoidSquaredError",
    "SquaredError",
    "SquaredHinge",
    "SquaredLogError",
    "Tukey",
    "TweedieDeviance",
    "WeightedCrossEntropy",
    "Welsch",
]
