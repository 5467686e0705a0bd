"""What the demos share: figures that need no screen, written as PNG and SVG."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = ["command_line", "plt", "write"]


def command_line(name: str, doc: str | None, what: str) -> argparse.ArgumentParser:
    """Return a parser with `--output`, the folder for `what`."""
    parser = argparse.ArgumentParser(prog=f"python -m demos.{name}", description=(doc or "").split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("output"), help=f"folder for {what} (default: output)")
    return parser


def write(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure in both formats, say so, and close it."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("png", "svg"):
        path = folder / f"{name}.{suffix}"
        figure.savefig(path, dpi=150)
        print(f"wrote {path}")
    plt.close(figure)
