"""The README is one screen, its example prints what it shows, its numbers are those of the benchmarks' files."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from gbm_objectives import distributions, formula, losses
from gbm_objectives.contract import Loss

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_it_is_short():
    assert len(README.split()) <= 800


def test_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", section("Example"), re.DOTALL)[1]
    exec(code, {})
    printed = capsys.readouterr().out.split()
    shown = re.search(r"```text\n(.*?)```", section("Example"), re.DOTALL)[1].split()
    # Other versions of the engines grow slightly other trees.
    for p, s in zip(printed, shown, strict=True):
        assert p == s or abs(float(p) / float(s) - 1) < 0.05
    assert (tmp_path / "booster.json").exists()


def test_numbers_are_those_of_the_benchmarks():
    bullets = section("In numbers").strip().split("\n- ")
    assert len(bullets) == 6
    for bullet in bullets:
        file = re.search(r"\]\((benchmarks/\w+\.md)\)", bullet)[1]
        measured = (ROOT / file).read_text(encoding="utf-8")
        numbers = re.findall(r"\d+\.\d+", bullet)
        assert numbers
        for number in numbers:
            assert number in measured, (number, file)


def test_names_in_the_cheat_sheet_exist():
    import gbm_objectives
    from gbm_objectives import distributions

    names = set(re.findall(r"`(?:distributions\.)?([A-Z]\w+)\(", section("You want, you write")))
    assert len(names) > 12
    for name in names:
        assert hasattr(gbm_objectives, name) or hasattr(distributions, name), name


def test_links_exist():
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path


def test_losses_are_counted():
    """Those that a user picks: of all modules, without the classes that losses are made from."""
    found = {
        name
        for module in (losses, distributions, formula)
        for name in module.__all__
        if inspect.isclass(one := getattr(module, name)) and issubclass(one, Loss) and not inspect.isabstract(one)
    }
    for page in (README, (ROOT / "docs" / "index.md").read_text(encoding="utf-8")):
        assert int(re.search(r"pick one of (\d+) losses", page)[1]) == len(found)
