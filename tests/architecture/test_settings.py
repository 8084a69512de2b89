"""D9: the page with every setting, in both languages, says what the code reads, and no more."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files, tree

PAGES = [ROOT / "docs" / "en" / "settings.md", ROOT / "docs" / "fr" / "reglages.md"]
NAME = re.compile(r"LIAISON_(<SERVICE>_)?[A-Z_]*[A-Z]|AMQP_URI|DATABASE_URL")
ROW = re.compile(r"\| `([^`]+)` \| ([^|]+) \| [^|]+ \|")


def _text(node: ast.AST) -> str:
    """A string, with <SERVICE> for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return "<SERVICE>"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def read() -> set[str]:
    """The variables that the code names."""
    nodes = (node for path in files("shared", "services", "deploy") for node in ast.walk(tree(path)))
    return {text for node in nodes if NAME.fullmatch(text := _text(node))}


def defaults() -> dict[str, set[str]]:
    """What the code takes where a variable is not set, as far as it says so in the same place."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in files("shared", "services", "deploy"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(args=[name, ast.Constant(value=default)]) if NAME.fullmatch(_text(name)):
                    found[_text(name)].add(str(default))
    return found


def told(page: Path) -> dict[str, str]:
    """{variable: default} of a page."""
    rows = ROW.findall(page.read_text(encoding="utf-8"))
    assert len(rows) == len(dict(rows)), "a variable has two rows"
    return dict(rows)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_has_its_row(page: Path) -> None:
    assert set(told(page)) == read()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_defaults_are_those_of_the_code(page: Path) -> None:
    rows, known = told(page), defaults()
    assert len(known) > 20
    for name, values in known.items():
        assert rows[name].strip("`") in {value or "–" for value in values}, name
