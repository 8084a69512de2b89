"""Reading: one connection and one snapshot per service, large results in portions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
import psycopg2.extensions

from shared.kernel import clock

Row = tuple[Any, ...]

_SETTINGS = {
    "search_path": "pg_catalog,public,pg_temp",  # nobody can put a function of his own before those of PostgreSQL
    "default_transaction_read_only": "on",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "cursor_tuple_fraction": "1",  # a cursor is always read to its end
    "jit": "off",
    "work_mem": "64MB",
    "lock_timeout": "1min",
    "statement_timeout": "10min",
    "idle_in_transaction_session_timeout": "1h",
}
"""Set with the connection: a role may change its own defaults."""
_PORTION = 20_000


class Databases:
    """The open databases by service. `connections` are in the transaction whose snapshot is judged.

    `read_at` is when that was; `machine_at` without what the clock is ahead, as outboxes and inboxes have it.
    """

    def __init__(self, connections: Mapping[str, psycopg2.extensions.connection]) -> None:
        self._connections = connections
        self._cursors = 0
        self.machine_at: datetime = max(self.value(service, "SELECT now()") for service in connections)
        self.read_at = self.machine_at + clock.ahead()

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(self._connections)

    def execute(self, service: str, statement: str) -> None:
        with self._connections[service].cursor() as cursor:
            cursor.execute(statement)

    def value(self, service: str, statement: str, values: Any = None) -> Any:
        """The first column of the first row."""
        with self._connections[service].cursor() as cursor:
            cursor.execute(statement, values or None)
            row = cursor.fetchone()
        return row[0] if row else None

    def rows(self, service: str, statement: str, values: Any = None) -> Iterator[Row]:
        """All rows, fetched in portions as they are consumed."""
        with self._streaming(service, statement, values) as cursor:
            yield from cursor

    def records(self, service: str, statement: str, values: Any = None) -> Iterator[dict[str, Any]]:
        """All rows as dicts by column name, for results that are small: without a server's cursor, both cores work."""
        with self._connections[service].cursor() as cursor:
            cursor.execute(statement, values or None)
            for row in cursor:
                yield {column.name: value for column, value in zip(cursor.description, row, strict=True)}

    @contextmanager
    def _streaming(self, service: str, statement: str, values: Any) -> Iterator[Any]:
        self._cursors += 1
        with self._connections[service].cursor(name=f"audit_{self._cursors}") as cursor:
            cursor.itersize = _PORTION
            cursor.execute(statement, values or None)
            yield cursor


@contextmanager
def opened(urls: Mapping[str, str], lanes: int = 1) -> Iterator[list[Databases]]:
    """Connect to all databases, then take all snapshots at once. Raises psycopg2.Error.

    Each lane is a set of connections of its own on the same snapshots, for one thread.
    """
    connections: list[dict[str, psycopg2.extensions.connection]] = [{} for _ in range(lanes)]
    settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    try:
        for lane in connections:
            for service, url in urls.items():
                lane[service] = psycopg2.connect(url, connect_timeout=10, options=settings)
                lane[service].set_session(isolation_level="REPEATABLE READ", readonly=True)
        for others in connections[1:]:
            _share_snapshots(connections[0], others)
        yield [Databases(lane) for lane in connections]
    finally:
        for lane in connections:
            for connection in lane.values():
                connection.close()


def _share_snapshots(
    first: Mapping[str, psycopg2.extensions.connection], others: Mapping[str, psycopg2.extensions.connection]
) -> None:
    for service, connection in first.items():
        with connection.cursor() as exporting, others[service].cursor() as importing:
            exporting.execute("SELECT pg_export_snapshot()")
            importing.execute("SET TRANSACTION SNAPSHOT %s", exporting.fetchone())
