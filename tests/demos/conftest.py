"""The demos are scripts: the fixture runs one as `python -m demos.NAME` does, or as a notebook does."""

from __future__ import annotations

import io
import runpy
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType, SimpleNamespace

import matplotlib.pyplot as plt
import pytest

import demos

FOLDER = Path(demos.__file__).parent


def run_command(name, arguments, folder, patch):
    """Run a demo that has a command line, and return its names."""
    patch.setattr(sys, "argv", [name, "--output", str(folder), *arguments])
    return runpy.run_module(f"demos.{name}", run_name="__main__", alter_sys=True)


def run_notebook(name, source, engine, folder, patch):
    """Run the source of a demo, on an engine where it has one, and return its names."""
    if engine is not None:
        line = 'ENGINE = "lightgbm"'
        assert source.count(f"\n{line}") == 1
        source = source.replace(f"\n{line}", f'\nENGINE = "{engine}"')

    def show():
        for number in plt.get_fignums():
            others = len(list(folder.glob(f"{name}*.png")))
            plt.figure(number).savefig(folder / (f"{name}_{others + 1}.png" if others else f"{name}.png"))
        plt.close("all")

    patch.setattr(plt, "show", show)
    patch.setattr(tempfile, "tempdir", str(folder))
    patch.chdir(folder)
    module = ModuleType(name)
    patch.setitem(sys.modules, name, module)  # where pickle looks for what a demo defines
    exec(compile(source, FOLDER / f"{name}.py", "exec"), vars(module))
    return vars(module)


@pytest.fixture(scope="module")
def run_demo(tmp_path_factory):
    """Return a function that runs a demo and returns its names, what it printed, and the folder of its figures.

    The demo of a command line takes it; of the others `"--engine", engine` replaces the line that says so.
    """

    def run(name, *arguments):
        folder, printed = tmp_path_factory.mktemp(name), io.StringIO()
        source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
            if "command_line(" in source:
                names = run_command(name, arguments, folder, patch)
            else:
                engine = dict(zip(arguments[::2], arguments[1::2], strict=True)).get("--engine")
                names = run_notebook(name, source, engine, folder, patch)
        plt.close("all")
        return SimpleNamespace(names=names, printed=printed.getvalue(), folder=folder)

    return run
