"""The documentation's losses of one's own, as a reader would paste them into a module."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PAGE = (Path(__file__).parent.parent / "docs" / "own_loss.md").read_text(encoding="utf-8")

BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

for _name in ("LogCosh", "Poisson", "Focal"):
    exec(next(code for code in BLOCKS if f"class {_name}(" in code), vars(sys.modules[__name__]))
