"""How large a table may be. Beyond these no honest file goes, and each bounds what a stranger's file can cost."""

from collections.abc import Iterable, Iterator

from shared.kernel.refusals import Invalid

MOST_ROWS = 1_048_576
"""Rows of a sheet in Excel, the header among them; CSV files have no more either."""

MOST_COLUMNS = 500
LONGEST_CELL = 500_000
"""Characters; five hundred lines of an order stand in one cell of an export."""

LONGEST_ROW = 1_000_000
"""Characters of all its cells."""

MOST_EMPTY = 10_000
"""Empty rows between two that hold something."""

MOST_STRINGS = 1_000_000
"""Different texts of a workbook."""

MOST_ENTRIES = 10_000
MOST_UNPACKED = 100 * 1024 * 1024
MOST_RATIO = 100
SMALL = 1024 * 1024
"""Entries of an archive below this size may be packed as tightly as they like."""

Cell = str | list[str]
"""The text of a cell, or [kind, text] where a file says of what kind it is: one of the kinds below."""

NUMBER, SHARE, TIME, FLAG = "number", "share", "time", "flag"
"""A number (of a share of one, in percent), a date or instant, true or false."""

FAULTY, WITHOUT_VALUE, NOT_DECODED = "faulty", "without_value", "not_decoded"
"""An error value, a formula whose value the file does not hold, a text in another encoding than the rest."""

Row = tuple[int, list[Cell]]
"""The number that a spreadsheet shows beside the row, and its cells; the header is row 1 of a CSV file."""


class UnreadableFile(Invalid):
    """The file as a whole cannot be read. Details: reason (one of REASONS) and what its sentence names."""

    code = "unreadable_file"
    en = "The file cannot be read: {reason}."
    fr = "Le fichier est illisible : {reason}."

    def text(self, language: str) -> str:
        english, french = REASONS[self.details["reason"]]
        reason = (french if language == "fr" else english).format_map(self.details)
        return (self.fr if language == "fr" else self.en).format(reason=reason)


REASONS: dict[str, tuple[str, str]] = {
    "not_xlsx": ("it is not an XLSX file", "ce n'est pas un fichier XLSX"),
    "unpacks_to_too_much": ("it unpacks to too much", "il devient trop volumineux une fois décompressé"),
    "encoding": (
        "it is neither UTF-8 nor Windows-1252 (line {row})",
        "il n'est ni en UTF-8 ni en Windows-1252 (ligne {row})",
    ),
    "mixed_encodings": (
        "it is in Windows-1252, but line {row} is in UTF-8",
        "il est en Windows-1252, mais la ligne {row} est en UTF-8",
    ),
    "quotes": (
        'in line {row} a cell that begins with " does not end with it',
        'à la ligne {row}, une cellule qui commence par " ne se termine pas par ce signe',
    ),
    "rows_not_rising": ("row {row} stands behind row {last}", "la ligne {row} suit la ligne {last}"),
    "too_many_rows": ("it has more than {limit} rows", "il compte plus de {limit} lignes"),
    "too_many_columns": ("row {row} has more than {limit} columns", "la ligne {row} compte plus de {limit} colonnes"),
    "too_many_texts": ("it has more than {limit} different texts", "il contient plus de {limit} textes différents"),
    "row_too_long": ("row {row} is too long", "la ligne {row} est trop longue"),
    "gap": (
        "nothing stands in the rows between {last} and {row}",
        "rien ne figure dans les lignes entre {last} et {row}",
    ),
}


def numbered(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows that hold something; raises UnreadableFile when numbers do not rise, leap, or go too far."""
    before = last = 0
    for number, cells in rows:
        if number <= before:
            raise UnreadableFile(reason="rows_not_rising", row=number, last=before)
        if number > MOST_ROWS:
            raise UnreadableFile(reason="too_many_rows", limit=MOST_ROWS)
        before = number
        if not any(cells):
            continue
        _check(number, last, cells)
        last = number
        yield number, cells


def _check(number: int, last: int, cells: list[Cell]) -> None:
    if number - last > MOST_EMPTY:
        raise UnreadableFile(reason="gap", row=number, last=last)
    if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
        raise UnreadableFile(reason="too_many_columns", row=number, limit=MOST_COLUMNS)
    lengths = [len(text_of(cell)) for cell in cells]
    if max(lengths) > LONGEST_CELL or sum(lengths) > LONGEST_ROW:
        raise UnreadableFile(reason="row_too_long", row=number)


def text_of(cell: Cell) -> str:
    """A cell as a person would see it."""
    return cell if isinstance(cell, str) else cell[1]
