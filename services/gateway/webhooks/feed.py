"""The event store as a webhook reads it: what comes next of these types, in the order of positions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_READ = 20
_COLUMNS = "position, event_id, type, routing_key, company_id, companies, envelope"
_HEAD = text("SELECT coalesce(max(position), 0) FROM event_store")
_ONE = text(f"SELECT {_COLUMNS} FROM event_store WHERE event_id = :event_id")
_NEXT = text(
    f"SELECT {_COLUMNS} FROM event_store WHERE type = ANY(:types) AND position > :after AND position <= :head"
    " ORDER BY position LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An event of the store; `envelope` is the text that its producer wrote."""

    position: int
    event_id: UUID
    type: str
    routing_key: str
    company_id: UUID
    companies: list[UUID] | None
    envelope: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The next wanted events; when there are none, everything up to `passed` can be passed over."""

    events: Sequence[Stored]
    passed: int


def head(session: Session) -> int:
    """The newest position; later events have greater ones."""
    return int(session.execute(_HEAD).scalar_one())


def following(session: Session, after: int, types: Iterable[str]) -> Batch:
    """What comes after a position. The head is read first: no event can appear below it any more."""
    until = max(after, head(session))  # of an emptied store there is no head
    values = {"types": sorted(types), "after": after, "head": until, "most": _READ}
    return Batch([_stored(row) for row in session.execute(_NEXT, values)], until)


def find(session: Session, event_id: UUID) -> Stored | None:
    """One event by its id; None when the store no longer has it."""
    row = session.execute(_ONE, {"event_id": event_id}).one_or_none()
    return _stored(row) if row else None


def _stored(row: Any) -> Stored:
    return Stored(row.position, row.event_id, row.type, row.routing_key, row.company_id, row.companies, row.envelope)
