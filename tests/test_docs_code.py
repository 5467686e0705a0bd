"""The code of README.md and of each page runs and prints what it shows, and the reference leaves no name out."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "```python\n" in path.read_text(encoding="utf-8")
]
# Their `__all__` is public, and stands in docs/api.md.
PUBLIC = [
    "gbm_objectives",
    "gbm_objectives.distributions",
    "gbm_objectives.engines.lightgbm",
    "gbm_objectives.engines.lightgbm.dask",
    "gbm_objectives.engines.xgboost",
    "gbm_objectives.engines.xgboost.dask",
    "gbm_objectives.plotting",
    "gbm_objectives.ranking",
    "gbm_objectives.survival",
]
# What `nox -s lowest` has not, and what `nox -s clients` alone has: a page that needs one is skipped elsewhere.
OPTIONAL = {
    "darts",
    "dask",
    "distributed",
    "mapie",
    "mlforecast",
    "onnxmltools",
    "onnxruntime",
    "optuna",
    "polars",
    "pyarrow",
    "shap",
    "skforecast",
    "skl2onnx",
    "sksurv",
    "sktime",
    "treelite",
}
NO_PAGE = {"gbm_objectives.plotting.COLORS"}  # a dictionary


def blocks(page):
    """Yield the Python of a page and what it prints.

    There are empty lines before the code: a traceback then names the page's own lines.
    """
    text = page.read_text(encoding="utf-8")
    both = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    for block in re.finditer(both, text, re.DOTALL | re.MULTILINE):
        yield "\n" * text.count("\n", 0, block.start(1)) + block[1], block[2] or ""


def same(printed, shown):
    """Return whether two words are the same, or numbers that are about the same."""
    try:
        # Other versions of the engines grow slightly other trees.
        return printed == shown or float(printed) == pytest.approx(float(shown), rel=0.2)
    except ValueError:
        return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_of_a_page(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", plt.close)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # where pickle looks for the classes of a page
    names = vars(module)
    for code, shown in blocks(page):
        capsys.readouterr()
        try:
            exec(compile(code, page, "exec"), names)
        except ModuleNotFoundError as error:
            if error.name in OPTIONAL:
                pytest.skip(f"{error.name} is not installed")
            raise
        printed = capsys.readouterr().out
        words = printed.split(), shown.split()
        assert len(words[0]) == len(words[1]) and all(map(same, *words)), (
            f"{printed}is not what the page shows:\n{shown}"
        )
    plt.close("all")


def reference():
    """Return the full names of what docs/api.md lists."""
    module, names = "", set()
    for line in (ROOT / "docs" / "api.md").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif found := re.fullmatch(r" {3}([\w.]+)", line):
            names.add(f"{module}.{found[1]}")
    return names


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module):
    if module.endswith(".dask"):
        pytest.importorskip("distributed")
    # The rest of what a module of Dask's offers is for our own estimators.
    public = ["train"] if module.endswith(".dask") else importlib.import_module(module).__all__
    names = {f"{module}.{name}" for name in public}
    assert names - NO_PAGE - reference() == set()
