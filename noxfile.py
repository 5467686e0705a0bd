"""Checks and tests on the corners of what the package declares to run on, which `nox` runs; and a benchmark.

The lowest versions are those of pyproject.toml, read from there; the newest are what pip finds.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["checks", "lowest", "newest"]
PYPROJECT = nox.project.load_toml("pyproject.toml")["project"]
TEST = PYPROJECT["optional-dependencies"]["test"]
# Where models, intervals and data frames go to; their tests are skipped where they are missing.
CONVERTERS = (
    "polars",
    "pyarrow",
    "mapie",
    "dask[array,dataframe]",
    "distributed",
    "shap",
    "treelite",
    "onnxmltools",
    "skl2onnx",
    "onnxruntime",
)


def interpreter(version: str) -> str:
    """Return Python of a version: from pyenv where that has it, whose shims need not work; or from the path."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def tests(session: nox.Session, python: str, *arguments: str) -> None:
    """Run the tests, with one thread per engine: more would wait for each other."""
    session.run(python, "-m", "pytest", *arguments, *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(python=False)
def checks(session: nox.Session) -> None:
    """Style, types, and the tests with the coverage of the package, in the environment that nox runs in."""
    for tool in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        session.run(sys.executable, "-m", *tool)
    tests(session, sys.executable, "--cov", "--cov-report=term-missing:skip-covered")


@nox.session(python=interpreter("3.10"))
def lowest(session: nox.Session) -> None:
    """Python 3.10 with the lowest version of every dependency; tests of model converters are skipped."""
    core = [r for r in PYPROJECT["dependencies"] + TEST if r.split(">=")[0] not in CONVERTERS]
    # As constraints, so that what these need in turn is still found by pip.
    constraints = Path(tempfile.mkdtemp()) / "lowest.txt"
    # matplotlib 3.9 meets pyparsing's later warnings.
    constraints.write_text("\n".join([r.replace(">=", "==") for r in core] + ["pyparsing<3.2"]) + "\n")
    session.install("-e", ".", *core, "-c", str(constraints))
    tests(session, "python")


@nox.session(python=interpreter("3.11"))
def distributions(session: nox.Session) -> None:
    """Run the benchmark of distributions beside NGBoost, which pins an older scikit-learn: `-- --data DIR`."""
    session.install("ngboost>=0.5")
    python = str(Path(session.bin) / "python")
    arguments = ["-m", "benchmarks.distributions", "--ngboost", python, *session.posargs]
    session.run(sys.executable, *arguments, external=True, env={"OMP_NUM_THREADS": "1"})


@nox.session(python=interpreter("3.13"))
def newest(session: nox.Session) -> None:
    """Python 3.13 with the newest version of everything."""
    session.install("--upgrade", "--upgrade-strategy", "eager", "-e", ".[test]")
    tests(session, "python")
