"""Native models and the estimators around them."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..contract import Loss

__all__ = ["check_shape", "native_model", "unfitted_copy"]


def native_model(model: Any) -> Any:
    """Return the native model inside a fitted estimator, an engine's own or ours; anything else unchanged."""
    if not hasattr(model, "fit"):
        return model
    check_is_fitted(model)
    if hasattr(model, "booster_"):
        return model.booster_
    return model.get_booster() if hasattr(model, "get_booster") else model


def unfitted_copy(estimator: Any) -> Any:
    """Return a clone with the same callback objects: the user would not see what copies of them record."""
    copy = clone(estimator)
    if getattr(estimator, "callbacks", None):
        copy.callbacks = estimator.callbacks
    return copy


def check_shape(n_outputs: int, n_inputs: int, loss: Loss, n_features: int) -> None:
    """Raise unless a native model has the outputs and features that it should have."""
    if n_outputs != loss.n_outputs:
        raise ValueError(f"its native model has {n_outputs} outputs, {loss!r} has {loss.n_outputs}")
    if n_inputs != n_features:
        raise ValueError(f"its native model has {n_inputs} features, n_features_in is {n_features}")
