"""Reading the first sheet of an XLSX file. Runs in a child process: what it is given comes from strangers.

openpyxl takes defusedxml for its parser where that is installed, and so refuses entities. Its parser of sheets is used
directly, because its reading by rows fills every gap and leaves out rows that do not rise.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import IO, Any

from shared.tables.escapes import unescaped
from shared.tables.limits import (
    FAULTY,
    FLAG,
    MOST_COLUMNS,
    MOST_ENTRIES,
    MOST_RATIO,
    MOST_ROWS,
    MOST_STRINGS,
    MOST_UNPACKED,
    NUMBER,
    SHARE,
    SMALL,
    TIME,
    WITHOUT_VALUE,
    Cell,
    Row,
    UnreadableFile,
    numbered,
)


def is_xlsx(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04"


def check_archive(file: IO[bytes]) -> None:
    """Raise UnreadableFile for what would unpack to more than any honest workbook.

    The sizes are those that the archive declares; more than declared is never unpacked by `zipfile`.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise UnreadableFile(reason="not_xlsx") from None
    bombs = (e for e in entries if e.file_size > SMALL and e.file_size > MOST_RATIO * max(1, e.compress_size))
    if len(entries) > MOST_ENTRIES or sum(e.file_size for e in entries) > MOST_UNPACKED or any(bombs):
        raise UnreadableFile(reason="unpacks_to_too_much")
    file.seek(0)


def first_sheet(file: IO[bytes]) -> Any:
    """The first sheet of a workbook, with its texts. Raises UnreadableFile."""
    import openpyxl

    check_archive(file)
    with _careful():
        sheet: Any = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets[0]
    if len(sheet._shared_strings) > MOST_STRINGS:
        raise UnreadableFile(reason="too_many_texts", limit=MOST_STRINGS)
    return sheet


def stated(sheet: Any) -> int | None:
    """How many rows below the header the file says it has, if it says so."""
    found = sheet.max_row
    return max(0, found - 1) if isinstance(found, int) and found <= MOST_ROWS else None


def rows(sheet: Any) -> Iterator[Row]:
    """The rows that hold something, none shorter than the first. Raises UnreadableFile."""
    width = 0
    with _careful():
        for number, cells in numbered(_cells(sheet)):
            width = width or len(cells)
            yield number, cells + [""] * (width - len(cells))


@contextmanager
def _careful() -> Iterator[None]:
    """The parser meets whatever a stranger put into the file."""
    try:
        yield
    except (UnreadableFile, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFile(reason="not_xlsx") from error


def _cells(sheet: Any) -> Iterator[Row]:
    """(row number, cells), as the file has them."""
    book = sheet.parent
    shares = _shares(book)
    with book._archive.open(sheet._worksheet_path) as source:
        parser = _parser()(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, found in parser.parse():
            yield number, _placed(number, found, shares)


@cache
def _parser() -> Any:
    """openpyxl's parser of sheets, which also tells a formula without a value from an empty cell."""
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    class Parser(WorkSheetParser):
        def parse_cell(self, element: Any) -> Any:
            found = super().parse_cell(element)
            if found["value"] is None and element.find(FORMULA_TAG) is not None:
                found["data_type"] = "f"
            return found

    return Parser


def _shares(book: Any) -> set[int]:
    """The styles that show 0.2 as 20 %."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    formats = dict(enumerate(book._number_formats, 164)) | BUILTIN_FORMATS
    return {place for place, style in enumerate(book._cell_styles) if "%" in str(formats.get(style.numFmtId))}


def _placed(number: int, found: list[dict[str, Any]], shares: set[int]) -> list[Cell]:
    """The cells of a row at their places."""
    held = {cell["column"]: read for cell in found if (read := _read(cell, shares))}
    last = max(held, default=0)
    if last > MOST_COLUMNS:
        raise UnreadableFile(reason="too_many_columns", row=number, limit=MOST_COLUMNS)
    return [held.get(column, "") for column in range(1, last + 1)]


def _read(cell: dict[str, Any], shares: set[int]) -> Cell:
    value, kind = cell["value"], cell["data_type"]
    if kind == "f":
        return [WITHOUT_VALUE, ""]
    if kind == "e":
        return [FAULTY, str(value)]
    match value:
        case None:
            return ""
        case bool():
            return [FLAG, "true" if value else "false"]
        case int() | float() if cell["style_id"] in shares:
            return [SHARE, _plain(value, 2)]
        case int() | float():
            return [NUMBER, _plain(value)]
        case datetime():
            return [TIME, value.date().isoformat() if value.time() == time() else value.isoformat()]
        case date() | time() | timedelta():
            return [TIME, str(value)]
    return unescaped(str(value))


def _plain(value: float, places: int = 0) -> str:
    """The shortest decimal that is this number, its point moved to the right."""
    return format(Decimal(repr(value)).scaleb(places).normalize(), "f")
