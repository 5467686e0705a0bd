"""Scikit-learn estimators that train either engine under one of our losses and keep the complete model."""

from .classifier import GBMClassifier
from .ranker import GBMRanker
from .regressor import GBMRegressor
from .survival import GBMSurvival

__all__ = ["GBMClassifier", "GBMRanker", "GBMRegressor", "GBMSurvival"]
