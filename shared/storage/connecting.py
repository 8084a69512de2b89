"""What every connection to PostgreSQL sets for itself.

A role may change its own defaults (`ALTER ROLE … SET`), and the owner those of a database, so none of them is relied on:
settings in the startup message come before both. https://www.postgresql.org/docs/current/config-setting.html
"""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, pool

from shared.kernel.settings import LIMITS

_ALWAYS = {
    "search_path": "public,pg_temp",  # pg_catalog is first unless it is named
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "row_security": "on",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    # A stuck lock or statement becomes a retry, not a standstill. Set at connect, so it costs no statement.
    "lock_timeout": "5s",
    "statement_timeout": f"{round(LIMITS.statement * 1000)}ms",
    "idle_in_transaction_session_timeout": "30s",
    "idle_session_timeout": "0",
}


def options(**others: str) -> str:
    """The `options` of a connection; `others` differ from what is usual."""
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in (_ALWAYS | others).items())


def _escaped(value: str) -> str:
    """libpq splits options at spaces that have no backslash before them."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def single(url: str | URL, isolation_level: Any = "AUTOCOMMIT", **arguments: Any) -> Engine:
    """An engine without a pool: for one connection that is held for long and asks by itself."""
    given = {"options": options(), "connect_timeout": 5, "application_name": "liaison"} | arguments
    address = url.replace("postgresql://", "postgresql+psycopg2://", 1) if isinstance(url, str) else url
    return create_engine(address, poolclass=pool.NullPool, isolation_level=isolation_level, connect_args=given)
