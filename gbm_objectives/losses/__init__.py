"""The losses: the mathematics, on plain arrays; imports no engine."""

from .base import Loss
from .classification import BinaryCrossEntropy, CategoricalCrossEntropy, Hinge
from .quantile import AbsoluteError, Quantile
from .regression import Huber, ResidualLoss, SquaredError

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Hinge",
    "Huber",
    "Loss",
    "Quantile",
    "ResidualLoss",
    "SquaredError",
]
