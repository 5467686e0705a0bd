"""What the demos that redraw figures share: their command line, and figures that need no screen."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("Agg")

__all__ = ["NAMES", "command_line", "show"]

NAMES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}


def command_line(doc: str | None, *, engine: str | None = None, seed: int | None = None) -> argparse.Namespace:
    """Return the options: `output`, a folder; with a default for them `seed`, and `engine` as a list `engines`."""
    title = (doc or "").strip().split("\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m demos.{Path(sys.argv[0]).stem}", description=title)
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for figures (default: output)")
    if engine is not None:
        choices = [*NAMES, "both"] if engine == "both" else list(NAMES)
        parser.add_argument("--engine", choices=choices, default=engine, help=f"default: {engine}")
    if seed is not None:
        parser.add_argument("--seed", type=int, default=seed, help=f"of samples and engines (default: {seed})")
    options = parser.parse_args()
    if engine is not None:
        options.engines = list(NAMES) if options.engine == "both" else [options.engine]
    return options


def show(figure: Figure, path: Path) -> None:
    """Write a figure and say where; it stays open, for the gallery shows the figures that are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    # Past the gallery, which shows on its page what goes to sys.stderr.
    print(f"wrote {path}", file=sys.__stderr__)
