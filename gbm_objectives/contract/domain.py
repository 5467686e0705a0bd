"""Domains: the targets that a loss is defined for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..validation import first_offender

__all__ = [
    "BINARY",
    "COUNTS",
    "NON_NEGATIVE",
    "POSITIVE",
    "REAL",
    "UNIT_INTERVAL",
    "Domain",
    "class_labels",
    "labels_or_distributions",
]

LARGEST = float(np.finfo(np.float64).max)
# The engines keep labels as float32, in which everything below this is zero.
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)


@dataclass(frozen=True)
class Domain:
    """The targets that a loss is defined for.

    Parameters
    ----------
    description : str
        What a target must be, in the words of the error message.
    low, high : float
        Smallest and largest target.
    holds : callable, optional
        Any further condition: maps targets between the two, (n_samples,) or (n_samples, n_columns), to a boolean
        for each row.

    Examples
    --------
    >>> even = Domain("even numbers", holds=lambda y: y % 2 == 0)
    >>> even.check(np.array([2.0, 3.0]), "y")
    Traceback (most recent call last):
        ...
    ValueError: y must be even numbers, got 3.0 in row 1 (1 such)
    """

    description: str
    low: float = -LARGEST
    high: float = LARGEST
    holds: Callable[[np.ndarray], np.ndarray] | None = None

    def __str__(self) -> str:
        return self.description

    def holds_for(self, y_true: np.ndarray) -> np.ndarray:
        """Return whether the target of each row is in the domain."""
        # The target may be float32, whose range is smaller than float64's.
        low, high = np.float64(self.low), np.float64(self.high)
        inside: np.ndarray = np.logical_and(y_true >= low, y_true <= high)
        good = np.all(inside, axis=1) if y_true.ndim == 2 else inside
        if self.holds is not None:
            good[good] = self.holds(y_true[good])
        return good

    def offender(self, y_true: np.ndarray) -> str:
        """Describe the first row of a target that is not in the domain; an empty string when all are."""
        return first_offender(y_true, self.holds_for(y_true))

    def check(self, y_true: np.ndarray, name: str) -> None:
        """Raise a `ValueError` that names the rule and the first offender, if there is one."""
        if offender := self.offender(y_true):
            raise ValueError(f"{name} must be {self.description}, got {offender}")

    def accepts(self, y_true: np.ndarray) -> bool:
        """Return whether all targets are in the domain."""
        return not self.offender(y_true)


REAL = Domain("finite numbers")
NON_NEGATIVE = Domain("numbers not below 0", low=0.0)
POSITIVE = Domain("numbers above 0", low=SMALLEST)
UNIT_INTERVAL = Domain("numbers in [0, 1]", 0.0, 1.0)
COUNTS = Domain("integers not below 0", low=0.0, holds=lambda y: np.equal(y, np.floor(y)))
BINARY = Domain("labels 0 and 1", 0.0, 1.0, lambda y: (y == 0) | (y == 1))


def class_labels(n_classes: int) -> Domain:
    """Return the domain of labels 0 ... n_classes - 1."""

    def holds(y_true: np.ndarray) -> np.ndarray:
        # Rows of several numbers are not labels, even where each of them is an integer.
        return np.equal(y_true, np.floor(y_true)) if y_true.ndim == 1 else np.zeros(len(y_true), dtype=bool)

    return Domain(f"integer labels 0 ... {n_classes - 1}", 0.0, n_classes - 1.0, holds)


def labels_or_distributions(n_classes: int) -> Domain:
    """Return the domain of labels 0 ... n_classes - 1, or of distributions over them, one per row.

    Examples
    --------
    >>> print(labels_or_distributions(3))
    integer labels 0 ... 2, or rows of 3 numbers not below 0 that sum to 1
    """

    def holds(y_true: np.ndarray) -> np.ndarray:
        if y_true.ndim == 1:
            return np.equal(y_true, np.floor(y_true))
        if y_true.shape[1] != n_classes:
            return np.zeros(len(y_true), dtype=bool)
        # float32 probabilities sum to 1 only up to rounding.
        return np.less(np.abs(y_true.sum(axis=1) - 1.0), 1e-4)

    rows = f"rows of {n_classes} numbers not below 0 that sum to 1"
    return Domain(f"integer labels 0 ... {n_classes - 1}, or {rows}", 0.0, n_classes - 1.0, holds)
