"""What both engines' `train` do alike before they hand over to the engine."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from inspect import isroutine
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..curvature import Pace
from ..losses import Loss
from ..losses.metric import labels_and_weight
from ..losses.start import best_beside
from ..sampling import sample_rows
from ..validation import as_weight, first_offender, shown
from .metrics import has_auto
from .protocol import Training

__all__ = [
    "Watch",
    "alone_with",
    "as_offset",
    "at_pace",
    "check_keys",
    "check_labels",
    "check_options",
    "check_shape",
    "errors_name",
    "native_model",
    "positives_times",
    "require_loss",
    "start_of",
    "target_and_weight",
    "unfitted_copy",
    "zero",
]


class Watch:
    """Warn, once, when the training loss stays above the lowest so far: steps overshoot, and no engine says so.

    Parameters
    ----------
    loss : Loss
        The loss trained with.
    rate : str
        What the engine calls its learning rate.
    """

    # A look costs as much as a callback on few rows, and divergence does not go away.
    EVERY = 5
    # So many looks in a row: a few come of sampled rows or of rounds that trade one group's loss for another's.
    LOOKS = 3
    # Above the lowest by a tenth of it, and by a thousandth of the first: a finished fit rises and falls by less.
    OF_LOWEST, OF_FIRST = 0.1, 1e-3

    def __init__(self, loss: Loss, rate: str) -> None:
        self.loss, self.rate = loss, rate
        self.calls = self.above = 0
        self.first = self.lowest = np.inf

    def look(self, y: np.ndarray, raw_prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Look at the raw predictions before a round."""
        self.calls += 1
        if self.above == self.LOOKS or self.calls % self.EVERY != 1:
            return
        rows = sample_rows(len(y), weight)
        # Overflow is what is looked for.
        with np.errstate(all="ignore"):
            value = self.loss.value(y[rows], raw_prediction[rows], None if weight is None else weight[rows])
        if self.calls == 1:
            self.first = self.lowest = value
        limit = self.lowest + self.OF_LOWEST * abs(self.lowest) + self.OF_FIRST * abs(self.first)
        # Infinity and NaN are above every limit.
        self.above = 0 if value <= limit < np.inf else self.above + 1
        self.lowest = min(self.lowest, value)
        if self.above == self.LOOKS:
            warnings.warn(
                f"the training loss of {self.loss!r} rises: it has been {self.lowest:.4g} and is {value:.4g}"
                f" before round {self.calls}; steps overshoot: lower {self.rate}, or raise the engine's penalties",
                UserWarning,
                stacklevel=2,
            )


def check_shape(n_outputs: int, n_inputs: int, loss: Loss, n_features: int) -> None:
    """Raise unless a native model has the outputs and features that it should have."""
    if n_outputs != loss.n_outputs:
        raise ValueError(f"its native model has {n_outputs} outputs, {loss!r} has {loss.n_outputs}")
    if n_inputs != n_features:
        raise ValueError(f"its native model has {n_inputs} features, n_features_in is {n_features}")


def unfitted_copy(estimator: Any) -> Any:
    """Return a clone that keeps the callbacks: a copy of them would keep what they see to itself."""
    copy = clone(estimator)
    if getattr(estimator, "callbacks", None):
        copy.callbacks = estimator.callbacks
    return copy


def native_model(model: Any) -> Any:
    """Return the native model inside of a fitted estimator, an engine's own or ours; anything else as it is."""
    if not hasattr(model, "fit"):
        return model
    check_is_fitted(model)
    if hasattr(model, "booster_"):
        return model.booster_
    return model.get_booster() if hasattr(model, "get_booster") else model


def positives_times(data: Training, factor: float, name: str) -> Training:
    """Return the training with the weights of the rows of class 1 multiplied.

    Raises
    ------
    ValueError
        If the target is not a binary label, or the factor is not above 0; `name` is the parameter that asks for
        it.
    """
    if not np.isin(data.y, (0.0, 1.0)).all() or data.y.ndim != 1:
        raise ValueError(f"{name} of estimator is for labels of two classes: use sample_weight")
    if not 0.0 < factor < np.inf:
        raise ValueError(f"{name} of estimator must be above 0 and finite, got {shown(factor)}")
    weight = np.ones(len(data.y)) if data.sample_weight is None else data.sample_weight
    return replace(data, sample_weight=np.where(data.y == 1.0, factor * weight, weight))


def check_options(options: dict[str, Any], known: Collection[str], engine: str) -> None:
    """Raise a `TypeError` that names the first fit parameter that the engine does not have."""
    for name in options:
        if name == "offset":  # what the predicting methods call it
            raise TypeError("fit() takes an offset as init_score or base_margin, not as 'offset'")
        if name not in known:
            raise TypeError(
                f"fit() got an unexpected keyword argument {shown(name)}; {engine} has"
                f" {', '.join(known) or 'none'} beside those of both; parameters of the training go into estimator"
            )


def as_offset(loss: Loss, offset: np.ndarray, n_rows: int) -> np.ndarray | None:
    """Return an offset in the shape of raw predictions, None if it has another.

    One number a row is for the first of several outputs that are no classes, the mean or the rate, of which
    exposure is a factor, and for others that say so.
    """
    k = loss.n_outputs
    if loss.outputs and offset.shape == (n_rows,):
        takes = [i == 0 or output.takes_offset for i, output in enumerate(loss.outputs)]
        return np.where(takes, offset[:, None], 0.0)
    return offset if offset.shape == ((n_rows,) if k == 1 else (n_rows, k)) else None


def require_loss(loss: Any) -> None:
    """Raise unless `loss` is one of ours and its hyper-parameters are in range."""
    if not isinstance(loss, Loss):
        hint = "; write it with parentheses" if isinstance(loss, type) and issubclass(loss, Loss) else ""
        hint = "; an estimator goes into estimator=" if hasattr(loss, "fit") else hint
        if isroutine(loss):
            hint = "; subclass Loss, which asks for the loss of each row beside the gradient"
        raise TypeError(f"loss must be a Loss of gbm_objectives, got {shown(loss)}{hint}")
    loss.check_params()


def check_keys(
    params: dict[str, Any], loss: Loss, objective_names: Collection[str], builtin_only: Mapping[str, Any]
) -> None:
    """Raise if the parameters say what the loss says already, or act on built-in objectives only."""
    for name in objective_names:
        if name in params:
            raise ValueError(f"params[{name!r}] must be left out: loss={loss!r} is the objective")
    for name, neutral in builtin_only.items():
        # True is 1, but not the same answer.
        value = params.get(name)
        same = value == neutral and isinstance(value, bool) == isinstance(neutral, bool)
        if value is not None and not same:
            raise ValueError(
                f"params[{name!r}] acts on built-in objectives only, got {shown(value)}: use the loss's parameters"
                " or sample weights"
            )
    for name in ("num_class", "num_classes"):
        if name in params and max(1, int(params[name])) != loss.n_outputs:
            raise ValueError(
                f"params[{name!r}] is {shown(params[name])}, but {loss!r} has {loss.n_outputs} outputs"
            )


@contextmanager
def errors_name(name: str) -> Iterator[None]:
    """Put the name of the data set in front of an error's message."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


_in_training: set[int] = set()
_lock = threading.Lock()


@contextmanager
def alone_with(sets: Sequence[tuple[Any, str]]) -> Iterator[None]:
    """Hold data sets that a training changes for a while, and raise if another training holds one of them.

    Start values and labels are kept in the data set itself: two trainings at once would see each other's.
    """
    with _lock:
        for dataset, name in sets:
            if id(dataset) in _in_training:
                raise ValueError(
                    f"{name} is in use by another training, in another thread or around this one: give each"
                    " training a data set of its own"
                )
        held = {id(dataset) for dataset, _ in sets}
        _in_training.update(held)
    try:
        yield
    finally:
        with _lock:
            _in_training.difference_update(held)


def target_and_weight(loss: Loss, dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return target and weights of a data set, checked; errors name the data set as the user knows it."""
    with errors_name(name):
        target, weight = labels_and_weight(dataset)
        check_labels(loss, target)
        return target, as_weight(weight, len(target))


def start_of(loss: Loss, target: np.ndarray, weight: np.ndarray | None, offset: np.ndarray | None) -> Any:
    """Return the start value, beside an offset if there is one."""
    if offset is None:
        return loss.initial_raw(target, weight)
    if has_auto(loss):
        # Of residuals, so that what the offset leaves of the target is all that counts.
        return loss.initial_raw(target - offset, weight)
    start = loss.initial_raw(target, weight)
    return best_beside(loss, target.astype(np.float64), weight, offset.astype(np.float64), start)


def at_pace(loss: Loss, params: dict[str, Any], names: Sequence[str], pace: Pace) -> Loss:
    """Return a copy of the loss that steps as the parameters say; `names` are those of the learning rate."""
    given = next((params[name] for name in names if params.get(name) is not None), pace.learning_rate)
    try:
        rate = float(given)
    except (TypeError, ValueError):
        rate = pace.learning_rate  # the engine refuses it
    paced = copy(loss)
    paced._pace = replace(pace, learning_rate=rate)
    return paced


def zero(loss: Loss) -> float | np.ndarray:
    """Return 0 as a start value."""
    return 0.0 if loss.n_outputs == 1 else np.zeros(loss.n_outputs)


def check_labels(loss: Loss, target: np.ndarray) -> None:
    """Raise unless the loss is defined for the target, and float32, in which engines keep labels, holds it."""
    loss.check_target(target)
    limit = np.finfo(np.float32).max
    if offender := first_offender(target, (np.abs(target) <= limit).reshape(len(target), -1).all(axis=1)):
        raise ValueError(f"the target must be numbers that float32 holds, not beyond {limit:.2g}, got {offender}")
