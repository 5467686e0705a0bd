"""An estimator, as the code that trains it sees it: how it reads data, and what it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Loss

__all__ = ["Trainee"]


class Trainee:
    """What a fitted estimator keeps, and what our estimators do each in its own way, some of it on a cluster."""

    estimator: Any
    booster_: Any
    estimator_: Any
    loss_: Loss
    best_iteration_: int | None
    evals_result_: dict[str, dict[str, list[float]]]
    noise_scale_: float | None
    outside_noise_: str = ""
    n_features_in_: int
    classes_: np.ndarray  # of a classifier

    def _features(self, X: Any, reset: bool) -> Any:
        """Return features for the engine."""
        raise NotImplementedError

    def _raw(self, X: Any, num_iteration: int | None = None, offset: Any = None) -> np.ndarray:
        """Return raw predictions for features in memory."""
        raise NotImplementedError

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

    def _check_known(self) -> None:
        """Raise a `ValueError` if what `_look_at` keeps, read from a file, is not what it keeps."""

    def _collected(self, y: Any) -> Any:
        """Return a Dask collection of targets with the columns of the loss."""
        return y

    def _encode(self, y: Any) -> np.ndarray:
        """Return an evaluation target as numbers."""
        raise NotImplementedError
