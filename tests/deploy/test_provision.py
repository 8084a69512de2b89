"""On a real server: every role can do what its work needs, and nothing else."""

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from deploy.local.console import Stop
from deploy.local.provision import DatabaseUrls, check_rights, drop, provision
from deploy.local.servers import Servers

NAMES = ("one", "two")
PREFIX = "provision_test_"
Urls = dict[str, DatabaseUrls]


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def elsewhere(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="module")
def urls(postgresql: Servers) -> Iterator[Urls]:
    admin = postgresql.pg_admin_url
    made = provision(admin, NAMES, PREFIX)
    run(made["one"].owner, "CREATE TABLE t (id bigserial PRIMARY KEY, x int)", "CREATE SCHEMA extra")
    run(made["one"].owner, "CREATE TABLE extra.u (x int)")
    yield made
    drop(admin, NAMES, PREFIX)


def test_the_service_reads_and_writes_rows(urls: Urls) -> None:
    assert run(urls["one"].application, "INSERT INTO t (x) VALUES (1) RETURNING x") == [(1,)]
    run(urls["one"].application, "UPDATE t SET x = 2", "DELETE FROM t", "INSERT INTO extra.u VALUES (1)")


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE n (x int)", "DROP TABLE t", "TRUNCATE t", "ALTER TABLE t ADD y int"]
)
def test_the_service_cannot_change_the_schema(urls: Urls, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        run(urls["one"].application, statement)


@pytest.mark.parametrize("role", ["application", "owner"])
@pytest.mark.parametrize("database", [f"{PREFIX}two", "postgres", "template1"])
def test_nobody_enters_another_database(urls: Urls, role: str, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="CONNECT"):
        run(elsewhere(getattr(urls["one"], role), database), "SELECT 1")


def test_the_auditor_reads_every_database(urls: Urls) -> None:
    run(urls["one"].application, "INSERT INTO t (x) VALUES (7)")
    assert run(urls["one"].auditor, "SELECT count(*) > 0 FROM t") == [(True,)]
    run(urls["one"].auditor, "SELECT * FROM extra.u")
    assert run(urls["two"].auditor, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("statement", ["INSERT INTO t (x) VALUES (1)", "DELETE FROM t", "CREATE TABLE n (x int)"])
def test_the_auditor_changes_nothing(urls: Urls, statement: str) -> None:
    with pytest.raises(ReadOnlySqlTransaction):
        run(urls["one"].auditor, statement)
    with pytest.raises(InsufficientPrivilege):
        run(urls["one"].auditor, "SET TRANSACTION READ WRITE", statement)


def test_again_changes_nothing_but_the_passwords(urls: Urls, postgresql: Servers) -> None:
    kept = provision(postgresql.pg_admin_url, NAMES, PREFIX, password=lambda role: f"fixed {role}/@")
    assert provision(postgresql.pg_admin_url, NAMES, PREFIX, password=lambda role: f"fixed {role}/@") == kept
    run(kept["one"].application, "SELECT * FROM t")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        run(urls["one"].application, "SELECT 1")
    urls.update(kept)


def test_an_administrator_without_superuser_is_enough(postgresql: Servers) -> None:
    admin = postgresql.pg_admin_url
    run(
        admin,
        "CREATE ROLE helper LOGIN CREATEDB CREATEROLE PASSWORD 'secret'",
        "GRANT CONNECT ON DATABASE postgres TO helper",
    )
    helper = admin.replace(urlsplit(admin).netloc.rpartition("@")[0], "helper:secret")
    try:
        check_rights(helper)
        made = provision(helper, ["three"], "helped_")
        run(made["three"].owner, "CREATE TABLE t (x int)")
        run(made["three"].application, "INSERT INTO t VALUES (1)")
    finally:
        drop(admin, ["three"], "helped_")
        run(admin, "REVOKE ALL ON DATABASE postgres FROM helper", "DROP ROLE helper")


def test_missing_rights_are_one_sentence(urls: Urls) -> None:
    with pytest.raises(Stop, match="CREATEDB"):
        check_rights(urls["one"].application)
    with pytest.raises(Stop, match="does not let us in"):
        check_rights("postgresql://nobody:x@127.0.0.1:1/postgres")


def test_only_a_prefixed_set_is_dropped(postgresql: Servers) -> None:
    with pytest.raises(ValueError, match="prefix"):
        drop(postgresql.pg_admin_url, NAMES, "")
