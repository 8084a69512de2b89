"""The condition beside `starts` never hides a row that matches."""

from collections import defaultdict

import pytest
from sqlalchemy import text

from shared.prefixes import _SIMPLE, least
from tests.harness import Harness

_CASES = text(
    "SELECT lower(chr(n)), chr(n) FROM generate_series(1, 131071) AS n WHERE n NOT BETWEEN 55296 AND 57343"
    " AND lower(chr(n)) IN (SELECT lower(chr(m)) FROM generate_series(1, 591) AS m)"
)


def test_no_case_of_a_letter_comes_before_its_least(toy: Harness) -> None:
    """By PostgreSQL's own idea of case, which is what ILIKE goes by."""
    same: dict[str, list[str]] = defaultdict(list)
    with toy.engine.connect() as connection:
        for lower, letter in connection.execute(_CASES):
            same[lower].append(letter)
    checked = 0
    for letters in same.values():
        for letter in letters:
            if bound := least(letter):
                assert all(bound <= other for other in letters), letter
                checked += 1
    assert checked > 500


@pytest.mark.parametrize(
    ("start", "bound"),
    [
        ("Atelier ", "ATELIER "),
        ("épicerie", "ÉPICERIE"),
        ("ÿ", "ÿ"),
        ("aİb", "A"),
        ("x日", "X"),
        ("100 %_", "100 %_"),
        ("", ""),
    ],
)
def test_the_least_spelling(start: str, bound: str) -> None:
    assert least(start) == bound and ord(_SIMPLE) == 592


def test_lists_find_every_case(toy: Harness) -> None:
    names = ["Élan", "élan", "ÉLAN vital", "eLAN", "Zone", "élAn 2", "ÿ", "Ÿ", "100 %", "ßa", "ẞA", "_x", "ſx", "Sx"]
    for name in names:
        toy.call("create_thing", body={"name": name})
    with toy.session() as session:
        for start in (*names, "É", "é", "e", "s", "ſ", "1", "_", "ß", ""):
            pattern = start.replace("%", "\\%").replace("_", "\\_") + "%"
            expected = (
                session.execute(text("SELECT name FROM thing WHERE name ILIKE :p"), {"p": pattern}).scalars().all()
            )
            found = toy.call("list_things", query={"name[starts]": start, "limit": "200"})["data"]
            assert sorted(row["name"] for row in found) == sorted(expected), start
