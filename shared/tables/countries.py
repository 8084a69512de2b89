"""Names of countries in English and French (Unicode CLDR), some former or colloquial, and their ISO 3166-1 codes."""

from functools import cache
from pathlib import Path

from shared.tables.words import plain_words

_FILE = Path(__file__).with_name("countries.csv")


def code_of(text: str) -> str:
    """The code of a country that is named or coded; whatever is neither stays as it is."""
    stripped = text.strip()
    return _codes().get(plain_words(stripped), stripped)


@cache
def _codes() -> dict[str, str]:
    rows = [line.split(";") for line in _FILE.read_text(encoding="utf-8").splitlines()]
    return {plain_words(name): code for code, *names in rows for name in (code, *names)}
