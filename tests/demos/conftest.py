"""The demos are scripts: the fixture runs one as `python -m demos.NAME` does."""

from __future__ import annotations

import io
import runpy
import sys
from contextlib import redirect_stdout
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(scope="module")
def run_demo(tmp_path_factory):
    """Return a function that runs a demo and returns its names, what it printed, and the folder of its figures."""

    def run(name, *arguments):
        folder, printed = tmp_path_factory.mktemp(name), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
            patch.setattr(sys, "argv", [name, "--output", str(folder), *arguments])
            names = runpy.run_module(f"demos.{name}", run_name="__main__", alter_sys=True)
        plt.close("all")
        return SimpleNamespace(names=names, printed=printed.getvalue(), folder=folder)

    return run
