"""Workbooks as other programs, or attackers, write them."""

import io
import zipfile

import openpyxl

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
