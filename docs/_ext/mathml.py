"""Formulas as MathML, which browsers draw without JavaScript or a network: docutils has the converter."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)

# The name of a function, which browsers set close to what is beside it, and whether a parenthesis follows.
FUNCTION = re.compile(r"(?:<mi[^>]*>(\w+)</mi>\s*<mo>&ApplyFunction;</mo>|<mo>(\w{2,})</mo>)(?=(\s*<mo[^>]*>\()?)")


def visit_math(translator: Any, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    translator.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def visit_math_block(translator: Any, node: nodes.math_block) -> None:
    """Write a displayed formula; wide ones scroll inside of their box."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(_mathml(node, as_block=True) + "</div>\n")
    raise nodes.SkipNode


def _mathml(node: nodes.Element, as_block: bool) -> str:
    try:
        return FUNCTION.sub(_spaced, tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        logger.warning("no formula: %s in %r", error, node.astext(), location=node)
        return node.astext()


def _spaced(function: re.Match[str]) -> str:
    return f'<mo lspace="0.17em" rspace="{"0" if function[3] else "0.17em"}">{function[1] or function[2]}</mo>'


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
