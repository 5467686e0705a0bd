"""The README is one screen, its example prints what it shows, its numbers are those of the benchmarks' files."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import xgboost

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
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert len(code.splitlines()) <= 12
    exec(code, {})
    printed = capsys.readouterr().out.split()
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1].split()
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


FROM_ENGINES = (ROOT / "docs" / "from_engines.md").read_text(encoding="utf-8")
# https://lightgbm.readthedocs.io/en/stable/Parameters.html#objective
OF_LIGHTGBM = (
    "regression regression_l1 huber fair poisson quantile mape gamma tweedie binary multiclass multiclassova"
    " cross_entropy cross_entropy_lambda lambdarank rank_xendcg"
)


def rows_of(page, title):
    """Return the cells of the rows of a table below a heading."""
    table = page.split(title)[1].split("\n\n", 2)[1]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.strip().splitlines()[2:]]


def test_all_objectives_of_the_engines_have_a_row():
    """XGBoost names its own in the error for one that it does not know."""
    with pytest.raises(xgboost.core.XGBoostError, match="Unknown objective function") as error:
        xgboost.train({"objective": "none"}, xgboost.DMatrix([[0.0]], [0.0]))
    of_xgboost = set(re.findall(r"Objective candidate: ([\w:]+)", str(error.value)))
    assert len(of_xgboost) > 15
    rows = rows_of(FROM_ENGINES, "`GBMRegressor(AbsoluteError(), LGBMRegressor(...))`.")
    names = [set(re.findall(r"[\w:]+", " ".join(row[i] for row in rows))) for i in (0, 1)]
    assert set(OF_LIGHTGBM.split()) <= names[0] and of_xgboost <= names[1]


def test_the_losses_of_that_table_exist():
    import gbm_objectives

    for row in rows_of(FROM_ENGINES, "`GBMRegressor(AbsoluteError(), LGBMRegressor(...))`."):
        for call in re.findall(r"`([A-Z]\w+\(.*?\))`", row[2]):
            if not call.startswith(("OneVsRest", "GBM")):
                assert isinstance(eval(call, {**vars(distributions), **vars(gbm_objectives)}), Loss)


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
        assert int(re.search(r"(\d+) losses, or your own", page.replace("\n", " "))[1]) == len(found)
