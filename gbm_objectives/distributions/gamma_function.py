"""The gamma function and its derivatives without Stirling's leading terms, which cancel."""

from __future__ import annotations

import numpy as np
from scipy import special

__all__ = ["divergence", "excess", "excess_information", "excess_slope"]

# From this number on, differences of logarithms of gamma functions are mere rounding, and two terms of Stirling's
# series are accurate to all digits.
STIRLING = 1e4


def excess(log_x: np.ndarray) -> np.ndarray:
    """Return log Γ(x) - x log x + x from log x."""
    x = np.exp(log_x)
    series = 0.5 * (np.log(2.0 * np.pi) - log_x) + 1.0 / (12.0 * x)
    return np.where(x < STIRLING, special.gammaln(x) - x * log_x + x, series)


def excess_slope(log_x: np.ndarray) -> np.ndarray:
    """Return x (ψ(x) - log x), -1 for small and -1/2 for large x: the derivative of `excess` by log x."""
    x = np.exp(log_x)
    return np.where(x < STIRLING, x * (special.digamma(x) - log_x), -0.5 - 1.0 / (12.0 * x))


def excess_information(log_x: np.ndarray) -> np.ndarray:
    """Return x (x ψ₁(x) - 1), 1 for small and 1/2 for large x."""
    x = np.exp(log_x)
    return np.where(x < STIRLING, x * (x * special.polygamma(1, x) - 1.0), 0.5 + 1.0 / (6.0 * x))


def divergence(log_u: np.ndarray) -> np.ndarray:
    """Return u - 1 - log u from log u, which reduces the cancellation of its terms near u = 1."""
    return np.asarray(np.expm1(log_u) - log_u)
