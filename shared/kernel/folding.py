"""Texts compared without case and accents: `ete` finds `Été`, in every list, by every filter, by `q` and in sorts.

The function `folded` is in every service's database (machinery); indexes (`shared.storage.text_tables`) are made of what it
gives, ordered by code points, so that a beginning is a range of the index whatever the collation of the database.
"""

from typing import Any

from sqlalchemy import ColumnElement, String, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, array

FUNCTION = r"""
CREATE OR REPLACE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(value) = length(value) THEN lower(value)
    ELSE replace(replace(replace(translate(lower(normalize(value, NFD)), {letters}), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss') END
"""

LIST_FUNCTION = """
CREATE OR REPLACE FUNCTION folded_list(list jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT folded(one) FROM jsonb_array_elements_text(list) AS one)
"""

_SAME = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "’": "'", "‘": "'", "ʼ": "'"}
_SAME |= {"\u00a0": " ", "\u202f": " ", "\u2007": " ", "\u2010": "-", "\u2011": "-"}
_NOTHING = (
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u031b\u0323\u0326\u0327\u0328\u0331"  # accents
    "\u00ad\u200b\u2060\ufeff"  # soft hyphen, and spaces without width
)


INDEXED = 'folded({}) COLLATE "C"'
"""What an index of a text column is made of, so that lists which compare by `folded` use it."""


def function() -> str:
    """The SQL of the function. Most texts are ASCII, and those need nothing but lower case."""
    pair = (_escaped("".join(_SAME) + _NOTHING), _escaped("".join(_SAME.values())))
    return FUNCTION.format(letters=", ".join(pair))


def _escaped(text: str) -> str:
    """A literal that no editor and no normal form changes."""
    return "U&'" + "".join(f"\\{ord(letter):04X}" for letter in text) + "'"


def folded(value: Any) -> ColumnElement[str]:
    """A column or a text in the form in which texts are compared."""
    return func.folded(value, type_=Text()).collate("C")


def compared(value: Any) -> Any:
    """A filter's value, or several, as `folded` columns are compared with it."""
    return [folded(one) for one in value] if isinstance(value, list) else folded(value)


def held_in(column: Any, values: list[str]) -> ColumnElement[bool]:
    """That a JSON list of texts holds one of these."""
    wanted: array[Any] = array([folded(value) for value in values], type_=Text())
    found: ColumnElement[bool] = func.folded_list(column, type_=ARRAY(Text)).op("&&", is_comparison=True)(wanted)
    return found


def is_text(column: Any) -> bool:
    return isinstance(column.type, String)


def containing(column: Any, value: str) -> ColumnElement[bool]:
    return folded(column).like(folded(f"%{_literal(value)}%"))


def starting(column: Any, value: str) -> ColumnElement[bool]:
    return folded(column).like(folded(f"{_literal(value)}%"))


def _literal(value: str) -> str:
    """A text in a pattern that means itself."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
