"""How an estimator chooses its loss and reads features, targets and weights, in memory or on a cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from ..contract import Loss
from .lazy import is_collection

__all__ = ["Reader"]


class Reader:
    """How features are read, and what each of our estimators does in a way of its own."""

    loss_: Loss

    def _prepare(self, y: Any) -> np.ndarray:
        """Set `loss_` (and `classes_`) from the training target and return it as numbers."""
        self._choose_loss()
        target = self._encode(y)
        self._look_at(target)
        return target

    def _choose_loss(self) -> None:
        """Set `loss_` where it does not depend on the target."""
        raise NotImplementedError

    def _look_at(self, target: np.ndarray) -> None:
        """Keep what is to be known of the training target; on a cluster it is a sample."""

    def _collected(self, y: Any) -> Any:
        """Return a Dask collection of targets with the columns of the loss."""
        return y

    def _encode(self, y: Any) -> np.ndarray:
        """Return an evaluation target as numbers."""
        raise NotImplementedError

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """Return the class of each row if validation rows are to have the same shares of classes as all rows."""
        return None

    def _weights(self, estimator: Any, target: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """Return the weights of the training rows, with those of classes."""
        return weight

    def _features(self, X: Any, reset: bool) -> Any:
        """Return features for the engine: arrays checked by scikit-learn, data frames unchanged."""
        if is_collection(X):
            raise TypeError(
                "X must be in memory here, got a Dask collection: call X.compute(). fit takes a collection with a"
                " Dask estimator, such as DaskLGBMRegressor; predict, predict_raw, predict_proba, predict_set,"
                " predict_params, predict_quantiles, predict_interval and decision_function take one without"
            )
        if hasattr(X, "columns") or hasattr(X, "column_names"):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        X = validate_data(
            self, X, reset=reset, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False
        )
        if X.dtype.kind in "mM":  # scikit-learn lets these pass, and engines take them for numbers
            raise ValueError(f"X must be real numbers, got {X.dtype} data")
        return X
