"""What a fitted regressor says about the distribution of the target: parameters, quantiles, intervals, a score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..contract.noise import Noise
from ..distributions.crps import crps
from ..distributions.piecewise import PiecewiseNormal
from ..losses import MultiQuantile
from ..validation import as_weight, check_between, check_levels, first_offender
from .calibrated import LEVELS, calibrated_distribution
from .conformal import Quantiles, interval, one_sided
from .lazy import lazily
from .predictive import PredictiveGBM
from .ties import draws_counts

__all__ = ["IntervalRegressor"]

LIMITS = np.finfo(np.float32)


class IntervalRegressor(PredictiveGBM):
    """Quantiles and intervals of `GBMRegressor`."""

    @lazily
    def predict_params(
        self, X: Any, *, num_iteration: int | None = None, offset: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the parameters of the distribution of each row, as a table with a name for each column.

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
        structured ndarray of shape (n_samples,)
            For a distribution, its `outputs` on the response scale: ``params["scale"]``, ``params.dtype.names``,
            ``pandas.DataFrame(params)``. For a loss with one output that is a negative log-likelihood, "response"
            and, if the noise has a scale, "noise_scale": `noise_scale_` in all rows (for squared error twice the
            variance, see there).

        Raises
        ------
        ValueError
            If the loss is not a negative log-likelihood.
        """
        noise = self._noise()
        response = self.loss_.response(self._raw(X, num_iteration, offset).astype(np.float64))
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

    @lazily
    def predict_quantiles(
        self,
        X: Any,
        alpha: ArrayLike,
        groups: ArrayLike | None = None,
        *,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return quantiles of the target of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        alpha : float or array-like of shape (n_levels,)
            Levels, each above 0 and below 1.
        groups : array-like of shape (n_samples,), optional
            The group of each row, if `calibrate` had groups.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model, and so after `calibrate`.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
            A column for each level. After `calibrate` each one attains its level on fresh rows, by itself: at
            least that share of targets lies at or below it for levels of 1/2 and more, at most that share strictly
            below it for others. It does not depend on which other levels are requested, so quantiles of levels
            close together may cross in some rows. Without calibration, they are the model's own, in order.
            `MultiQuantile` gives those between its levels, and beyond them, on a straight line in the quantiles of
            the normal distribution; beyond its levels, only calibration makes them right. There, and after
            `calibrate`, a quantile that is near a value of `ties_` is that value.

        Raises
        ------
        ValueError
            If a level is out of range, the loss has neither quantiles nor a likelihood, or the rows of `calibrate`
            are too few, or if a calibrated model is asked for fewer rounds.
        """
        levels = check_levels(alpha, "alpha")
        self._check_rounds(num_iteration)
        model, raw = self._quantiles(), self._raw(X, num_iteration, offset).astype(np.float64)
        if self.calibration_ is None:
            self._check_no_groups(groups)
            return model.quantiles(raw, levels)
        quantiles = one_sided(self.calibration_, model, raw, levels, self._groups(groups, len(raw)))
        return np.clip(quantiles, self.loss_.domain.low, self.loss_.domain.high)

    @lazily
    def predict_interval(
        self,
        X: Any,
        coverage: float = 0.9,
        groups: ArrayLike | None = None,
        *,
        num_iteration: int | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return an interval for the target of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        coverage : float, default=0.9
            The share of targets to contain.
        groups : array-like of shape (n_samples,), optional
            The group of each row, if `calibrate` had groups.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model, and so after `calibrate`.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper ends. After `calibrate` they contain at least that share of fresh targets, on average.
            Without calibration, they are the quantiles of the model's own distribution that leave equal shares
            below and above, without a guarantee: fresh targets may lie in them less often, most of all if the
            model fits its training rows closely. Where many targets are equal, as counts are, either may contain
            more, since ends are values that occur.

        Raises
        ------
        ValueError
            If `coverage` is not above 0 and below 1, the loss has neither quantiles nor a likelihood, or the rows
            of `calibrate` are too few, or if a calibrated model is asked for fewer rounds.

        Warns
        -----
        UserWarning
            Once after each `fit`, if more than a tenth of the training targets have one value, to which the loss
            gives no probability.
        """
        check_between(coverage, "coverage", 0.0, 1.0)
        self._warn_of_ties(lambda: self._raw(X, offset=offset), stacklevel=4)
        if self.calibration_ is None:
            levels = [0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage]
            return self.predict_quantiles(X, levels, groups, num_iteration=num_iteration, offset=offset)
        self._check_rounds(num_iteration)
        raw = self._raw(X, num_iteration, offset).astype(np.float64)
        ends = interval(self.calibration_, self._quantiles(), raw, coverage, self._groups(groups, len(raw)))
        # The interval need not extend to where no target can be.
        return np.clip(ends, self.loss_.domain.low, self.loss_.domain.high)

    def crps(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the mean continuous ranked probability score of targets, in their unit; lower is better.

        It is that of `predict_distribution`, after `calibrate` of the calibrated distributions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.
        groups : array-like of shape (n_samples,), optional
            The group of each row, if `calibrate` had groups.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        float
            The weighted mean of `gbm_objectives.distributions.crps`.

        Raises
        ------
        ValueError
            If a target, here or in `fit`, is outside the loss's domain or one that its noise cannot draw, if
            lengths do not fit, or if the loss has neither quantiles nor a likelihood.
        """
        self._check_distribution()
        self._check_one_column("crps")
        target, raw = self._scored(X, y, offset)
        self._check_drawn(target)
        weight = as_weight(sample_weight, len(target))
        distribution = self._calibrated(raw, self._groups(groups, len(raw)))
        return float(np.average(crps(distribution, target), weights=weight))

    def _check_calibrates(self) -> None:
        self._quantiles()

    def _noise_if_any(self) -> Noise | None:
        check_is_fitted(self)
        return None if isinstance(self.loss_, MultiQuantile) else self._noise()

    def _check_distribution(self) -> None:
        if self._noise_if_any() is not None:
            super()._check_distribution()

    def _predictive(self, X: Any, groups: Any, num_iteration: int | None, offset: ArrayLike | None) -> Any:
        self._check_rounds(num_iteration)
        raw = self._raw(X, num_iteration, offset).astype(np.float64)
        return self._calibrated(raw, self._groups(groups, len(raw)))

    def _calibrated(self, raw: np.ndarray, groups: np.ndarray | None) -> Any:
        """Return the distributions of raw predictions, calibrated if the model is."""
        if self.calibration_ is None:
            self._check_no_groups(groups)
            return self._distribution(raw)
        discrete = hasattr(self._distribution(raw[:1]), "pmf")
        return calibrated_distribution(
            self.calibration_, self._quantiles(), raw, groups, self.loss_.domain, discrete
        )

    @staticmethod
    def _check_no_groups(groups: Any) -> None:
        if groups is not None:
            raise ValueError("groups must be left out: the model is not calibrated in groups")

    def _distribution(self, raw: np.ndarray) -> Any:
        if not isinstance(self.loss_, MultiQuantile):
            return super()._distribution(raw)
        own = PiecewiseNormal(self.loss_.alphas, self.loss_.in_order(raw))
        if self.ties_ is None:
            return own
        levels = np.union1d(LEVELS, self.loss_.alphas)
        return PiecewiseNormal(levels, self.ties_.snapped(own.ppf(levels[:, None]).T))

    def _log_probability(self, target: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if not isinstance(self.loss_, MultiQuantile):
            return super()._log_probability(target, raw)
        log_p: np.ndarray = self._distribution(raw).logpdf(target)
        if offender := first_offender(target, log_p < np.inf):
            raise ValueError(
                "y must not be where quantiles of several levels are equal: such a value has a probability and no"
                f" density, got {offender}; crps has no such limit"
            )
        return log_p

    def _quantiles(self) -> Quantiles:
        """Return the model's own quantiles, and the unit in which calibration moves them."""
        self._check_distribution()
        fitted = isinstance(self.loss_, MultiQuantile)

        def quantiles(raw: np.ndarray, levels: np.ndarray) -> np.ndarray:
            own = np.asarray(self._distribution(raw).ppf(levels[:, None])).T
            # The distribution has been told of ties, but only up to rounding.
            return self.ties_.snapped(own) if fitted and self.ties_ is not None else own

        def spread(raw: np.ndarray) -> np.ndarray:
            distribution = self._distribution(raw)
            if fitted or hasattr(distribution, "pmf"):
                return np.ones(len(raw))  # that of counts may be 0, and fitted quantiles say how wide they are
            # Where one value has most of the probability, that of all others: both quartiles may be that value.
            others = getattr(distribution, "rest", distribution)
            low, high = others.ppf(0.25), others.ppf(0.75)
            # A spread that overflows, or vanishes next to its location, would turn the intervals into NaN. One
            # below the resolution of float32, in which engines keep targets, counts as none.
            least = LIMITS.eps * np.maximum(np.abs(low), np.abs(high)) + LIMITS.tiny
            with np.errstate(invalid="ignore"):
                return np.fmin(np.fmax(high - low, least), LIMITS.max)

        counts = draws_counts(self.loss_)
        return Quantiles(quantiles, spread, None if counts else self.ties_, counts)
