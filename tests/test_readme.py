"""The README's example runs as it stands, and its numbers are those it prints."""

from __future__ import annotations

import re
from pathlib import Path

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
