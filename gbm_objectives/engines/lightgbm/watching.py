"""Metrics in LightGBM's form, and which of them early stopping looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import lightgbm as lgb
import numpy as np

from ..metrics import Result, of_unknown_direction
from ..training import Folds, Training

__all__ = ["EARLY_STOPPING_NAMES", "feval_of", "n_watched", "triples"]

EARLY_STOPPING_NAMES = ("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change")
EarlyStopping: Any = type(lgb.early_stopping(1, verbose=False))


def n_watched(params: dict[str, Any], callbacks: Any) -> float:
    """Return how many results early stopping watches: none, the first, or all."""
    first_only = [one.first_metric_only for one in callbacks or () if isinstance(one, EarlyStopping)]
    if any(int(params.get(name) or 0) > 0 for name in EARLY_STOPPING_NAMES):
        first_only.append(bool(params.get("first_metric_only")))
    if not first_only:
        return 0
    return 1 if all(first_only) else np.inf


def triples(results: Iterable[Result], watched: float) -> list[tuple[str, float, bool]]:
    """Return results as LightGBM takes them; raise if a watched one does not say whether higher is better."""
    results = list(results)
    for i, (name, _, higher) in enumerate(results):
        if higher is None and i < watched:
            raise of_unknown_direction(name)
    return [(name, value, bool(higher)) for name, value, higher in results]


def feval_of(training: Training | Folds, metrics: list[Callable[..., Any]], watched: float) -> Callable[..., Any]:
    """Return one function that computes all metrics, in their order."""

    def feval(raw_prediction: np.ndarray, dataset: lgb.Dataset) -> list[tuple[str, float, bool]]:
        return triples(training.results(metrics, raw_prediction, dataset), watched)

    return feval
