"""A6: what each database role may do, tried from the role itself on the schemas of the services."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege, InvalidParameterValue, QueryCanceled
from sqlalchemy import text

from deploy.auditor.databases import opened
from deploy.local.provision import DatabaseUrls, provision
from shared import contracts
from shared.kernel.settings import LIMITS
from shared.storage.connecting import options, single
from shared.storage.database import new_engine
from tests.conftest import Databases
from tests.deploy.test_provision import run

_RUNNABLE = """
    SELECT p.oid::regprocedure::text FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
    WHERE pronamespace = 'public'::regnamespace AND a.grantee NOT IN (proowner, %s::regrole)
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


@pytest.fixture(scope="module", params=contracts.SERVICES)
def urls(request: pytest.FixtureRequest, databases: Databases) -> Iterator[DatabaseUrls]:
    made = databases.fresh(request.param)
    yield made
    databases.drop(made)


@pytest.fixture
def sales(databases: Databases) -> Iterator[DatabaseUrls]:
    made = databases.fresh("crm_sales")
    yield made
    databases.drop(made)


def service_of(urls: DatabaseUrls) -> str:
    return urls.application.partition("//")[2].partition(":")[0]


def as_writer(url: str, statement: str) -> None:
    """A role's defaults are no protection: it may change them."""
    run(url, "SET TRANSACTION READ WRITE", statement)


def test_functions_are_for_the_service_alone(urls: DatabaseUrls) -> None:
    """A6: also one that a later migration makes, with nothing said about its rights."""
    run(urls.owner, "CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    connection = psycopg2.connect(urls.owner)
    with connection, connection.cursor() as cursor:
        cursor.execute(_RUNNABLE, (service_of(urls),))
        assert cursor.fetchall() == []
    connection.close()
    assert run(urls.application, "SELECT later()") == [(1,)]
    with pytest.raises(InsufficientPrivilege, match="later"):
        as_writer(urls.auditor, "SELECT later()")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT keep_outbox_partitions(2, 13)",
        "SELECT keep_outbox_partitions(-1, -5)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_creat(-1)",
        "SELECT pg_try_advisory_lock(4218)",
        "CREATE TEMP TABLE mine (x int)",
    ],
)
def test_who_only_reads_changes_nothing(urls: DatabaseUrls, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        as_writer(urls.auditor, statement)


@pytest.mark.parametrize("statement", ["SELECT lo_from_bytea(0, 'x')", "SELECT lo_put(1, 0, 'x')"])
def test_a_service_keeps_no_large_objects(urls: DatabaseUrls, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        run(urls.application, statement)


def test_files_replies_and_kept_messages_are_not_for_readers(urls: DatabaseUrls) -> None:
    """A10: what may hold a secret or a whole file; the rest of those tables is read as before."""
    for hidden in ("SELECT content FROM file_chunk", "SELECT body FROM idempotency", "SELECT envelope FROM inbox"):
        with pytest.raises(InsufficientPrivilege):
            run(urls.auditor, hidden)
        run(urls.application, hidden)
    run(urls.auditor, "SELECT operation, key, status FROM idempotency", "SELECT event_id, state, sha256 FROM inbox")


# -- the outbox -------------------------------------------------------------------------------------------------------

_OLD = datetime(2020, 5, 17, tzinfo=UTC)
_PARTITIONS = (
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'outbox'::regclass"
)


def partitions(urls: DatabaseUrls) -> set[str]:
    return {str(name) for (name,) in run(urls.owner, _PARTITIONS)}


def with_old_rows(urls: DatabaseUrls, *states: str) -> None:
    """Partitions of May 2020 and later, each with one row in that state."""
    for number, state in enumerate(states):
        day = _OLD + timedelta(days=31 * number)
        first = day.replace(day=1).date()
        end = (day.replace(day=1) + timedelta(days=32)).replace(day=1).date()
        name = f"outbox_{day:%Y%m}"
        run(
            urls.owner,
            f"CREATE TABLE {name} PARTITION OF outbox FOR VALUES FROM ('{first}') TO ('{end}')",
            "INSERT INTO outbox (event_id, type, routing_key, aggregate_id, sequence, envelope, state, created_at)"
            f" VALUES (gen_random_uuid(), 't', 'k', gen_random_uuid(), 1, '{{}}', '{state}', '{day}')",
        )


def test_only_what_was_sent_is_dropped(sales: DatabaseUrls) -> None:
    """A6: a month that holds an event nobody was sent, or that no queue took, is kept."""
    with_old_rows(sales, "new", "published", "unroutable")
    before = partitions(sales)
    run(sales.application, "SELECT keep_outbox_partitions(2, 13)")
    assert before - partitions(sales) == {"outbox_202006"}
    assert run(sales.application, "SELECT state FROM outbox ORDER BY created_at") == [("new",), ("unroutable",)]


@pytest.mark.parametrize("months", ["-1, -5", "2, 0", "2, 3", "-1, 13", "1000, 13", "NULL, 13", "2, NULL"])
def test_partitions_are_not_kept_for_nonsense(sales: DatabaseUrls, months: str) -> None:
    with_old_rows(sales, "published")
    before = partitions(sales)
    with pytest.raises(InvalidParameterValue):
        run(sales.application, f"SELECT keep_outbox_partitions({months})")
    assert partitions(sales) == before


def test_rows_that_are_just_marked_again_are_not_dropped(sales: DatabaseUrls) -> None:
    """A6: an operator's backfill marks old rows as new while the timer runs; it commits first and keeps the month."""
    with_old_rows(sales, "published")
    marking = psycopg2.connect(sales.application)
    with marking.cursor() as cursor:
        cursor.execute("UPDATE outbox SET state = 'new'")
    dropping = psycopg2.connect(sales.application, async_=True)
    from psycopg2.extras import wait_select

    wait_select(dropping)
    cursor = dropping.cursor()
    cursor.execute("SELECT keep_outbox_partitions(2, 13)")
    _until_it_waits(sales, dropping.info.backend_pid)
    marking.commit()
    wait_select(dropping)
    marking.close()
    dropping.close()
    assert run(sales.application, "SELECT state FROM outbox") == [("new",)]


def _until_it_waits(urls: DatabaseUrls, pid: int) -> None:
    from tests.shared.waiting import until

    until(lambda: run(urls.owner, f"SELECT count(*) FROM pg_locks WHERE pid = {pid} AND NOT granted") == [(1,)])


# -- defaults of roles ------------------------------------------------------------------------------------------------

SPOILED = {
    "search_path": "spoiled, public",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "synchronous_commit": "off",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "timezone": "Asia/Tokyo",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "array_nulls": "off",
    "client_encoding": "SQL_ASCII",
}


@pytest.fixture
def spoiled(databases: Databases, sales: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """A service's role that has changed its own defaults, as whoever has taken over the service may."""
    role, database = service_of(sales), sales.application.rpartition("/")[2]
    for name, value in SPOILED.items():
        run(sales.application, f"SET TRANSACTION READ WRITE; ALTER ROLE {role} SET {name} = '{value}'")
        run(
            sales.application,
            f'SET TRANSACTION READ WRITE; ALTER ROLE {role} IN DATABASE "{database}" SET {name} TO DEFAULT',
        )
    yield sales
    for name in SPOILED:
        databases._execute(f"ALTER ROLE {role} RESET {name}")


Making = Callable[[str], object]


@pytest.mark.parametrize("make", [new_engine, single], ids=["pooled", "single"])
def test_a_connection_relies_on_no_default_of_its_role(spoiled: DatabaseUrls, make: Making) -> None:
    """A6: every connection says itself where names are looked up and how long anything may last."""
    assert run(spoiled.application, "SHOW synchronous_commit") == [("off",)]
    engine = make(spoiled.application)
    with engine.connect() as connection:  # type: ignore[attr-defined]
        found = {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in SPOILED}
    engine.dispose()  # type: ignore[attr-defined]
    assert found == {
        "search_path": "public,pg_temp", "statement_timeout": f"{LIMITS.statement:g}s", "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s", "synchronous_commit": "on",
        "default_transaction_read_only": "off", "default_transaction_isolation": "read committed", "timezone": "UTC",
        "datestyle": "ISO, MDY", "intervalstyle": "postgres", "array_nulls": "on", "client_encoding": "UTF8",
    }  # fmt: skip


def test_provisioning_gives_roles_their_defaults_again(databases: Databases) -> None:
    """And the auditor's connection reads only whatever its role says."""
    prefix = "spoiled_"
    urls = provision(databases.admin_url, ["one"], prefix, password=lambda role: f"test-{role}")["one"]
    try:
        for url, role in ((urls.application, "one"), (urls.auditor, "auditor"), (urls.owner, "one_owner")):
            as_writer(url, f"ALTER ROLE {prefix}{role} SET default_transaction_read_only = off")
            as_writer(url, f"ALTER ROLE {prefix}{role} SET search_path = spoiled")
        run(urls.owner, f"ALTER DATABASE {prefix}one SET search_path = spoiled")
        with opened({"one": urls.auditor}) as (found,):
            assert found.value("one", "SHOW transaction_read_only") == "on"
            assert found.value("one", "SHOW search_path") == "pg_catalog,public,pg_temp"
        provision(databases.admin_url, ["one"], prefix, password=lambda role: f"test-{role}")
        for url in (urls.application, urls.owner, urls.auditor):
            assert run(url, "SHOW search_path") == [('"$user", public',)]
        assert run(urls.auditor, "SHOW default_transaction_read_only") == [("on",)]
        limits = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname LIKE 'spoiled\\_%' ORDER BY 1"
        most = {str(name): limit for name, limit in run(urls.owner, limits)}
        assert len(most) == 3 and all(0 < int(str(limit)) < 300 for limit in most.values()), most
    finally:
        from deploy.local.provision import drop

        drop(databases.admin_url, ["one"], prefix)


def test_the_limit_of_connections_holds(databases: Databases) -> None:
    """A6: the service that takes more than its share is refused, and the others are not."""
    from deploy.local.provision import drop

    prefix = "greedy_"
    urls = provision(databases.admin_url, ["one", "two"], prefix, lambda role: f"test-{role}", {"one": 3})
    held = []
    try:
        held = [psycopg2.connect(urls["one"].application) for _ in range(3)]
        with pytest.raises(psycopg2.OperationalError, match="too many connections"):
            psycopg2.connect(urls["one"].application)
        assert run(urls["two"].application, "SELECT 1") == [(1,)]
    finally:
        for connection in held:
            connection.close()
        drop(databases.admin_url, ["one", "two"], prefix)


def test_a_long_statement_of_any_connection_is_cut(sales: DatabaseUrls) -> None:
    engine = single(sales.application, options=options(statement_timeout="100ms"))
    with engine.connect() as connection, pytest.raises(Exception, match="statement timeout") as cut:
        connection.execute(text("SELECT pg_sleep(5)"))
    assert isinstance(cut.value.__cause__, QueryCanceled)
    engine.dispose()
