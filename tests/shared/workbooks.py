"""Workbooks as other programs, or attackers, write them."""

import io
import zipfile

import openpyxl

from shared.tables.limits import MOST_EMPTY

_TEXTS = (
    '<Override PartName="/xl/sharedStrings.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)


def by_hand(sheet: str, strings: str = "") -> bytes:
    """A workbook whose sheet, and whose table of texts, are written by hand."""
    openpyxl.Workbook().save(plain := io.BytesIO())
    made = io.BytesIO()
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts = {
        "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{sheet}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {space}>{strings}</sst>",
    }
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        listed = source.read("[Content_Types].xml").decode()
        parts["[Content_Types].xml"] = listed.replace("</Types>", f"{_TEXTS}</Types>")
        for name in {*source.namelist(), *parts}:
            target.writestr(name, parts.get(name) or source.read(name))
    return made.getvalue()


def many_texts(count: int) -> bytes:
    """A workbook whose one cell is the second of so many different texts."""
    texts = "".join(f"<si><t>{n}</t></si>" for n in range(count))
    return by_hand('<row r="1"><c r="A1" t="s"><v>1</v></c></row>', texts)


def bomb() -> bytes:
    """Ninety megabytes of one character in a few kilobytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 90_000_000)
    return packed.getvalue()


def cell(number: int, text: str = "x") -> str:
    """A row of one cell."""
    return f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{text}</t></is></c></row>'


ATTACKS = {
    "a row far away": (by_hand(cell(1) + '<row r="1000000000000"><c t="b"><v>1</v></c></row>'), "too_many_rows"),
    "the first row far away": (by_hand('<row r="1000000000000"><c t="b"><v>1</v></c></row>'), "too_many_rows"),
    "a gap": (by_hand(cell(1) + cell(MOST_EMPTY + 2)), "gap"),
    "a row that comes twice": (by_hand(cell(1) + cell(2) + cell(2)), "rows_not_rising"),
    "a column far away": (by_hand('<row r="1"><c r="XFD1" t="b"><v>1</v></c></row>'), "too_many_columns"),
    "a column that there is not": (by_hand('<row r="1"><c r="ZZZZ1" t="b"><v>1</v></c></row>'), "not_xlsx"),
    "no number of a row": (by_hand('<row r="x"><c t="b"><v>1</v></c></row>'), "not_xlsx"),
    "a long cell": (by_hand(cell(1) + cell(2, "x" * 500_001)), "row_too_long"),
    "no text of that number": (by_hand('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), "not_xlsx"),
    "line feeds": (b"kind,name" + b"\n" * 15_000_000 + b"organization,A\n", "too_many_rows"),
    "line feeds with an end": (b"kind,name" + b"\n" * 100_000 + b"organization,A\n", "gap"),
    "columns": (b",".join(b"c%d" % n for n in range(501)) + b"\n", "too_many_columns"),
    "a long row": (b"a,b\n" + b",".join([b"x" * 90_000] * 12) + b"\n", "row_too_long"),
    "a long field": (b"a,b\n" + b"x" * 600_000, "row_too_long"),
}  # fmt: skip
"""Files that would stop a service if it read them itself, and the reason for which each is refused."""
