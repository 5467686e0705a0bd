"""The losses: the mathematics, on plain arrays; imports no engine."""

from .base import CurvatureKind, Loss
from .binary import BinaryCrossEntropy, Hinge, SigmoidSquaredError
from .categorical import CategoricalCrossEntropy
from .quantile import AbsoluteError, Quantile
from .regression import Huber, SquaredError
from .residual import ResidualLoss

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "CurvatureKind",
    "Hinge",
    "Huber",
    "Loss",
    "Quantile",
    "ResidualLoss",
    "SigmoidSquaredError",
    "SquaredError",
]
