"""The estimator of survival analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..distributions import Censored, LogLogistic
from ..losses import CoxPH
from ..survival import concordance
from ..validation import as_weight, increasing, shown
from .conformal import Quantiles
from .intervals import IntervalRegressor
from .lazy import lazily
from .survival_target import bounds_of, collected

__all__ = ["GBMSurvival", "SurvivalFunction"]


class GBMSurvival(IntervalRegressor):
    """Survival analysis: trains LightGBM or XGBoost on times of which some are censored.

    Parameters
    ----------
    loss : Censored or CoxPH, default=Censored(LogLogistic())
        A distribution of the time for each row, or Cox's partial likelihood with a baseline common to all rows.
    estimator : LGBMRegressor or XGBRegressor, default=LGBMRegressor()
        An unfitted estimator with the engine's parameters; its objective is left out.
    validation_fraction, validation, n_iter_no_change, random_state
        Rows put aside for early stopping, as in `GBMRegressor`; "random" ones have the same share of observed
        events as all rows.

    Attributes
    ----------
    unique_times_ : ndarray of shape (n_times,)
        The distinct times and bounds of the rows given to `fit`, sorted.
    loss_ : Censored or CoxPH
        The loss trained with; of Cox's, with Breslow's baseline.
    booster_, estimator_, best_iteration_, evals_result_, validation_indices_, feature_importances_, \
n_features_in_, feature_names_in_
        As in `GBMRegressor`.

    Notes
    -----
    The target `y` of `fit`, `score` and `log_likelihood` is one of:

    - a structured array or data frame of two columns, one of booleans, or of integers 0 and 1, or named "event" or
      "status", whether the event was observed, and one of times, until it or until observation ended:
      right-censored, as in scikit-survival;
    - two columns, "lower" and "upper" bound of the time: equal where it was observed, upper ``inf`` where it is
      right-censored, lower 0 where left-censored, and an interval otherwise (`Censored` only).

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from gbm_objectives import GBMSurvival
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> time, end = rng.exponential(np.exp(X[:, 0])), rng.uniform(0, 4, 500)
    >>> y = np.column_stack([np.minimum(time, end), np.where(time <= end, time, np.inf)])
    >>> model = GBMSurvival(estimator=LGBMRegressor(n_estimators=50, verbosity=-1)).fit(X, y)
    >>> model.predict_survival_function(X, [1.0, 2.0]).shape  # P(time > 1), P(time > 2)
    (500, 2)
    >>> 0.7 < model.score(X, y) < 1.0  # Harrell's C
    True
    """

    loss_: Censored | CoxPH

    def _choose_loss(self) -> None:
        self.loss_ = Censored(LogLogistic()) if self.loss is None else clone(self.loss)
        if not isinstance(self.loss_, (Censored, CoxPH)):
            raise ValueError(f"loss of GBMSurvival must be Censored(...) or CoxPH(...), got {self.loss_!r}")

    def _look_at(self, target: np.ndarray) -> None:
        self.unique_times_ = np.unique(target[np.isfinite(target) & (target != 0.0)])

    def _check_known(self) -> None:
        times = getattr(self, "unique_times_", None)
        if times is None or not increasing(times):
            raise ValueError(f"unique_times must be increasing numbers, got {shown(times)}")
        if isinstance(self.loss_, CoxPH) and self.loss_.summary is None:
            raise ValueError(f"summary must be the baseline of {self.loss_!r}, it is missing")

    def _collected(self, y: Any) -> Any:
        return collected(y)

    def _encode(self, y: Any) -> np.ndarray:
        return bounds_of(y)

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        observed = target[:, 0] == target[:, 1]
        return observed if min(observed.sum(), (~observed).sum()) > 1 else None

    @lazily
    def predict(self, X: Any, num_iteration: int | None = None, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the risk of each row: the higher, the earlier its event.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Of `Censored`, minus the median, or minus its logarithm if it is positive; of `CoxPH`, the logarithm of
            the hazard ratio.
        """
        return self._predicted(self._raw(X, num_iteration, offset))

    def _predicted(self, raw: np.ndarray) -> np.ndarray:
        return self.loss_.risk(raw)

    def _instead_of_distributions(self) -> str:
        return "; see predict_survival_function and predict_quantiles"

    def predict_survival_function(
        self,
        X: Any,
        times: ArrayLike | None = None,
        return_array: bool = False,
        *,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return the probability that the event of each row is later than each of some times.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        times : float or array-like of shape (n_times,), optional
            Times. Without them, a function of time for each row.
        return_array : bool, default=False
            Whether to return the probabilities at `unique_times_` if no times are given, as in scikit-survival.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_times), or of n_samples `SurvivalFunction`
            Probabilities, or functions that return them.
        """
        return self._functions(X, times, return_array, num_iteration, offset, cumulative_hazard=False)

    def predict_cumulative_hazard_function(
        self,
        X: Any,
        times: ArrayLike | None = None,
        return_array: bool = False,
        *,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return the cumulative hazard of each row, minus the logarithm of its survival function.

        Parameters
        ----------
        X, times, return_array, num_iteration, offset
            As in `predict_survival_function`.

        Returns
        -------
        ndarray of shape (n_samples, n_times), or of n_samples `SurvivalFunction`
            Cumulative hazards, or functions that return them.
        """
        return self._functions(X, times, return_array, num_iteration, offset, cumulative_hazard=True)

    def _functions(
        self,
        X: Any,
        times: Any,
        return_array: bool,
        num_iteration: int | None,
        offset: ArrayLike | None,
        *,
        cumulative_hazard: bool,
    ) -> np.ndarray:
        if isinstance(times, (bool, np.bool_)):  # the second argument of scikit-survival's estimators
            times, return_array = None, bool(times)
        raw = self._raw(X, num_iteration, offset).astype(np.float64)
        loss = self.loss_
        if times is not None or return_array:
            values = loss.log_survival(raw, self.unique_times_ if times is None else times)
            return -values if cumulative_hazard else np.exp(values)
        functions = np.empty(len(raw), dtype=object)
        for i in range(len(raw)):
            functions[i] = SurvivalFunction(loss, raw[i : i + 1], self.unique_times_, cumulative_hazard)
        return functions

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, offset: ArrayLike | None = None) -> float:
        """Return Harrell's C, the share of pairs whose order in time the risk tells; 1/2 is chance.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : structured array, data frame or array-like of shape (n_samples, 2)
            Times, as in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights; a pair has the product of those of its rows.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        float
            `gbm_objectives.survival.concordance`.
        """
        target, raw = self._scored(X, y, offset)
        return concordance(target[:, 0], target[:, 1], self._predicted(raw), as_weight(sample_weight, len(target)))

    def log_likelihood(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, offset: ArrayLike | None = None
    ) -> float:
        """Return the log-likelihood of times under the model; of Cox's, the partial one of these rows.

        Parameters
        ----------
        X, y, sample_weight, offset
            As in `score`.

        Returns
        -------
        float
            Σ w log p: of observed times the density, of others the probability of what is known.
        """
        target, raw = self._scored(X, y, offset)
        weight = as_weight(sample_weight, len(target))
        total = len(target) if weight is None else weight.sum()
        return float(-self.loss_.value(target, raw, weight) * total)

    def _quantiles(self) -> Quantiles:
        check_is_fitted(self)
        if isinstance(self.loss_, CoxPH):
            return Quantiles(self.loss_.quantiles, lambda raw: np.ones(len(raw)))
        return super()._quantiles()


@dataclass(frozen=True, eq=False)
class SurvivalFunction:
    """The survival function of a row, or its cumulative hazard, as a function of time.

    Parameters
    ----------
    loss : Censored or CoxPH
        The fitted loss.
    raw : ndarray of shape (1,) or (1, n_outputs)
        The raw prediction of the row.
    x : ndarray of shape (n_times,)
        Times to draw it at.
    cumulative_hazard : bool
        Whether it is the cumulative hazard.
    """

    loss: Censored | CoxPH
    raw: np.ndarray
    x: np.ndarray
    cumulative_hazard: bool = False

    @property
    def y(self) -> np.ndarray:
        """Its values at `x`."""
        return np.asarray(self(self.x))

    @property
    def domain(self) -> tuple[float, float]:
        """The times it is defined for: from 0 on, or all numbers for a distribution of numbers of any sign."""
        return self.loss.origin, float("inf")

    def __call__(self, times: ArrayLike) -> Any:
        """Return a value for each time, or a number for a number."""
        log_survival = self.loss.log_survival(self.raw, times)[0]
        values = -log_survival if self.cumulative_hazard else np.exp(log_survival)
        return float(values[0]) if np.ndim(times) == 0 else values
