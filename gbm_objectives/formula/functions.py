"""Functions for formulas in addition to SymPy's own: those with a kink or a jump, and stable forms.

SymPy's `Abs`, `Max` and `Piecewise` ask whether their arguments are real, sort and multiply out their cases, and
leave Dirac deltas in derivatives. The ones here differentiate by one rule each and are otherwise opaque to SymPy,
so that the time to differentiate a formula grows only with its length.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

__all__ = ["NUMPY", "functions", "stable"]


def _where(c: Any, a: Any, b: Any) -> Any:
    """Return `a` above 0 and `b` below; at 0, a kink, the middle of both."""
    return np.where(c > 0, a, np.where(c < 0, b, 0.5 * (a + b)))


def _log_cosh(x: Any) -> Any:
    size = np.abs(x)
    return size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)


# What compiled formulas call.
NUMPY = {
    "Size": np.abs,
    "Side": np.sign,
    "Larger": np.maximum,
    "Smaller": np.minimum,
    "Where": _where,
    "Holds": lambda c: np.where(c > 0, 1.0, 0.0),
    "Choose": lambda holds, yes, no: np.where(holds > 0.5, yes, no),
    "LogCosh": _log_cosh,
    "LogAddExp": np.logaddexp,
    "Expit": special.expit,
}


@lru_cache(maxsize=1)
def functions() -> SimpleNamespace:
    """Return the functions as classes of SymPy, which is imported here: it is an optional dependency."""
    import sympy

    zero, one = sympy.Integer(0), sympy.Integer(1)

    class Size(sympy.Function):
        """|u|."""

        @classmethod
        def eval(cls, u: Any) -> Any:
            if u.is_number:
                return sympy.Abs(u)
            return cls(-u) if u.could_extract_minus_sign() else None

        def _eval_power(self, exponent: Any) -> Any:
            return self.args[0] ** exponent if exponent.is_even else None

        def fdiff(self, argindex: int = 1) -> Any:
            return Side(self.args[0])

        def _sympystr(self, printer: Any) -> str:
            return f"abs({printer._print(self.args[0])})"

    class Side(sympy.Function):
        """The sign of u, 0 at 0: the slope of |u|."""

        @classmethod
        def eval(cls, u: Any) -> Any:
            if u.is_number:
                return sympy.sign(u)
            return -cls(-u) if u.could_extract_minus_sign() else None

        def fdiff(self, argindex: int = 1) -> Any:
            return zero

        def _sympystr(self, printer: Any) -> str:
            return f"sign({printer._print(self.args[0])})"

    class Where(sympy.Function):
        """The first value above c = 0, the second below: the slope of a maximum or minimum."""

        @classmethod
        def eval(cls, c: Any, a: Any, b: Any) -> Any:
            if a == b:
                return a
            return (a if c > 0 else b) if c.is_number and c != 0 else None

        def _eval_derivative(self, s: Any) -> Any:
            c, a, b = self.args
            return Where(c, a.diff(s), b.diff(s))

        def _sympystr(self, printer: Any) -> str:
            c, a, b = map(printer._print, self.args)
            return f"({a} if {c} > 0 else {b})"

    class Larger(sympy.Function):
        """The larger of u and v."""

        @classmethod
        def eval(cls, u: Any, v: Any) -> Any:
            if u == v:
                return u
            return sympy.Max(u, v) if u.is_number and v.is_number else None

        def _eval_derivative(self, s: Any) -> Any:
            u, v = self.args
            return Where(u - v, u.diff(s), v.diff(s))

        def _sympystr(self, printer: Any) -> str:
            return f"max({', '.join(map(printer._print, self.args))})"

    class Smaller(sympy.Function):
        """The smaller of u and v."""

        @classmethod
        def eval(cls, u: Any, v: Any) -> Any:
            if u == v:
                return u
            return sympy.Min(u, v) if u.is_number and v.is_number else None

        def _eval_derivative(self, s: Any) -> Any:
            u, v = self.args
            return Where(u - v, v.diff(s), u.diff(s))

        def _sympystr(self, printer: Any) -> str:
            return f"min({', '.join(map(printer._print, self.args))})"

    class Holds(sympy.Function):
        """1 where c > 0, else 0: a strict comparison."""

        @classmethod
        def eval(cls, c: Any) -> Any:
            return (one if c > 0 else zero) if c.is_number else None

        def fdiff(self, argindex: int = 1) -> Any:
            return zero

        def _sympystr(self, printer: Any) -> str:
            return f"({printer._print(self.args[0])} > 0)"

    class Choose(sympy.Function):
        """The first value where a condition holds, else the second."""

        @classmethod
        def eval(cls, holds: Any, yes: Any, no: Any) -> Any:
            if yes == no:
                return yes
            return (yes if holds == 1 else no) if holds.is_number else None

        def _eval_derivative(self, s: Any) -> Any:
            holds, yes, no = self.args
            return Choose(holds, yes.diff(s), no.diff(s))

        def _sympystr(self, printer: Any) -> str:
            holds, yes, no = map(printer._print, self.args)
            return f"({yes} if {holds} else {no})"

    class Expit(sympy.Function):
        """1/(1 + exp(-x))."""

        def fdiff(self, argindex: int = 1) -> Any:
            return Expit(self.args[0]) * Expit(-self.args[0])

        def _sympystr(self, printer: Any) -> str:
            return f"expit({printer._print(self.args[0])})"

    class LogAddExp(sympy.Function):
        """log(exp(u) + exp(v)), written so that exp does not overflow."""

        def _eval_derivative(self, s: Any) -> Any:
            u, v = self.args
            return Expit(u - v) * u.diff(s) + Expit(v - u) * v.diff(s)

        def _sympystr(self, printer: Any) -> str:
            return "log(" + " + ".join(f"exp({printer._print(u)})" for u in self.args) + ")"

    class LogCosh(sympy.Function):
        """log(cosh(x)), written so that cosh does not overflow."""

        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.tanh(self.args[0])

        def _sympystr(self, printer: Any) -> str:
            return f"log(cosh({printer._print(self.args[0])}))"

    classes = (Size, Side, Where, Larger, Smaller, Holds, Choose, Expit, LogAddExp, LogCosh)
    return SimpleNamespace(**{cls.__name__: cls for cls in classes})


def stable(expression: Any) -> Any:
    """Return an expression with logarithms of sums of exponentials in a form that does not overflow."""
    import sympy

    ours = functions()
    expression = expression.replace(sympy.Abs, ours.Size)  # SymPy turns sqrt(u**2) into Abs

    def logarithm(x: Any) -> Any:
        if isinstance(x, ours.Expit):
            return -ours.LogAddExp(sympy.Integer(0), -x.args[0])
        factor, rest = x.as_coeff_Mul()
        if isinstance(rest, sympy.cosh) and factor.is_positive:
            return sympy.log(factor) + ours.LogCosh(rest.args[0])
        terms = [_log_of_term(term) for term in sympy.Add.make_args(x)]
        if len(terms) < 2 or None in terms or not x.has(sympy.exp):
            return sympy.log(x)
        total = terms[0]
        for term in terms[1:]:
            total = ours.LogAddExp(total, term)
        return total

    return expression.replace(sympy.log, logarithm)


def _log_of_term(term: Any) -> Any:
    """Return the logarithm of a positive number times an exponential; None for anything else."""
    import sympy

    factor, rest = term.as_coeff_Mul()
    if not factor.is_positive or not (rest == 1 or isinstance(rest, sympy.exp)):
        return None
    return sympy.log(factor) + (rest.args[0] if isinstance(rest, sympy.exp) else 0)
