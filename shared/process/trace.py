"""The trace: which events moved a process, about which documents, and what caused them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy.orm import Session

from shared.kernel import clock
from shared.kernel.context import current
from shared.schema.contract import Event

Document = tuple[str, UUID, str]
"""(kind, id, number)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the trace; `caused_by` is the event or request before it."""

    event_id: str
    event_type: str
    type: str
    id: str
    number: str
    at: datetime
    caused_by: str | None

    @classmethod
    def received(cls, session: Session, document: Document, at: datetime) -> Self:
        """The event in hand. Its own cause is known where its message carries it."""
        context = current(session)
        kind, id_, number = document
        return cls(str(context.event_id), context.event_type, kind, str(id_), number, at, context.event_cause or None)

    @classmethod
    def published(cls, session: Session, document: Document, event: Event, event_id: UUID) -> Self:
        """An event that follows."""
        kind, id_, number = document
        cause = current(session).causation_id or None
        return cls(str(event_id), event.full_type, kind, str(id_), number, clock.now(), cause)


def document_of(event: Event) -> Document:
    """The document that an event reports on, as its class declares it; the number is "" where the event has none."""
    own = event.about == event.aggregate
    id_: UUID = event.aggregate_id if own else getattr(event, f"{event.about}_id")
    number = getattr(event, f"{event.about}_number", None) or (getattr(event, "number", None) if own else None)
    return event.about, id_, str(number or "")
