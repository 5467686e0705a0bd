"""What the gallery of demos needs of Python."""

from __future__ import annotations

import tempfile
from typing import Any


def arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Return the command line of a demo: its files go to a temporary folder, the page has the figures."""
    return ["--output", tempfile.mkdtemp()]
