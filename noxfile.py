"""What `nox` runs: tests on the corners of what the package declares to run on, its wheel, its site; a benchmark.

The lowest versions are those of pyproject.toml, read from there; the newest are what pip finds.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["checks", "lowest", "newest", "package", "docs"]
PYPROJECT = nox.project.load_toml("pyproject.toml")["project"]
TEST = PYPROJECT["optional-dependencies"]["test"]
# Where models, intervals and data frames go to, and a tuner; their tests are skipped where they are missing.
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
    "optuna",
    "scikit-survival",
)
# `lowest` and `newest` look for what versions change: engines, data frames, scikit-learn, Python. They leave to
# `checks` what asks for our own mathematics, in demos, benchmarks, pages, tests of formulas, and those marked as
# slow. Of the mathematics they run the examples in docstrings, and what estimators need.
SCRIPTS = ("tests/demos", "tests/benchmarks", "tests/test_docs_code.py")
LEFT_OUT = (*SCRIPTS, "tests/distributions", "tests/losses", "tests/formula", "tests/testing")
OF_VERSIONS = (*(f"--ignore={path}" for path in LEFT_OUT), "-m", "not slow")
# One thread for each engine: more would wait for those of the test beside. Some tests train on all cores, as users
# do: threads that wait sleep then, where on cores that are taken they would spin, six times as long as they work.
THREADS = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def interpreter(version: str) -> str:
    """Return Python of a version: from pyenv where that has it, whose shims need not work; or from the path."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def tests(session: nox.Session, python: str, *arguments: str) -> None:
    """Run tests, a file on each core unless arguments say otherwise."""
    cores = ["-n", str(os.cpu_count() or 1), "--dist", "loadfile"]
    session.run(python, "-m", "pytest", *cores, *arguments, *session.posargs, env=THREADS)


@nox.session(python=False)
def checks(session: nox.Session) -> None:
    """Style, types, and all tests, in the environment that nox runs in."""
    for tool in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        session.run(sys.executable, "-m", *tool)
    others = ["--ignore=tests/site", *(f"--ignore={path}" for path in SCRIPTS)]
    tests(session, sys.executable, *others, "-m", "not slow")
    tests(session, sys.executable, *SCRIPTS, "-m", "not slow")
    tests(session, sys.executable, "--ignore=tests/site", "-m", "slow", "--dist", "load")


@nox.session(python=False)
def coverage(session: nox.Session) -> None:
    """Measure the coverage of the package, which takes half as long again as the tests alone: before a release."""
    others = ["--ignore=tests/site", *(f"--ignore={path}" for path in SCRIPTS)]
    # Scripts, pages and long trainings cover nothing more.
    tests(session, sys.executable, *others, "--cov", "--cov-report=term-missing:skip-covered", "-m", "not slow")


@nox.session(python=interpreter("3.10"))
def lowest(session: nox.Session) -> None:
    """Test Python 3.10 with the lowest version of every dependency; converters of models and Dask are left out."""
    core = [r for r in PYPROJECT["dependencies"] + TEST if r.split(">=")[0] not in CONVERTERS]
    # As constraints, so that what these need in turn is still found by pip.
    constraints = Path(tempfile.mkdtemp()) / "lowest.txt"
    # matplotlib 3.9 meets pyparsing's later warnings.
    constraints.write_text("\n".join([r.replace(">=", "==") for r in core] + ["pyparsing<3.2"]) + "\n")
    session.install("-e", ".", *core, "-c", str(constraints))
    tests(session, "python", *OF_VERSIONS)


def beside_ngboost(session: nox.Session, benchmark: str) -> None:
    """Run a benchmark in the environment that nox runs in; NGBoost pins an older scikit-learn, and has its own."""
    session.install("ngboost>=0.5")
    python = str(Path(session.bin) / "python")
    arguments = ["-m", f"benchmarks.{benchmark}", "--ngboost", python, *session.posargs]
    session.run(sys.executable, *arguments, external=True, env=THREADS)


@nox.session(python=interpreter("3.11"))
def distributions(session: nox.Session) -> None:
    """Run the benchmark of distributions beside NGBoost: `-- --data DIR`."""
    beside_ngboost(session, "distributions")


@nox.session(python=interpreter("3.11"))
def survival(session: nox.Session) -> None:
    """Run the benchmark of survival analysis beside NGBoost: `-- --data DIR`."""
    beside_ngboost(session, "survival")


@nox.session(python=interpreter("3.13"))
def newest(session: nox.Session) -> None:
    """Test Python 3.13 with the newest version of everything."""
    session.install("--upgrade", "--upgrade-strategy", "eager", "-e", ".[test]")
    # Clusters take a third of the time, and have run in `checks` with a Dask and engines as new as these.
    tests(session, "python", *OF_VERSIONS, "--ignore=tests/engines/cluster", "-k", "not distributed")


# Outside of the repository, with nothing but what the wheel brings.
USE_OF_WHEEL = """
from importlib.resources import files
from lightgbm import LGBMRegressor
from sklearn.datasets import load_diabetes
from gbm_objectives import GBMRegressor, Quantile

assert (files("gbm_objectives") / "py.typed").is_file() and "site-packages" in str(files("gbm_objectives"))
X, y = load_diabetes(return_X_y=True)
model = GBMRegressor(Quantile(0.9), LGBMRegressor(n_estimators=20, verbosity=-1)).fit(X, y)
assert 0.8 < (y <= model.predict(X)).mean() < 1.0
"""


@nox.session(python=interpreter("3.11"))
def clients(session: nox.Session) -> None:
    """Test the estimators inside forecasting libraries, and the page about them."""
    # darts 0.48 cannot count days with pandas 3.
    libraries = ("mlforecast>=1.1", "skforecast>=0.26", "sktime>=1.2", "darts>=0.48", "pandas<3")
    session.install("-e", ".", *libraries, "pytest>=8", "pytest-timeout>=2.3.1", "pytest-xdist>=3.6")
    # What these libraries warn of is their own affair.
    tests(session, "python", "-W", "ignore", "tests/clients")
    tests(session, "python", "-W", "ignore", "tests/test_docs_code.py", "-k", "forecasting")


@nox.session(reuse_venv=False)
def package(session: nox.Session) -> None:
    """Build sdist and, from that, wheel; the wheel alone is installed and used."""
    folder = Path(tempfile.mkdtemp())
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(folder))
    (wheel,) = folder.glob("*.whl")
    session.install(str(wheel))
    session.chdir(folder)
    session.run("python", "-c", USE_OF_WHEEL, env=THREADS)


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """Build the site into docs/_build/html, where a warning is an error, and look at it in a browser.

    In the environment nox runs in, where `checks` runs the code of the pages.
    """
    # From nothing: a page that is not read again would keep its warnings to itself.
    for folder in ("_build", "auto_gallery", "generated"):
        shutil.rmtree(Path("docs") / folder, ignore_errors=True)
    arguments = ["-W", "--keep-going", "-q", "docs", "docs/_build/html"]
    session.run(sys.executable, "-m", "sphinx", *arguments, env=THREADS)
    tests(session, sys.executable, "-rs", "tests/site")
