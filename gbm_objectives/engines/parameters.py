"""What parameters may be: those of a training given a loss, those of `fit` given an estimator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from inspect import isroutine
from typing import Any, get_args

from ..contract import Domain, Link, Loss, Scope
from ..curvature import Pace
from ..validation import shown

__all__ = ["at_pace", "check_keys", "check_options", "require_loss"]

# At higher learning rates the spread of a distribution moves as far in a round as at this one, LightGBM's default.
# Trees that fit the training rows closely, as XGBoost's at its default of 0.3, would have it follow their
# residuals to 0: after 100 rounds, held-out losses of Normal and of censored LogNormal were 0.1 to 4 higher on six
# of eight sets (gbsg2 5.8 for 4.3, diabetes 9.7 for 5.6). On two whose spread must fall far, concrete and energy,
# they were 0.5 and 1 lower, for which more rounds make up; with early stopping all are within 0.04.
SCALE_RATE = 0.1


def require_loss(loss: Any) -> None:
    """Raise unless `loss` is one of ours and its hyper-parameters are in range."""
    if not isinstance(loss, Loss):
        hint = "; write it with parentheses" if isinstance(loss, type) and issubclass(loss, Loss) else ""
        hint = "; an estimator goes into estimator=" if hasattr(loss, "fit") else hint
        if isroutine(loss):
            hint = "; subclass Loss, which asks for the loss of each row in addition to the gradient"
        raise TypeError(f"loss must be a Loss of gbm_objectives, got {shown(loss)}{hint}")
    loss.check_params()
    # Those of a class are checked when it is made; these may be hyper-parameters.
    for name, kind in (("link", Link), ("domain", Domain)):
        if not isinstance(given := getattr(loss, name), kind):
            raise TypeError(f"{name} of {type(loss).__name__} must be a {kind.__name__}, got {shown(given)}")
    if loss.scope not in get_args(Scope):
        raise ValueError(f"scope of {loss!r} must be one of {', '.join(get_args(Scope))}, got {shown(loss.scope)}")


def check_keys(
    params: dict[str, Any], loss: Loss, objective_names: Collection[str], builtin_only: Mapping[str, Any]
) -> None:
    """Raise if the parameters restate what the loss determines, or act on built-in objectives only."""
    for name in objective_names:
        if name in params:
            raise ValueError(f"params[{name!r}] must be left out: loss={loss!r} is the objective")
    for name, neutral in builtin_only.items():
        # True equals 1, but does not mean the same here.
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


def check_options(options: dict[str, Any], known: Collection[str], engine: str) -> None:
    """Raise a `TypeError` that names the first fit parameter that the engine does not have."""
    for name in options:
        if name == "offset":  # the predicting methods' name for it
            raise TypeError("fit() takes an offset as init_score or base_margin, not as 'offset'")
        if name not in known:
            raise TypeError(
                f"fit() got an unexpected keyword argument {shown(name)}; {engine} has"
                f" {', '.join(known) or 'none'} besides the parameters common to both engines; parameters of the"
                " training go into estimator"
            )


def at_pace(loss: Loss, params: dict[str, Any], names: Sequence[str], pace: Pace) -> Loss:
    """Return a copy of the loss that steps as the parameters say; `names` are those of the learning rate."""
    given = next((params[name] for name in names if params.get(name) is not None), pace.learning_rate)
    try:
        rate = float(given)
    except (TypeError, ValueError):
        rate = pace.learning_rate  # the engine refuses it
    of_scale = min(1.0, SCALE_RATE / rate) if rate > 0 else 1.0
    return loss._with(_pace=replace(pace, learning_rate=rate, of_scale=of_scale, travelled=0.0))
