"""The README's losses of one's own, as a reader would paste them into a module."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")

for _name in ("LogCosh", "Poisson", "Focal"):
    _block = next(
        code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if f"class {_name}(" in code
    )
    exec(_block, vars(sys.modules[__name__]))
