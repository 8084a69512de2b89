"""Texts compared without case and accents: `ete` finds `Été`, in every list, by `contains`, `starts`, `q` and in sorts.

The function `folded` is in every service's database (`shared.migrations.text_folding`); indexes are made of what it
gives, ordered by code points, so that a beginning is a range of the index whatever the collation of the database.
"""

from typing import Any

from sqlalchemy import ColumnElement, String, Text, func

FUNCTION = r"""
CREATE OR REPLACE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(value) = length(value) THEN lower(value)
    ELSE replace(replace(replace(translate(lower(normalize(value, NFD)), {letters}), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss') END
"""

_SAME = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "’": "'", "‘": "'", "ʼ": "'"}
_SAME |= {"\u00a0": " ", "\u202f": " ", "\u2007": " ", "\u2010": "-", "\u2011": "-"}
_NOTHING = (
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u031b\u0323\u0326\u0327\u0328\u0331"  # accents
    "\u00ad\u200b\u2060\ufeff"  # soft hyphen, and spaces without width
)


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


def is_text(column: Any) -> bool:
    return isinstance(column.type, String)


def containing(column: Any, value: str) -> ColumnElement[bool]:
    return folded(column).like(folded(f"%{_literal(value)}%"))


def starting(column: Any, value: str) -> ColumnElement[bool]:
    return folded(column).like(folded(f"{_literal(value)}%"))


def _literal(value: str) -> str:
    """A text in a pattern that means itself."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
