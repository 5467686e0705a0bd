"""What the rows of a query are worth: gains of relevances, discounts of ranks, and what an order gets of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import NON_NEGATIVE, REAL, Domain
from ..contract.rows import Rows
from ..validation import as_numbers, brief, check_choice, first_offender, shown

__all__ = [
    "Discount",
    "Gain",
    "Orders",
    "bounds_of",
    "check_discount",
    "check_gain",
    "discounts",
    "gains",
    "relevances",
]

Gain = str | Callable[[np.ndarray], ArrayLike] | Sequence[float]
Discount = str | Callable[[np.ndarray], ArrayLike]


def relevances(gain: Gain) -> Domain:
    """Return the relevances that a gain is defined for."""
    if isinstance(gain, str):
        return NON_NEGATIVE
    if callable(gain):
        return REAL  # what it makes of them is checked
    most = len(gain) - 1
    return Domain(f"integers 0 ... {most}, which gain has a number for", 0.0, most, lambda y: y == np.floor(y))


def check_gain(owner: Any) -> None:
    """Raise unless the hyper-parameter `gain` of `owner` is "exp", "linear", a function or numbers."""
    gain = owner.gain
    if isinstance(gain, str):
        check_choice(owner, "gain", ("exp", "linear"))
    elif not callable(gain):
        where = f"gain of {type(owner).__name__}"
        if not isinstance(gain, (list, tuple, np.ndarray)):
            raise TypeError(
                f"{where} must be 'exp', 'linear', a function of relevances or a number for each of the relevances"
                f" 0, 1, ..., got {shown(gain)}"
            )
        numbers = as_numbers(gain, where)
        if offender := first_offender(numbers, np.isfinite(numbers) & (numbers >= 0)):
            raise ValueError(f"{where} must be finite and not below 0, got {offender.replace('row', 'place')}")


def check_discount(owner: Any) -> None:
    """Raise unless the hyper-parameter `discount` of `owner` is "log2" or a function."""
    if not callable(owner.discount):
        check_choice(owner, "discount", ("log2",))


def gains(owner: Any, relevance: np.ndarray) -> np.ndarray:
    """Return the gain of each relevance, float64, by the `gain` of `owner`; the relevances are in its domain.

    Raises
    ------
    ValueError
        If a gain is negative or not finite, or a function does not return one for each relevance.
    """
    y, gain, where = relevance.astype(np.float64), owner.gain, f"gain of {type(owner).__name__}"
    if isinstance(gain, str):
        with np.errstate(over="ignore"):
            values = np.exp2(y) - 1.0 if gain == "exp" else y
    elif callable(gain):
        values = _returned(gain, y, where, "relevances")
        if values.shape != y.shape:
            raise ValueError(
                f"{where} must return a number for each relevance, of {y.shape} it returns shape {values.shape}"
            )
        values = as_numbers(values, where).astype(np.float64)
    else:
        values = np.asarray(gain, dtype=np.float64)[y.astype(np.intp)]
    good = np.isfinite(values) & (values >= 0)
    if offender := first_offender(y, good):
        raise ValueError(
            f"{where} must be finite and not below 0, it is {values[np.argmin(good)]} for the relevance {offender}"
        )
    return values


def discounts(owner: Any, n: int) -> np.ndarray:
    """Return the discount of each of the ranks 1 ... n, float64, by the `discount` of `owner`.

    Raises
    ------
    ValueError
        If they are not finite numbers that fall from rank to rank, or stay, the first above 0 and none below.
    """
    ranks = np.arange(1.0, n + 1.0)
    if isinstance(owner.discount, str):
        return np.asarray(1.0 / np.log2(ranks + 1.0))
    where = f"discount of {type(owner).__name__}"
    values = _returned(owner.discount, ranks, where, "ranks")
    if values.shape != ranks.shape:
        raise ValueError(f"{where} must return a number for each rank, of {n} ranks it returns {values.shape}")
    values = as_numbers(values, where).astype(np.float64)
    # Of others the best order would not be that of the gains.
    falls = np.append(values[0] > 0, np.diff(values) <= 0) & np.isfinite(values) & (values >= 0)
    if not falls.all():
        worst = int(np.argmin(falls))
        raise ValueError(
            f"{where} must be above 0 for rank 1 and never rise or fall below 0 after it, it is {values[worst]}"
            f" for rank {worst + 1}"
        )
    return values


def _returned(function: Callable[[np.ndarray], Any], of: np.ndarray, where: str, what: str) -> np.ndarray:
    """Return what a user's function makes of numbers; an error in it names the function."""
    try:
        return np.asarray(function(of.copy()))
    except Exception as error:
        raise ValueError(f"{where} must be a function of an array of {what}, it fails: {brief(error)}") from error


def bounds_of(rows: Rows) -> np.ndarray:
    """Return where queries begin and the last one ends; without queries, all rows are one."""
    return np.array([0, len(rows)]) if rows.queries is None else rows.queries


@dataclass(frozen=True)
class Orders:
    """What it takes to value orders of the rows of queries: all that does not depend on predictions.

    Parameters
    ----------
    gains : ndarray of shape (n_rows,)
        The gain of each row.
    ends : ndarray of int of shape (n_queries + 1,)
        The first row of each query, followed by the number of rows.
    query : ndarray of int of shape (n_rows,)
        The number of each row's query.
    sums : ndarray of shape (longest + 1,)
        The sums of the discounts of the first 0, 1, 2, ... ranks; those of ranks that do not count are 0.
    ideal : ndarray of shape (n_queries,)
        The most that an order of each query can get.
    """

    gains: np.ndarray
    ends: np.ndarray
    query: np.ndarray
    sums: np.ndarray
    ideal: np.ndarray

    @classmethod
    def of(cls, owner: Any, rows: Rows, most: int | None) -> Orders:
        """Work out gains and discounts by those of `owner`; only the first `most` ranks count."""
        ends, worth = bounds_of(rows), gains(owner, rows.y)
        sizes = np.diff(ends)
        query = np.repeat(np.arange(len(sizes)), sizes)
        of_ranks = discounts(owner, int(sizes.max()))
        of_ranks[len(of_ranks) if most is None else most :] = 0.0
        order = np.lexsort((-worth, query))
        ideal = np.bincount(query, worth[order] * of_ranks[np.arange(len(query)) - ends[query]], len(sizes))
        return cls(worth, ends, query, np.append(0.0, np.cumsum(of_ranks)), ideal)

    def shares(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return what each query's order by predictions gets, as a share of the most: NDCG, (n_queries,).

        Of rows with equal predictions every order is as likely: each gets the mean of their discounts (McSherry
        and Najork 2008). Where no row has a gain, every order is perfect: 1, as in LightGBM.
        """
        order = np.lexsort((-raw_prediction, self.query))
        score, query = raw_prediction[order], self.query
        first = np.flatnonzero(np.append(True, (score[1:] != score[:-1]) | (query[1:] != query[:-1])))
        counts = np.diff(np.append(first, len(score)))
        rank = first - self.ends[query[first]]
        discount = (self.sums[rank + counts] - self.sums[rank]) / counts
        got = np.bincount(query[first], discount * np.add.reduceat(self.gains[order], first), len(self.ideal))
        # More than all is rounding.
        return np.where(self.ideal > 0, np.minimum(got / np.where(self.ideal > 0, self.ideal, 1.0), 1.0), 1.0)
