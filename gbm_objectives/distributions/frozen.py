"""What distributions that SciPy does not have share with its frozen ones: a row in each entry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..validation import shown

__all__ = ["Frozen"]


class Frozen(ABC):
    """What follows from a distribution function, its inverse and two moments."""

    @abstractmethod
    def cdf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of at most x."""

    @abstractmethod
    def sf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of more than x."""

    @abstractmethod
    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Return the quantile of a level."""

    @abstractmethod
    def isf(self, q: ArrayLike) -> np.ndarray:
        """Return the number that is exceeded with a probability."""

    @abstractmethod
    def mean(self) -> np.ndarray:
        """Return the mean."""

    @abstractmethod
    def var(self) -> np.ndarray:
        """Return the variance."""

    def logcdf(self, x: ArrayLike) -> np.ndarray:
        """Return the logarithm of `cdf`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.cdf(x)))

    def logsf(self, x: ArrayLike) -> np.ndarray:
        """Return the logarithm of `sf`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.sf(x)))

    def std(self) -> np.ndarray:
        """Return the standard deviation."""
        return np.sqrt(self.var())

    def median(self) -> np.ndarray:
        """Return the median."""
        return self.ppf(0.5)

    def interval(self, confidence: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval that leaves out equal probabilities on both sides."""
        tail = 0.5 - 0.5 * np.asarray(confidence, dtype=np.float64)
        if ((tail < 0.0) | (tail > 0.5)).any():
            raise ValueError(f"confidence must be between 0 and 1, got {shown(confidence)}")
        return self.ppf(tail), self.isf(tail)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends between which values lie."""
        return self.interval(1.0)

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw, `size` ending with the number of rows, by default one for each row: quantiles of random levels."""
        own = np.shape(self.median())
        shape = own if size is None else tuple(np.atleast_1d(size).tolist())
        if np.broadcast_shapes(shape, own) != shape:
            raise ValueError(f"size must end with the number of rows, {own[-1]}, got {shown(size)}")
        known = isinstance(random_state, (np.random.RandomState, np.random.Generator))
        random = random_state if known else np.random.RandomState(random_state)
        return self.ppf(random.uniform(size=shape))
