"""An estimator, as the code that trains it sees it: how it reads data, and what it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from ..contract import Loss
from ..contract.rows import names_of
from .lazy import is_collection
from .ties import Ties

__all__ = ["Trainee"]


class Trainee:
    """What a fitted estimator keeps, and what our estimators do each in its own way, some of it on a cluster."""

    estimator: Any
    n_iter_no_change: int | None
    booster_: Any
    estimator_: Any
    loss_: Loss
    best_iteration_: int | None
    evals_result_: dict[str, dict[str, list[float]]]
    noise_scale_: float | None
    ties_: Ties | None = None
    _told_of_ties: bool = False
    validation_indices_: np.ndarray | None = None
    outside_noise_: str = ""
    n_features_in_: int
    classes_: np.ndarray  # of a classifier
    target_names_in_: tuple[Any, ...] | None = None

    def _features(self, X: Any, reset: bool) -> Any:
        """Return features for the engine: arrays checked by scikit-learn, data frames unchanged."""
        if is_collection(X):
            raise TypeError(
                "X must be in memory here, got a Dask collection: call X.compute(). fit takes one with a Dask"
                " estimator, as DaskLGBMRegressor; calibrate, predict, predict_raw, predict_proba, predict_set,"
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

    def _raw(self, X: Any, num_iteration: int | None = None, offset: Any = None) -> np.ndarray:
        """Return raw predictions for features in memory."""
        raise NotImplementedError

    def _prepare(self, y: Any) -> np.ndarray:
        """Set `loss_` (and `classes_`) from the training target and return it as numbers."""
        self._choose_loss()
        self.target_names_in_ = names_of(y)
        target = self._encode(y)
        self._look_at(target)
        return target

    def _knows_loss(self) -> bool:
        """Return whether the loss does not depend on the target, as that of labels does on their number."""
        return True

    def _choose_loss(self) -> None:
        """Set `loss_` where it does not depend on the target."""
        raise NotImplementedError

    def _look_at(self, target: np.ndarray) -> None:
        """Keep what is to be known of the training target; on a cluster it is a sample."""

    def _check_known(self) -> None:
        """Raise a `ValueError` if what `_look_at` keeps, read from a file, is not what it keeps."""

    def _collected(self, y: Any) -> Any:
        """Return a Dask collection of targets with the columns of the loss."""
        return y

    def _encode(self, y: Any) -> np.ndarray:
        """Return an evaluation target as numbers."""
        raise NotImplementedError

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """Return the class of each row if validation rows are to have the same shares of classes as all rows."""
        return None

    def _class_factors(self, estimator: Any, target: np.ndarray) -> np.ndarray | None:
        """Return by how much the weights of the rows of each class are multiplied; None if they stay."""
        return None
