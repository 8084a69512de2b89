"""Every list of every service: its sorts lose no row and double none, its filters are answered."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from shared import contracts
from shared.api.handlers import collect, service_class
from shared.kernel import folding
from shared.schema.contract import Operation
from shared.wire import fields
from tests.conftest import Databases, _renamed
from tests.harness import Harness
from tests.shared import rows

PARENTS = {"list_webhook_deliveries": "webhook"}
"""Lists of what belongs to one row of another table."""


@pytest.fixture(scope="module", params=contracts.SERVICES)
def filled(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Harness]:
    """A service on a database of strange rows."""
    service = service_class(request.param)
    collect(service)  # imports all models
    base = importlib.import_module(f"{request.param}.models").Base
    urls = databases.fresh(request.param)
    name = urls.owner.rpartition("/")[2]
    rows.fill(_renamed(databases.admin_url, name), base)
    harness = Harness(service, urls.application)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LIAISON_GATEWAY_AMQP_URI", "amqp://gateway:secret@localhost/liaison")  # shown, never called
        yield harness
    harness.close()
    databases.drop(urls)


def lists(harness: Harness) -> list[Operation]:
    """The declared lists of the service, and what it needs to call them."""
    declared = [handler.operation for handler in harness.operations.values() if handler.operation]
    return [o for o in declared if o.listing and not o.derived]


def ask(harness: Harness, operation: Operation, query: dict[str, str]) -> Any:
    path = {"id": rows.id_of(PARENTS[operation.name])} if operation.path_parameters else {}
    return harness.call(operation.name, query=query, **path)


def walk(harness: Harness, operation: Operation, query: dict[str, str]) -> list[str]:
    """The ids of all pages, in order."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask(harness, operation, {**query, "fields": "id", **({"cursor": cursor} if cursor else {})})
        found += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
    return found


def sorts(operation: Operation) -> Iterator[str]:
    """Every declared sort both ways, and each together with another one."""
    assert operation.listing is not None
    names = [*dict.fromkeys([*operation.listing.sorts, "id"])]
    for place, name in enumerate(names):
        yield from (name, f"-{name}")
        other = names[place - 1]
        if other != name:
            yield from (f"{name},{other}", f"-{name},-{other}", f"{name},-{other}", f"-{name},{other}")


def test_pages_of_every_sort_are_the_whole_list(filled: Harness) -> None:
    """D2: with nulls and equal keys, both directions and several keys, the pages hold every row once."""
    wrong, count = [], 0
    for operation in lists(filled):
        everything = set(walk(filled, operation, {"sort": "id", "limit": "200"}))
        assert len(everything) > 2, operation.name
        for sort in sorts(operation):
            whole = walk(filled, operation, {"sort": sort, "limit": "200"})
            found = walk(filled, operation, {"sort": sort, "limit": "2"})
            count += 1
            if found != whole or set(whole) != everything:
                wrong.append((operation.name, sort, len(whole), len(found)))
    assert not wrong and count


SAMPLES: dict[str, str] = {
    "Uuid": str(rows.id_of("contact")),
    "Instant": "2026-01-02T00:00:00Z",
    "Day": "2026-01-02",
    "Flag": "true",
    "Whole": "1",
}


def sample(parser: Any) -> str:
    if hasattr(parser, "choices"):
        return str(parser.choices[0])
    return SAMPLES.get(type(parser).__name__, "1")


def test_every_filter_is_answered(filled: Harness) -> None:
    """D4: each filter that a list has, declared or following from its answer, is one that the database understands."""
    for operation in lists(filled):
        assert operation.listing is not None
        for name, parser in operation.listing.filters.items():
            value = sample(parser)
            operators = ("",) if name == "as_of" else ("", "[ne]", "[in]")
            for operator in operators:
                assert isinstance(ask(filled, operation, {f"{name}{operator}": value, "fields": "id"})["data"], list)


def references(shown: dict[str, Any]) -> Iterator[tuple[str, fields.Uuid]]:
    """Every id that a resource shows, at its top, in a list of ids, or in a list of parts."""
    for name, field in shown.items():
        one = getattr(field, "inner", field)
        if isinstance(one, fields.Uuid):
            yield name, one
        elif one is not field and hasattr(one, "schema"):
            yield from references(one.schema.dump_fields)


def test_every_list_is_found_by_what_it_shows(filled: Harness) -> None:
    """D4: times, tags, external ids and every reference that a list shows, also inside its lines, are filters of it."""
    for operation in lists(filled):
        listing, response = operation.listing, operation.response
        assert listing is not None and response is not None
        shown = response().dump_fields
        wanted = {name for name, _ in references(shown) if name != "id"}
        times = {"created_at", "updated_at"} & set(shown)
        assert wanted | times | ({"tags"} & set(shown)) <= set(listing.filters), operation.name
        assert times <= set(listing.sorts) and listing.external_ids == ("external_ids" in shown), operation.name


def held(row: dict[str, Any], name: str, whole: str) -> set[str]:
    """What a resource refers to inside, by what it shows."""
    parts = row[whole] or []
    return {str(part if name == whole else part[name]) for part in parts if name == whole or part[name]}


def test_a_filter_looks_into_the_parts(filled: Harness) -> None:
    """D3/D4: `product_id` and the like find exactly what shows them in its lines; `[ne]` and `[is_null]` the others."""
    for operation in lists(filled):
        assert operation.listing is not None
        everything = ask(filled, operation, {"limit": "200"})["data"] if operation.listing.parts else []

        def found(**query: str) -> set[str]:
            return set(walk(filled, operation, query))  # noqa: B023

        for name, whole in operation.listing.parts.items():
            inside = {row["id"]: held(row, name, whole) for row in everything}
            for value in sorted(set().union(*inside.values()))[:3]:
                having = {id_ for id_, values in inside.items() if value in values}
                assert found(**{name: value}) == found(**{f"{name}[in]": value}) == having, operation.name
                assert found(**{f"{name}[ne]": value}) == set(inside) - having
            assert found(**{f"{name}[is_null]": "true"}) == {id_ for id_, values in inside.items() if not values}


FEW = {
    "account",
    "api_key",
    "app_user",
    "company",
    "custom_field",
    "event_subscription",
    "location",
    "tag",
    "team",
    "warehouse",
    "webhook",
}
"""What a company has hundreds of at most: reading all of them costs less than indexes on every write."""


def searched(harness: Harness, operation: Operation, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """The table and column of everything that `q` of a list looks into."""
    found, looked = set(), folding.containing

    def noted(column: Any, value: str) -> Any:
        found.add((column.table.name, column.name))
        return looked(column, value)

    with monkeypatch.context() as patch:
        patch.setattr(folding, "containing", noted)
        ask(harness, operation, {"q": "a", "fields": "id"})
    return found


def test_whatever_grows_is_searched_by_an_index(filled: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """B1: each text that `q` looks into has an index of its trigrams, folded as it is compared."""
    wanted = set().union(*(searched(filled, o, monkeypatch) for o in lists(filled) if o.listing and o.listing.search))
    with filled.session() as session:
        known = session.execute(text("SELECT tablename, indexdef FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'"))
        indexes = known.all()
    missing = [
        (table, column)
        for table, column in sorted(wanted)
        if table not in FEW and not any(t == table and f"folded({column})" in definition for t, definition in indexes)
    ]
    assert wanted and not missing
