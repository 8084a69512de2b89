"""How texts of a workbook write what XML cannot hold: `_x0001_` (ECMA-376 part 1, 22.9.2.19, ST_Xstring).

A text that looks like that is itself escaped: `_x0041_` is written `_x005F_x0041_`. A carriage return is, too, because
XML parsers turn it into a line feed.
"""

import re

_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def escaped(text: str) -> str:
    """The text as a workbook holds it."""
    return _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """The text as it was meant. Halves of a pair of surrogates stay escaped: no text holds them."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return found[0] if 0xD800 <= number <= 0xDFFF else chr(number)
