"""Rows for every table of a service, as no handler makes them: nulls wherever there may be some, and many equal values."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import psycopg2
from psycopg2.extras import Json
from sqlalchemy import ARRAY, Column, Table
from sqlalchemy.orm import DeclarativeBase

COUNT = 8
_SPACE = UUID("01900000-0000-7000-8000-000000000000")
_RULES = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'f') AND conparentid = 0
    UNION ALL
    SELECT format('DROP INDEX IF EXISTS %s', indexrelid::regclass) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace
"""


def id_of(table: str, number: int = 0) -> UUID:
    """The id of a row; what refers to the table refers to the first one, unless each row has its own."""
    return uuid5(_SPACE, f"{table}/{number}")


def fill(admin_url: str, base: type[DeclarativeBase]) -> None:
    """Fill the database with `COUNT` rows per table. Its constraints go: what the rows mean does not matter."""
    with psycopg2.connect(admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"SELECT DISTINCT statement FROM ({_RULES}) AS rules (statement) ORDER BY 1")
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        kinds = _kinds(base)
        for table in base.metadata.sorted_tables:
            cursor.execute(f'DELETE FROM "{table.name}"')
            for number in range(COUNT):
                _insert(cursor, table, number, kinds)
    connection.close()


def _kinds(base: type[DeclarativeBase]) -> dict[Any, list[Any]]:
    """The values of the columns that tell the class of a row."""
    found: dict[Any, list[Any]] = {}
    for mapper in base.registry.mappers:
        if mapper.polymorphic_on is not None and mapper.polymorphic_identity is not None:
            found.setdefault(mapper.polymorphic_on, []).append(mapper.polymorphic_identity)
    return found


def _insert(cursor: Any, table: Table, number: int, kinds: dict[Any, list[Any]]) -> None:
    row = {column.name: _value(column, table, number) for column in table.columns if column.computed is None}
    row |= {column.name: kinds[column][number % 2] for column in table.columns if column in kinds}
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join(["%s"] * len(row))
    cursor.execute(f'INSERT INTO "{table.name}" ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})', [*row.values()])


def _is_unique(column: Column[Any], table: Table) -> bool:
    return any(index.unique and [*index.columns] == [column] for index in table.indexes)


def _value(column: Column[Any], table: Table, number: int) -> Any:
    if column.foreign_keys and not column.primary_key:
        return str(id_of(next(iter(column.foreign_keys)).column.table.name, number if _is_unique(column, table) else 0))
    if column.nullable and number % 3 == 0:
        return None
    kind = column.type.python_type
    if column.primary_key:
        keys: dict[type, Any] = {UUID: str(id_of(table.name, number)), int: number, date: date(2026, 1, 1 + number)}
        return keys.get(kind, f"{number}")
    if isinstance(column.type, ARRAY):
        return []
    pair = number // 2
    made: dict[type, Any] = {
        str: f"{'aBé'[pair % 3]}{pair}",
        int: pair,
        bool: bool(pair % 2),
        Decimal: Decimal(pair) / 4,
        UUID: str(id_of(column.name, pair)),
        date: date(2026, 1, 1) + timedelta(pair),
        datetime: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(pair, microseconds=1),
        bytes: b"",
    }
    return made[kind] if kind in made else Json([])
