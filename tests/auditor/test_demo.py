"""C5: the demo company is clean when it is audited, also long after its last order has moved."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg2
import pytest

from deploy import seed
from deploy.auditor.catalogue import run
from deploy.auditor.databases import Databases as Opened
from deploy.auditor.findings import World
from shared import contracts
from shared.kernel import clock
from shared.kernel.refusals import NotFound
from tests.auditor.bus import Bus
from tests.conftest import Databases

_ROUTES = [
    (operation.method, re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.path) + "$"), operation)
    for found in contracts.operations().values()
    for operation in found.values()
    if operation.service in contracts.SERVICES
]


class Inside(seed.Api):
    """The calls of the demo, carried out on the bus at once: what follows has happened when they return."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.events = bus, []

    def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        url, sent = urlsplit(path), headers or {}
        for verb, pattern, operation in _ROUTES:
            if verb == method and operation.derived == "" and (found := pattern.match(url.path)):
                given: dict[str, Any] = dict(found.groupdict())
                if operation.listing or operation.parameters:
                    given["query"] = dict(parse_qsl(url.query))
                if operation.request is not None:
                    given["body"] = body
                if "If-Match" in sent:
                    given["if_match"] = int(sent["If-Match"].strip('"'))
                try:
                    return self.bus.call(operation.service, operation.name, key=sent.get("Idempotency-Key"), **given)
                except NotFound as refused:
                    raise seed.SeedFailed(404, str(refused)) from None
        raise AssertionError(f"{method} {path} is no operation")


@pytest.fixture(scope="module")
def demo(databases: Databases) -> Iterator[Bus]:
    bus = Bus(databases)
    seed.fill(Inside(bus))
    yield bus
    bus.close()


def test_the_demo_company_is_clean_and_stays_so_without_anybody_at_work(demo: Bus) -> None:
    """The deadlines of its orders have passed by then: 20 minutes, and a day."""
    connections = {name: psycopg2.connect(urls.auditor) for name, urls in demo.urls.items()}
    try:
        for later in (timedelta(0), timedelta(minutes=20), timedelta(days=1)):
            with psycopg2.connect(demo.urls["crm_sales"].owner) as owner, owner.cursor() as cursor:
                cursor.execute("UPDATE order_step SET deadline = deadline - %s", (later,))
                assert cursor.rowcount > 0
            with clock.shifted(later):
                demo.services["crm_sales"].tick("mark_overdue")
            found = run(World(Opened(connections), demo.bindings))
            assert {name: f.violations for name, f in found.items() if f.violations} == {}
            for connection in connections.values():
                connection.rollback()
    finally:
        for connection in connections.values():
            connection.close()


def test_seeding_again_changes_nothing(demo: Bus) -> None:
    seen = {name: harness.published() for name, harness in demo.services.items()}
    assert all(seen[name] for name in contracts.SERVICES if name != "gateway")
    seed.fill(Inside(demo))
    assert {name: harness.published() for name, harness in demo.services.items()} == {name: [] for name in seen}
