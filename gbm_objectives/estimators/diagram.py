"""The HTML diagram of an estimator, as notebooks show it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["diagram"]


def diagram(parts: Mapping[str, Any]) -> Any:
    """Return what scikit-learn draws: the loss beside the engine's estimator, whichever are given."""
    try:
        home = import_module("sklearn.utils._repr_html.estimator")
    except ModuleNotFoundError:  # before scikit-learn 1.7
        home = import_module("sklearn.utils._estimator_html_repr")
    given = {name: part for name, part in parts.items() if part is not None}
    names = [f"{name}: {type(part).__name__}" for name, part in given.items()]
    return home._VisualBlock("parallel", list(given.values()), names=names, dash_wrapped=False)
