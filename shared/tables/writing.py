"""Writing a table: documents of a response schema as rows of cells, and rows as CSV text."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.tables.cells import shielded, write
from shared.tables.paths import REST, SPREAD, Column, columns_of
from shared.wire.fields import Schema

BOM = "\ufeff"


class Layout:
    """The columns of a table of documents. `chosen` are paths or names of top-level fields; None takes all."""

    def __init__(self, schema: type[Schema], chosen: Sequence[str] | None = None) -> None:
        every = columns_of(schema)
        wanted = None if chosen is None else set(chosen)
        self.unknown = sorted(wanted - {c.path for c in every} - {str(c.steps[0]) for c in every}) if wanted else []
        self.columns = [c for c in every if wanted is None or c.path in wanted or c.steps[0] in wanted]
        self.header = [column.path for column in self.columns]
        self._cells = [_getter(column) for column in self.columns]

    def row(self, document: dict[str, Any]) -> list[str]:
        """The cells of a document in its JSON form."""
        return [cell(document) for cell in self._cells]


def _getter(column: Column) -> Callable[[dict[str, Any]], str]:
    def cell(document: dict[str, Any]) -> str:
        value: Any = document
        for step in column.steps:
            if step == REST and isinstance(value, list):
                value = value[SPREAD:]
            elif isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        return write(value, column.field)

    return cell


def delimiter_for(language: str) -> str:
    """What spreadsheets of that language expect."""
    return ";" if language == "fr" else ","


def csv_text(rows: Iterable[Iterable[str]], delimiter: str) -> str:
    """Rows as RFC 4180 lines. Cells are taken as they are; see cells.py for what makes them harmless."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def harmless(rows: Iterable[Iterable[str]]) -> list[list[str]]:
    """Rows of texts of any origin, shielded cell by cell."""
    return [[shielded(cell) for cell in row] for row in rows]
