"""How many SQL statements a flow costs, and which: counted by PostgreSQL itself (pg_stat_statements)."""

import re
import time
from collections import Counter
from dataclasses import dataclass

import psycopg2

from tests.bench.world import SETTINGS, World

_COUNTING = """
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.max = 10000
pg_stat_statements.track_planning = on
"""
_READ = """
SELECT d.datname, s.query, sum(s.calls)::bigint, sum(s.total_exec_time + s.total_plan_time), sum(s.rows)::bigint
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname LIKE 'bench\\_%' GROUP BY 1, 2
"""
_PREPARE = re.compile(r"^PREPARE \w+ \([^)]*\) AS ")
_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass
class Statement:
    """One normalised statement of one database, per flow."""

    database: str
    query: str
    calls: float
    milliseconds: float
    rows: float

    @property
    def kind(self) -> str:
        return self.query.split(None, 1)[0].rstrip(";").upper()


def count(world: World, flows: int) -> list[Statement]:
    """Calls and time per flow of every statement, less what runs anyway while nothing happens."""
    _switch(world, _COUNTING)
    world.load("flows", clients=1, seconds=60, count=5, baskets=world.baskets())
    _reset(world)
    begun = time.monotonic()
    time.sleep(5)
    idle, idle_seconds = _counted(world), time.monotonic() - begun
    _reset(world)
    begun = time.monotonic()
    done = world.load("flows", clients=1, seconds=60, count=flows, baskets=world.baskets())
    seconds, finished = time.monotonic() - begun, len(done["steps"]["flow"])
    found = _counted(world)
    _switch(world, "")
    return [_per_flow(key, found[key], idle.get(key, (0, 0.0, 0)), seconds / idle_seconds, finished) for key in found]


def kinds(statements: list[Statement]) -> dict[str, dict[str, float]]:
    """Calls per flow by database and by kind of statement."""
    found: dict[str, Counter[str]] = {}
    for statement in statements:
        kind = statement.kind if statement.kind not in _TRANSACTION else "BEGIN/COMMIT/ROLLBACK"
        found.setdefault(statement.database, Counter())[kind] += statement.calls  # type: ignore[assignment]
    return {database: dict(counter) for database, counter in found.items()}


def own(statements: list[Statement]) -> float:
    """Statements per flow without the commands of transactions, as the peers were counted."""
    return sum(statement.calls for statement in statements if statement.kind not in _TRANSACTION)


_Key = tuple[str, str]
_Counts = tuple[int, float, int]


def _per_flow(key: _Key, counted: _Counts, idle: _Counts, stretch: float, flows: int) -> Statement:
    calls, milliseconds, rows = (max(0.0, n - i * stretch) / flows for n, i in zip(counted, idle, strict=True))
    query = _PREPARE.sub("", " ".join(key[1].split()))  # the text of a statement that was prepared
    return Statement(key[0].removeprefix("bench_"), query, calls, milliseconds, rows)


def _switch(world: World, settings: str) -> None:
    """Restart PostgreSQL with other settings; the services connect again by themselves."""
    world.servers.postgresql.extra_settings = SETTINGS + settings
    world.servers.restart_postgresql()
    world.suite.supervisor.wait_ready()
    world.load("flows", clients=8, seconds=2, baskets=world.baskets())
    world.settle()
    if settings:
        _reset(world)


def _reset(world: World) -> None:
    with psycopg2.connect(world.servers.pg_admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")


def _counted(world: World) -> dict[_Key, _Counts]:
    with psycopg2.connect(world.servers.pg_admin_url) as connection, connection.cursor() as cursor:
        cursor.execute(_READ)
        return {(d, q): (int(c), float(ms), int(r)) for d, q, c, ms, r in cursor}
