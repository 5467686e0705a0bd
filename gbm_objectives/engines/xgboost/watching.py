"""The direction of early stopping: XGBoost does not know that of a function, and guesses it from the name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import xgboost as xgb

from ...validation import shown
from ..metrics import Result, of_unknown_direction

__all__ = ["Directions", "InOrder", "has_early_stopping"]


def has_early_stopping(rounds: int | None, callbacks: Iterable[Any] | None) -> bool:
    """Return whether a training stops early, by its number of rounds to wait or by a callback."""
    return bool(rounds) or any(isinstance(one, xgb.callback.EarlyStopping) for one in callbacks or ())


class Directions(xgb.callback.TrainingCallback):
    """Record whether higher is better, and tell early stopping before its first check.

    It must come before the callbacks that stop. A user's `maximize` takes precedence over what a metric says.
    """

    def __init__(self) -> None:
        self.higher_is_better: dict[str, bool | None] = {}
        self.stopping: list[xgb.callback.EarlyStopping] = []

    def noted(self, results: Iterable[Result]) -> list[tuple[str, float]]:
        """Return names and values, as XGBoost takes them."""
        results = list(results)
        self.higher_is_better.update((name, higher) for name, _, higher in results)
        return [(name, value) for name, value, _ in results]

    def beside(self, keywords: dict[str, Any], verbose: bool = False) -> dict[str, Any]:
        """Return a training's keywords, with early stopping among its callbacks; `verbose` is their default."""
        keywords = dict(keywords)
        callbacks = list(keywords.pop("callbacks", None) or ())
        rounds, maximize = (keywords.pop(name, None) for name in ("early_stopping_rounds", "maximize"))
        if rounds:
            # In XGBoost's own order: after a callback that stops, no other is called.
            if period := keywords.pop("verbose_eval", verbose):
                show = keywords.get("show_stdv", True)
                callbacks.append(xgb.callback.EvaluationMonitor(period=int(period), show_stdv=show))
            keywords["verbose_eval"] = False
            callbacks.append(xgb.callback.EarlyStopping(rounds=rounds, maximize=maximize))
        self.stopping = [one for one in callbacks if isinstance(one, xgb.callback.EarlyStopping)]
        return {**keywords, "callbacks": [InOrder([self, *callbacks])]}

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Look up what each early stopping watches, unless it was told explicitly."""
        for one in self.stopping:
            if one.maximize is not None or not evals_log:
                continue
            log = evals_log.get(one.data or list(evals_log)[-1], {})
            name = one.metric_name or next(reversed(log), None)  # the last one, if none is named
            # XGBoost knows the direction of its own metrics.
            if name in self.higher_is_better:
                one.maximize = self.higher_is_better[name]
                if one.maximize is None:
                    raise of_unknown_direction(name)
        return False


class InOrder(xgb.callback.TrainingCallback):
    """Several callbacks as one: XGBoost 3.1 keeps them in a set, and calls them in arbitrary order."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        super().__init__()
        for callback in callbacks:
            if not isinstance(callback, xgb.callback.TrainingCallback):
                raise TypeError(f"callbacks must be xgboost.callback.TrainingCallback, got {shown(callback)}")
        self.callbacks = list(dict.fromkeys(callbacks))

    def before_training(self, model: Any) -> Any:
        """Call one after another, as below."""
        for callback in self.callbacks:
            model = callback.before_training(model)
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Return whether to stop."""
        return any(callback.before_iteration(model, epoch, evals_log) for callback in self.callbacks)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Return whether to stop; after a callback that does, no other is called, as in XGBoost."""
        return any(callback.after_iteration(model, epoch, evals_log) for callback in self.callbacks)

    def after_training(self, model: Any) -> Any:
        """Return what the callbacks make of the model."""
        for callback in self.callbacks:
            model = callback.after_training(model)
        return model
