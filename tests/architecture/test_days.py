"""C4: nobody takes a date from an instant in UTC; which day it is, the company's time zone says (time_zones.py)."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files, short, tree

_ALLOWED = {
    "shared/kernel/time_zones.py": "date",  # the one place
    "shared/tables/sheets.py": "date",  # a cell of a spreadsheet: a wall clock without a zone
    "services/gateway/events/examples.py": "date",  # a fixed day in the documentation
}
_SQL = re.compile(r"\bcurrent_date\b|\blocaltimestamp\b|(now\(\)|_at|:now)\)?\s*::\s*date", re.IGNORECASE)
_SOURCES = [p for p in files("services", "shared", "deploy") if "versions" not in p.parts]


def _taken(code: ast.AST) -> set[str]:
    """How a piece of code makes a date of an instant, or reads it off the machine's clock."""
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            whose = getattr(node.func.value, "id", "")
            if node.func.attr in ("date", "today", "utcnow") and not node.args:
                found.add(node.func.attr)
            if node.func.attr == "fromtimestamp" and whose == "date":
                found.add("date.fromtimestamp")
        if (
            isinstance(node, ast.Attribute)
            and node.attr in ("year", "month", "day")
            and isinstance(node.value, ast.Call)
        ):
            found |= {node.attr} if getattr(node.value.func, "attr", "") in ("now", "astimezone") else set()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {match.group().lower() for match in _SQL.finditer(node.value)}
    return found


@pytest.mark.parametrize("path", _SOURCES, ids=short)
def test_no_file_takes_a_date_from_an_instant(path: Path) -> None:
    assert not _taken(tree(path)) - {_ALLOWED.get(short(path), "")}


@pytest.mark.parametrize(
    "code",
    [
        "clock.now().date()", "date.today()", "datetime.utcnow()", "order.placed_at.date()", "clock.now().year",
        "date.fromtimestamp(0)", "text('WHERE day = current_date')", "text('SELECT placed_at::date')",
    ],
)  # fmt: skip
def test_it_is_found_in_every_spelling(code: str) -> None:
    assert _taken(ast.parse(code))


def test_what_is_allowed_is_still_there() -> None:
    assert all(_taken(tree(ROOT / name)) for name in _ALLOWED)
