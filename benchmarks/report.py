"""What the benchmarks have in common at their end: tables go to the screen and into a file that the site shows."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_output", "report"]


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add `--output`, the folder for tables and figures."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output"),
        help="folder for tables and figures (default: output); the site shows those in benchmarks",
    )


def report(folder: Path, name: str, text: str) -> None:
    """Print Markdown, and write it into the folder."""
    print(text)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(text.strip() + "\n", encoding="utf-8")
    print(f"\nwrote {path}")
