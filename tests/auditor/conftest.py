"""One good set of databases per run; corruptions happen in transactions that are rolled back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from deploy.auditor.catalogue import run
from deploy.auditor.databases import Databases as Opened
from deploy.auditor.findings import Findings, World
from deploy.auditor.history import Command
from tests.auditor.bus import Bus
from tests.auditor.shop import Shop, trade
from tests.conftest import Databases


@dataclass
class Good:
    """The databases after a month's business, and what was done."""

    bus: Bus
    made: dict[str, Any]
    admin_url: str

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """A superuser's connections in which no trigger or foreign key is checked; nothing of it stays."""
        connections = {}
        for service, urls in self.bus.urls.items():
            path = urlsplit(urls.owner).path
            connections[service] = psycopg2.connect(urlunsplit(urlsplit(self.admin_url)._replace(path=path)))
            with connections[service].cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
        try:
            yield connections
        finally:
            for connection in connections.values():
                connection.rollback()
                connection.close()

    def audit(
        self, connections: dict[str, Any], history: Sequence[Command] = (), **options: Any
    ) -> dict[str, Findings]:
        return run(World(Opened(connections), self.bus.bindings, list(history)), **options)


@pytest.fixture(scope="session")
def good(databases: Databases) -> Iterator[Good]:
    bus = Bus(databases)
    yield Good(bus, trade(Shop(bus)), databases.admin_url)
    bus.close()


Audit = Callable[..., dict[str, Findings]]


@pytest.fixture
def corrupted(good: Good) -> Audit:
    """`corrupted("erp_finance", "UPDATE …", …)`: the findings after statements that are then undone."""

    def audit(
        service: str,
        *statements: str,
        history: Sequence[Command] = (),
        grace: float = 0,
        only: tuple[str, ...] = (),
    ) -> dict[str, Findings]:
        with good.opened() as connections:
            with connections[service].cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                    assert cursor.rowcount != 0, f"nothing was corrupted by {statement}"
            return good.audit(connections, history, only=only, grace=timedelta(seconds=grace))

    return audit
