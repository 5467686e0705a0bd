"""What a fitted estimator predicts on the scale of the link, with an offset if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..engines.registry import engine_of
from ..validation import shown
from .base import BaseGBM
from .fit_inputs import offset_of
from .lazy import lazily

__all__ = ["RawGBM"]


class RawGBM(BaseGBM):
    """The raw predictions of `GBMRegressor` and `GBMClassifier`, from which all others are made."""

    @lazily
    def predict_raw(
        self, X: Any, num_iteration: int | None = None, *, offset: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the raw prediction, on the scale of the link.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        num_iteration : int, optional
            Number of rounds to predict with; by default all rounds of the model.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`: a logarithm of exposure, say.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Raw predictions.

        Raises
        ------
        ValueError
            If the model has fewer rounds, or keeps only the last one, as XGBoost's ``gblinear`` does, or if the
            offset has another shape or is not finite.
        """
        return self._raw(X, num_iteration, offset)

    def _raw(self, X: Any, num_iteration: int | None = None, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the raw prediction for features in memory."""
        check_is_fitted(self)
        X = self._features(X, reset=False)
        _, engine = engine_of(self.estimator_)
        most = self._n_rounds()
        if num_iteration is not None and not 1 <= num_iteration <= most:
            raise ValueError(
                f"num_iteration must be 1 to {most}, the rounds of the model, got {shown(num_iteration)}"
            )
        given = offset_of(self.loss_, offset, X.shape[0], "offset")
        raw = engine.predict_raw(self.booster_, X, self.estimator_, num_iteration)
        return raw if given is None else raw + given

    def _scored(self, X: Any, y: Any, offset: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
        """Return checked targets, and raw predictions of the same rows."""
        check_is_fitted(self)
        target = self._encode(y)
        self.loss_.check_target(target)
        raw = self._raw(X, offset=offset).astype(np.float64)
        check_consistent_length(raw, target)
        return target, raw

    def _n_rounds(self) -> int:
        """Return the number of rounds that the native model holds."""
        _, engine = engine_of(self.estimator_)
        return engine.n_rounds(self.booster_)

    def staged_predict(self, X: Any, *, offset: ArrayLike | None = None) -> Iterator[np.ndarray]:
        """Yield what `predict` returns after each number of rounds, as scikit-learn's boosting estimators do.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        offset : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Raw predictions to be added to the model's, as `init_score` of `fit`.

        Yields
        ------
        ndarray
            The predictions with one round, with two, and so on.
        """
        check_is_fitted(self)
        for rounds in range(1, self._n_rounds() + 1):
            yield self._predicted(self._raw(X, rounds, offset))

    def _predicted(self, raw: np.ndarray) -> np.ndarray:
        """Return what `predict` returns for raw predictions."""
        raise NotImplementedError
