"""A formula's derivatives, compiled to NumPy, and the places where its slope may jump or vanish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .functions import NUMPY, functions
from .syntax import parsed

__all__ = ["Derived", "derivatives_of"]

# SymPy differentiates some ten thousand nodes a second; and a second derivative has many times as many nodes as
# the first.
LARGEST_GRADIENT, LARGEST_SECOND = 3_000, 20_000
# Each nested kink doubles the cases in which to look for a place.
MOST_PLACES = 32


class Derived(NamedTuple):
    """A formula and its derivatives in f, as functions of target, raw prediction and parameters, and as texts."""

    value: Callable[..., Any]
    gradient: Callable[..., Any]
    second: Callable[..., Any]
    texts: tuple[str, str]
    of_residual: bool  # y occurs only in f - y
    places: tuple[Callable[..., Any], ...]  # of kinks and jumps, functions of target and parameters
    valleys: tuple[Callable[..., Any], ...]  # further places where the slope may be 0


class Unsolvable(ValueError):
    """The place where an expression is 0 cannot be found."""


@lru_cache(maxsize=256)
def derivatives_of(formula: str, names: tuple[str, ...]) -> Derived:
    """Differentiate and compile a formula, once.

    Parameters
    ----------
    formula : str
        The formula.
    names : tuple of str
        The names of its parameters.

    Returns
    -------
    Derived
        What was found.

    Raises
    ------
    ValueError
        If it is not a formula, does not depend on f, does not use a parameter, is too large, or has a kink at an
        unknown place.
    """
    import sympy

    symbols = {name: sympy.Symbol(name, real=True) for name in ("y", "f", *names)}
    y, f = symbols["y"], symbols["f"]
    loss = parsed(formula, ("f", "y", *names))
    if not loss.has(f):
        raise ValueError(f"formula must depend on f, the raw prediction, got {formula!r}")
    if unused := [name for name in names if not loss.has(symbols[name])]:
        raise ValueError(f"formula holds no {unused[0]!r}, which is among the parameters")
    shifted = loss.subs(y, f - sympy.Dummy("r", real=True)) if loss.has(y) else loss
    of_residual = loss.has(y) and not shifted.has(f)
    gradient = _checked_size(loss.diff(f), LARGEST_GRADIENT)
    second = _checked_size(gradient.diff(f), LARGEST_SECOND)
    kinks = _unique(place for switch in _switches(loss, f) for place in _places(switch, f, switch))
    try:
        valleys = _unique(_places(gradient, f, gradient))
    except Unsolvable:
        valleys = []

    def compiled(expression: Any) -> Callable[..., Any]:
        # `dummify`, since a parameter may have the name of a NumPy function.
        return sympy.lambdify(
            list(symbols.values()), expression, [NUMPY, "scipy", "numpy"], cse=True, dummify=True
        )

    return Derived(
        compiled(loss),
        compiled(gradient),
        compiled(second),
        (str(gradient), str(second)),
        of_residual,
        tuple(map(compiled, kinks)),
        tuple(map(compiled, [place for place in valleys if place not in kinks])),
    )


def _checked_size(expression: Any, most: int) -> Any:
    """Return the expression, unless it is larger than can be handled in seconds."""
    import sympy

    for size, _ in enumerate(sympy.preorder_traversal(expression)):
        if size > most:
            raise ValueError("formula is too large: its derivatives have thousands of terms; write a class")
    return expression


def _unique(places: Iterable[Any]) -> list[Any]:
    """Return the possible places, each once."""
    import sympy

    return [place for place in dict.fromkeys(places) if not place.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I)]


def _switches(loss: Any, f: Any) -> Iterator[Any]:
    """Yield the expressions in f at whose zeros the formula switches branches."""
    ours = functions()
    for switch in sorted(loss.atoms(ours.Size, ours.Side, ours.Holds, ours.Larger, ours.Smaller), key=str):
        u = switch.args[0] - switch.args[1] if len(switch.args) == 2 else switch.args[0]
        if u.has(f):
            yield u


def _places(u: Any, f: Any, whole: Any) -> list[Any]:
    """Return the places f where an expression is 0, as expressions without f; extra ones do no harm, gaps do.

    Solved by hand: SymPy's `solve` may take minutes to find that there is no closed form.
    """
    import sympy

    if not u.has(f):
        return []
    ours = functions()
    inner = [s for s in u.atoms(ours.Size, ours.Larger, ours.Smaller, ours.Choose, ours.Where) if s.has(f)]
    if inner:
        outermost = max(inner, key=lambda s: (s.count_ops(), str(s)))
        cases = (outermost.args[0], -outermost.args[0]) if len(outermost.args) == 1 else outermost.args[-2:]
        # Here a place belongs to each of the cases, and a product's factors switch by themselves.
        found = [place for case in cases for place in _places(u.xreplace({outermost: case}), f, whole)]
        if len(found) > MOST_PLACES:
            raise ValueError("formula is too large: its kinks are nested too deeply; write a class")
        return found
    slope = u.diff(f)
    if not slope.has(f):
        return [-u.subs(f, 0) / slope]
    if u.is_Mul:
        return [place for factor in u.args if not _never_zero(factor) for place in _places(factor, f, whole)]
    if u.is_Pow and not u.exp.has(f):
        return _places(u.base, f, whole)
    if u.is_Function and type(u) in (sympy.tanh, sympy.sinh, sympy.atan, sympy.asinh, sympy.erf, ours.Side):
        return _places(u.args[0], f, whole)
    rest, term = u.as_independent(f, as_Add=True)
    factor, term = term.as_independent(f, as_Add=False)
    if not term.is_Add:
        value = -rest / factor
        inverse: dict[Any, Callable[[], list[Any]]] = {
            sympy.exp: lambda: [sympy.log(value)],
            sympy.log: lambda: [sympy.exp(value)],
            sympy.sinh: lambda: [sympy.asinh(value)],
            sympy.tanh: lambda: [sympy.atanh(value)],
            sympy.asinh: lambda: [sympy.sinh(value)],
            sympy.atanh: lambda: [sympy.tanh(value)],
            sympy.atan: lambda: [sympy.tan(value)],
            ours.Expit: lambda: [sympy.log(value / (1 - value))],
            ours.Holds: lambda: [sympy.Integer(0)],
            ours.Side: lambda: [sympy.Integer(0)],
        }
        if type(term) in inverse:
            return [p for v in inverse[type(term)]() for p in _places(term.args[0] - v, f, whole)]
        if term.is_Pow and not term.exp.has(f):
            root = functions().Size(value) ** (1 / term.exp)
            return [p for v in (root, -root) for p in _places(term.base - v, f, whole)]
    for inner in sorted(u.atoms(sympy.Function, sympy.Pow) - {term}, key=str):
        # As in a*(y - exp(f)) - (a - 1)*(y - exp(f)), which is linear in exp(f).
        held = sympy.Dummy("u", real=True)
        outer = u.xreplace({inner: held})
        if inner.has(f) and not outer.has(f) and not (slope := outer.diff(held)).has(held):
            return _places(inner + outer.subs(held, 0) / slope, f, whole)
    polynomial = u.as_poly(f)
    if polynomial is not None and polynomial.degree() == 2:
        a, b, c = polynomial.all_coeffs()
        root = sympy.sqrt(b**2 - 4 * a * c)
        return [(-b + root) / (2 * a), (-b - root) / (2 * a)]
    raise Unsolvable(f"formula has a kink or a jump where {whole} = 0, and where that is cannot be solved for f")


def _never_zero(factor: Any) -> bool:
    import sympy

    ours = functions()
    return isinstance(factor, (sympy.exp, sympy.cosh, ours.Expit)) or (factor.is_Pow and factor.exp.is_negative)
