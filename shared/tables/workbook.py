"""Writing an XLSX file. Runs in a child process: packing a large workbook takes long."""

from collections.abc import Iterator
from typing import IO, Any

from shared.refusals import Refusal
from shared.tables.limits import MOST_ROWS


class TooManyRows(Refusal):
    """Details: limit."""

    family = "invalid"
    code = "too_many_rows"
    en = "An XLSX sheet has at most {limit} rows; export CSV, or filter."
    fr = "Une feuille XLSX compte au plus {limit} lignes ; exportez en CSV, ou filtrez."


def written(file: IO[bytes], values: Iterator[list[list[str]]]) -> Iterator[int]:
    """Write the rows that come, many at a time; yields their number when the file is complete.

    All cells are texts, so no spreadsheet takes one for a formula.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Liaison")
    number = 0
    for rows in values:
        number += len(rows)
        if number > MOST_ROWS:
            raise TooManyRows(limit=MOST_ROWS - 1)
        for row in rows:
            sheet.append([_cell(WriteOnlyCell(sheet), text) for text in row])
    book.save(file)
    yield number


def _cell(cell: Any, text: str) -> Any:
    cell.value = _writable(text)
    cell.data_type = "s"
    return cell


def _writable(text: str) -> str:
    """Without the control characters that XML has no place for, and no longer than a cell may be."""
    return "".join(c for c in text if c >= " " or c in "\t\n\r")[:32_767]
