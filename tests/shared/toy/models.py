"""The toy service's tables."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.kernel.ids import new_id
from shared.storage.database import Aggregate, Conventions, new_metadata
from shared.storage.trees import MACHINERY


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


def create_schema(connection: Connection) -> None:
    """What the operator's `migrate` would do, if the toy had migrations."""
    MACHINERY.upgrade(connection)
    Base.metadata.create_all(connection)
