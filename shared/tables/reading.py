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
from shared.tables.limits import LONGEST_CELL, Row, UnreadableFile, numbered

ROWS_AT_ONCE = 250
CHARACTERS_AT_ONCE = 500_000


def batches(file: IO[bytes], values: Iterator[object]) -> Iterator[int | list[Row] | None]:
    """First how many rows there are without the header, if that is known, then the rows, many at a time."""
    total, rows = opened(file)
    yield total
    batch, size = list[Row](), 0
    for number, cells in rows:
        batch.append((number, cells))
        size += sum(map(len, cells))
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
    text = io.TextIOWrapper(file, encoding=encoding_of(file), newline="")
    delimiter = delimiter_of(text.readline(LONGEST_CELL))
    text.seek(0)
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(text, delimiter=delimiter)
    try:
        yield from enumerate(rows, 1)
    except csv.Error as error:
        reason = "row_too_long" if "limit" in str(error) else "quotes"
        raise UnreadableFile(reason=reason, row=rows.line_num) from None
    finally:
        text.detach()


def encoding_of(file: IO[bytes]) -> str:
    """UTF-8 (with or without BOM) when all of it is, else cp1252. Raises UnreadableFile when it is neither."""
    for encoding in ("utf-8-sig", "cp1252"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while piece := file.read(256 * 1024):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        finally:
            file.seek(0)
        return encoding
    raise UnreadableFile(reason="encoding", row=1)


def delimiter_of(header: str) -> str:
    """The one of `;` `,` and tab that the header line has most of outside quotes."""
    outside = "".join(header.split('"')[::2])
    return max(";,\t", key=outside.count)
