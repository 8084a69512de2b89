"""One cell: its text as the JSON value that a field expects, and a JSON value as text that no spreadsheet runs.

What cannot be read is passed on as the text that it is: the schema then says what is wrong with it.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import marshmallow as ma

from shared.tables.countries import code_of
from shared.tables.numbers import Ambiguous, Notation, decimal
from shared.wire import codes, fields

Read = Callable[[str], Any]


class Flaw(Exception):
    """Why a cell cannot be taken: one of the codes of error_messages.py."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


_RUNS = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_SHIELDED = re.compile("''*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_EURO = re.compile(r"^\s*(€|eur)\s*|\s*(€|eur)\s*$", re.IGNORECASE)
_PERCENT = re.compile(r"\s*%\s*$")
_MARKS = {fields.Price: _EURO, fields.Amount: _EURO, fields.Percent: _PERCENT}
"""What may stand beside a number, by the field that it is for."""

_PLAIN = Notation()
_FRENCH_DAY = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(:00(\.0+)?)?Z?")
_ELEMENT = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)
"""An element of a list in a cell: up to the next `|` that has no backslash before it."""

_YES = {"true", "1", "yes", "y", "oui", "o", "vrai", "x"}
_NO = {"false", "0", "no", "n", "non", "faux"}


def shielded(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula (OWASP, CSV injection)."""
    return "'" + text if text and _RUNS.match(text) else text


def unshielded(text: str) -> str:
    """The text as it was before `shielded`."""
    return text[1:] if text[:1] == "'" and _SHIELDED.match(text) else text


def write(value: Any, field: ma.fields.Field[Any] | None = None) -> str:
    """A JSON value as the text of a cell. A number stays one: it cannot be a formula, and sums need it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() if not any(isinstance(item, (dict, list)) for item in value):
            return shielded("|".join(_escaped(write_plain(item)) for item in value))
        case list() | dict():
            return shielded(json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else "")
    if isinstance(field, fields.Number) and _NUMBER.fullmatch(value):
        return str(value)
    return shielded(str(value))


def write_plain(value: Any) -> str:
    """An element of a list of scalars."""
    return "true" if value is True else "false" if value is False else "" if value is None else str(value)


def reader(field: ma.fields.Field[Any], notation: Notation = _PLAIN) -> Read:
    """The function that reads the text of a cell for a field. It raises Flaw."""
    match field:
        case fields.Whole():
            return lambda text: _whole(text, notation)
        case fields.Number():
            return lambda text: _decimal(text, notation, _MARKS.get(type(field)))
        case fields.Flag():
            return _flag
        case fields.Day():
            return _day
        case fields.Instant():
            return _instant
        case fields.Many() if not isinstance(field.inner, fields.Part):
            inner = reader(field.inner, notation)
            if inner is unshielded:  # the cell is shielded as a whole
                inner = str
            return lambda text: [inner(_unescaped(part)) for part in _ELEMENT.findall(unshielded(text))]
        case fields.Many() | ma.fields.Dict():
            return _json
        case fields.Scalar():
            return lambda text: {"true": True, "false": False}.get(text, unshielded(text))
        case codes.Country():
            return code_of
        case codes.TaxCode():
            return lambda text: _tax_code(text, field.choices)
        case fields.Choice() | fields.Uuid():
            return str.strip
    return unshielded


def _number(text: str, notation: Notation, mark: re.Pattern[str] | None = None) -> str | None:
    try:
        return decimal(mark.sub("", text) if mark else text, notation)
    except Ambiguous:
        raise Flaw("ambiguous_number") from None


def _whole(text: str, notation: Notation) -> Any:
    number = _number(text, notation)
    return int(number) if number and "." not in number and len(number) < 19 else text


def _decimal(text: str, notation: Notation, mark: re.Pattern[str] | None) -> str:
    return _number(text, notation, mark) or text.strip()


def _tax_code(text: str, choices: tuple[str, ...]) -> str:
    """A code, or the rate that it stands for."""
    try:
        rate = _number(text, _PLAIN, _PERCENT)
    except Flaw:
        rate = None
    code = f"S{fields.plain(Decimal(rate))}" if rate else ""
    return code if code in choices else text.strip()


def _flag(text: str) -> Any:
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else text


def _day(text: str) -> str:
    """`31/12/2026` as well as `2026-12-31`, also with a midnight behind it."""
    day = text.strip()
    if french := _FRENCH_DAY.fullmatch(day):
        return f"{french[3]}-{french[2]:0>2}-{french[1]:0>2}"
    at_midnight = _MIDNIGHT.fullmatch(day)
    return at_midnight[1] if at_midnight else day


def _instant(text: str) -> str:
    stripped = text.strip()
    return stripped + "Z" if re.fullmatch(r"[0-9-]{10}T[0-9:.]+", stripped) else stripped


def _json(text: str) -> Any:
    plain = unshielded(text)
    try:
        return json.loads(plain) if plain.lstrip()[:1] in ("{", "[") else plain
    except (ValueError, RecursionError):
        return plain


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text
