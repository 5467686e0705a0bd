"""One loss object for LightGBM and XGBoost: objective, metric, start value, link and complete models."""

from .estimators import GBMClassifier, GBMRegressor
from .losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Hinge,
    Huber,
    Loss,
    Quantile,
    SigmoidSquaredError,
    SquaredError,
)
from .testing import check_loss

__version__ = "0.1.0"

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "GBMClassifier",
    "GBMRegressor",
    "Hinge",
    "Huber",
    "Loss",
    "Quantile",
    "SigmoidSquaredError",
    "SquaredError",
    "check_loss",
]
