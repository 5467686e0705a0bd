"""From the text of a formula to a SymPy expression, by hand: no part of the text is ever evaluated.

SymPy's own parser calls `eval`. Here Python's parser makes a tree of the text, each node of the tree must be one
of the few kinds that a formula needs, and SymPy's objects are made from those.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from functools import reduce
from typing import Any

from .functions import functions, stable

__all__ = ["FUNCTION_NAMES", "parsed"]

# A longer loss is a mistake, and deeper nesting would exhaust Python's stack.
LONGEST, DEEPEST, MOST_NODES = 2_000, 40, 400
# SymPy computes powers of numbers exactly: 9**9**9 would fill the memory.
LARGEST_EXPONENT, LARGEST_NUMBER, SMALLEST_NUMBER = 64, 1e15, 1e-300
# SymPy computes factorials of whole numbers.
LARGEST_FACTORIAL = 100

SYMPY_NAMES = (
    *("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
    *("asinh", "acosh", "atanh", "erf", "erfc", "gamma", "loggamma"),
)
FUNCTION_NAMES = (*SYMPY_NAMES, "abs", "sign", "log1p", "expm1", "expit", "max", "min")


def _functions(sympy: Any) -> dict[str, Callable[..., Any]]:
    """Return the functions that a formula may call, by name."""
    ours = functions()
    return {
        **{name: getattr(sympy, name) for name in SYMPY_NAMES},
        "abs": ours.Size,
        "sign": ours.Side,
        "log1p": lambda x: sympy.log(1 + x),
        "expm1": lambda x: sympy.exp(x) - 1,
        "expit": ours.Expit,
        "max": lambda *values: reduce(ours.Larger, values),
        "min": lambda *values: reduce(ours.Smaller, values),
    }


def parsed(
    formula: str,
    names: Collection[str],
    known: str = "f, the raw prediction, nor y, the target, nor in parameters",
) -> Any:
    """Return the SymPy expression of a formula in variables of given names, all real.

    Parameters
    ----------
    formula : str
        Numbers, names, ``+ - * / **``, comparisons, ``a if condition else b`` and mathematical functions. ``pi``
        is π, unless it is the name of a variable.
    names : collection of str
        The names of the variables.
    known : str
        What they are, for messages.

    Returns
    -------
    sympy.Expr
        The expression.

    Raises
    ------
    ValueError
        If it is not a formula of this kind; the message says what is wrong and where.
    TypeError
        If `formula` is not a string.
    """
    if not isinstance(formula, str):
        raise TypeError(f"formula must be a string, got {formula!r}")
    if len(formula) > LONGEST:
        raise ValueError(f"formula must have at most {LONGEST} characters, it has {len(formula)}")
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"formula is no mathematical expression: {error}") from None
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise ValueError("formula is too long: split the loss, or write a class")
    return stable(_Reader(names, known).expression(tree.body, 0))


class _Reader:
    """Makes SymPy's objects from the allowed nodes, and refuses all others."""

    def __init__(self, names: Collection[str], known: str) -> None:
        import sympy

        self.sympy, self.known = sympy, known
        self.ours = functions()
        self.functions = _functions(sympy)
        self.symbols = {name: sympy.Symbol(name, real=True) for name in names}

    def refuse(self, node: ast.AST, what: str) -> ValueError:
        return ValueError(f"formula must hold no {what} (column {getattr(node, 'col_offset', 0) + 1})")

    def expression(self, node: ast.AST, depth: int) -> Any:
        """Return a node's expression, in which each constant part is a real number of moderate size.

        SymPy computes with constants exactly: factorials of large numbers and towers of powers would not end.
        """
        value = self.any_expression(node, depth)
        if value.is_number:
            number = complex(value.evalf(15)) if value.is_finite is not False else complex("nan")
            size = abs(number)
            if number.imag or not (size == 0 or SMALLEST_NUMBER <= size <= LARGEST_NUMBER):
                raise self.refuse(node, f"constant but real numbers up to {LARGEST_NUMBER:g}")
        return value

    def any_expression(self, node: ast.AST, depth: int) -> Any:
        if depth > DEEPEST:
            raise self.refuse(node, f"nesting deeper than {DEEPEST}")
        below = depth + 1
        if isinstance(node, ast.Constant):
            return self.number(node)
        if isinstance(node, ast.Name):
            if node.id not in self.symbols:
                if node.id == "pi":
                    return self.sympy.pi
                if node.id in self.functions:
                    raise ValueError(f"formula names the function {node.id}: write {node.id}(...)")
                raise ValueError(
                    f"formula names {node.id!r}, which is neither {self.known}: give it as"
                    f" parameters={{{node.id!r}: ...}}"
                )
            return self.symbols[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = self.expression(node.operand, below)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            return self.operation(node, below)
        if isinstance(node, ast.Call):
            return self.call(node, below)
        if isinstance(node, ast.IfExp):
            yes, no = self.expression(node.body, below), self.expression(node.orelse, below)
            return self.ours.Choose(self.condition(node.test, below), yes, no)
        hint = ": write 3 if y > f else 1" if isinstance(node, (ast.Compare, ast.BoolOp)) else ""
        raise self.refuse(node, type(node).__name__ + hint)

    def number(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST_NUMBER:
            raise self.refuse(node, f"constant but numbers up to {LARGEST_NUMBER:g}")
        # 0.5 means exactly one half: sums of fractions then cancel as they should.
        return self.sympy.nsimplify(value, rational=True)

    def operation(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self.expression(node.left, depth), self.expression(node.right, depth)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            if right.is_zero:
                raise self.refuse(node, "division by 0")
            return left / right
        if isinstance(node.op, ast.Pow):
            if right.is_number and not abs(right) <= LARGEST_EXPONENT:
                raise self.refuse(node, f"exponent beyond {LARGEST_EXPONENT}")
            # In powers of powers the exponents multiply.
            exponents = [abs(power.exp) for power in left.atoms(self.sympy.Pow) if power.exp.is_number]
            if right.is_number and not max([1, *exponents]) * abs(right) <= LARGEST_EXPONENT:
                raise self.refuse(node, f"power of a power beyond {LARGEST_EXPONENT}")
            return left**right
        hint = ": powers are written **" if isinstance(node.op, ast.BitXor) else ""
        raise self.refuse(node, f"operator {type(node.op).__name__}{hint}")

    def call(self, node: ast.Call, depth: int) -> Any:
        if not isinstance(node.func, ast.Name) or node.func.id not in self.functions:
            written = ast.unparse(node.func)
            if isinstance(node.func, ast.Attribute) and node.func.attr in self.functions:
                raise ValueError(f"formula calls {written!r}: write {node.func.attr}(...)")
            if isinstance(node.func, ast.Constant) or written in self.symbols:
                raise ValueError(f"formula calls {written!r}: a product is written {written}*(...)")
            raise ValueError(f"formula calls {written!r}; there are {', '.join(self.functions)}")
        if node.keywords or not node.args or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "call without arguments, with keywords or stars")
        if len(node.args) > 1 and node.func.id not in ("max", "min"):
            raise self.refuse(node, f"second argument of {node.func.id}")
        values = [self.expression(argument, depth) for argument in node.args]
        if (
            node.func.id in ("gamma", "loggamma")
            and values[0].is_number
            and not abs(values[0]) <= LARGEST_FACTORIAL
        ):
            raise self.refuse(node, f"{node.func.id} of a number beyond {LARGEST_FACTORIAL}")
        return self.functions[node.func.id](*values)

    def condition(self, node: ast.AST, depth: int) -> Any:
        """Return an expression that is 1 where a condition holds, else 0."""
        if isinstance(node, ast.BoolOp) and depth <= DEEPEST:
            values = [self.condition(value, depth + 1) for value in node.values]
            if isinstance(node.op, ast.And):
                return self.sympy.Mul(*values)
            return 1 - self.sympy.Mul(*(1 - value for value in values))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self.expression(node.left, depth), self.expression(node.comparators[0], depth)
            operator = type(node.ops[0])
            # Strict: for a < b, the other branch begins at a = b.
            if operator in (ast.Lt, ast.GtE):
                below = self.ours.Holds(right - left)
                return below if operator is ast.Lt else 1 - below
            if operator in (ast.Gt, ast.LtE):
                above = self.ours.Holds(left - right)
                return above if operator is ast.Gt else 1 - above
        raise self.refuse(node, "condition but a < b, a <= b, a > b, a >= b, and, or")
