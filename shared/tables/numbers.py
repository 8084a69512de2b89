"""Numbers as people write them: `1 234,50`, `1,234.50` and `1234.5` are plain, `1,234` means one of two things."""

import re
from dataclasses import dataclass

_SPACE = "[ \u00a0\u202f\u2009'\u2019]"


class Ambiguous(ValueError):
    """It would be another number with the other decimal sign."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a column writes numbers: its decimal sign, if that is declared. An `exact` one is named as the API names it,
    so a point in it is the decimal sign of the API."""

    sign: str | None = None
    exact: bool = False


def _pattern(sign: str, other: str) -> re.Pattern[str]:
    grouped = rf"[1-9][0-9]{{0,2}}(?:(?P<mark>{_SPACE}|[{other}])[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*"
    return re.compile(rf"(?P<minus>[+-]?)(?P<whole>{grouped}|[0-9]+)(?:[{sign}](?P<decimals>[0-9]+))?")


_PATTERNS = {",": _pattern(",", "."), ".": _pattern(".", ",")}


def decimal(text: str, notation: Notation) -> str | None:
    """The number as the API writes it, or None when it is none. Raises Ambiguous."""
    signs = [notation.sign] if notation.sign else [",", "."]
    found = {sign: _plain(match) for sign in signs if (match := _PATTERNS[sign].fullmatch(text.strip()))}
    if len(set(found.values())) < 2:
        return next(iter(found.values()), None)
    if notation.exact and "," not in text:
        return found["."]
    raise Ambiguous(text)


def _plain(match: re.Match[str]) -> str:
    digits = re.sub("[^0-9]", "", match["whole"])
    return match["minus"].replace("+", "") + digits + (f".{match['decimals']}" if match["decimals"] else "")
