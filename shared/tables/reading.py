"""Reading a table: CSV in UTF-8 or cp1252 with `,` `;` or tab, or the first sheet of an XLSX file.

Rows come one by one, so memory does not grow with the file. Whatever is wrong with a file ends in UnreadableFile.
It reads what strangers send and computes long, so services have it run in a child process: `batches` is for child.py.
"""

import codecs
import csv
import io
from collections.abc import Generator, Iterator
from typing import IO

from shared.tables import sheets
from shared.tables.limits import LONGEST_CELL, NOT_DECODED, Cell, Row, UnreadableFile, numbered, text_of

ROWS_AT_ONCE = 250
CHARACTERS_AT_ONCE = 500_000


def batches(file: IO[bytes], values: Iterator[object]) -> Iterator[int | list[Row] | None]:
    """First how many rows there are without the header, if that is known, then the rows, many at a time."""
    total, rows = opened(file)
    yield total
    batch, size = list[Row](), 0
    for number, cells in rows:
        batch.append((number, cells))
        size += sum(len(text_of(cell)) for cell in cells)
        if len(batch) >= ROWS_AT_ONCE or size >= CHARACTERS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def opened(file: IO[bytes]) -> tuple[int | None, Iterator[Row]]:
    """How many rows there are without the header (of an XLSX file what it says itself, if anything), and the rows, the
    header first. What is wrong with CSV ends in UnreadableFile before the first row is given.
    """
    if sheets.is_xlsx(_head(file)):
        sheet = sheets.first_sheet(file)
        return sheets.stated(sheet), sheets.rows(sheet)
    total = max(0, sum(1 for _ in numbered(_csv(file))) - 1)
    file.seek(0)
    return total, numbered(_csv(file))


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    return head


def _csv(file: IO[bytes]) -> Generator[Row, None, None]:
    """By RFC 4180, strictly: a cell that begins with a quote ends with it, else rows would swallow each other."""
    text = io.TextIOWrapper(file, encoding=encoding_of(file), errors="surrogateescape", newline="")
    delimiter = delimiter_of(text.readline(LONGEST_CELL))
    text.seek(0)
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(rows, 1):
            yield number, list(cells) if "".join(cells).isascii() else [_decoded(cell) for cell in cells]
    except csv.Error as error:
        reason = "row_too_long" if "limit" in str(error) else "quotes"
        raise UnreadableFile(reason=reason, row=rows.line_num) from None
    finally:
        text.detach()


def _decoded(cell: str) -> Cell:
    """Bytes that are no UTF-8 stand in the text as lone surrogates; they are shown as Windows-1252 has them."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return [NOT_DECODED, cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace")]
    return cell


def encoding_of(file: IO[bytes]) -> str:
    """UTF-8 (with or without BOM), or cp1252 when no line beyond ASCII is UTF-8. Raises UnreadableFile.

    Where most lines are UTF-8, the others are errors of their rows. Where most are not, the file is refused: a line of
    UTF-8 can be read as cp1252, and would be stored as other letters than were meant.
    """
    of_utf8, others = list[int](), list[int]()
    file.seek(0)
    marked = file.read(3) == codecs.BOM_UTF8
    file.seek(0)
    for number, line in enumerate(file, 1):
        if b"\0" in line:
            raise UnreadableFile(reason="encoding", row=number)
        if not line.isascii():
            _sort(number, line, of_utf8, others)
    file.seek(0)
    if marked or len(of_utf8) >= len(others):
        return "utf-8-sig"
    if of_utf8:
        raise UnreadableFile(reason="mixed_encodings", row=of_utf8[0])
    return "cp1252"


def _sort(number: int, line: bytes, of_utf8: list[int], others: list[int]) -> None:
    """Note the line with those that are UTF-8 or with the others. Raises UnreadableFile when it is cp1252 neither."""
    try:
        line.decode("utf-8-sig")
        of_utf8.append(number)
    except UnicodeDecodeError:
        others.append(number)
        if line.translate(None, _NOT_IN_CP1252) != line:
            raise UnreadableFile(reason="encoding", row=number) from None


_NOT_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


def delimiter_of(header: str) -> str:
    """The one of `;` `,` and tab that the header line has most of outside quotes."""
    outside = "".join(header.split('"')[::2])
    return max(";,\t", key=outside.count)
