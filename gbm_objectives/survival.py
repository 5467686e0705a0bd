"""Survival analysis beside the losses: how well risks order times, and the rows of piecewise-constant hazards."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .validation import as_events, as_numbers, as_weight, first_offender, shown

__all__ = ["concordance", "person_time"]


def concordance(
    lower: ArrayLike, upper: ArrayLike, risk: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Return Harrell's C: of the pairs of rows whose order in time is known, the share with risks in that order.

    The order is known if the upper bound of one row is below the lower bound of the other, or equal to it while
    the other's event was not observed at that very time. So a row that is right-censored when another has its
    event is the later one, and two events at the same time are no pair. The earlier row should have the higher
    risk; a pair of equal risks counts one half. A constant risk has 0.5, the best one 1.

    Parameters
    ----------
    lower, upper : array-like of shape (n_samples,)
        Bounds of the times: equal where the event was observed, inf as the upper one where it is right-censored,
        0 or -inf as the lower one where it is left-censored.
    risk : array-like of shape (n_samples,)
        A number for each row, higher where the event is expected earlier.
    sample_weight : array-like of shape (n_samples,), optional
        Weights; a pair counts with the product of those of its rows.

    Returns
    -------
    float
        The share, from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is not valid, or no row is known to be earlier than another.

    References
    ----------
    Harrell, Califf, Pryor, Lee and Rosati (1982). *Evaluating the yield of medical tests*. Journal of the
    American Medical Association 247, 2543-2546.

    Examples
    --------
    Of three pairs, the two with the last row, which outlives the others, are in the wrong order:

    >>> concordance([1.0, 2.0, 3.0], [1.0, 2.0, np.inf], risk=[0.5, 0.1, 0.9])
    0.3333333333333333
    >>> concordance([1.0, 2.0, 3.0], [1.0, 2.0, np.inf], risk=[0.9, 0.5, 0.1])
    1.0
    """
    low, high = _bounds(lower, upper)
    score = _as_long(risk, "risk", len(low))
    if offender := first_offender(score, ~np.isnan(score)):
        raise ValueError(f"risk must be numbers, got {offender}")
    given = as_weight(sample_weight, len(low))
    # Only ratios count: products of huge weights, or of tiny ones, are then floats.
    weight = np.ones(len(low)) if given is None else given.astype(np.float64) / np.max(given)
    observed = low == high
    # Of those with the same lower bound, events first: those known to be later than a row are then all from one
    # place on.
    order = np.lexsort((~observed, low))
    events = np.sort(low[observed])
    first_later = np.searchsorted(low[order], high, "left")
    first_later += np.searchsorted(events, high, "right") - np.searchsorted(events, high, "left")
    after = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
    pairs = float(weight @ after[first_later])
    if not pairs > 0:
        raise ValueError(
            "lower and upper must have two rows of which one is known to be earlier, there are none: every time is"
            " censored too early, or they overlap"
        )
    _, ranks = np.unique(score, return_inverse=True)
    asking = np.flatnonzero((first_later < len(low)) & (weight > 0))
    below = _weight_below(ranks[order], weight[order], first_later[asking], ranks[asking])
    return float(weight[asking] @ below) / pairs


def _weight_below(ranks: np.ndarray, weight: np.ndarray, starts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the weight of the rows from each start on whose rank is below the wanted one; half of equal ones.

    A start is above 0. The rows from it on are blocks of 1, 2, 4, ... rows, one at most of each size, each of
    which begins at a multiple of its size. Within blocks rows are sorted by rank, so that no row is compared with
    all others: the time is O(n log² n), the memory O(n). Sums begin anew in each block: as
    differences of sums over all rows they would lose whatever lies behind a row of 10¹⁶ times the weight.
    """
    n, n_ranks = len(ranks), int(ranks.max()) + 1
    places, starts, total = np.arange(n), starts.copy(), np.zeros(len(starts))
    for level in range(max(n - 1, 1).bit_length()):
        asking = np.flatnonzero((starts >> level) & 1)
        block = starts[asking] >> level
        keys = (places >> level) * n_ranks + ranks
        by_key = np.argsort(keys)
        keys, size = keys[by_key], 1 << level
        sums = np.zeros(-(-n // size) * size)
        sums[:n] = weight[by_key]
        sums = np.cumsum(sums.reshape(-1, size), axis=1).ravel()
        key = block * n_ranks + wanted[asking]
        for side in ("left", "right"):
            ends = np.searchsorted(keys, key, side)
            total[asking] += np.where(ends > block * size, 0.5 * sums[ends - 1], 0.0)
        starts[asking] += 1 << level
    return total


def person_time(
    event: ArrayLike, time: ArrayLike, edges: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows cut at the edges of periods: what a hazard that is constant within periods is fitted to.

    There is an entry for each period that a row lived in. With its event as the target and the logarithm of the
    time in it as offset, a Poisson loss is the likelihood of such a hazard, up to a constant. The period is a
    feature like others, so trees find hazards that are not proportional, too::

        row, period, event, exposure = person_time(event, time, edges)
        model = GBMRegressor(PoissonDeviance()).fit(
            np.column_stack([X[row], period]), event, init_score=np.log(exposure)
        )

    Its prediction, without an offset, is the hazard.

    Parameters
    ----------
    event : array-like of shape (n_samples,)
        Whether the event was observed, True or 1; otherwise the row is right-censored at its time.
    time : array-like of shape (n_samples,)
        Time of the event or of censoring, finite, and not below the first edge.
    edges : array-like of shape (n_periods + 1,)
        Where periods begin and the last one ends, increasing, the first not below 0; the last may be inf. If it
        is not, all later time, and events in it, are left out: every row is censored there at the latest.

    Returns
    -------
    row : ndarray of int of shape (n_entries,)
        The row of each entry, in order.
    period : ndarray of int of shape (n_entries,)
        Its period, numbered from 0, in order within the row.
    event : ndarray of bool of shape (n_entries,)
        Whether the row had its event in it. An event at an edge belongs to the period that ends there: in the
        next one the row has not lived.
    exposure : ndarray of shape (n_entries,)
        The time that the row lived in it, above 0.

    Raises
    ------
    ValueError
        If an argument is not valid, or an event comes at the first edge, after no time at all.

    References
    ----------
    Holford (1980). *The analysis of rates and of survivorship using log-linear models*. Biometrics 36, 299-305.
    Friedman (1982). *Piecewise exponential models for survival data with covariates*. Annals of Statistics 10,
    101-113.

    Examples
    --------
    The first row dies in the second period, the other is last seen in the third one:

    >>> row, period, event, exposure = person_time([True, False], [3.0, 5.0], edges=[0.0, 2.0, 4.0, np.inf])
    >>> row.tolist(), period.tolist(), event.tolist()
    ([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], [False, True, False, False, False])
    >>> exposure.tolist()
    [2.0, 1.0, 2.0, 2.0, 1.0]

    Without features the hazard of a period is the number of its events by the time lived in it:

    >>> (np.bincount(period, event) / np.bincount(period, exposure)).round(4).tolist()
    [0.0, 0.3333, 0.0]
    """
    until = as_numbers(time, "time").astype(np.float64)
    happened = _as_long(as_events(event, "event"), "event", len(until)) == 1
    ends = as_numbers(edges, "edges").astype(np.float64)
    if len(ends) < 2 or not (ends[0] >= 0 and (ends[1:] > ends[:-1]).all()):
        raise ValueError(f"edges must be two or more increasing numbers, not below 0, got {shown(edges)}")
    if offender := first_offender(until, np.isfinite(until) & (until >= ends[0])):
        raise ValueError(f"time must be finite and not below the first edge, {ends[0]:g}, got {offender}")
    if offender := first_offender(until, (until > ends[0]) | ~happened):
        raise ValueError(f"time of an event must be above the first edge, got {offender}")
    counts = np.minimum(np.searchsorted(ends, until, "left"), len(ends) - 1)
    row = np.repeat(np.arange(len(until)), counts)
    period = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    stays = until[row] <= ends[period + 1]
    exposure = np.where(stays, until[row], ends[period + 1]) - ends[period]
    return row, period, stays & happened[row], exposure


def _bounds(lower: ArrayLike, upper: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of times, checked."""
    low = as_numbers(lower, "lower").astype(np.float64)
    high = _as_long(upper, "upper", len(low)).astype(np.float64)
    if offender := first_offender(low, low < np.inf):
        raise ValueError(f"lower must be numbers below inf, got {offender}")
    if offender := first_offender(np.column_stack([low, high]), (low <= high) & (high > -np.inf)):
        raise ValueError(f"upper must not be below lower, got {offender}")
    return low, high


def _as_long(values: ArrayLike, name: str, n_rows: int) -> np.ndarray:
    """Return an array of numbers with as many rows as the others."""
    array = as_numbers(values, name)
    if len(array) != n_rows:
        raise ValueError(f"{name} has {len(array)} rows, the times have {n_rows}")
    return array
