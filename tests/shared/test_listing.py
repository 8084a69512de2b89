"""Lists: filters, sorts and cursors that lose nothing and double nothing."""

import base64
import json
from decimal import Decimal

import pytest

from shared.kernel.refusals import BadRequest
from tests.harness import Harness


@pytest.fixture
def shelf(toy: Harness) -> Harness:
    """Ten things; five cost the same."""
    for number in range(10):
        note = {"note": f"n{number}"} if number % 2 else {}
        body = {
            "name": f"thing {number}" if number != 7 else "100% wool_rug",
            "amount": str(5 if number < 5 else number),
        }
        toy.call("create_thing", body={**body, **note})
    return toy


def names(toy: Harness, **query: str) -> list[str]:
    return [row["name"] for row in toy.call("list_things", query=query)["data"]]


def walk(toy: Harness, **query: str) -> list[str]:
    """The ids of all pages."""
    found, cursor = [], ""
    while True:
        page = toy.call("list_things", query={**query, **({"cursor": cursor} if cursor else {})})
        found += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if not cursor:
            return found


@pytest.mark.parametrize("sort", ["amount", "-amount", "amount,-name", "-amount,created_at", "name", "id", "-id"])
@pytest.mark.parametrize("limit", ["1", "3", "200"])
def test_pages_are_complete_although_keys_are_equal(shelf: Harness, sort: str, limit: str) -> None:
    found = walk(shelf, sort=sort, limit=limit)
    assert len(found) == len(set(found)) == 10
    assert found == walk(shelf, sort=sort, limit="200")


def test_new_rows_do_not_disturb_a_walk(shelf: Harness) -> None:
    first = shelf.call("list_things", query={"sort": "created_at", "limit": "5"})
    shelf.call("create_thing", body={"name": "latecomer"})
    second = shelf.call("list_things", query={"sort": "created_at", "limit": "200", "cursor": first["next_cursor"]})
    assert [row["name"] for row in second["data"]][-1] == "latecomer" and len(second["data"]) == 6


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"amount": "5"}, 6),
        ({"amount[ne]": "5"}, 4),
        ({"amount[gt]": "5"}, 4),
        ({"amount[gte]": "6", "amount[lt]": "9"}, 3),
        ({"amount[lte]": "5.00"}, 6),
        ({"amount[in]": "6,9"}, 2),
        ({"note[is_null]": "true"}, 5),
        ({"note[is_null]": "false"}, 5),
        ({"broken": "false"}, 10),
        ({"number[is_null]": "true"}, 10),
        ({"name[contains]": "THING"}, 9),
        ({"name[starts]": "thing"}, 9),
        ({"name[contains]": "%"}, 1),
        ({"name[contains]": "_"}, 1),
        ({"name[starts]": "\\"}, 0),
        ({"q": "wool"}, 1),
        ({"q": "0%"}, 1),
        ({"created_at[gt]": "2020-01-01T00:00:00Z"}, 10),
        ({"name": "'; DROP TABLE thing; --"}, 0),
    ],
)
def test_filters(shelf: Harness, query: dict[str, str], count: int) -> None:
    assert len(names(shelf, **query)) == count


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ('"Dupont, SA",plain', ["Dupont, SA", "plain"]),
        ('"say ""hi""",plain', ['say "hi"', "plain"]),
        ("Dupont, SA", []),
        ('plain,"plain"', ["plain"]),
        ('6" pipe', ['6" pipe']),
    ],
)
def test_a_value_with_a_comma_stands_in_quotes(toy: Harness, listed: str, found: list[str]) -> None:
    """D3: `[in]` takes values that hold commas and quotes, written as in a CSV file."""
    for name in ("Dupont, SA", "plain", 'say "hi"', '6" pipe'):
        toy.call("create_thing", body={"name": name})
    assert names(toy, **{"name[in]": listed, "sort": "name"}) == sorted(found)


def test_total_is_counted_on_demand(shelf: Harness) -> None:
    page = shelf.call("list_things", query={"limit": "2", "include_total": "true", "amount": "5"})
    assert page["total"] == 6 and len(page["data"]) == 2
    assert "total" not in shelf.call("list_things", query={"limit": "2"})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"colour": "red"}, "unknown_filter"),
        ({"name[like]": "x"}, "unknown_filter"),
        ({"name[": "x"}, "unknown_filter"),
        ({"sort": "note"}, "unknown_filter"),
        ({"sort": "-"}, "unknown_filter"),
        ({"sort": "amount,amount"}, "unknown_filter"),
        ({"amount": "cheap"}, "invalid_decimal"),
        ({"amount[contains]": "5"}, "unknown_filter"),
        ({"broken": "yes"}, "invalid_choice"),
        ({"number": "1.5"}, "invalid_type"),
        ({"number": "9" * 5000}, "invalid_type"),
        ({"created_at[gt]": "yesterday"}, "invalid_instant"),
        ({"note[is_null]": "maybe"}, "invalid_choice"),
        ({"name": "a\x00b"}, "invalid_text"),
        ({"amount[in]": ",".join(["1"] * 201)}, "too_long"),
        ({"name[in]": 'a,"b'}, "invalid"),
        ({"q": "x" * 201}, "too_long"),
        ({"limit": "0"}, "out_of_range"),
        ({"limit": "201"}, "out_of_range"),
        ({"limit": "1e3"}, "out_of_range"),
        ({"limit": "-1"}, "out_of_range"),
    ],
)
def test_what_is_not_declared_is_refused(toy: Harness, query: dict[str, str], code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        toy.call("list_things", query=query)
    assert [e["code"] for e in refused.value.errors] == [code]


def test_an_unknown_filter_names_the_known_ones(toy: Harness) -> None:
    with pytest.raises(BadRequest) as refused:
        toy.call("list_things", query={"colour": "red"})
    assert "amount" in refused.value.details["allowed"]


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_belongs_to_its_filter_and_sort(shelf: Harness) -> None:
    cursor = shelf.call("list_things", query={"limit": "2", "sort": "amount"})["next_cursor"]
    for other in ({"sort": "-amount"}, {"sort": "amount", "amount": "5"}, {"sort": "amount", "q": "thing"}):
        with pytest.raises(BadRequest) as refused:
            shelf.call("list_things", query={**other, "cursor": cursor})
        assert refused.value.errors[0]["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    "values",
    [
        [["n", "x"], ["u", "y"]],
        [["n", "NaN"], ["u", "01900000-0000-7000-8000-000000000001"]],
        [["v", None], ["v", None]],
        [["i", "2020-01-01"], ["v", "\x00"]],
        [["v", {}], ["v", []]],
        [["v", "text"], ["v", 12]],
        [["n", "1"]],
        [[], []],
        [[[], 1], [{}, 1]],
    ],
)
def test_a_forged_cursor_is_refused(shelf: Harness, values: list[object]) -> None:
    good = shelf.call("list_things", query={"limit": "2", "sort": "amount"})["next_cursor"]
    seal = json.loads(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))[0]
    with pytest.raises(BadRequest):
        shelf.call("list_things", query={"sort": "amount", "cursor": _cursor([seal, values])})


@pytest.mark.parametrize(
    "cursor", ["x", "é", "A" * 7999, _cursor("text"), _cursor(5), _cursor({"a": 1, "b": 2}), _cursor([1, 2, 3])]
)
def test_garbage_for_a_cursor_is_refused(shelf: Harness, cursor: str) -> None:
    with pytest.raises(BadRequest):
        shelf.call("list_things", query={"cursor": cursor})


def test_a_deeply_nested_cursor_is_refused(shelf: Harness) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5900).decode().rstrip("=")
    with pytest.raises(BadRequest):
        shelf.call("list_things", query={"cursor": deep})


def test_amounts_keep_their_exact_value(shelf: Harness) -> None:
    row = shelf.call("list_things", query={"amount": "9"})["data"][0]
    assert row["amount"] == "9.00" and Decimal(row["amount"]) == 9


def test_ids_filter_every_list(shelf: Harness) -> None:
    rows = shelf.call("list_things", query={"sort": "name"})["data"]
    wanted = [rows[0]["id"], rows[4]["id"]]
    assert {row["id"] for row in shelf.call("list_things", query={"id[in]": ",".join(wanted)})["data"]} == set(wanted)
    assert [row["id"] for row in shelf.call("list_things", query={"id": wanted[1]})["data"]] == wanted[1:]
    for query in ({"id": "seven"}, {"id[in]": ",".join([wanted[0]] * 201)}, {"id[contains]": "0"}):
        with pytest.raises(BadRequest):
            shelf.call("list_things", query=query)


def test_only_the_members_that_are_asked_for(shelf: Harness) -> None:
    rows = shelf.call("list_things", query={"fields": "name,amount", "limit": "2"})
    assert {frozenset(row) for row in rows["data"]} == {frozenset({"name", "amount"})} and rows["next_cursor"]
    id_ = shelf.call("list_things", query={"fields": "id", "limit": "1"})["data"][0]["id"]
    one = shelf.reply("get_thing", id=id_, query={"fields": "id,name"})
    assert set(json.loads(one.body)) == {"id", "name"} and one.etag == "1"
    assert set(shelf.call("history_of_things", id=id_, query={"fields": "actor"})["data"][0]) == {"actor"}


@pytest.mark.parametrize("fields", ["", "colour", "name,", "name,colour"])
def test_members_that_there_are_not_are_refused(shelf: Harness, fields: str) -> None:
    with pytest.raises(BadRequest) as refused:
        shelf.call("list_things", query={"fields": fields})
    assert "name" in refused.value.details["allowed"]
    assert refused.value.errors == [{"pointer": "?fields", "code": "unknown_field"}]
