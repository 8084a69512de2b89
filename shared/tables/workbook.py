"""Writing an XLSX file. Runs in a child process: packing a large workbook takes long."""

from collections.abc import Iterator
from typing import IO, Any

from shared.kernel.refusals import Refusal
from shared.tables.escapes import escaped
from shared.tables.limits import MOST_ROWS


class TooManyRows(Refusal):
    """Details: limit."""

    family = "invalid"
    code = "too_many_rows"
    en = "An XLSX sheet has at most {limit} rows; export CSV, or filter."
    fr = "Une feuille XLSX compte au plus {limit} lignes ; exportez en CSV, ou filtrez."


class CellTooLong(Refusal):
    """Details: row, column, limit."""

    family = "invalid"
    code = "cell_too_long"
    en = "Row {row}, column {column}: XLSX holds at most {limit} characters in a cell; export CSV, or other fields."
    fr = "Ligne {row}, colonne {column} : au plus {limit} caractères par cellule XLSX ; exportez en CSV, ou d'autres champs."


LONGEST = 32_767
"""Characters in a cell (Microsoft, Excel specifications and limits), which counts UTF-16."""


def written(file: IO[bytes], values: Iterator[list[list[str]]]) -> Iterator[int]:
    """Write the rows that come, many at a time, the header first; yields their number when the file is complete.

    All cells are texts, so no spreadsheet takes one for a formula.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Liaison")
    number, header = 0, list[str]()
    for rows in values:
        for row in rows:
            number += 1
            header = header or row
            _check(number, row, header)
            sheet.append([_cell(WriteOnlyCell(sheet), text) for text in row])
    book.save(file)
    yield number


def _check(number: int, row: list[str], header: list[str]) -> None:
    """Raises TooManyRows or CellTooLong: nothing is left out in silence."""
    if number > MOST_ROWS:
        raise TooManyRows(limit=MOST_ROWS - 1)
    for name, text in zip(header, row, strict=True):
        if len(text) > LONGEST // 2 and len(text.encode("utf-16-le")) > 2 * LONGEST:
            raise CellTooLong(row=number, column=name, limit=LONGEST)


def _cell(cell: Any, text: str) -> Any:
    cell._value = escaped(text)  # openpyxl would refuse or cut what it does not know to be escaped
    cell.data_type = "s"
    return cell
