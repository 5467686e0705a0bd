"""Which way early stopping looks: XGBoost itself knows no direction of a function, and guesses it by the name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import xgboost as xgb

from ...validation import shown
from ..metrics import Result, of_unknown_direction

__all__ = ["Directions", "InOrder"]


class Directions(xgb.callback.TrainingCallback):
    """Note whether higher is better, and tell early stopping before it looks for the first time.

    It must come before the callbacks that stop. What the user gives as `maximize` counts, whatever a metric says.
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
        """Return the keywords of a training, early stopping among its callbacks; `verbose` is their default."""
        keywords = dict(keywords)
        callbacks = list(keywords.pop("callbacks", None) or ())
        rounds, maximize = (keywords.pop(name, None) for name in ("early_stopping_rounds", "maximize"))
        if rounds:
            # Where XGBoost would put them: after one that stops, no other is called.
            if period := keywords.pop("verbose_eval", verbose):
                show = keywords.get("show_stdv", True)
                callbacks.append(xgb.callback.EvaluationMonitor(period=int(period), show_stdv=show))
            keywords["verbose_eval"] = False
            callbacks.append(xgb.callback.EarlyStopping(rounds=rounds, maximize=maximize))
        self.stopping = [one for one in callbacks if isinstance(one, xgb.callback.EarlyStopping)]
        return {**keywords, "callbacks": [InOrder([self, *callbacks])]}

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Look up what each early stopping watches, unless it was told."""
        for one in self.stopping:
            if one.maximize is not None or not evals_log:
                continue
            log = evals_log.get(one.data or list(evals_log)[-1], {})
            name = one.metric_name or next(reversed(log), None)  # the last, where none is named
            # Of its own metrics XGBoost knows the direction.
            if name in self.higher_is_better:
                one.maximize = self.higher_is_better[name]
                if one.maximize is None:
                    raise of_unknown_direction(name)
        return False


class InOrder(xgb.callback.TrainingCallback):
    """Callbacks as one: XGBoost 3.1 keeps several in a set, and calls them in any order."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        super().__init__()
        for callback in callbacks:
            if not isinstance(callback, xgb.callback.TrainingCallback):
                raise TypeError(f"callbacks must be xgboost.callback.TrainingCallback, got {shown(callback)}")
        self.callbacks = list(dict.fromkeys(callbacks))

    def before_training(self, model: Any) -> Any:
        """Call one after the other, as below."""
        for callback in self.callbacks:
            model = callback.before_training(model)
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop."""
        return any(callback.before_iteration(model, epoch, evals_log) for callback in self.callbacks)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop; after one that does, no other is called, as by XGBoost."""
        return any(callback.after_iteration(model, epoch, evals_log) for callback in self.callbacks)

    def after_training(self, model: Any) -> Any:
        """Return what the callbacks make of the model."""
        for callback in self.callbacks:
            model = callback.after_training(model)
        return model
