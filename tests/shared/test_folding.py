"""Texts are found and sorted without case and accents, and still by an index."""

import unicodedata
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from shared.storage.text_tables import composed_texts
from tests.harness import Harness

NAMES = ["Élan", "elan 2", "ÉLAN vital", "Zone", "zèbre", "L’Œuvre d’Été", "Straße", "100 %", "a_b", "Đorđe", "Phở"]


def _plain(name: str) -> str:
    letters = {"œ": "oe", "ß": "ss", "đ": "d", "’": "'"}
    bare = "".join(c for c in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(c))
    return "".join(letters.get(letter, letter) for letter in bare)


def found(toy: Harness, **query: str) -> list[str]:
    return [row["name"] for row in toy.call("list_things", query={"limit": "200", "sort": "name", **query})["data"]]


@pytest.fixture
def shelf(toy: Harness) -> Harness:
    for name in NAMES:
        toy.call("create_thing", body={"name": name})
    return toy


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"name[starts]": "élan"}, ["Élan", "elan 2", "ÉLAN vital"]),
        ({"name[starts]": "ELAN"}, ["Élan", "elan 2", "ÉLAN vital"]),
        ({"name[starts]": "E\u0301l"}, ["Élan", "elan 2", "ÉLAN vital"]),
        ({"name[contains]": "oeuvre d'ete"}, ["L’Œuvre d’Été"]),
        ({"name[contains]": "ŒUVRE"}, ["L’Œuvre d’Été"]),
        ({"name[contains]": "STRASSE"}, ["Straße"]),
        ({"name[starts]": "dor"}, ["Đorđe"]),
        ({"name[contains]": "pho"}, ["Phở"]),
        ({"q": "ZEBRE"}, ["zèbre"]),
        ({"q": "%"}, ["100 %"]),
        ({"name[contains]": "_"}, ["a_b"]),
        ({"name[contains]": "＿"}, []),
        ({"name[starts]": "\\"}, []),
        ({"name": "zebre"}, ["zèbre"]),
        ({"name": "strasse"}, ["Straße"]),
        ({"name[in]": "PHO,elan"}, ["Élan", "Phở"]),
        ({"name[ne]": "ELAN", "name[starts]": "elan"}, ["elan 2", "ÉLAN vital"]),
        ({"name[gte]": "ÉLAN 2", "name[lt]": "elan w"}, ["elan 2", "ÉLAN vital"]),
        ({"name[starts]": ""}, sorted(NAMES, key=lambda name: list(map(ord, _plain(name))))),
    ],
)
def test_neither_case_nor_accents_matter(shelf: Harness, query: dict[str, str], names: list[str]) -> None:
    """B1: every filter by text, and `q`, compares without case and accents, whatever the normal form."""
    assert found(shelf, **query) == names


def test_texts_from_before_take_the_form_of_today(toy: Harness) -> None:
    """B1: a decomposed name that was stored before becomes the composed one, and nothing else of its row changes."""
    made = toy.call("create_thing", body={"name": "x"})
    with toy.session() as session:
        session.execute(text("UPDATE thing SET name = :name"), {"name": "Rene\u0301"})
        migrating = SimpleNamespace(execute=lambda statement: session.execute(text(statement)))
        composed_texts(migrating, "thing", "name", "note")
        session.commit()
    (kept,) = toy.call("list_things")["data"]
    assert kept == {**made, "name": "Ren\u00e9"}


def test_a_sort_by_name_is_that_of_a_telephone_book(shelf: Harness) -> None:
    """B1: capitals and accents do not come first or last."""
    for name in ("alain", "Béa", "bea", "Zoé"):
        shelf.call("create_thing", body={"name": name})
    order = found(shelf)
    assert order.index("alain") < order.index("Béa") < order.index("bea") < order.index("Élan") < order.index("zèbre")
    walked, cursor = [], None
    while cursor != "":
        page = shelf.call("list_things", query={"sort": "name", "limit": "3", **({"cursor": cursor} if cursor else {})})
        walked += [row["name"] for row in page["data"]]
        cursor = page["next_cursor"] or ""
    assert walked == order and len(order) == len(NAMES) + 4
