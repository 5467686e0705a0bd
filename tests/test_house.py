"""The house: imports run one way, engines are told apart in one place, files stay short."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gbm_objectives"
FILES = sorted(PACKAGE.rglob("*.py"))
# What the modules of a folder, or a module of the ground floor, may import of the package: those before it.
GROUND = {"curvature", "sampling", "validation"}
MAY_IMPORT = {
    "sampling": set(),
    "curvature": set(),
    "validation": set(),
    "contract": GROUND,
    "losses": {"contract", *GROUND},
    "formula": {"losses", "contract", *GROUND},
    "distributions": {"formula", "losses", "contract", *GROUND},
    "engines": {"contract", *GROUND},
    "estimators": {"engines", "distributions", "formula", "losses", "contract", "survival", "ranking", *GROUND},
    "comparison": {"estimators", "engines", "contract", "ranking", "validation"},
    "testing": {"engines", "distributions", "formula", "losses", "contract", *GROUND},
    "plotting": {"contract", "validation"},
    "survival": {"validation"},
    "ranking": {"contract", "losses", "validation"},
    "__init__": {"comparison", "contract", "estimators", "formula", "losses", "testing"},
}
ENGINES = ("lightgbm", "xgboost")


def module_of(path):
    return ("gbm_objectives", *path.relative_to(PACKAGE).with_suffix("").parts)


def imported(path):
    """Yield the absolute names of the modules that a file imports, those for types alone included."""
    own = module_of(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = own[: -node.level] if node.level else ()
            target = (*base, *(node.module or "").split(".")) if node.module else base
            # `from . import saving` names modules, `from .links import LOG` does not.
            found = [(*target, alias.name) for alias in node.names if not node.module]
            yield from found or [target]


def room(module):
    return module[1] if len(module) > 1 else "__init__"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    here = room(module_of(path))
    for module in imported(path):
        if module[0] == "gbm_objectives" and room(module) != here:
            assert room(module) in MAY_IMPORT[here], f"{path} imports {'.'.join(module)}"


def test_there_is_no_circle():
    # The `__init__`s hand names on: who imports a package imports what its __init__ does.
    names = {module_of(path): path for path in FILES}
    edges = {}
    for module, path in names.items():
        wanted = set()
        for target in imported(path):
            wanted |= {m for m in names if m == target or m == (*target, "__init__")}
        edges[module] = wanted - {module}

    def visit(module, trail):
        assert module not in trail, " -> ".join(".".join(m) for m in (*trail, module))
        if module not in done:
            for other in edges[module]:
                visit(other, (*trail, module))
            done.add(module)

    done = set()
    for module in names:
        visit(module, ())


def strings(path):
    """Yield the string constants of a file that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_engines_are_told_apart_in_the_registry_alone(path):
    inside = module_of(path)[1:3]
    for engine in ENGINES:
        # The communicator is one engine's, and serves both.
        if inside in (("engines", engine), ("engines", "registry")) or path.stem == "communicator":
            continue
        assert not any(engine in value.lower() and " " not in value for value in strings(path))
        assert not any(module[0] == engine for module in imported(path))


MATHEMATICS = sorted(path for home in ("contract", "losses", "formula") for path in (PACKAGE / home).glob("*.py"))


@pytest.mark.parametrize("path", MATHEMATICS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_mathematics_knows_no_data_set(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"Dataset", "DMatrix", "lgb", "xgb"}


@pytest.mark.parametrize("folder", ["gbm_objectives", "tests", "benchmarks", "demos"])
def test_a_file_is_read_in_one_sitting(folder):
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 350} == {}


def test_a_new_loss_is_listed_twice():
    """In the package of losses and at the top, nowhere else: every other list is made from these."""
    listed = [path for path in FILES if any(value == "SigmoidSquaredError" for value in strings(path))]
    assert [str(path.relative_to(PACKAGE)) for path in listed] == [
        "__init__.py",
        "losses/__init__.py",
        "losses/binary.py",
    ]
