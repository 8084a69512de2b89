"""The header of a file that is imported, and rows that do not go with it."""

from shared.kernel.refusals import Invalid
from shared.tables.building import Mapping
from shared.tables.limits import Cell, text_of


class WrongColumns(Invalid):
    """The header and the mapping do not go together. Details: columns."""

    code = "wrong_columns"
    en = "These columns are missing, empty or named twice: {columns}."
    fr = "Ces colonnes manquent, sont vides ou figurent deux fois : {columns}."


class NoColumns(Invalid):
    """No column of the file means a field."""

    code = "no_columns"
    en = "No column of the file is known; send a mapping."
    fr = "Aucune colonne du fichier n'est reconnue ; envoyez une correspondance (mapping)."


def wrong_length(cells: list[Cell], width: int) -> str:
    """What is wrong with the number of cells; spreadsheets write empty ones behind the last."""
    if len(cells) < width:
        return "too_few_cells"
    return "too_many_cells" if any(cells[width:]) else ""


def header_of(cells: list[Cell]) -> list[str]:
    """The names of the columns, without those behind the last name."""
    names = [text_of(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def check(header: list[str], mapping: Mapping) -> None:
    """Raises WrongColumns or NoColumns."""
    twice = {name for name in header if name and header.count(name) > 1}
    if wrong := sorted({*mapping.unknown, *twice}):
        raise WrongColumns(columns=", ".join(wrong)[:500])
    if not mapping.by_path:
        raise NoColumns
