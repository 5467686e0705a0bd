"""What a fitted estimator predicts beyond a point: a distribution for each row, samples; and their calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ..validation import shown
from .calibrating import CalibratingGBM

__all__ = ["PredictiveGBM"]


class PredictiveGBM(CalibratingGBM):
    """The distributions of `GBMRegressor` and `GBMClassifier`."""

    def predict_distribution(
        self,
        X: Any,
        *,
        groups: ArrayLike | None = None,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Return the distribution of the target of each row: under the loss's noise, or calibrated.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        groups : array-like of shape (n_samples,), optional
            The group of each row, if `calibrate` of a regressor had groups.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model, and so after `calibrate`. The
            scale of the noise, `noise_scale_`, stays that of all rounds.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        frozen distribution of scipy.stats, or one with its methods
            With one entry per row, in the unit of the target: ``.sf(c)`` is P(y > c), and there are ``.cdf``,
            ``.ppf``, ``.mean()``, ``.interval(0.9)``, ``.logpdf(y)`` and ``.rvs()``. For `MultiQuantile` it is
            `gbm_objectives.distributions.PiecewiseNormal`, whose ``.ppf`` is `predict_quantiles`, also beyond the
            levels.

            After `calibrate` of a regressor it is `PiecewiseNormal`, for counts `PiecewiseCounts`. Their ``.ppf``
            is `predict_quantiles` at the levels 0.01, 0.02 ... 0.99 that the n calibration rows can tell apart,
            in steps of at least 1/(n + 1), put in order where they cross. Quantiles between them are moved by
            what lies on a line between, those outside as far as the outermost: the tails are the model's own,
            and not calibrated. It holds 115 numbers a row.

            For two classes it is Bernoulli, ``.pmf`` of the codes 0 and 1 (``classes_[1]``); for several,
            multinomial with one trial, ``.pmf`` of one-hot rows: to draw from it use `sample`. `calibrate`
            does not change these.

        Raises
        ------
        ValueError
            If the loss has neither quantiles nor a likelihood (hinge), if all residuals were 0 when the model was
            fitted, so that the noise has no scale, if a target was one that the noise cannot draw (a rate, a
            share), or if a calibrated model is asked for fewer rounds.

        References
        ----------
        Chernozhukov, Fernández-Val and Galichon (2010). *Quantile and probability curves without crossing*.
        Econometrica 78, 1093-1125.
        """
        self._check_distribution()
        return self._predictive(X, groups, num_iteration, offset)

    def _predictive(self, X: Any, groups: Any, num_iteration: int | None, offset: ArrayLike | None) -> Any:
        """Return the distributions of rows; see `predict_distribution`."""
        if groups is not None:
            raise ValueError("groups must be left out: calibrate of a classifier makes sets, not distributions")
        return self._distribution(self._raw(X, num_iteration, offset).astype(np.float64))

    def _check_rounds(self, num_iteration: int | None) -> None:
        """Raise if a calibrated model is to predict with other rounds than those that it was calibrated with."""
        if num_iteration is None or self.calibration_ is None:
            return
        most = self.best_iteration_ or self._n_rounds()
        if num_iteration != most:
            raise ValueError(
                f"num_iteration must be {most}, or left out, after calibrate, which moved the quantiles of the"
                f" model with all its rounds, got {shown(num_iteration)}: fit one with as many and calibrate it"
            )

    def sample(
        self,
        X: Any,
        n_samples: int = 1,
        random_state: Any = None,
        *,
        groups: ArrayLike | None = None,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Draw targets, or labels, from the distribution of each row; see `predict_distribution`.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Features.
        n_samples : int, default=1
            Number of draws per row.
        random_state : int, RandomState or None, default=None
            As in scikit-learn.
        groups : array-like of shape (n_rows,), optional
            The group of each row, if `calibrate` of a regressor had groups.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model.
        offset : array-like of shape (n_rows,) or (n_rows, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_samples)
            The draws.
        """
        if isinstance(n_samples, bool) or not isinstance(n_samples, (int, np.integer)):
            raise TypeError(f"n_samples must be an integer, got {shown(n_samples)}")
        if n_samples < 1:
            raise ValueError(f"n_samples must be at least 1, got {n_samples}")
        random = check_random_state(random_state)
        return self._draw(
            self.predict_distribution(X, groups=groups, num_iteration=num_iteration, offset=offset),
            n_samples,
            random,
        )

    def _draw(self, distribution: Any, n_samples: int, random: np.random.RandomState) -> np.ndarray:
        """Return the draws of `sample`; arguments are checked."""
        n_rows = len(np.atleast_1d(distribution.median()))
        return np.asarray(distribution.rvs(size=(n_samples, n_rows), random_state=random)).T
