"""Times until an event, some of them only known to be longer: Cox's partial likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import Domain
from ..contract.links import LOG
from ..contract.loss import Loss
from ..contract.rows import BOUNDS, Rows
from ..validation import as_numbers, as_times, check_choice

__all__ = ["CoxPH"]

# If numbers lie within this range of logarithms, the smallest is still a normal number beside the largest, since
# those of float64 begin at exp(-708).
RANGE = 650.0
# A baseline beyond these numbers, which only raw predictions beyond 700 make, stays there: its logarithm and its
# text in a model file must be finite.
LEAST, MOST = (float(np.log(one)) for one in (np.finfo(np.float64).tiny, 0.5 * np.finfo(np.float64).max))

TIMES = Domain(
    "times not below 0, the same in both columns where the event was observed, inf as upper where right-censored",
    0.0,
    np.inf,
    lambda y: np.isfinite(y[:, 0]) & ((y[:, 1] == y[:, 0]) | (y[:, 1] == np.inf)),
)


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


class CoxPH(Loss):
    """Negative log of Cox's partial likelihood: which row has its event next, of all that are still at risk.

    The hazard of a row at a time t is h(t) exp(raw_prediction), with a baseline h that all rows share and that
    cancels. Domain: two columns, `lower` and `upper`: the time twice where the event was observed; where all that
    is known is that it comes later (right-censored), the time and inf. Times are not below 0, and only their order
    counts. Link: log; the response is the hazard ratio. With the ratios r = exp(raw_prediction), weights w, and
    δ = 1 for an observed event, 0 otherwise::

        loss       δ (log R(t) - raw_prediction)   R(t) = Σ w r over the rows with a time of t or later
        gradient   r A(t) - δ                      A(t) = Σ w / R(s) over the events at times s up to t
        curvature  max(r A(t), |r A(t) - δ|)       bound

    The loss compares all rows of a data set with each other, an evaluation set's among themselves. The metric is
    the sum over events divided by the weight of all rows; without any event it is 0, so a training does not
    start with such a set.

    The Hessian is the diagonal matrix of r A(t) less a positive semidefinite one, so that diagonal dominates it.
    The other part of the curvature, ``|r A(t) - δ|``, keeps the step of a leaf from exceeding 1. Without it an
    event among rows that are expected to have none, whose r A(t) is nearly 0, makes a step without bound: on
    200,000 rows with ratios from exp(-6) to exp(6), at a learning rate of 0.3, LightGBM's training loss rose
    again. So it did with the Hessian's own diagonal.

    Events at the same time are tied. With ``ties="efron"`` each of d tied events has a denominator of its own,
    R(t) less (l/d) Σ w r over these events, for l = 0 ... d - 1, as if one happened after the other. The events
    then count with the mean of their weights, as in R's `survival`. With ``ties="breslow"`` all of them have
    R(t), which pulls predictions towards 0 where ties are many. Under it a row of weight 2 is the same as two
    rows. Under Efron's it is not, nor in R's `survival`: the two rows are tied.

    The `loss_` of a fitted estimator has a `summary` of the training rows, Breslow's estimate of the baseline:
    an array of the times of events and, in its second row, the cumulative hazard H at each of them, the Σ w /
    R(s) of above. `log_survival` needs it.

    Parameters
    ----------
    ties : {"efron", "breslow"}, default="efron"
        How events at the same time are counted.

    References
    ----------
    Cox (1972). *Regression models and life-tables*. Journal of the Royal Statistical Society B 34, 187-220.

    Breslow (1974). *Covariance analysis of censored survival data*. Biometrics 30, 89-99.

    Efron (1977). *The efficiency of Cox's likelihood function for censored data*. Journal of the American
    Statistical Association 72, 557-565.

    Examples
    --------
    The first event is one of three, the second one of two; the third row has none:

    >>> y = [[1.0, 1.0], [2.0, 2.0], [3.0, np.inf]]
    >>> loss = CoxPH()
    >>> loss.pointwise(y, [0.0, 0.0, 0.0]).round(4).tolist()  # log 3, log 2, 0
    [1.0986, 0.6931, 0.0]
    >>> loss.gradient(y, [0.0, 0.0, 0.0]).round(4).tolist()  # 1/3 - 1, 1/3 + 1/2 - 1, 1/3 + 1/2
    [-0.6667, -0.1667, 0.8333]
    """

    link = LOG
    domain = TIMES
    columns = BOUNDS
    scope = "all"
    curvature_kind = "bound"

    def __init__(self, ties: str = "efron") -> None:
        self.ties = ties

    def check_params(self) -> None:
        check_choice(self, "ties", ("efron", "breslow"))

    def _prepare(self, rows: Rows) -> RiskSets:
        return RiskSets.of(rows, self.ties == "efron")

    def check_target(self, y_true: ArrayLike) -> None:
        """Raise a `ValueError` for a target outside the domain, or one without any observed event.

        The loss of a data set without events is 0 whatever is predicted: early stopping would end at once.
        """
        super().check_target(y_true)
        self._require_event(self._target(y_true), None)

    def _check_start(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        self._require_event(y_true, weight)

    def _require_event(self, y_true: np.ndarray, weight: np.ndarray | None) -> None:
        observed = y_true[:, 0] == y_true[:, 1]
        if not (observed if weight is None else observed & (weight > 0)).any():
            raise ValueError(
                f"the target must have an observed event, a row of the same time in both columns and some weight:"
                f" {self!r} compares rows at events, and there is none in {len(y_true)} rows"
            )

    def _pointwise(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> np.ndarray:
        sets: RiskSets = self.prepared
        loss = np.zeros(len(raw_prediction))
        if len(sets.events):
            ratios, log_risk = sets.log_risks(raw_prediction)
            if sets.share is not None:
                log_risk = np.add.reduceat(sets.log_denominators(ratios, log_risk), sets.starts) / sets.counts
            loss[sets.rows[sets.events]] = np.repeat(log_risk, sets.counts) - ratios[sets.events]
        return loss

    def _derivatives(self, y_true: np.ndarray, raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sets: RiskSets = self.prepared
        gradient, curvature = np.zeros((2, len(raw_prediction)))
        if not len(sets.events):
            return gradient, curvature
        ratios, log_risk = sets.log_risks(raw_prediction)
        log_weight = np.log(sets.weight)
        if sets.share is None:
            hazard = sets.log_hazards(log_weight + np.log(sets.counts) - log_risk)
            expected = np.exp(ratios + hazard[sets.reached])
        else:
            logs = sets.log_denominators(ratios, log_risk)
            hazard = sets.log_hazards(log_weight + np.logaddexp.reduceat(-logs, sets.starts))
            expected = np.exp(ratios + hazard[sets.reached])
            # Of the jump at its own time an event sees less: it has left a part of those risk sets itself.
            own = log_weight + np.logaddexp.reduceat(np.log1p(-sets.share) - logs, sets.starts)
            seen = np.repeat(np.logaddexp(hazard[1:], own), sets.counts)
            expected[sets.events] = np.exp(ratios[sets.events] + seen)
        # Number of events less those expected: the negative martingale residual.
        excess = expected.copy()
        excess[sets.events] -= 1.0
        gradient[sets.rows] = excess
        curvature[sets.rows] = np.maximum(expected, np.abs(excess))
        return gradient, curvature

    def _block(
        self, y_true: np.ndarray, raw_prediction: np.ndarray, dtype: type[np.floating[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        # Never in float32, which has no digits left after sums over as many rows.
        return self._derivatives(y_true, raw_prediction.astype(np.float64, copy=False))

    def _resolved_at(self, y_true: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> CoxPH:
        # A training, which has prepared its rows, has no use for a baseline.
        if self.prepared is not None:
            return self
        sets = self._prepare(Rows(y_true, weight))
        if not len(sets.events):
            return self
        _, log_risk = sets.log_risks(raw_prediction.astype(np.float64))
        hazard = sets.log_hazards(np.log(sets.weight * sets.counts) - log_risk)[-2::-1]
        return self._with(summary=np.stack([sets.times[::-1], np.exp(np.clip(hazard, LEAST, MOST))]))

    def log_survival(self, raw_prediction: ArrayLike, times: ArrayLike) -> np.ndarray:
        """Return the logarithm of the probability that the event comes later than each of some times: -H(t) r.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples,)
            Raw predictions.
        times : float or array-like of shape (n_times,)
            Times. Before the first event of the training rows it is 0; after the last one it stays.

        Returns
        -------
        ndarray of shape (n_samples, n_times)
            Logarithms of probabilities.

        Raises
        ------
        ValueError
            If the loss has no baseline, which the `loss_` of a fitted estimator has.
        """
        raw, at = as_numbers(raw_prediction, "raw_prediction"), as_times(times)
        known, log_hazard = self._baseline()
        # A step at each event, at which it has happened already.
        log_hazard = np.append(-np.inf, log_hazard)[np.searchsorted(known, at, side="right")]
        with np.errstate(over="ignore"):
            return np.asarray(-np.exp(raw.astype(np.float64)[:, None] + log_hazard))

    def quantiles(self, raw_prediction: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return the first times by which the event has come with given probabilities, (n_samples, n_levels).

        They are times of events of the training rows, or inf where the probability stays below the level after
        the last one.
        """
        known, log_hazard = self._baseline()
        wanted = np.log(-np.log1p(-levels)) - raw_prediction.astype(np.float64)[:, None]
        # Rounding must not move a level that is reached exactly to the next time.
        places = np.searchsorted(log_hazard, wanted - 1e-12 * np.abs(wanted), side="left")
        return np.append(known, np.inf)[places]

    def _baseline(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the times of events, and the log of the cumulative hazard at each."""
        if self.summary is None:
            raise ValueError(
                f"{self!r} needs the baseline of its training rows, which loss_ of a fitted model has"
            )
        known, hazard = self.summary
        return known, np.log(hazard)

    @property
    def origin(self) -> float:
        """The time before which no event comes."""
        return 0.0

    def risk(self, raw_prediction: ArrayLike) -> np.ndarray:
        """Return a number for each row that is higher where the event comes earlier: the raw prediction."""
        return as_numbers(raw_prediction, "raw_prediction")
