"""Times until an event, some of them only known to be longer: Cox's partial likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.domain import Domain
from ..contract.links import LOG
from ..contract.loss import Loss
from ..contract.rows import BOUNDS, Rows
from ..validation import as_numbers, as_times, check_choice, increasing
from .risk_sets import RiskSets

__all__ = ["CoxPH"]

# A baseline beyond these numbers, which only raw predictions beyond 700 make, stays there: its logarithm and its
# text in a model file must be finite.
LEAST, MOST = (float(np.log(one)) for one in (np.finfo(np.float64).tiny, 0.5 * np.finfo(np.float64).max))

TIMES = Domain(
    "times not below 0, the same in both columns where the event was observed, inf as upper where right-censored",
    0.0,
    np.inf,
    lambda y: np.isfinite(y[:, 0]) & ((y[:, 1] == y[:, 0]) | (y[:, 1] == np.inf)),
)


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

    def _check_summary(self) -> None:
        if self.summary is None:
            return
        if self.summary.ndim != 2 or len(self.summary) != 2 or not self.summary.size:
            raise ValueError(
                f"the baseline of {self!r} must be two rows, times and cumulative hazards, got shape"
                f" {self.summary.shape}"
            )
        times, hazard = self.summary
        # Where raw predictions are far apart, the hazard before all large jumps is 0 beside them: it may stay.
        if not (increasing(times) and times[0] >= 0.0 and hazard[0] > 0.0 and (np.diff(hazard) >= 0.0).all()):
            raise ValueError(
                f"the baseline of {self!r} must have increasing times, none below 0, and cumulative hazards above"
                " 0 that do not fall"
            )

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
