"""Databases and roles: each service can reach its own database and nothing else.

Per service three identities: `<name>_owner` runs migrations and owns the objects, `<name>` (the service itself) may
read and write rows but not change the schema, and `auditor`, shared by all databases, may only read.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from deploy.local.console import Stop

AUDITOR = "auditor"
CONNECTIONS = 100
"""How many one service may have, so that none takes them from all others."""
AUDITOR_CONNECTIONS = 40
OWNER_CONNECTIONS = 10


@dataclass(frozen=True)
class DatabaseUrls:
    """Who connects how to one database."""

    application: str
    owner: str
    auditor: str


def provision(
    pg_admin_url: str,
    names: Iterable[str],
    prefix: str = "",
    password: Callable[[str], str] | None = None,
    connections: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, DatabaseUrls]:
    """Create or repair databases and roles; may be run again at any time.

    `prefix` goes before every database and role name, so that several sets can live in one cluster.
    `password` gives the password of a role; without it every call sets new random ones.
    `connections` says how many a service may have, where that is not the usual number.
    """
    password = password or _random_password
    auditor = prefix + AUDITOR
    admin = _connect(pg_admin_url)
    try:
        secret = {auditor: password(auditor)}
        _role(admin, auditor, secret[auditor], AUDITOR_CONNECTIONS)
        _execute(admin, "ALTER ROLE {} SET default_transaction_read_only = on", auditor)
        urls = {}
        for name in names:
            database = prefix + name
            secret |= {role: password(role) for role in (database, f"{database}_owner")}
            _role(admin, database, secret[database], connections.get(name, CONNECTIONS))
            _database(admin, database, secret, auditor)
            _grants(_url(pg_admin_url, database), database, auditor)
            urls[name] = DatabaseUrls(
                application=_url(pg_admin_url, database, database, secret[database]),
                owner=_url(pg_admin_url, database, f"{database}_owner", secret[f"{database}_owner"]),
                auditor=_url(pg_admin_url, database, auditor, secret[auditor]),
            )
        return urls
    finally:
        admin.close()


def drop(pg_admin_url: str, names: Iterable[str], prefix: str) -> None:
    """Remove a set made with a prefix, with all its data. Refuses an empty prefix: that is the real one."""
    if not prefix:
        raise ValueError("only a prefixed set may be dropped")
    admin = _connect(pg_admin_url)
    try:
        for name in names:
            _execute(admin, "DROP DATABASE IF EXISTS {} WITH (FORCE)", prefix + name)
            _execute(admin, "DROP ROLE IF EXISTS {}, {}", prefix + name, f"{prefix}{name}_owner")
        _execute(admin, "DROP ROLE IF EXISTS {}", prefix + AUDITOR)
    finally:
        admin.close()


def check_rights(pg_admin_url: str) -> None:
    """One sentence when the given account may not create databases and roles."""
    admin = _connect(pg_admin_url)
    try:
        with admin.cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
            )
            allowed = cursor.fetchone()
    finally:
        admin.close()
    if not (allowed and allowed[0]):
        raise Stop("The account of DATABASE_URL needs CREATEDB and CREATEROLE: ALTER ROLE ... CREATEDB CREATEROLE.")


def _connect(url: str) -> Connection:
    try:
        # The owner of a database may give it another search path: what we call is PostgreSQL's own all the same.
        connection = psycopg2.connect(url, connect_timeout=10, options="-c search_path=pg_catalog,public,pg_temp")
    except psycopg2.OperationalError as error:
        place = urlsplit(url)
        where = f"{place.hostname}:{place.port or 5432}"
        raise Stop(f"PostgreSQL at {where} does not let us in: {str(error).strip().splitlines()[0]}") from None
    connection.autocommit = True  # CREATE DATABASE cannot run in a transaction; each statement can be repeated
    return connection


def _execute(connection: Connection, statement: str, *identifiers: str, values: tuple[str, ...] = ()) -> None:
    names = [sql.Identifier(identifier) for identifier in identifiers]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*names), values or None)


def _exists(connection: Connection, query: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, (name,))
        return cursor.fetchone() is not None


def _role(connection: Connection, name: str, password: str, most: int) -> None:
    """A role may change its own defaults and password, so both are set again."""
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
        _execute(connection, "CREATE ROLE {}", name)
    limits = f"LOGIN NOCREATEDB NOCREATEROLE CONNECTION LIMIT {most}"
    _execute(connection, f"ALTER ROLE {{}} {limits} PASSWORD %s", name, values=(password,))
    _execute(connection, "ALTER ROLE {} RESET ALL", name)


def _database(admin: Connection, database: str, secret: dict[str, str], auditor: str) -> None:
    owner = f"{database}_owner"
    _role(admin, owner, secret[owner], OWNER_CONNECTIONS)
    # An administrator that is not a superuser may only give a database to a role it is a member of.
    with admin.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(current_user, %s, 'member')", (owner,))
        if not (cursor.fetchone() or (False,))[0]:
            _execute(admin, "GRANT {} TO CURRENT_USER", owner)
    if not _exists(admin, "SELECT 1 FROM pg_database WHERE datname = %s", database):
        _execute(admin, "CREATE DATABASE {} OWNER {}", database, owner)
    _execute(admin, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
    _execute(admin, "GRANT CONNECT ON DATABASE {} TO {}, {}, {}", database, database, owner, auditor)
    _execute(admin, "ALTER DATABASE {} RESET ALL", database)
    for role in (database, owner, auditor):
        _execute(admin, "ALTER ROLE {} IN DATABASE {} RESET ALL", role, database)


def _grants(url: str, application: str, auditor: str) -> None:
    """What the owner creates later is granted as it is created; migrations take back what must not change."""
    owner = f"{application}_owner"
    database = _connect(url)
    try:
        _execute(database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        _execute(database, "GRANT USAGE, CREATE ON SCHEMA public TO {}", owner)
        _execute(database, "GRANT USAGE ON SCHEMA public TO {}, {}", application, auditor)
        defaults = "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT "
        _execute(database, defaults + "SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}", owner, application)
        _execute(database, defaults + "USAGE, SELECT ON SEQUENCES TO {}", owner, application)
        _execute(database, defaults + "USAGE ON SCHEMAS TO {}, {}", owner, application, auditor)
        _execute(database, defaults + "SELECT ON TABLES TO {}", owner, auditor)
        _execute(database, defaults + "SELECT ON SEQUENCES TO {}", owner, auditor)
        _execute(database, defaults + "EXECUTE ON FUNCTIONS TO {}", owner, application)
        _execute(database, "ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", owner)
        _close_functions(database, "lo\\_%", "loread", "lowrite")
        _close_functions(database, "pg\\_%advisory%", to=(application, owner))
    finally:
        database.close()


def _close_functions(database: Connection, *patterns: str, to: tuple[str, ...] = ()) -> None:
    """Take functions of PostgreSQL from everybody but these roles: only a superuser may, so others leave them open.

    A large object belongs to no table, and an advisory lock decides who relays and who migrates: neither is for a role
    that only reads.
    """
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
            " AND proname LIKE ANY (%s) AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)",
            (list(patterns),),
        )
        functions = ", ".join(row[0] for row in cursor.fetchall())
    if functions:
        _execute(database, f"REVOKE EXECUTE ON FUNCTION {functions} FROM PUBLIC")
        if to:
            _execute(database, f"GRANT EXECUTE ON FUNCTION {functions} TO {{}}, {{}}", *to)


def _url(admin_url: str, database: str, user: str = "", password: str = "") -> str:
    """The administrator's address with another database and another identity."""
    parts = urlsplit(admin_url)
    credentials, _, place = parts.netloc.rpartition("@")
    if user:
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{credentials}@{place}" if credentials else place, path=f"/{database}"))


def _random_password(_role: str) -> str:
    return secrets.token_urlsafe(24)
