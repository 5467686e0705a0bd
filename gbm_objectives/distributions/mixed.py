"""Frozen distributions in which some values have probabilities of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .frozen import Frozen

__all__ = ["Mixed", "MixedCounts", "MixedDensity", "Positive", "zero_inflated"]


class Positive(Frozen):
    """A distribution of counts, given that they are above 0; all 1, the limit, if it has nothing there.

    Parameters
    ----------
    whole : frozen distribution of counts
        The distribution.
    """

    def __init__(self, whole: Any) -> None:
        self.whole, self.kept = whole, whole.sf(0.0)

    def logpmf(self, k: ArrayLike) -> np.ndarray:
        """Return the logarithm of the probability of a count."""
        k = np.asarray(k)
        with np.errstate(divide="ignore", invalid="ignore"):
            some = np.where(self.kept > 0.0, self.whole.logpmf(k) - np.log(self.kept), np.log(k == 1.0))
        return np.where(k > 0.0, some, -np.inf)

    def pmf(self, k: ArrayLike) -> np.ndarray:
        """Return the probability of a count."""
        return np.exp(self.logpmf(k))

    def sf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of more than x."""
        with np.errstate(divide="ignore", invalid="ignore"):
            above = np.where(self.kept > 0.0, self.whole.sf(x) / self.kept, 0.0)
        return np.where(np.asarray(x) >= 1.0, above, 1.0)

    def cdf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of at most x."""
        return 1.0 - self.sf(x)

    def isf(self, q: ArrayLike) -> np.ndarray:
        """Return the number that is exceeded with a probability."""
        return np.maximum(self.whole.isf(np.asarray(q) * self.kept), 1.0)

    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Return the quantile of a level."""
        return self.isf(1.0 - np.asarray(q))

    def mean(self) -> np.ndarray:
        """Return the mean."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.kept > 0.0, self.whole.mean() / self.kept, 1.0)

    def var(self) -> np.ndarray:
        """Return the variance."""
        with np.errstate(divide="ignore", invalid="ignore"):
            second = (self.whole.var() + np.square(self.whole.mean())) / self.kept
            return np.where(self.kept > 0.0, np.maximum(second - np.square(self.mean()), 0.0), 0.0)


class Mixed(Frozen):
    """One of a few values, each with a probability of its own, or else drawn from a distribution.

    Parameters
    ----------
    rest : frozen distribution
        The distribution of everything else, in which the values have no probability.
    values : tuple of float
        The values, ascending.
    probabilities : ndarray of shape (n_values, n_samples)
        Their probabilities.
    remaining : ndarray of shape (n_samples,)
        The probability of everything else, 1 minus their sum.
    """

    def __init__(
        self, rest: Any, values: tuple[float, ...], probabilities: np.ndarray, remaining: np.ndarray
    ) -> None:
        self.rest, self.values, self.probabilities, self.remaining = rest, values, probabilities, remaining

    def _atoms(self) -> list[tuple[float, np.ndarray]]:
        return list(zip(self.values, self.probabilities, strict=True))

    def _read(self, x: ArrayLike) -> np.ndarray:
        """Return an array in which the values that float32 has rounded are themselves again."""
        result = np.asarray(x, dtype=np.float64)
        for value in self.values:
            result = np.where(result == np.float64(np.float32(value)), value, result)
        return np.asarray(result)

    def probability(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of a value, 0 for others."""
        x = self._read(x)
        return np.asarray(sum(p * (x == value) for value, p in self._atoms()))

    def _log_density(self, x: ArrayLike, of_rest: Any) -> np.ndarray:
        x = self._read(x)
        with np.errstate(divide="ignore"):
            result = np.log(self.remaining) + of_rest(x)
            for value, p in self._atoms():
                result = np.where(x == value, np.log(p), result)
        return np.asarray(result)

    def cdf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of at most x."""
        x = self._read(x)
        return np.asarray(self.remaining * self.rest.cdf(x) + sum(p * (x >= value) for value, p in self._atoms()))

    def sf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of more than x."""
        x = self._read(x)
        return np.asarray(self.remaining * self.rest.sf(x) + sum(p * (x < value) for value, p in self._atoms()))

    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Return the quantile of a level."""
        q = np.asarray(q, dtype=np.float64)
        passed = np.zeros(np.shape(self.remaining))
        result = self.rest.ppf(self._level(q))
        for value, p in self._atoms():
            before = self.remaining * self.rest.cdf(value) + passed
            passed = passed + p
            result = np.where((q > before) | (before == 0.0), value, result)
            beyond = (q > before + p) & (self.rest.sf(value) > 0.0)
            result = np.where(beyond, self.rest.ppf(self._level(q - passed)), result)
        return np.where((q >= 0.0) & (q <= 1.0), result, np.nan)

    def isf(self, q: ArrayLike) -> np.ndarray:
        """Return the number that is exceeded with a probability."""
        q = np.asarray(q, dtype=np.float64)
        passed = np.zeros(np.shape(self.remaining))
        result = self.rest.isf(self._level(q))
        for value, p in reversed(self._atoms()):
            above = self.remaining * self.rest.sf(value) + passed
            passed = passed + p
            result = np.where(q >= above, value, result)
            below = (q >= above + p) & (self.rest.cdf(value) > 0.0)
            result = np.where(below, self.rest.isf(self._level(q - passed)), result)
        return np.where((q >= 0.0) & (q <= 1.0), result, np.nan)

    def _level(self, q: np.ndarray) -> np.ndarray:
        """Return a probability within everything else."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.clip(np.nan_to_num(q / self.remaining, nan=1.0), 0.0, 1.0)

    def mean(self) -> np.ndarray:
        """Return the mean."""
        return np.asarray(self._of_rest(self.rest.mean()) + sum(p * value for value, p in self._atoms()))

    def var(self) -> np.ndarray:
        """Return the variance."""
        mean = self.mean()
        of_rest = self._of_rest(self.rest.var() + np.square(self.rest.mean() - mean))
        return np.asarray(of_rest + sum(p * np.square(value - mean) for value, p in self._atoms()))

    def _of_rest(self, moment: np.ndarray) -> np.ndarray:
        """Return the part that everything else has in a moment, 0 where it has no probability."""
        with np.errstate(invalid="ignore"):
            return np.where(self.remaining > 0.0, self.remaining * moment, 0.0)


class MixedDensity(Mixed):
    """Values with probabilities of their own, and a density elsewhere.

    `pdf` is the probability of such a value, and the density elsewhere.
    """

    def logpdf(self, x: ArrayLike) -> np.ndarray:
        """Return the logarithm of `pdf`."""
        return self._log_density(x, self.rest.logpdf)

    def pdf(self, x: ArrayLike) -> np.ndarray:
        """Return the probability of a value that has one, and the density elsewhere."""
        return np.exp(self.logpdf(x))


class MixedCounts(Mixed):
    """Counts, of which some have probabilities of their own."""

    def logpmf(self, k: ArrayLike) -> np.ndarray:
        """Return the logarithm of the probability of a count."""
        return self._log_density(k, self.rest.logpmf)

    def pmf(self, k: ArrayLike) -> np.ndarray:
        """Return the probability of a count."""
        return np.exp(self.logpmf(k))


def zero_inflated(whole: Any, inflation: np.ndarray) -> MixedCounts:
    """Return the distribution of a count that is 0 with a probability, and otherwise has a distribution."""
    rest = 1.0 - inflation
    at_zero = inflation + rest * whole.pmf(0.0)
    return MixedCounts(Positive(whole), (0.0,), at_zero[None], rest * whole.sf(0.0))
