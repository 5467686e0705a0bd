"""What the gallery of demos needs of Python."""

from __future__ import annotations

import tempfile
from typing import Any

# From what losses do, over what they tell, to how they are used.
ORDER = [
    "sinc",
    "outliers",
    "likelihood",
    "distributions",
    "intervals",
    "insurance",
    "survival",
    "several_targets",
    "ranking",
    "ordinal",
    "learning_speed",
    "curvature",
    "estimators",
    "dask_cluster",
]


def arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Return the command line of a demo: its files go to a temporary folder, the page has the figures."""
    return ["--output", tempfile.mkdtemp()]


def place(name: str) -> int:
    """Return where among the demos a file comes."""
    return ORDER.index(name.removesuffix(".py"))
