"""The README's example runs as it stands, and its numbers are those it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lightgbm import LGBMRegressor
from sklearn.datasets import load_diabetes

from gbm_objectives import GBMRegressor, Huber

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"## Example\n\n```python\n(.*?)```", README, re.DOTALL)[1]
    assert len(code.strip().splitlines()) <= 21
    exec(code, {})
    printed = capsys.readouterr().out.split()
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1].split()
    assert [word for word in printed if word.isalpha()] == [word for word in shown if word.isalpha()]
    # Other versions of the engines grow slightly other trees.
    for p, s in zip(printed, shown, strict=True):
        if not p.isalpha():
            assert abs(float(p) / float(s) - 1) < 0.05
    assert (tmp_path / "model.json").exists()


def test_paths_exist():
    root = Path(__file__).parent.parent
    for path in re.findall(r"\]\(([^)#:]+)\)|`((?:gbm_objectives|tests|demos)/[\w/.]+)`", README):
        assert (root / "".join(path)).exists(), path


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("section", ["Likelihood", "Distributions", "Intervals with a guarantee"])
def test_sections_with_models(section):
    """The code runs as it stands, on data sets of the names that it uses."""
    code = re.search(rf"\n## {section}\n.*?```python\n(.*?)```", README, re.DOTALL)[1]
    X, y = load_diabetes(return_X_y=True)
    names = {"GBMRegressor": GBMRegressor, "Huber": Huber, "LGBMRegressor": LGBMRegressor}
    for part, rows in {"train": slice(200), "valid": slice(200, 300), "calibration": slice(300, 400)}.items():
        names[f"X_{part}"], names[f"y_{part}"] = X[rows], y[rows]
    names["X_test"], names["y_test"] = X[400:], y[400:]
    exec(code, names)
