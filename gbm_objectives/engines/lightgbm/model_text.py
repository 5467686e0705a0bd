"""LightGBM's models as text: write the start value and the objective into them. Pure functions of text.

The text begins with lines ``name=value``; then come the trees, each beginning with its ``Tree=i``, then ``end of
trees``, and the parameters in brackets. A model trained under a custom objective names none, and starts at 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["completed", "objective_in", "short_name"]


def objective_in(text: str) -> str | None:
    r"""Return the objective that a model declares; None for a custom one.

    Examples
    --------
    >>> objective_in("tree\nobjective=binary sigmoid:1\n")
    'binary sigmoid:1'
    """
    found = re.search(r"(?m)^objective=(.*)$", text)
    return None if found is None else found[1]


def completed(text: str, objective: str | None, start: Sequence[float]) -> str:
    """Return a model's text with the start value in its first trees, and another objective.

    Adding the start to every leaf and node of the first iteration is what LightGBM does for its own objectives.

    Parameters
    ----------
    text : str
        A model, as LightGBM writes it.
    objective : str or None
        The objective to declare; None for none: the model then serves raw predictions.
    start : sequence of float
        The start value of each output.

    Returns
    -------
    str
        The model's text.

    Raises
    ------
    RuntimeError
        If the text does not have a known form.
    """
    # Only what changes is parsed: the text of a large model is long.
    header, trees = _cut(text, "Tree=0\n")
    # The sizes of the trees' texts change; LightGBM does not need them to read a model, and writes them anew.
    header = re.sub(r"(?m)^(objective|tree_sizes)=.*\n", "", header)
    if objective is not None:
        header, n_inserted = re.subn(r"(?m)^(?=feature_names=)", f"objective={objective}\n", header, count=1)
        if not n_inserted:
            raise _unknown("feature_names= is missing")
    shifted = []
    for output, value in enumerate(start):
        tree, trees = _cut(trees, f"Tree={output + 1}\n", "end of trees")
        shifted.append(_shifted(tree, float(value)))
    # The parameters are at the end.
    trees, mark, parameters = trees.rpartition("\n[objective: ")
    if mark:
        parameters = f"{short_name(objective)}]\n" + parameters.partition("]\n")[2]
    return "".join([header, *shifted, trees, mark, parameters])


def short_name(objective: str | None) -> str:
    """Return an objective as a model's parameters name it.

    LightGBM only displays it. The ONNX converter relies on it, and assumes a sigmoid of 1 for every "binary": with
    any other one a model is called "custom" here, which the converter refuses.

    Examples
    --------
    >>> short_name("binary sigmoid:1"), short_name("binary sigmoid:2"), short_name(None)
    ('binary', 'custom', 'custom')
    """
    name, *options = (objective or "custom").split()
    bent = any(option.startswith("sigmoid:") and option != "sigmoid:1" for option in options)
    return "custom" if bent else name


def _cut(text: str, *marks: str) -> tuple[str, str]:
    """Return what is before the first mark that begins a line, and the rest."""
    for mark in marks:
        at = text.find("\n" + mark) + 1
        if at:
            return text[:at], text[at:]
    raise _unknown(f"{marks[0].strip()} is missing")


def _shifted(tree: str, value: float) -> str:
    """Return a tree's text with a value added to each leaf and each node above."""
    # A linear tree has a constant per leaf, and uses the leaf value for rows with missing features.
    if "\nleaf_value=" not in tree:
        raise _unknown("leaf_value= is missing")
    return re.sub(
        r"(?m)^(leaf_value|leaf_const|internal_value)=(.*)$",
        lambda line: f"{line[1]}=" + " ".join(f"{float(leaf) + value:.17g}" for leaf in line[2].split()),
        tree,
    )


def _unknown(what: str) -> RuntimeError:
    return RuntimeError(f"LightGBM writes its models in a form that this package does not know: {what}")
