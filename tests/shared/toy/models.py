"""The toy service's tables."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database import Aggregate, Conventions, new_metadata
from shared.ids import new_id
from shared.migrations import machinery
from shared.text_tables import text_folding


class Base(Conventions, DeclarativeBase):
    """Declarative base of the toy service."""

    metadata = new_metadata()


class Thing(Aggregate, Base):
    """Something made."""

    __tablename__ = "thing"
    __table_args__ = (UniqueConstraint("name", "note"),)
    name: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    note: Mapped[str | None]
    number: Mapped[int | None]
    broken: Mapped[bool] = mapped_column(default=False)


class Note(Base):
    """That a handler had an effect: one row each time."""

    __tablename__ = "effect"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    thing_id: Mapped[UUID]
    what: Mapped[str]


class Mirror(Base):
    """A replica that follows the newest event."""

    __tablename__ = "mirror"
    __table_args__ = (CheckConstraint("name NOT LIKE 'invisible%'", "visible"),)
    thing_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Run(Base):
    """That the timer ran."""

    __tablename__ = "run"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


def create_schema(op: Any) -> None:
    """What the toy's migration would do."""
    machinery(op)
    text_folding(op)
    for table in Base.metadata.sorted_tables:
        from sqlalchemy.dialects import postgresql
        from sqlalchemy.schema import CreateTable

        op.execute(str(CreateTable(table).compile(dialect=postgresql.dialect())))
