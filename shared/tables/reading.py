"""Reading a table: CSV in UTF-8 or cp1252 with `,` `;` or tab, or the first sheet of an XLSX file.

Rows come one by one, so memory does not grow with the file. Whatever is wrong with a file ends in UnreadableFile.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from shared.refusals import Invalid

MOST_COLUMNS = 500
LONGEST_CELL = 100_000
MOST_ENTRIES = 10_000
MOST_UNPACKED = 100 * 1024 * 1024
MOST_RATIO = 100
_SMALL = 1024 * 1024
"""Entries below this size may be packed as tightly as they like."""

Row = tuple[int, list[str]]
"""The number that a spreadsheet shows beside the row, and its cells; the header is row 1 of a CSV file."""


class UnreadableFile(Invalid):
    """The file as a whole cannot be read. Details: reason."""

    code = "unreadable_file"
    en = "The file cannot be read: {reason}."
    fr = "Le fichier est illisible : {reason}."


def is_xlsx(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04"


@contextmanager
def opened(file: IO[bytes], breathe: Callable[[], None] = lambda: None) -> Iterator[Iterator[Row]]:
    """The rows of a file, the header first. `breathe` is called between pieces of long work. Raises UnreadableFile."""
    packed = is_xlsx(_head(file))
    if packed:
        check_archive(file)
    rows = _xlsx(file) if packed else _csv(file, breathe)
    try:
        yield rows
    except (csv.Error, UnicodeError) as error:
        raise UnreadableFile(reason=str(error) or type(error).__name__) from None
    finally:
        rows.close()
        file.seek(0)


def count(file: IO[bytes], breathe: Callable[[], None] = lambda: None) -> int | None:
    """How many rows there are without the header; of an XLSX file what it says itself, if anything."""
    if is_xlsx(_head(file)):
        return _stated(file)
    found = -1
    with opened(file, breathe) as rows:
        for _ in rows:
            found += 1
            if found % 100 == 0:
                breathe()
    return max(0, found)


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    return head


# -- CSV --------------------------------------------------------------------------------------------------------------


def _csv(file: IO[bytes], breathe: Callable[[], None]) -> Generator[Row, None, None]:
    text = io.TextIOWrapper(file, encoding=encoding_of(file, breathe), newline="")
    try:
        delimiter = delimiter_of(text.readline(LONGEST_CELL))
        text.seek(0)
        csv.field_size_limit(LONGEST_CELL)
        for number, cells in enumerate(csv.reader(text, delimiter=delimiter), 1):
            if any(cells):
                yield number, cells
    finally:
        text.detach()


def encoding_of(file: IO[bytes], breathe: Callable[[], None] = lambda: None) -> str:
    """UTF-8 (with or without BOM) when all of it is, else cp1252. Raises UnreadableFile when it is neither."""
    for encoding in ("utf-8-sig", "cp1252"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while piece := file.read(256 * 1024):
                decoder.decode(piece)
                breathe()
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        finally:
            file.seek(0)
        return encoding
    raise UnreadableFile(reason="neither UTF-8 nor cp1252")


def delimiter_of(header: str) -> str:
    """The one of `;` `,` and tab that the header line has most of outside quotes."""
    outside = "".join(header.split('"')[::2])
    return max(";,\t", key=outside.count)


# -- XLSX -------------------------------------------------------------------------------------------------------------


def check_archive(file: IO[bytes]) -> None:
    """Raise UnreadableFile for what would unpack to more than any honest workbook.

    The sizes are those that the archive declares; more than declared is never unpacked by `zipfile`.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise UnreadableFile(reason="not an XLSX file") from None
    bombs = (e for e in entries if e.file_size > _SMALL and e.file_size > MOST_RATIO * max(1, e.compress_size))
    if len(entries) > MOST_ENTRIES or sum(e.file_size for e in entries) > MOST_UNPACKED or any(bombs):
        raise UnreadableFile(reason="it unpacks to too much")
    file.seek(0)


def _xlsx(file: IO[bytes]) -> Generator[Row, None, None]:
    """openpyxl takes defusedxml for its parser where that is installed, and so refuses entities."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its size need not be true
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_text(value) for value in values[:MOST_COLUMNS]]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield number, cells
    except UnreadableFile:
        raise
    except Exception as error:  # the parser meets whatever a stranger put into the file
        raise UnreadableFile(reason="not an XLSX file") from error


def _stated(file: IO[bytes]) -> int | None:
    import openpyxl

    check_archive(file)
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        rows = book.worksheets[0].max_row
    except Exception as error:
        raise UnreadableFile(reason="not an XLSX file") from error
    return max(0, rows - 1) if isinstance(rows, int) and rows <= 1_048_576 else None


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)).normalize(), "f")
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case date():
            return value.isoformat()
    return str(value)[:LONGEST_CELL]
