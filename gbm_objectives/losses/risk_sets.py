"""Which rows are at risk at which event, and sums over them: what Cox's partial likelihood is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..contract.rows import Rows

__all__ = ["RiskSets"]

# If numbers lie within this range of logarithms, the smallest is still a normal number beside the largest, since
# those of float64 begin at exp(-708).
RANGE = 650.0


def log_cumsum(logs: np.ndarray) -> np.ndarray:
    """Return logarithms of the cumulative sums of numbers that are given by their logarithms.

    Examples
    --------
    >>> log_cumsum(np.array([-2000.0, 0.0, 0.0])).round(4).tolist()
    [-2000.0, 0.0, 0.6931]
    """
    top = logs.max()
    if top - logs.min() > RANGE:
        return np.logaddexp.accumulate(logs)
    return np.asarray(top + np.log(np.cumsum(np.exp(logs - top))))  # a quarter of the time


@dataclass(frozen=True)
class RiskSets:
    """Which rows are at risk at which event, of a data set: all that does not change from round to round.

    Rows without weight are left out. The others are in the order of their times, the latest first: those at risk
    at a time are then the first ones. Times at which something happened are numbered in the same order.

    Parameters
    ----------
    rows : ndarray of int of shape (n,)
        The rows with weight, the latest first. Below, a row is its place in this order.
    log_weight : ndarray of shape (n,), optional
        Logarithms of their weights.
    reached : ndarray of int of shape (n,)
        For each row, the number of the latest event time that it has lived to; k if there is none.
    events : ndarray of int of shape (m,)
        The rows whose event was observed.
    times : ndarray of shape (k,)
        The distinct times of events.
    last : ndarray of int of shape (k,)
        The last row at risk at each of them.
    starts, counts : ndarray of int of shape (k,)
        Where in `events` those of each time begin, and how many they are.
    weight : ndarray of shape (k,)
        The mean weight of the events of each time.
    share : ndarray of shape (m,), optional
        The part of its tied events that has left an event's risk set; None if nothing leaves, in Breslow's way.
    """

    rows: np.ndarray
    log_weight: np.ndarray | None
    reached: np.ndarray
    events: np.ndarray
    times: np.ndarray
    last: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    weight: np.ndarray
    share: np.ndarray | None

    @classmethod
    def of(cls, rows: Rows, efron: bool) -> RiskSets:
        """Sort the rows of a data set."""
        time, weight = rows.y[:, 0].astype(np.float64), rows.weight
        order = np.argsort(-time, kind="stable")
        if weight is not None:
            order = order[weight[order] > 0]
            weight = weight[order].astype(np.float64)
        time, observed = time[order], rows.y[order, 1] == rows.y[order, 0]
        first = np.concatenate([[True], time[1:] != time[:-1]])
        tied = np.cumsum(first) - 1  # the number of each row's time
        counts = np.bincount(tied[observed], minlength=tied[-1] + 1)
        some = counts > 0
        reached: np.ndarray = (np.cumsum(some) - some)[tied]
        events, counts = np.flatnonzero(observed), counts[some]
        last = (np.append(np.flatnonzero(first)[1:], len(time)) - 1)[some]
        starts = np.cumsum(counts) - counts
        totals = counts if weight is None else np.bincount(reached[events], weight[events], len(counts))
        share = None
        if efron and (counts > 1).any():
            share = (np.arange(len(events)) - np.repeat(starts, counts)) / np.repeat(counts, counts)
        log_weight = None if weight is None else np.log(weight)
        return cls(order, log_weight, reached, events, time[last], last, starts, counts, totals / counts, share)

    def log_risks(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw predictions of `rows`, and the log of the sum of hazard ratios at risk at each time."""
        ratios = raw[self.rows]
        weighted = ratios if self.log_weight is None else ratios + self.log_weight
        return ratios, log_cumsum(weighted)[self.last]

    def log_denominators(self, ratios: np.ndarray, log_risk: np.ndarray) -> np.ndarray:
        """Return the log of the denominator of each event, less the share that Efron takes off."""
        if self.share is None:
            return np.repeat(log_risk, self.counts)
        tied = ratios[self.events] if self.log_weight is None else (ratios + self.log_weight)[self.events]
        # Tied events are some of those at risk: more than all of them is rounding.
        part = np.exp(np.minimum(np.logaddexp.reduceat(tied, self.starts) - log_risk, 0.0))
        return np.repeat(log_risk, self.counts) + np.log1p(-self.share * np.repeat(part, self.counts))

    def log_hazards(self, log_jumps: np.ndarray) -> np.ndarray:
        """Return the log of the cumulative hazard at each time, from its jumps; minus infinity before all."""
        return np.append(log_cumsum(log_jumps[::-1])[::-1], -np.inf)
