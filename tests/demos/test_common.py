"""The command line of the demos, and their form: a page of the gallery."""

from __future__ import annotations

import ast
import re
import runpy
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from demos.common import command_line, show

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(path for path in (ROOT / "demos").glob("[!_]*.py") if path.stem not in ("common", "smooth"))


def options(monkeypatch, arguments=(), **keywords):
    monkeypatch.setattr(sys, "argv", ["demos/some.py", *arguments])
    return command_line("\nTitle\n=====\n\nMore.", **keywords)


def test_command_line(monkeypatch):
    assert vars(options(monkeypatch)) == {"output": Path("output")}
    both = options(monkeypatch, ["--seed", "3"], engine="both", seed=0)
    assert both.engines == ["lightgbm", "xgboost"] and both.seed == 3
    one = options(monkeypatch, ["--engine", "xgboost", "--output", "figures"], engine="lightgbm")
    assert one.engines == ["xgboost"] and one.output == Path("figures")


@pytest.mark.parametrize("arguments", [["--engine", "both"], ["--engine", "catboost"], ["--seed", "one"]])
def test_wrong_options(monkeypatch, capsys, arguments):
    with pytest.raises(SystemExit):
        options(monkeypatch, arguments, engine="lightgbm", seed=0)
    assert "python -m demos.some: error" in capsys.readouterr().err


def test_show(tmp_path, capfd):
    show(Figure(), tmp_path / "new" / "figure.png")
    printed = capfd.readouterr()
    assert (tmp_path / "new" / "figure.png").exists()
    assert printed.err == f"wrote {tmp_path / 'new' / 'figure.png'}\n" and not printed.out


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_demo_is_a_page(path):
    text = path.read_text(encoding="utf-8")
    _, title, underline, *_ = text.split("\n")
    assert underline == "=" * len(title)
    assert text.count("\n# %%\n") >= 3
    assert len(text.splitlines()) <= 160


# What the README's first command installs. Two demos say that they need more.
INSTALLED = {"gbm_objectives", "lightgbm", "matplotlib", "numpy", "scipy", "sklearn", "tqdm", "xgboost"}
EXTRAS = {"dask_cluster": ("dask", {"dask"}), "own_cost": ("formula", set())}
# These redraw figures of a paper or a lecture, by a command.
COMMANDS = {"sinc", "outliers", "likelihood", "learning_speed", "curvature"}


def imports(text):
    """Return the packages that a demo imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found - set(sys.stdlib_module_names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_demo_needs_no_more_than_it_says(page):
    text = page.read_text(encoding="utf-8")
    extra, packages = EXTRAS.get(page.stem, ("", set()))
    assert not extra or f"pip install gbm_objectives[{extra}]" in text
    assert imports(text) <= INSTALLED | packages | {"demos"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_demo_without_a_command_pastes_into_a_notebook(page):
    text = page.read_text(encoding="utf-8")
    if page.stem in COMMANDS:
        assert "\noptions = command_line(__doc__" in text
        return
    assert "demos" not in imports(text)
    for name in ("__file__", "__doc__", "argv", "savefig"):
        assert name not in text
    assert text.count("\nplt.show()\n") >= 1


def test_the_site_offers_notebooks_that_run():
    css = (ROOT / "docs" / "_static" / "site.css").read_text(encoding="utf-8")
    assert set(re.findall(r'href\$="/(\w+)\.ipynb"', css)) == COMMANDS


def test_the_order_of_the_gallery():
    order = runpy.run_path(str(ROOT / "docs" / "_ext" / "gallery.py"))["ORDER"]
    assert sorted(order) == sorted(page.stem for page in PAGES)
    assert set(order[-len(COMMANDS) :]) == COMMANDS
