"""The tables of a process: `<one>_step` and `<one>_trace`.

Each process has its own, made by the service's migrations: its rows refer to the aggregate by a foreign key, the database
holds the names of the steps, and services without a process have none. Rows of a trace are never changed.
"""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Index, MetaData, Table, Text, Uuid, text
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.schema.steps import STATUSES, Steps
from shared.storage.constraints import one_of
from shared.storage.database import new_metadata
from shared.storage.migrations import refuse_changes, revoke

WAITING = "status = 'pending' AND deadline IS NOT NULL AND reason IS NULL"
"""The steps that can become late."""


def process_tables(metadata: MetaData, steps: Steps, of: str) -> None:
    """Add the tables of a process to a service's metadata; `of` is the table of its aggregates."""
    _tables(metadata, steps.one, of, tuple(steps))


def create_process_tables(op: Any, one: str, of: str, *names: str) -> None:
    """Make the tables of a process in a migration; `names` are those of its steps at that time."""
    metadata = new_metadata()
    Table(of, metadata, Column("id", Uuid(), primary_key=True))
    for table in _tables(metadata, one, of, names):
        op.execute(CreateTable(table))
        for index in table.indexes:
            op.execute(CreateIndex(index))
    for statement in (*refuse_changes(f"{one}_trace"), revoke(f"{one}_trace", "UPDATE", "DELETE", "TRUNCATE")):
        op.execute(statement)


def _tables(metadata: MetaData, one: str, of: str, names: tuple[str, ...]) -> tuple[Table, Table]:
    instant = DateTime(timezone=True)
    step = Table(
        f"{one}_step",
        metadata,
        Column(f"{one}_id", Uuid(), ForeignKey(f"{of}.id", ondelete="CASCADE"), primary_key=True),
        Column("name", Text(), primary_key=True),
        Column("status", Text(), nullable=False),
        Column("at", instant, nullable=False),
        Column("deadline", instant),
        Column("waits_for", Text()),
        Column("reason", Text()),
        one_of("name", *names),
        one_of("status", *STATUSES),
        Index(f"ix_{one}_step_deadline", "deadline", postgresql_where=text(WAITING)),
    )
    trace = Table(
        f"{one}_trace",
        metadata,
        Column(f"{one}_id", Uuid(), ForeignKey(f"{of}.id"), primary_key=True),
        Column("event_id", Uuid(), primary_key=True),
        Column("event_type", Text(), nullable=False),
        Column("type", Text(), nullable=False),
        Column("id", Uuid(), nullable=False),
        Column("number", Text(), nullable=False),
        Column("at", instant, nullable=False),
        Column("caused_by", Text()),
    )
    return step, trace
