"""What a fitted estimator predicts beyond a point: a distribution for each row, samples, the log-likelihood."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..contract.noise import Noise
from ..validation import as_weight, first_offender, shown
from .calibrating import CalibratingGBM

__all__ = ["PredictiveGBM"]


class PredictiveGBM(CalibratingGBM):
    """The likelihood of `GBMRegressor` and `GBMClassifier`; see `gbm_objectives.contract.noise`."""

    def predict_distribution(self, X: Any, *, offset: ArrayLike | None = None) -> Any:
        """Return the distribution of the target of each row, under the noise that the loss assumes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        frozen distribution of scipy.stats
            With one entry per row, in the unit of the target: ``.mean()``, ``.interval(0.9)``, ``.logpdf(y)``. For
            two classes Bernoulli, ``.pmf`` of the codes 0 and 1 (``classes_[1]``); for several, multinomial with
            one trial, ``.pmf`` of one-hot rows: to draw from it use `sample`.

        Raises
        ------
        ValueError
            If the loss is not a negative log-likelihood (hinge), if all residuals were 0 when the model was
            fitted, so that the noise has no scale, or if a target was one that the noise cannot draw (a rate, a
            share).
        """
        self._check_distribution()
        return self._distribution(self._raw(X, offset=offset).astype(np.float64))

    def _distribution(self, raw: np.ndarray) -> Any:
        """Return the distributions of raw predictions."""
        noise, response = self._noise(), self.loss_.response(raw)
        if noise.fit_scale is None:
            return noise.distribution(response, noise.scale)
        if not self.noise_scale_:
            raise ValueError("the noise has no scale: all residuals are 0; give fit() an eval_set")
        return noise.distribution(response, self.noise_scale_)

    def _check_calibrates(self) -> None:
        self._noise()

    def sample(
        self, X: Any, n_samples: int = 1, random_state: Any = None, *, offset: ArrayLike | None = None
    ) -> np.ndarray:
        """Draw targets, or labels, from the distribution of each row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Features.
        n_samples : int, default=1
            Number of draws per row.
        random_state : int, RandomState or None, default=None
            As in scikit-learn.
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
        self._check_distribution()
        return self._draw(self._raw(X, offset=offset), n_samples, check_random_state(random_state))

    def _draw(self, raw: np.ndarray, n_samples: int, random: np.random.RandomState) -> np.ndarray:
        """Return the draws of `sample` for raw predictions; arguments are checked."""
        distribution = self._distribution(raw.astype(np.float64))
        n_rows = len(np.atleast_1d(distribution.mean()))
        return np.asarray(distribution.rvs(size=(n_samples, n_rows), random_state=random)).T

    def log_likelihood(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, offset: ArrayLike | None = None
    ) -> float:
        """Return the log-likelihood of targets under the model, the sum over the rows.

        For targets that the noise cannot draw (rates under `PoissonDeviance`, shares under `BinaryCrossEntropy`)
        it is a quasi-log-likelihood, and a warning says so: it compares models under the same loss on the same
        rows, and nothing else.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Targets or labels; for target distributions the expectation under them.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Returns
        -------
        float
            Σ w log p(y).

        Raises
        ------
        ValueError
            If a target is outside the loss's domain, or lengths do not fit.

        Warns
        -----
        UserWarning
            If it is a quasi-log-likelihood.
        """
        noise = self._noise()
        target, raw = self._scored(X, y, offset)
        weight = as_weight(sample_weight, len(target))
        if hasattr(self, "classes_") or self.loss_.columns:
            # If the targets are probabilities, the expectation.
            log_p = -self.loss_.pointwise(target, raw)
        elif noise.quasi is not None:
            if offender := noise.offender(target):
                warnings.warn(
                    f"{noise.name} noise draws {noise.support}, not {offender}: this is a quasi-log-likelihood,"
                    " which compares models under the same loss on the same rows, and nothing else",
                    UserWarning,
                    stacklevel=2,
                )
            log_p = noise.quasi(target, self.loss_.response(raw))
        else:
            self._check_drawn(target)
            self._check_distribution()
            distribution = self._distribution(raw)
            discrete = not hasattr(distribution.dist, "logpdf")
            log_p = (distribution.logpmf if discrete else distribution.logpdf)(target)
            if discrete and (offender := first_offender(target, np.isfinite(log_p))):
                raise ValueError(f"{noise.name} noise gives no probability to {offender}")
        return float(np.sum(log_p) if weight is None else weight @ log_p)

    def _scored(self, X: Any, y: Any, offset: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
        """Return checked targets, and raw predictions of the same rows."""
        check_is_fitted(self)
        target = self._encode(y)
        self.loss_.check_target(target)
        raw = self._raw(X, offset=offset).astype(np.float64)
        check_consistent_length(raw, target)
        return target, raw

    def _check_drawn(self, target: np.ndarray) -> None:
        """Raise if the noise cannot draw a regressor's target; a classifier's may be distributions."""
        noise = self.loss_.noise
        if noise is not None and not hasattr(self, "classes_") and (offender := noise.offender(target)):
            raise ValueError(f"y must be {noise.support}, as {noise.name} noise draws them, got {offender}")

    def _check_distribution(self) -> None:
        """Raise unless the targets that the model was trained on have a distribution."""
        noise = self._noise()
        if self.outside_noise_:
            raise ValueError(
                f"{self.loss_!r} was trained on targets that have no distribution under it: {noise.name} noise"
                f" draws {noise.support}, not {self.outside_noise_}. The model predicts only their mean: for"
                " rates, train on the counts with an offset, or take another loss, such as MultiQuantile"
            )

    def _noise(self) -> Noise:
        check_is_fitted(self)
        noise: Noise | None = self.loss_.noise
        if noise is None:
            raise ValueError(
                f"{self.loss_!r} has no noise, thus no distribution of the target: it is no negative"
                f" log-likelihood, or its class does not set noise{self._instead_of_distributions()}"
            )
        return noise

    def _instead_of_distributions(self) -> str:
        """Return, for a message, where else to look for what a distribution would tell."""
        return ""
