"""The number of classes, which a loss may leave to the classifier."""

from __future__ import annotations

from typing import Any

from ..validation import check_integer

__all__ = ["check_classes"]


def check_classes(loss: Any) -> None:
    """Raise unless the hyper-parameter `n_classes` of a loss is given and at least 2."""
    if loss.n_classes is None:
        raise ValueError(
            f"n_classes of {type(loss).__name__} must be given: GBMClassifier alone finds it in the labels"
        )
    check_integer(loss, "n_classes", 2)
