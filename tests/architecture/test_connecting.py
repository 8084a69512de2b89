"""A6: every connection to PostgreSQL sets its own search path and limits, because a role may change its defaults."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import files, short, tree


def _calls(path: Path) -> list[ast.Call]:
    """Calls of psycopg2.connect and of SQLAlchemy's create_engine."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("psycopg2.connect", "create_engine", "sqlalchemy.create_engine"):
                found.append(node)
    return found


@pytest.mark.parametrize("path", [p for p in files("services", "shared", "deploy") if _calls(p)], ids=short)
def test_every_connection_sets_its_own_options(path: Path) -> None:
    for call in _calls(path):
        given = {keyword.arg for keyword in call.keywords}
        if "connect_args" in given:  # an engine: what it hands on stands in the same function
            assert '"options"' in ast.unparse(tree(path)).replace("'", '"')
        else:
            assert "options" in given, f"{short(path)}:{call.lineno}"


def test_engines_are_made_in_two_places() -> None:
    made = {
        short(p) for p in files("services", "shared", "deploy") for c in _calls(p) if "engine" in ast.unparse(c.func)
    }
    assert made == {"shared/storage/connecting.py", "shared/storage/database.py"}
