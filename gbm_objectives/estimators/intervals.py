"""What a fitted regressor says of the distribution of the target: parameters, quantiles, intervals, a score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length

from ..distributions.crps import crps
from ..validation import as_numbers, as_weight, check_between, first_offender
from .predictive import PredictiveGBM

__all__ = ["IntervalRegressor"]


class IntervalRegressor(PredictiveGBM):
    """Quantiles and intervals of `GBMRegressor`."""

    def predict_params(self, X: Any) -> np.ndarray:
        """Return the parameters of the distribution of each row, as a table with a name for each column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        structured ndarray of shape (n_samples,)
            Of a distribution its `outputs` on the response scale: ``params["scale"]``, ``params.dtype.names``,
            ``pandas.DataFrame(params)``. Of a loss with one output that is a negative log-likelihood "response",
            and where the noise has a scale "noise_scale", `noise_scale_` in all rows (for squared error twice the
            variance, see there).

        Raises
        ------
        ValueError
            If the loss is no negative log-likelihood.
        """
        noise = self._noise()
        response = self.loss_.response(self.predict_raw(X).astype(np.float64))
        if self.loss_.outputs:
            names, values = [output.name for output in self.loss_.outputs], list(response.T)
        else:
            names, values = ["response"], [response]
            if noise.fit_scale is not None:
                names, values = [*names, "noise_scale"], [*values, np.full(response.shape, self.noise_scale_)]
        table = np.empty(len(response), dtype=[(name, np.float64) for name in names])
        for name, column in zip(names, values, strict=True):
            table[name] = column
        return table

    def predict_quantiles(self, X: Any, alpha: ArrayLike) -> np.ndarray:
        """Return quantiles of the distribution of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        alpha : float or array-like of shape (n_levels,)
            Levels, each above 0 and below 1.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
            A column for each level. They are the model's own: as good as its distribution.

        Raises
        ------
        ValueError
            If a level is out of range, or the loss is no negative log-likelihood.
        """
        levels = as_numbers(np.atleast_1d(alpha), "alpha")
        if offender := first_offender(levels, (levels > 0) & (levels < 1)):
            raise ValueError(f"alpha must be above 0 and below 1, got {offender}")
        return np.asarray(self.predict_distribution(X).ppf(levels[:, None])).T

    def predict_interval(self, X: Any, coverage: float = 0.9) -> np.ndarray:
        """Return the central interval of the distribution of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        coverage : float, default=0.9
            The probability that the interval holds: equal shares of the rest lie below and above it.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper ends. They are the model's own, without a guarantee: fresh targets may lie in it less
            often than `coverage` says, most of all where the model fits its training rows closely. Of counts they
            hold at least that probability, often more.

        Raises
        ------
        ValueError
            If `coverage` is not above 0 and below 1, or the loss is no negative log-likelihood.
        """
        check_between(coverage, "coverage", 0.0, 1.0)
        return self.predict_quantiles(X, [0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage])

    def crps(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean continuous ranked probability score of targets, in their unit; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.

        Returns
        -------
        float
            The weighted mean of `gbm_objectives.distributions.crps`.

        Raises
        ------
        ValueError
            If a target is outside the loss's domain, lengths do not fit, or the loss is no negative
            log-likelihood.
        """
        self._noise()
        target = self._encode(y)
        self.loss_.check_target(target)
        weight = as_weight(sample_weight, len(target))
        distribution = self.predict_distribution(X)
        check_consistent_length(np.atleast_1d(distribution.mean()), target)
        return float(np.average(crps(distribution, target), weights=weight))
