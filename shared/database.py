"""Engine, sessions and the conventions that every service's models share."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Engine, MetaData, Numeric, Text, Uuid, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from shared import clock, ids, prepared

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

_SAFETY = "-c lock_timeout=5s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
"""A stuck lock or statement becomes a retry, not a standstill. Set at connect, so it costs no statement."""


def new_metadata() -> MetaData:
    """Metadata with predictable constraint names; one per service, because several may live in one process."""
    return MetaData(naming_convention=NAMES)


class Conventions:
    """Mix into a service's DeclarativeBase: which annotation means which column type."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        UUID: Uuid(),
        Decimal: Numeric(),
        date: Date(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        dict[str, str]: JSONB(),
        list[Any]: JSONB(),
        list[str]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }


class Aggregate:
    """What every aggregate has: a UUIDv7 key, an optimistic lock and its times."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id, sort_order=-10)
    version: Mapped[int] = mapped_column(default=1, sort_order=90)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, sort_order=91)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now, sort_order=92)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    def touch(self) -> None:
        """Count a new version although only children changed."""
        self.updated_at = clock.now()


def new_engine(url: str, pool_size: int = 12) -> Engine:
    """An engine for one service. `pool_pre_ping` is off: a lost connection is met by the immediate retry instead."""
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg2://", 1),
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=10,
        pool_recycle=1800,
        pool_use_lifo=True,  # few connections, often used: those that have their statements prepared
        connect_args={
            "options": _SAFETY,
            "connect_timeout": 5,
            "application_name": "liaison",
            "connection_factory": prepared.Connection,
        },
    )


def new_session(engine: Engine) -> Session:
    """A session that flushes only when told or at commit, and keeps loaded objects readable afterwards."""
    return Session(engine, autoflush=False, expire_on_commit=False)
