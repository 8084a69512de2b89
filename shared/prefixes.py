"""Where in the order of an index the values begin that start with a text, whatever their case.

`ILIKE 'text%'` alone cannot say so, and a sorted list would be read from its very beginning up to the first match.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

_SIMPLE = "\u0250"
"""Latin letters below it have one lower and one upper case at most, in every database; the rest is not looked at."""
_BY_CODE = text(
    "SELECT datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') FROM pg_database WHERE datname = current_database()"
)


def least(start: str) -> str:
    """What no text that starts with this, in any case, comes before, by code points."""
    found = ""
    for letter in start:
        if letter >= _SIMPLE or len(letter.lower()) != 1:
            break
        found += min(case for case in (letter, letter.lower(), letter.upper()) if len(case) == 1)
    return found


def bounds(session: Session, columns: Any, conditions: Iterable[tuple[str, str, Any]]) -> list[Any]:
    """For each `starts` the condition that follows from it and that an index serves. `columns` gives them by name."""
    starts = [(name, least(value)) for name, operator, value in conditions if operator == "starts"]
    if not starts or not _sorts_by_code(session.get_bind()):
        return []
    return [columns[name] >= bound for name, bound in starts if bound]


@cache
def _sorts_by_code(engine: Engine) -> bool:
    """Whether the database compares texts by code points; other collations sort cases in their own way."""
    with engine.connect() as connection:
        return bool(connection.execute(_BY_CODE).scalar_one())
