"""What the class of a loss declares, checked when the class is made: a mistake there shows at once."""

from __future__ import annotations

from inspect import Parameter, isfunction, signature
from typing import Any, Literal, get_args

from .domain import Domain
from .links import Link, Output, joint_link

__all__ = ["CurvatureKind", "check_declaration"]

CurvatureKind = Literal[
    "exact", "gauss-newton", "bound", "majorizer", "consistent", "expected", "surrogate", "constant"
]

PACKAGE = __name__.partition(".")[0] + "."


def check_declaration(cls: type) -> None:
    """Raise a `TypeError` that names the class, the attribute and the rule."""
    own = vars(cls)

    def complain(rule: str, got: Any) -> None:
        raise TypeError(f"{cls.__name__}: {rule}, got {got!r}")

    for name, wanted in (("link", Link), ("domain", Domain)):
        if name in own and not isinstance(own[name], (wanted, property)):
            complain(f"{name} must be a {wanted.__name__} of gbm_objectives.losses", own[name])
    outputs = own.get("outputs", ())
    if not isinstance(outputs, property):
        if not isinstance(outputs, tuple) or not all(isinstance(output, Output) for output in outputs):
            complain("outputs must be a tuple of Output(name, link)", outputs)
        names = [output.name for output in outputs]
        if len(outputs) == 1 or len(set(names)) < len(names):
            complain("outputs must be two or more, each with a name of its own", names)
        if outputs:
            cls.link = joint_link(outputs)  # type: ignore[attr-defined]  # of a Loss
    kind = getattr(cls, "curvature_kind", None)
    needed = kind is not None or _is_complete(cls)
    if needed and not isinstance(kind, property) and kind not in get_args(CurvatureKind):
        complain(f"curvature_kind must be one of {', '.join(get_args(CurvatureKind))}", kind)
    for name, function in own.items():
        inherited = next((vars(base)[name] for base in cls.__mro__[1:] if name in vars(base)), None)
        # What a subclass calls its own helpers is its own affair.
        ours = isfunction(inherited) and inherited.__module__.startswith(PACKAGE)
        if ours and name.startswith("_") and not name.startswith("__") and isfunction(function):
            _check_signature(cls, name, function, inherited)


def _is_complete(cls: type) -> bool:
    """Return whether no abstract method is left."""
    return not any(getattr(getattr(cls, name, None), "__isabstractmethod__", False) for name in dir(cls))


def _check_signature(cls: type, name: str, function: Any, inherited: Any) -> None:
    """Raise unless a method takes as many positional arguments as the one it overrides."""
    given, wanted = signature(function).parameters, signature(inherited).parameters
    if any(p.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) for p in given.values()):
        return
    needed = sum(p.default is Parameter.empty for p in given.values())
    if not needed <= len(wanted) <= len(given):
        raise TypeError(f"{cls.__name__}.{name} must take ({', '.join(wanted)}), it takes ({', '.join(given)})")
