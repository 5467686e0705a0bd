"""The command line of the demos, and their form: a page of the gallery."""

from __future__ import annotations

import ast
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


# What the README's first command installs; the demo of several machines says that it needs Dask.
INSTALLED = {"demos", "gbm_objectives", "lightgbm", "matplotlib", "numpy", "scipy", "sklearn", "tqdm", "xgboost"}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem != "dask_cluster"], ids=lambda page: page.stem
)
def test_a_demo_needs_no_extra(page):
    found = set()
    for node in ast.walk(ast.parse(page.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    assert found <= INSTALLED | set(sys.stdlib_module_names)
