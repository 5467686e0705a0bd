"""What the class of a loss declares, checked when the class is made: a mistake there shows at once."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import Parameter, isfunction, signature
from typing import Any, get_args

from ..validation import shown
from .domain import Domain
from .formulas import CurvatureKind, Scope
from .links import SOFTMAX, Link, Output, joint_link
from .noise import Noise

__all__ = ["check_declaration"]

# What an author writes; an attribute with nearly one of these names is taken for a misspelling.
CONTRACT = (
    *("link", "outputs", "domain", "curvature_kind", "noise", "classifies", "check_params", "n_outputs"),
    *("_summary", "_prepare"),
    *("_pointwise", "_derivatives", "_gradient", "_initial_raw"),
    *("_of_residual", "_derivatives_of_residual", "_gradient_of_residual"),
)
MADE_OF = {"pointwise": "_pointwise", "gradient": "_derivatives", "curvature": "_derivatives"}
PACKAGE = __name__.partition(".")[0] + "."


def check_declaration(cls: type) -> None:
    """Raise a `TypeError` that names the class, the attribute and the rule."""
    own = vars(cls)

    def complain(rule: str, got: Any) -> None:
        raise TypeError(f"{cls.__name__}: {rule}, got {shown(got)}")

    for name, wanted in (("link", Link), ("domain", Domain)):
        if name in own and not isinstance(own[name], (wanted, property)):
            complain(f"{name} must be a {wanted.__name__} of gbm_objectives.contract", own[name])
    if not isinstance(own.get("classifies", False), (bool, property)):
        complain("classifies must be True or False", own["classifies"])
    if not isinstance(own.get("noise"), (Noise, property, type(None))):
        complain("noise must be a Noise of gbm_objectives.contract", own["noise"])
    for name in ("n_outputs", "metric", "name"):
        if name in own and not isinstance(own[name], property):
            complain(f"{name} must be a property; non-class outputs are named in outputs", own[name])
    for name, formula in MADE_OF.items():
        if name in own and not cls.__module__.startswith(PACKAGE):
            complain(f"{name} is made of {formula}, which is the one to write", own[name])
    _check_spelling(cls)
    for name in signature(own["__init__"]).parameters if "__init__" in own else ():
        taken = name in ("summary", "prepared") or isfunction(getattr(cls, name, None))
        if taken or isinstance(getattr(cls, name, None), property):
            complain("a parameter must not have the name of a method or of what a training knows", name)
    scope, columns = own.get("scope", "row"), own.get("columns", ())
    if not isinstance(scope, property) and scope not in get_args(Scope):
        complain(f"scope must be one of {', '.join(get_args(Scope))}", scope)
    if not isinstance(columns, property) and (
        not isinstance(columns, tuple)
        or not all(isinstance(one, str) for one in columns)
        or len(set(columns)) in (1, len(columns) - 1)
    ):
        complain("columns must be a tuple of two different names or more", columns)
    _check_partners(cls, own, complain)
    outputs = own.get("outputs", ())
    if isinstance(outputs, property) and "link" not in own:
        complain("outputs is a property, so link must be given too", outputs)
    declared = getattr(cls, "outputs", ())
    if not isinstance(outputs, property) and not isinstance(declared, property) and declared and "link" in own:
        complain("link must be left out: each of the outputs has its own", own["link"])
    if not isinstance(outputs, property):
        if not isinstance(outputs, tuple) or not all(isinstance(output, Output) for output in outputs):
            complain("outputs must be a tuple of Output(name, link)", outputs)
        names = [output.name for output in outputs]
        if len(outputs) == 1 or len(set(names)) < len(names):
            complain("outputs must be two or more, each with a name of its own", names)
        if outputs:
            cls.link = joint_link(outputs)  # type: ignore[attr-defined]  # of a Loss
    if own.get("link") is SOFTMAX and "n_outputs" not in own and not isinstance(outputs, property):
        complain("the softmax link needs the property n_outputs, the number of classes", own["link"])
    kind = getattr(cls, "curvature_kind", None)
    needed = kind is not None or _is_complete(cls)
    if needed and not isinstance(kind, property) and kind not in get_args(CurvatureKind):
        complain(f"curvature_kind must be one of {', '.join(get_args(CurvatureKind))}", kind)
    for name, function in own.items():
        inherited = next((vars(base)[name] for base in cls.__mro__[1:] if name in vars(base)), None)
        # A subclass may name its own helpers as it likes.
        ours = isfunction(inherited) and inherited.__module__.startswith(PACKAGE)
        if ours and name.startswith("_") and not name.startswith("__") and isfunction(function):
            _check_signature(cls, name, function, inherited)


def _check_partners(cls: type, own: Any, complain: Any) -> None:
    """Raise if one of two things that go together is missing."""
    scope = getattr(cls, "scope", "row")
    for method, scopes in (("_summary", ("summary",)), ("_prepare", ("query", "all"))):
        if method in own and not isinstance(scope, property) and scope not in scopes:
            complain(f"{method} is asked for only with scope = {' or '.join(map(repr, scopes))}", scope)
    # Of the package's families, which smooth by a summary of their own.
    family = next((base for base in cls.__mro__ if "_summary" in vars(base) and base is not cls), cls)
    if (
        family.__module__.rpartition(".")[0] != __package__
        and family.__module__.startswith(PACKAGE)
        and not cls.__module__.startswith(PACKAGE)
    ):
        for name in {"_summary", "scope"} & set(own):
            complain(f"{name} is taken by {family.__name__}: subclass Loss for a summary of your own", own[name])
    if own.get("scope") == "summary" and not _overridden(cls, "_summary"):
        complain('scope = "summary" needs the method _summary', own["scope"])
    if isinstance(own.get("n_classes"), property) and not _overridden(cls, "labels"):
        complain("n_classes needs labels, which tell a row's class from its raw prediction", own["n_classes"])
    for name, value in own.items():
        if name.lower() in ("scope", "scopes") and name != "scope" and value in get_args(Scope):
            complain(f"{name} is not part of the contract, did you mean scope?", value)


def _overridden(cls: type, name: str) -> bool:
    """Return whether a method is another one than the contract's default."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    return owner.__module__.rpartition(".")[0] != __package__


def _check_spelling(cls: type) -> None:
    """Raise if an attribute has nearly the name of one in the contract: it would be ignored."""
    known = {name for base in cls.__mro__[1:] for name in vars(base)}
    for name in vars(cls):
        near = get_close_matches(name, CONTRACT, n=1, cutoff=0.85)
        if near and name not in (*known, *CONTRACT):
            raise TypeError(f"{cls.__name__}: {name} is no part of the contract, did you mean {near[0]}?")


def _is_complete(cls: type) -> bool:
    """Return whether no abstract method is left."""
    no_formula_missing = not any(
        getattr(getattr(cls, name, None), "__isabstractmethod__", False) for name in dir(cls)
    )
    return hasattr(cls, "_pointwise") and no_formula_missing


def _check_signature(cls: type, name: str, function: Any, inherited: Any) -> None:
    """Raise unless a method takes as many positional arguments as the one it overrides."""
    given, wanted = signature(function).parameters, signature(inherited).parameters
    if any(p.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) for p in given.values()):
        return
    needed = sum(p.default is Parameter.empty for p in given.values())
    swapped = set(given) == set(wanted) and list(given) != list(wanted)
    if swapped or not needed <= len(wanted) <= len(given):
        raise TypeError(f"{cls.__name__}.{name} must take ({', '.join(wanted)}), it takes ({', '.join(given)})")
