"""How an estimator chooses its loss and reads targets, in memory or on a cluster."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Loss

__all__ = ["TargetReader"]


class TargetReader:
    """What `GBMRegressor`, `GBMClassifier` and `GBMSurvival` do in ways of their own."""

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

    def _check_known(self) -> None:
        """Raise a `ValueError` if what `_look_at` keeps, read from a file, is not what it keeps."""

    def _collected(self, y: Any) -> Any:
        """Return a Dask collection of targets with the columns of the loss."""
        return y

    def _encode(self, y: Any) -> np.ndarray:
        """Return an evaluation target as numbers."""
        raise NotImplementedError
