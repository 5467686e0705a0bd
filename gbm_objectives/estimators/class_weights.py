"""What the rows of each class weigh in a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from .fit_inputs import INSTEAD_OF_WEIGHTS

__all__ = ["class_factors"]


def class_factors(model: Any, estimator: Any, target: np.ndarray) -> np.ndarray | None:
    """Return by how much the weights of the rows of each class are multiplied; None if they stay.

    By `class_weight` of a classifier, or of the engine's estimator in it. `target` is the place of the class of
    each row among `classes_`.

    Raises
    ------
    ValueError
        If a target is a distribution, or has several labels.
    """
    class_weight = model.class_weight
    if class_weight is None:
        class_weight = getattr(estimator, "class_weight", None)
    if class_weight is None:
        return None
    if model.loss_.columns:
        raise ValueError(f"class_weight must be left out where a row has several labels: {INSTEAD_OF_WEIGHTS}")
    if target.ndim == 2 or not np.isin(target, range(len(model.classes_))).all():
        raise ValueError("class_weight needs labels, not target distributions")
    codes, factors = target.astype(np.intp), np.ones(len(model.classes_))
    factors[codes] = compute_sample_weight(class_weight, model.classes_[codes])
    return factors
