"""Engine, sessions and the conventions that every service's models share."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from json import JSONDecoder
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Engine,
    MetaData,
    Numeric,
    Text,
    TextClause,
    Uuid,
    bindparam,
    create_engine,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from shared.kernel import clock, ids
from shared.kernel.refusals import InvalidTransition
from shared.kernel.texts import snake_case
from shared.schema import Group, Resource
from shared.storage import prepared
from shared.storage.connecting import options
from shared.storage.declared_models import complete, complete_fields
from shared.storage.present import AHEAD, Timed

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


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

    declared: ClassVar[type[Resource] | None] = None

    def __init_subclass__(cls, *, of: type[Resource] | None = None, **settings: Any) -> None:
        """`of` is the declaration: constraints and indexes come from it, and columns are compared with it."""
        if of is not None:
            cls.declared = of
            if not hasattr(cls, "__tablename__"):  # a subclass may share the table of what it is a kind of
                setattr(cls, "__tablename__", of.declaration.names.one)  # noqa: B010
        super().__init_subclass__(**settings)
        if of is not None:
            complete(cls, of)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    @classmethod
    def filtered(cls) -> Mapping[str, Any]:
        """What a list filters by that is no column of this name: see `shared/schema/conditions.py`."""
        return {}

    @property
    def allowed(self) -> list[str]:
        """The verbs that are possible now, by the states that they are declared to start from."""
        assert self.declared is not None
        return self.declared.declaration.verbs_of(self)

    def allow(self, verb: str) -> None:
        """Raise InvalidTransition where the present state does not allow a verb."""
        assert self.declared is not None
        if verb not in self.allowed:
            raise InvalidTransition(state=self.declared.declaration.state_of(self), allowed=self.allowed)

    def allow_by(self, verb: str, actor: str) -> None:
        """What else than its state may forbid a verb, a model says in a method of its own: `allow_cancel(actor)`.

        Where the answer takes the database, the service has it: `shared/api/querying.py`.
        """
        narrowed = getattr(self, f"allow_{verb}", None)
        narrowed(actor) if narrowed else self.allow(verb)

    def touch(self) -> None:
        """Count a new version although only children changed."""
        self.updated_at = clock.now()


class Row:
    """What the rows that belong to an aggregate have, such as its lines: `position` counts from 1."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id, sort_order=-10)
    position: Mapped[int]

    def __init_subclass__(cls, *, of: type[Group] | None = None, **settings: Any) -> None:
        """`of` is the declaration of the lines: constraints come from it, and columns are compared with it."""
        super().__init_subclass__(**settings)
        if of is not None:
            complete_fields(cls, of.members.fields)


def kind_of(cls: type) -> str:
    """What a class of aggregates is called in refusals: `journal_entry` for JournalEntry."""
    return snake_case(cls.__name__)


def new_engine(url: str, pool_size: int = 12) -> Engine:
    """An engine for one service. `pool_pre_ping` is off: a lost connection is met by the immediate retry instead."""
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg2://", 1),
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=10,
        pool_recycle=1800,
        json_deserializer=_stored_json,
        pool_use_lifo=True,  # few connections, often used: those that have their statements prepared
        connect_args={
            "options": options(),
            "connect_timeout": 5,
            "application_name": "liaison",
            "connection_factory": prepared.Connection,
        },
    )


def _stored_json(text: str) -> Any:
    """The value of a JSON column. PostgreSQL writes nothing around it, so there is nothing to look for."""
    return _DECODER.raw_decode(text)[0]


_DECODER = JSONDecoder()


class QuickSession(Session):
    """A session that does not work out anew what is the same each time: the SQL of a text, the SELECT of one row."""

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        if isinstance(statement, TextClause) and not options and not isinstance(params, list):
            if isinstance(statement, Timed):
                params = {**(params or {}), AHEAD: clock.ahead()}
            return self.connection().exec_driver_sql(_driver_sql(statement.text), params or None)
        return super().execute(statement, params, **options)

    def get(self, entity: Any, ident: Any, *, with_for_update: Any = None, **options: Any) -> Any:
        key = inspect(entity).identity_key_from_primary_key((ident,))
        if options or isinstance(ident, (tuple, dict)) or (with_for_update is None and key in self.identity_map):
            return super().get(entity, ident, with_for_update=with_for_update, **options)
        lock = tuple(sorted(with_for_update.items())) if isinstance(with_for_update, dict) else bool(with_for_update)
        return self.scalars(_by_key(entity, lock), {"ident": ident}).one_or_none()


@lru_cache(maxsize=2000)
def _driver_sql(raw: str) -> str:
    """A text as psycopg2 takes it. Parameters of texts have no types here, so there is nothing else to prepare."""
    return str(text(raw).compile(dialect=postgresql.psycopg2.dialect()))


@cache
def _by_key(entity: Any, lock: Any) -> Any:
    """SELECT by primary key; one that locks also brings up to date what the session has of the row already."""
    (key,) = inspect(entity).primary_key
    found = select(entity).where(key == bindparam("ident", type_=key.type))
    if lock:
        found = found.with_for_update(**({} if lock is True else dict(lock))).execution_options(populate_existing=True)
    return found


def new_session(engine: Engine) -> Session:
    """A session that flushes only when asked or at commit, and keeps loaded objects readable afterwards."""
    return QuickSession(engine, autoflush=False, expire_on_commit=False)
