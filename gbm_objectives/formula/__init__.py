"""Losses from the text of a formula: parsed, differentiated and given a curvature suitable for training."""

from .loss import FormulaLoss

__all__ = ["FormulaLoss"]
