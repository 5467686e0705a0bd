"""Draws docs/figures: `python -m docs.draw`, or with names of scripts those alone.

The figures are files of the repository, because a Git host shows the pages as they are and runs no script. A file
is the same, byte for byte, whenever the same versions draw it on the same machine.
"""

from __future__ import annotations

import runpy
import sys
from importlib.metadata import version
from pathlib import Path

import matplotlib

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
SCRIPTS = {path.stem: path for path in sorted((DOCS / "plots").glob("*.py"))}


def drawn_by() -> str:
    """Return what a figure depends on besides its script: other versions grow and draw otherwise."""
    return ", ".join(f"{package} {version(package)}" for package in ("matplotlib", "numpy", "lightgbm", "xgboost"))


def draw(name: str, folder: Path) -> Path:
    """Run a script, write its figure into a folder, and return the file."""
    from matplotlib import pyplot as plt

    plt.close("all")
    file = folder / f"{name}.svg"
    # Without a salt the names of clipping paths are random.
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg", "svg.hashsalt": name}):
        runpy.run_path(str(SCRIPTS[name]))
        plt.savefig(file, metadata={"Date": None, "Creator": drawn_by()})
    plt.close("all")
    # Matplotlib ends lines with a space, which hooks of Git and editors take away.
    lines = (line.rstrip() for line in file.read_text(encoding="utf-8").splitlines())
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SCRIPTS:
        print(draw(name, FIGURES))
