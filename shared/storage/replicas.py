"""Copies of what other services own: a class says which, and follows the latest events by itself."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import contracts
from shared.kernel.texts import snake_case
from shared.schema.contract import CATALOGUE, Event
from shared.schema.resource import Resource
from shared.storage.copies import forget, keep
from shared.storage.database import Aggregate


class Replica:
    """A mapped class whose rows are kept as the events of another service tell.

        class Customer(Replica, Base, of=contacts.ContactState, named_by=("Order.customer_id",), left={"status": "erased"}):
            name: Mapped[str]

    `of` is what the events of the aggregate have in common, or the declared resource whose numbered events say it. A
    column holds the field of its name, or the one that `renamed` {column: field} says; `id` is the id of the aggregate,
    and the table has the name of the class. When the aggregate is deleted, its copy is too, unless one of the columns
    `named_by` names it: then it only changes to `left`.
    `handler` is the name by which the inbox knows it, `copy_<table>` where nothing is said. It is stored: a released
    one stays as it is.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)

    copied: ClassVar[Any]
    handler: ClassVar[str]
    renamed: ClassVar[Mapping[str, str]]
    named_by: ClassVar[Sequence[str]]
    left: ClassVar[Mapping[str, Any]]

    def __init_subclass__(
        cls,
        of: Any,
        handler: str = "",
        renamed: Mapping[str, str] = {},
        named_by: Sequence[str] = (),
        left: Mapping[str, Any] = {},
        **kwargs: Any,
    ) -> None:
        cls.copied, cls.renamed, cls.named_by, cls.left = of, renamed, named_by, left
        if not hasattr(cls, "__tablename__"):
            setattr(cls, "__tablename__", snake_case(cls.__name__))  # noqa: B010
        super().__init_subclass__(**kwargs)
        cls.handler = handler or f"copy_{inspect(cls).local_table.name}"
        _replicas.append(cls)


_replicas: list[type[Replica]] = []


def replicas_of(service: str) -> list[type[Replica]]:
    """The replicas that a service keeps."""
    return [cls for cls in _replicas if cls.__module__.partition(".")[0] == service]


def resource_of(cls: type[Replica]) -> str:
    """The name of the resource that a replica copies: `contacts`."""
    permission = _telling(cls)[0].permission
    service = _telling(cls)[0].service
    shown = contracts.collections(service)
    return next(c.name for c in shown if c.get and c.get.permission == permission)


def events_of(cls: type[Replica]) -> tuple[type[Event], ...]:
    """What a replica follows: the events that carry the state, and those that end an aggregate without it."""
    sources = _telling(cls)
    aggregates = {(event.service, event.aggregate) for event in sources}
    others = [e for e in CATALOGUE.values() if (e.service, e.aggregate) in aggregates and e not in sources]
    return (*sources, *(event for event in others if event.type.endswith(".deleted")))


def keeper_of(cls: Any) -> Callable[[object, Session, list[Event]], None]:
    """The handler that keeps a replica."""
    sources, columns, (key,) = tuple(_telling(cls)), _columns(cls), inspect(cls).primary_key

    def copy(service: object, session: Session, events: list[Event]) -> None:
        known = [event for event in events if isinstance(event, sources)]
        keep(session, cls, [{key.name: e.aggregate_id} | {c: getattr(e, f) for c, f in columns} for e in known])
        if gone := [event.aggregate_id for event in events if not isinstance(event, sources)]:
            forget(session, cls, gone, *_naming(cls), **cls.left)

    return copy


def _telling(cls: type[Replica]) -> list[type[Event]]:
    if issubclass(cls.copied, Resource):
        return [event for what in ("created", "updated") if (event := getattr(cls.copied, what, None))]
    return [event for event in CATALOGUE.values() if issubclass(event, cls.copied)]


def _columns(cls: type[Replica]) -> list[tuple[str, str]]:
    """(column, field of the state) but for the key. Raises TypeError for a column that the state does not tell."""
    counted = {"version", "created_at", "updated_at"} if issubclass(cls, Aggregate) else set()
    names = [c.name for c in inspect(cls).columns if not c.primary_key and c.name not in counted]
    sources = {f.name for event in _telling(cls) for f in dataclasses.fields(event)}
    if unknown := [name for name in names if cls.renamed.get(name, name) not in sources]:
        raise TypeError(f"{cls.__name__}.{unknown[0]}: {cls.copied.__name__} has no such field")
    return [(name, cls.renamed.get(name, name)) for name in names]


def _naming(cls: Any) -> list[Any]:
    """The columns that name its rows."""
    mapped = {mapper.class_.__name__: mapper.class_ for mapper in cls.registry.mappers}
    return [getattr(mapped[name], column) for name, _, column in (path.partition(".") for path in cls.named_by)]
