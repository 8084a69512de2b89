"""`shared/` is grouped into rooms, and a room uses only those above it in this list."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files, short, tree

ROOMS = (
    "kernel", "commerce", "wire", "schema", "contracts", "storage", "machinery", "api", "messaging", "tables", "jobs",
    "process", "derived", "flows", "ops",
)  # fmt: skip


def room(path: Path) -> str:
    return path.relative_to(ROOT / "shared").parts[0]


def used(path: Path) -> set[str]:
    """The rooms that a file imports from, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "shared":
            names = [f"shared.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        found |= {name.split(".")[1] for name in names if name.startswith("shared.")}
    return found


def test_every_module_stands_in_a_room() -> None:
    assert {room(path) for path in files("shared") if path.name != "__init__.py"} == set(ROOMS)
    assert [path.name for path in (ROOT / "shared").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", [p for p in files("shared") if p.parent != ROOT / "shared"], ids=short)
def test_a_room_uses_only_those_above_it(path: Path) -> None:
    place = ROOMS.index(room(path))
    assert not {name for name in used(path) if ROOMS.index(name) > place}
