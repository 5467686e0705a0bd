"""Train where no feature can be split: a constant column, or few rows.

LightGBM fails then, on custom objectives only. One round of a built-in objective yields the tree without a split
that a custom one should; everything beside the trees (metrics, callbacks, folds) is as in any training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np

from ...losses import Loss
from .data_sets import offset_of
from .watching import EARLY_STOPPING_NAMES

__all__ = ["BorrowedLabels", "builtin_params", "can_split", "of_start"]


def can_split(dataset: lgb.Dataset) -> bool:
    """Return whether a feature of a constructed data set has two bins."""
    return any(dataset.feature_num_bin(column) > 1 for column in range(dataset.num_feature()))


def builtin_params(params: dict[str, Any], loss: Loss) -> dict[str, Any]:
    """Return the parameters of the one round, which nothing stops."""
    objective = "regression" if loss.n_outputs == 1 else "multiclass"
    rest = {name: value for name, value in params.items() if name not in EARLY_STOPPING_NAMES}
    return {**rest, "objective": objective}


def of_start(feval: Callable[..., Any], loss: Loss) -> Callable[..., Any]:
    """Return the metrics of the start values: LightGBM hands out what its own objective makes of them."""

    def metrics(prediction: np.ndarray, dataset: lgb.Dataset) -> Any:
        return feval(offset_of(loss, dataset, "data set"), dataset)

    return metrics


class BorrowedLabels:
    """A callback that gives data sets their labels back once the multi-class objective has seen others.

    It takes whole numbers below the number of outputs; metrics want the labels themselves.
    """

    before_iteration = True
    order = -1000  # before the callbacks of the user

    def __init__(self) -> None:
        self.labels: list[tuple[lgb.Dataset, np.ndarray]] = []

    def replace(self, dataset: lgb.Dataset, loss: Loss) -> None:
        """Replace the labels of a data set to train on, if the objective would refuse them."""
        if loss.outputs:
            label = np.array(dataset.get_label())
            self.labels.append((dataset, label))
            dataset.set_label(np.arange(len(label)) % loss.n_outputs)

    def restore(self) -> None:
        """Set the labels that were there."""
        while self.labels:
            dataset, label = self.labels.pop()
            dataset.set_label(label)

    def __call__(self, env: Any) -> None:
        """Set the labels that were there, before a round."""
        self.restore()
