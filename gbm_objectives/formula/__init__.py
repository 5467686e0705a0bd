"""Losses from a text with a formula: read, differentiated and given a curvature that trains."""

from .loss import FormulaLoss

__all__ = ["FormulaLoss"]
