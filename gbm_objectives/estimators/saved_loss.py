"""What a model file holds of a loss."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np

from .. import distributions, formula, losses
from ..contract import Loss
from ..validation import brief, shown

__all__ = ["as_python", "check_same", "loss_content", "loss_of"]


def as_python(value: Any) -> Any:
    """Return a NumPy scalar or array, which hyper-parameters may be, as Python numbers."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a model file holds numbers and strings, not {shown(value)} ({type(value).__name__})")


def _name(loss: Loss) -> str:
    """Return the name of a loss; with its module, if it is not this package's but has the name of one."""
    kind = type(loss)
    return kind.__name__ if _known(kind.__name__) in (kind, None) else f"{kind.__module__}.{kind.__name__}"


def _known(name: str) -> Any:
    """Return this package's loss of that name; None if there is none."""
    found = next((getattr(home, name) for home in (losses, formula, distributions) if name in home.__all__), None)
    a_loss = inspect.isclass(found) and issubclass(found, Loss) and not inspect.isabstract(found)
    return found if a_loss else None


def loss_content(loss: Loss) -> dict[str, Any]:
    """Return class and parameters of a loss; one may be a loss, a list of them, or a function, by its name."""
    params = loss.get_params(deep=False).items()
    return {"class": _name(loss), "params": {name: _content(value) for name, value in params}}


def _content(value: Any) -> Any:
    """Return a parameter as a file holds it."""
    if isinstance(value, (list, tuple)) and any(isinstance(one, Loss) for one in value):
        return [_content(one) for one in value]
    if isinstance(value, Loss):
        return loss_content(value)
    return {"function": brief(getattr(value, "__qualname__", value))} if callable(value) else value


def _value(content: Any, path: Any) -> Any:
    """Return a parameter; the inverse of `_content`."""
    if isinstance(content, list) and any(map(_holds_loss, content)):
        return [_value(one, path) for one in content]
    return loss_of(content, path) if _holds_loss(content) else content


# Hyper-parameters of losses in files written by version 0.2 or 0.1, and their current names.
RENAMED = {("FormulaLoss", "link"): "link_name", ("FormulaLoss", "domain"): "domain_name"}


def _current(name_of_loss: str, param: str) -> str:
    """Return the current name of a parameter."""
    return RENAMED.get((name_of_loss, param), param)


def loss_of(content: Any, path: Any) -> Loss:
    """Return the loss by its name, from this package's own only: nothing else is looked up."""
    name = str(content.get("class")) if isinstance(content, dict) else ""
    known = _known(name)
    if known is None:
        raise ValueError(f"{path} was trained with a loss of your own, {brief(name)}: pass it as loss=")
    given = content.get("params")
    if isinstance(given, dict) and (functions := [one for one in given if _is_function(given[one])]):
        raise ValueError(
            f"{path} was trained with a function of your own, {functions[0]}={given[functions[0]]['function']} of"
            f" {name}, and a file runs no code: pass the loss as loss="
        )
    try:
        params = {_current(name, param): _value(value, path) for param, value in content["params"].items()}
    except (KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    try:
        loss: Loss = known(**params)
        loss.check_params()
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {brief(error)}") from None
    return loss


def check_same(loss: Loss, content: Any, path: Any) -> None:
    """Raise unless a loss is that of the file; a parameter that an older version did not have has its default."""
    trained_with = content.get("class") if isinstance(content, dict) else None
    if _name(loss) != trained_with:
        raise ValueError(f"{path} was trained with {brief(trained_with)}, loss= is {loss!r}")
    if _comparable(loss_content(loss), loss) != _comparable(content, loss):
        raise ValueError(
            f"{path} was trained with the parameters {brief(content.get('params'))}, loss= is {loss!r}"
        )


def _comparable(content: Any, loss: Loss) -> Any:
    """Return what a file holds of a loss as text: all its parameters, under their current names.

    Those that the file does not have are the defaults of the class, which is that of `loss`.
    """
    params = content.get("params") if isinstance(content, dict) else None
    if not isinstance(params, dict):
        return params
    given = {_current(str(content["class"]), name): value for name, value in params.items()}
    own = loss.get_params(deep=False)
    # As text, a tuple is a list. Of formulas with several outputs, the order of the parameters is that of outputs.
    return {name: _as_text(value, own.get(name), loss) for name, value in {**_defaults(loss), **given}.items()}


def _as_text(value: Any, own: Any, loss: Loss) -> Any:
    """Return a parameter of a file as text; `own` is that of the loss at hand."""
    several = isinstance(value, list) and any(map(_holds_loss, value))
    if several and isinstance(own, (list, tuple)) and len(value) == len(own):
        return [_as_text(one, other, loss) for one, other in zip(value, own, strict=True)]
    if _holds_loss(value) and isinstance(own, Loss):
        return _comparable(value, own)
    return json.dumps(value, default=as_python, sort_keys=not loss.outputs)


def _defaults(loss: Loss) -> dict[str, Any]:
    """Return the parameters that have a default, as a file holds them."""
    params = inspect.signature(type(loss)).parameters.items()
    of_class = {name: of.default for name, of in params if of.default is not inspect.Parameter.empty}
    return {name: _content(value) for name, value in of_class.items()}


def _is_function(content: Any) -> bool:
    """Return whether a parameter is the name of a function."""
    return isinstance(content, dict) and set(content) == {"function"}


def _holds_loss(content: Any) -> bool:
    """Return whether a parameter is a loss, rather than a dictionary, such as a formula's parameters."""
    return isinstance(content, dict) and set(content) == {"class", "params"} and isinstance(content["class"], str)
