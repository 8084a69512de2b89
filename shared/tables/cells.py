"""One cell: its text as the JSON value that a field expects, and a JSON value as text that no spreadsheet runs.

What cannot be read is passed on as the text that it is: the schema then says what is wrong with it.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import marshmallow as ma

from shared import fields

Read = Callable[[str], Any]

_RUNS = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_SHIELDED = re.compile("''*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SPACES = dict.fromkeys(map(ord, " \u00a0\u202f\u2009'"))
_FRENCH_DAY = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
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


def reader(field: ma.fields.Field[Any]) -> Read:
    """The function that reads a cell for a field."""
    match field:
        case fields.Whole():
            return _whole
        case fields.Number():
            return _decimal
        case fields.Flag():
            return _flag
        case fields.Day():
            return _day
        case fields.Instant():
            return _instant
        case fields.Many() if not isinstance(field.inner, fields.Part):
            inner = reader(field.inner)
            return lambda text: [inner(_unescaped(part)) for part in _ELEMENT.findall(unshielded(text))]
        case fields.Many() | ma.fields.Dict():
            return _json
        case fields.Scalar():
            return lambda text: {"true": True, "false": False}.get(text, unshielded(text))
        case fields.Choice() | fields.Uuid():
            return str.strip
    return unshielded


def _whole(text: str) -> Any:
    digits = text.translate(_SPACES)
    return int(digits) if re.fullmatch("[+-]?[0-9]{1,18}", digits) else text


def _decimal(text: str) -> str:
    """`1 234,50` as well as `1234.50`."""
    number = text.translate(_SPACES)
    return number.replace(",", ".") if number.count(",") == 1 and "." not in number else number


def _flag(text: str) -> Any:
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else text


def _day(text: str) -> str:
    """`31/12/2026` as well as `2026-12-31`, which is also what a date cell of a spreadsheet is read as."""
    french = _FRENCH_DAY.fullmatch(text.strip())
    return f"{french[3]}-{french[2]:0>2}-{french[1]:0>2}" if french else text.strip()[:10]


def _instant(text: str) -> str:
    stripped = text.strip()
    return stripped + "Z" if re.fullmatch(r"[0-9-]{10}T[0-9:.]+", stripped) else stripped


def _json(text: str) -> Any:
    plain = unshielded(text)
    try:
        return json.loads(plain) if plain.lstrip()[:1] in ("{", "[") and len(plain) < 100_000 else plain
    except (ValueError, RecursionError):
        return plain


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text
