"""What both engines' `train` do alike before they hand over to the engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..losses import Loss
from ..losses.metric import labels_and_weight
from ..losses.validation import as_weight

__all__ = ["check_keys", "check_loss", "metrics_with", "named", "target_and_weight"]


def check_loss(loss: Any) -> None:
    """Raise unless `loss` is one of ours and its hyper-parameters are in range."""
    if not isinstance(loss, Loss):
        hint = "; write it with parentheses" if isinstance(loss, type) and issubclass(loss, Loss) else ""
        raise TypeError(f"loss must be a Loss of gbm_objectives, got {loss!r}{hint}")
    loss.check_params()


def check_keys(params: dict[str, Any], loss: Loss, objective_names: Collection[str]) -> None:
    """Raise if the parameters say what the loss says already."""
    for name in objective_names:
        if name in params:
            raise ValueError(f"params[{name!r}] must be left out: loss={loss!r} is the objective")
    for name in ("num_class", "num_classes"):
        if name in params and max(1, int(params[name])) != loss.n_outputs:
            raise ValueError(f"params[{name!r}] is {params[name]}, but {loss!r} has {loss.n_outputs} outputs")


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put the name of the data set in front of an error's message."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def target_and_weight(loss: Loss, dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return target and weights of a data set, checked; errors name the data set as the user knows it."""
    with named(name):
        target, weight = labels_and_weight(dataset)
        loss.check_target(target)
        return target, as_weight(weight, len(target))


def metrics_with(loss: Loss, metrics: Any) -> list[Callable[..., Any]]:
    """Return the user's metrics without the loss's own, which `train` places where the engine wants it."""
    if metrics is None:
        return []
    given = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]
    return [metric for metric in given if metric != loss.metric]
