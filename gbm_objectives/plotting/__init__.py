"""Plots of losses and fitted models with matplotlib: each function takes axes, or makes them, and returns them."""

from .axes import COLORS
from .comparison import plot_comparison
from .decisions import plot_outlier_weights, plot_threshold_cost
from .losses import plot_learning_curves, plot_loss
from .predictions import plot_calibration, plot_prediction_interval
from .survival import plot_survival

__all__ = [
    "COLORS",
    "plot_calibration",
    "plot_comparison",
    "plot_learning_curves",
    "plot_loss",
    "plot_outlier_weights",
    "plot_prediction_interval",
    "plot_survival",
    "plot_threshold_cost",
]
