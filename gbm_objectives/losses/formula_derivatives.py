"""A formula's derivatives: SymPy differentiates it and compiles it to NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .formula_syntax import parsed

# So many operations SymPy simplifies in a second or so; of more the derivatives are taken as they come.
SIMPLIFIED = 60


class Derived(NamedTuple):
    """A formula and its derivatives in f, as functions of target, raw prediction and parameters, and as texts."""

    value: Callable[..., Any]
    gradient: Callable[..., Any]
    second: Callable[..., Any]
    texts: tuple[str, str]
    proven: bool  # SymPy knows that the second derivative is positive
    of_target: bool  # the second derivative depends on y


@lru_cache(maxsize=256)
def derivatives_of(formula: str, names: tuple[str, ...]) -> Derived:
    """Differentiate and compile a formula, once."""
    import sympy

    f = sympy.Symbol("f", real=True)
    loss = parsed(formula, ("f", "y", *names))
    if not loss.has(f):
        raise ValueError(f"formula must depend on f, the raw prediction, got {formula!r}")
    if unused := [name for name in names if not loss.has(sympy.Symbol(name, real=True))]:
        raise ValueError(f"formula holds no {unused[0]!r}, which is among the parameters")
    gradient = _simplified(sympy.diff(loss, f))
    # The derivative of a jump is one that no sample meets.
    second = _simplified(sympy.diff(gradient, f).replace(sympy.DiracDelta, lambda *_: sympy.Integer(0)))
    arguments = [sympy.Symbol(name, real=True) for name in ("y", "f", *names)]
    modules = [{"log_cosh": _log_cosh, "softplus": _softplus}, "scipy", "numpy"]
    functions = [sympy.lambdify(arguments, _stable(part), modules, cse=True) for part in (loss, gradient, second)]
    texts = str(gradient), str(second)
    return Derived(
        functions[0], functions[1], functions[2], texts, second.is_positive is True, second.has(arguments[0])
    )


def _simplified(expression: Any) -> Any:
    import sympy

    # A high power of a sum would be multiplied out.
    if any(power.exp.is_number and abs(power.exp) > 8 for power in expression.atoms(sympy.Pow)):
        return expression
    # Of jumps SymPy would make cases of their own for the places where they are.
    if expression.count_ops() > SIMPLIFIED or expression.has(sympy.Piecewise, sympy.sign, sympy.Heaviside):
        return expression
    return sympy.simplify(expression)


def _stable(expression: Any) -> Any:
    """Return an expression with functions of ours where exp or cosh would overflow under a logarithm."""
    import sympy

    x = sympy.Wild("x")
    log_cosh, softplus = sympy.Function("log_cosh"), sympy.Function("softplus")
    expression = expression.replace(sympy.log(sympy.cosh(x)), log_cosh(x))
    expression = expression.replace(sympy.log(1 / (1 + sympy.exp(x))), -softplus(x))
    return expression.replace(sympy.log(1 + sympy.exp(x)), softplus(x))


def _log_cosh(x: Any) -> Any:
    size = np.abs(x)
    return size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)


def _softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)
