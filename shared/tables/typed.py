"""Cells whose kind the file tells: numbers, dates, errors. What a field cannot take as it was meant is never data."""

from collections.abc import Callable
from typing import Any

import marshmallow as ma

from shared.tables import limits
from shared.tables.cells import Flaw, Read
from shared.wire import codes, fields

EXACT_DIGITS = 15
"""Excel keeps so many significant digits of a number (Microsoft, Excel specifications and limits)."""

_FAULTS = {
    limits.FAULTY: "error_value",
    limits.WITHOUT_VALUE: "formula_without_value",
    limits.NOT_DECODED: "wrong_encoding",
}
_TEXTS = (fields.Text, fields.Choice, fields.Uuid)
_NOT_TEXTS = {limits.TIME: "date_in_text", limits.FLAG: "boolean_in_text"}
"""What nobody means in a text. A number there is the text that the cell shows, but in a code."""


class Numeral(str):
    """A number where a code is expected: the field restores the code when it knows what stands beside it."""

    __slots__ = ("field",)
    field: codes.Code


def typed(field: ma.fields.Field[Any], read: Read) -> Callable[[list[str]], Any]:
    """The function that reads a cell of a kind for a field. It raises Flaw."""
    if isinstance(field, fields.Many) and not isinstance(field.inner, fields.Part):
        inner = typed(field.inner, read)
        return lambda cell: [_single(inner(cell))]

    def value_of(cell: list[str]) -> Any:
        kind, text = cell
        if kind in _FAULTS:
            raise Flaw(_FAULTS[kind])
        if kind == limits.SHARE and not isinstance(field, (fields.Percent, codes.TaxCode)):
            raise Flaw("percentage")
        if kind in _NOT_TEXTS and isinstance(field, _TEXTS):
            raise Flaw(_NOT_TEXTS[kind])
        return _number(field, text) if kind == limits.NUMBER else read(text)

    def _number(field: ma.fields.Field[Any], text: str) -> Any:
        if sum(map(str.isdigit, text.strip("-0."))) > EXACT_DIGITS:
            raise Flaw("number_rounded")
        if isinstance(field, codes.Code):
            numeral = Numeral(text)
            numeral.field = field
            return numeral
        if isinstance(field, fields.Number):
            return text
        return int(text) if isinstance(field, fields.Whole) and text.lstrip("-").isdecimal() else read(text)

    return value_of


def _single(value: Any) -> Any:
    """What a list that is read from one value holds."""
    return value[0] if isinstance(value, list) else value


def restored(numeral: Numeral, beside: dict[str, Any]) -> str:
    """The code behind a number. Raises Flaw."""
    code = numeral.field.restored(numeral, beside) if numeral.isdecimal() else None
    if code is None:
        raise Flaw("number_in_code")
    return code
