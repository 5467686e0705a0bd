"""What the gallery of demos needs of Python."""

from __future__ import annotations

import tempfile
from typing import Any

ORDER = [
    # Jobs: they paste into a notebook.
    "insurance",
    "demand",
    "fraud",
    "own_cost",
    "survival",
    "intervals",
    "distributions",
    "ordinal",
    "ranking",
    "several_targets",
    "estimators",
    "dask_cluster",
    # Figures of papers and of the lecture: they have a command line.
    "sinc",
    "outliers",
    "likelihood",
    "learning_speed",
    "curvature",
]


def arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Return the command line of a demo that has one: its files go to a temporary folder."""
    return ["--output", tempfile.mkdtemp()]


def place(name: str) -> int:
    """Return where among the demos a file comes."""
    return ORDER.index(name.removesuffix(".py"))
