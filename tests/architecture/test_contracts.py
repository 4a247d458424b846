"""The rooms know only the rooms below them, and the core knows nothing of the world."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
GATED = ROOT / "gated"
CORE = sorted(path for room in ("model", "judge") for path in (GATED / room).rglob("*.py"))
PURE = {
    "bisect",
    "collections",
    "collections.abc",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "math",
    "operator",
    "re",
    "statistics",
    "typing",
    "zlib",
}
"""All of the standard library that nouns and decisions may use: nothing here waits or reads. `functools` is there for
results of pure functions that are kept; `zlib` for a checksum that, unlike `hash`, is the same in every process."""
WORLDLY = {"open", "print", "input", "exec", "eval", "__import__", "globals", "breakpoint", "hash", "id"}
"""Calls that need no import. `hash` and `id` differ from process to process, and a decision must not."""


def module(path: Path) -> str:
    """A case's id: the module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, at whatever depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def test_the_import_contracts_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=str(tmp_path), no_logo=True)
    assert exit_code == 0, capsys.readouterr().out


def test_every_room_has_its_place_among_the_layers() -> None:
    """A room that no contract names could import whatever it likes."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in config["contracts"] if contract["type"] == "layers")
    named = {room.strip() for row in layers for room in row.split("|")}
    rooms = {f"gated.{path.parent.name}" for path in GATED.glob("*/__init__.py")}
    assert rooms == named


@pytest.mark.parametrize("path", CORE, ids=module)
def test_the_core_imports_nothing_of_the_world(path: Path) -> None:
    """Stronger than a list of what is forbidden: whatever is not known to be pure is refused."""
    strangers = {
        name
        for name in imported(ast.parse(path.read_text()))
        if name not in PURE and not name.startswith(("gated.model", "gated.judge"))
    }
    assert strangers == set()


@pytest.mark.parametrize("path", CORE, ids=module)
def test_the_core_calls_nothing_of_the_world(path: Path) -> None:
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called & WORLDLY == set()


@pytest.mark.parametrize("path", CORE, ids=module)
def test_the_core_remembers_nothing(path: Path) -> None:
    """What a decision depends on is in its arguments: no global is assigned."""
    remembering = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Global | ast.Nonlocal | ast.AsyncFunctionDef | ast.Await)
    ]
    assert remembering == []
