"""Copies of what other services own, written as their latest events tell: many in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, exists, inspect, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Session

from shared.kernel import clock
from shared.storage.database import Aggregate
from shared.storage.rows import dumps


def keep(session: Session, cls: type[DeclarativeBase], rows: Iterable[dict[str, Any]]) -> None:
    """Insert or replace rows of a table by primary key. All name the same columns; those of an `Aggregate` beside.

    A row that says what is there already is left alone, so that its version does not rise.
    """
    values = [*rows]
    if values:
        times = [clock.now()] * 2 if issubclass(cls, Aggregate) else []
        session.connection().exec_driver_sql(_statement(cls, tuple(values[0])), (*times, dumps(values)))


def forget(session: Session, cls: type[DeclarativeBase], ids: Iterable[UUID], *named_by: Any, **left: Any) -> None:
    """Delete copies of what is gone. Those that a document still names, in one of these columns, only change to `left`."""
    (key,) = inspect(cls).primary_key
    gone = key.in_(list(ids))
    session.execute(delete(cls).where(gone, *(~exists().where(column == key) for column in named_by)))
    if left:
        session.execute(update(cls).where(gone).values(left))


def put(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], *changing: str) -> None:
    """Insert rows of a table that has no class; of those that are there already, these columns change, if any."""
    if rows:
        told = insert(table).values(sorted(rows, key=lambda row: str(row["id"])))
        keys = list(table.primary_key)
        if changing:
            told = told.on_conflict_do_update(
                index_elements=keys, set_={name: told.excluded[name] for name in changing}
            )
        session.execute(told if changing else told.on_conflict_do_nothing(index_elements=keys))


def drop(session: Session, table: Table, ids: Iterable[UUID]) -> None:
    """Delete rows of a table that has no class."""
    if gone := list(ids):
        session.execute(delete(table).where(table.c.id.in_(gone)))


def rows_of(table: Table, events: Iterable[Any]) -> list[dict[str, Any]]:
    """What events tell, by the names of the columns; the key is the id of the aggregate."""
    names = [column.name for column in table.columns if not column.primary_key]
    return [{"id": event.aggregate_id} | {name: getattr(event, name) for name in names} for event in events]


@lru_cache
def _statement(cls: type[DeclarativeBase], names: tuple[str, ...]) -> str:
    table, keys = cls.__tablename__, [column.name for column in inspect(cls).primary_key]
    told = [name for name in names if name not in keys]
    columns, values = list(names), [f"given.{name}" for name in names]
    changes = [f"{name} = excluded.{name}" for name in told]
    if issubclass(cls, Aggregate):
        columns, values = [*columns, "version", "created_at", "updated_at"], [*values, "1", "%s", "%s"]
        changes += ["version = copy.version + 1", "updated_at = excluded.updated_at"]
    return (
        f"INSERT INTO {table} AS copy ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM json_populate_recordset(NULL::{table}, %s::json) AS given ORDER BY {', '.join(f'given.{k}' for k in keys)}"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(changes)}"
        f" WHERE ({', '.join(f'copy.{name}' for name in told)})"
        f" IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in told)})"
    )
