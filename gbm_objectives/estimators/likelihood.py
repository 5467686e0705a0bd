"""How likely targets are under a fitted estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..contract.noise import Noise
from ..validation import as_weight, first_offender
from .raw import RawGBM

__all__ = ["LikelihoodGBM"]


class LikelihoodGBM(RawGBM):
    """The likelihood of `GBMRegressor` and `GBMClassifier`; see `gbm_objectives.contract.noise`."""

    def log_likelihood(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, offset: ArrayLike | None = None
    ) -> float:
        """Return the log-likelihood of targets under the model, the sum over the rows.

        It is the model's own, also after `calibrate`: the density between calibrated quantiles, which lie close
        together, is mostly noise. For the score of calibrated distributions see `crps` of regressors.

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
            If a target is outside the loss's domain, or is an atom of its distribution under `MultiQuantile`, or
            if lengths do not fit.

        Warns
        -----
        UserWarning
            If it is a quasi-log-likelihood.
        """
        noise = self._noise_if_any()
        target, raw = self._scored(X, y, offset)
        weight = as_weight(sample_weight, len(target))
        labels = hasattr(self, "classes_")
        if noise and noise.quasi and not labels and (offender := noise.offender(target)):
            warnings.warn(
                f"{noise.name} noise draws {noise.support}, not {offender}: this is a quasi-log-likelihood,"
                " which compares models under the same loss on the same rows, and nothing else",
                UserWarning,
                stacklevel=2,
            )
        log_p = self._log_probability(target, raw)
        return float(np.sum(log_p) if weight is None else weight @ log_p)

    def _log_probability(self, target: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the log-probability, or the log-density, of each target."""
        noise = self._noise()
        if hasattr(self, "classes_") or self.loss_.columns:
            return -self.loss_.pointwise(target, raw)  # of target distributions, the expectation
        if noise.quasi is not None:
            return noise.quasi(target, self.loss_.response(raw))
        self._check_drawn(target)
        self._check_distribution()
        distribution = self._distribution(raw)
        discrete = hasattr(distribution, "pmf")
        log_p = (distribution.logpmf if discrete else distribution.logpdf)(target)
        if discrete and (offender := first_offender(target, np.isfinite(log_p))):
            raise ValueError(f"{noise.name} noise gives no probability to {offender}")
        return np.asarray(log_p)

    def _distribution(self, raw: np.ndarray) -> Any:
        """Return the distributions of raw predictions."""
        noise, response = self._noise(), self.loss_.response(raw)
        if noise.fit_scale is None:
            return noise.distribution(response, noise.scale)
        if not self.noise_scale_:
            raise ValueError("the noise has no scale: all residuals are 0; give fit() an eval_set")
        return noise.distribution(response, self.noise_scale_)

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
                " rates, train on the counts with an offset; for shares, take Beta or, with 0 and 1 among them,"
                " Hurdle(Beta(), at=(0, 1)); or MultiQuantile"
            )

    def _noise_if_any(self) -> Noise | None:
        """Return the noise; None if the distribution has another source, which a subclass knows."""
        return self._noise()

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
