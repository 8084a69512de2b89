"""The rows of the event store. A reader who has seen position N never finds a new row below N later.

Positions are given under a lock that is held until commit, so rows become visible in the order of their positions. They
rise, with holes: count on their order, not on their distance. After each commit `NOTIFY event_store` wakes readers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.errors import EventGone, UnknownEvent
from gateway.events.visibility import EVERY_COMPANY
from shared import contracts
from shared.kernel import clock
from shared.kernel.refusals import NotYet
from shared.schema.contract import Event
from shared.schema.envelope import Received
from shared.storage.company_sql import ALLOWED, company_ids, restricted
from shared.storage.present import timed

DAYS = 90
"""For so long an event can be read. It is also for so long recognised when it comes again."""

CHANNEL = "event_store"
"""What readers LISTEN to."""

_LOCK = 4219
_APPEND = timed(
    "INSERT INTO event_store (event_id, type, routing_key, service, aggregate, aggregate_id, company_id, companies, time,"
    " envelope, stored_at) SELECT event_id, type, routing_key, service, aggregate, aggregate_id, company_id,"
    " CAST(companies AS uuid[]), time, envelope, present() FROM"
    " unnest(CAST(:event_id AS uuid[]), CAST(:type AS text[]), CAST(:routing_key AS text[]), CAST(:service AS text[]),"
    " CAST(:aggregate AS text[]), CAST(:aggregate_id AS uuid[]), CAST(:company_id AS uuid[]),"
    " CAST(:companies AS text[]), CAST(:time AS timestamptz[]), CAST(:envelope AS text[])) WITH ORDINALITY AS news"
    " (event_id, type, routing_key, service, aggregate, aggregate_id, company_id, companies, time, envelope, place)"
    " ORDER BY place ON CONFLICT (event_id) DO NOTHING"
)


def append(session: Session, batch: list[Received]) -> None:
    """Add what is not there yet, in this order."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if session.execute(_APPEND, _columns(batch)).rowcount:  # type: ignore[attr-defined]
        session.execute(text(f"NOTIFY {CHANNEL}"))


def _columns(batch: list[Received]) -> dict[str, list[object]]:
    events = [received.envelope.event for received in batch]
    return {
        "event_id": [str(received.envelope.id) for received in batch],
        "type": [event.full_type for event in events],
        "routing_key": [event.type for event in events],
        "service": [event.service for event in events],
        "aggregate": [event.aggregate for event in events],
        "aggregate_id": [str(event.aggregate_id) for event in events],
        "company_id": [str(received.envelope.company_id) for received in batch],
        "companies": [_companies(event) for event in events],
        "time": [received.envelope.time for received in batch],
        "envelope": [received.text for received in batch],
    }


def _companies(event: Event) -> str | None:
    """The companies that an event is for, as an array in PostgreSQL's notation: unnest takes no arrays of arrays."""
    if not event.for_its_companies:
        return None
    told: list[UUID] | None = getattr(event, "companies")  # noqa: B009
    return "{" + ",".join(map(str, [EVERY_COMPANY] if told is None else told)) + "}"


@dataclass(frozen=True, slots=True)
class Stored:
    """One row as readers need it; `envelope` is the text that the producer wrote, `type` is the full one. `companies` are
    those that the event is for, where they and not `company_id` say who may see it."""

    position: int
    event_id: UUID
    type: str
    routing_key: str
    company_id: UUID
    companies: list[UUID] | None
    envelope: str


_COLUMNS = "position, event_id, type, routing_key, company_id, companies, envelope"
_VISIBLE = restricted(
    f"CASE WHEN companies IS NULL THEN company_id = ANY({ALLOWED})"
    f" ELSE companies && ({ALLOWED} || CAST('{EVERY_COMPANY}' AS uuid)) END"
)
_AFTER = text(f"SELECT {_COLUMNS} FROM event_store WHERE position > :position ORDER BY position LIMIT :most")
# One short walk along (type, position) for each type: a rare type costs as little as a common one.
_PAGE = text(
    f"SELECT {_COLUMNS} FROM event_store WHERE position IN"
    " (SELECT found.position FROM unnest(CAST(:types AS text[])) AS wanted (type) CROSS JOIN LATERAL"
    " (SELECT position FROM event_store e WHERE e.type = wanted.type AND position > :position"
    f" AND {_VISIBLE}"
    " ORDER BY position LIMIT :most) AS found ORDER BY found.position LIMIT :most) ORDER BY position"
)
_OF_SUBJECT = (
    "FROM event_store WHERE aggregate_id = CAST(:aggregate_id AS uuid) AND aggregate = :aggregate AND type = ANY(:types)"
    f" AND {_VISIBLE} AND position > :position ORDER BY position"
)
_PAGE_OF_SUBJECT = text(f"SELECT {_COLUMNS} {_OF_SUBJECT} LIMIT :most")
_LATEST_OF_SUBJECT = text(f"SELECT event_id {_OF_SUBJECT} DESC LIMIT 1")
_LATEST = text(
    "SELECT found.event_id FROM unnest(CAST(:types AS text[])) AS wanted (type) CROSS JOIN LATERAL"
    f" (SELECT event_id, position FROM event_store e WHERE e.type = wanted.type AND {_VISIBLE}"
    " ORDER BY position DESC LIMIT 1) AS found ORDER BY found.position DESC LIMIT 1"
)
_POSITION = text("SELECT position FROM event_store WHERE event_id = :event_id")
_NEWEST = text("SELECT coalesce((SELECT position FROM event_store ORDER BY position DESC LIMIT 1), 0)")
_ON_ITS_WAY = timedelta(minutes=1)


def after(session: Session, position: int, most: int) -> list[Stored]:
    """Everything after a position, oldest first, for whoever tells many at once."""
    return [Stored(*row) for row in session.execute(_AFTER, {"position": position, "most": most})]


def page(
    session: Session, position: int, types: frozenset[str], companies: frozenset[UUID] | None, most: int
) -> list[Stored]:
    """The next events of these full types and companies (None: all) after a position, oldest first."""
    values = {"position": position, "types": sorted(types), "companies": company_ids(companies), "most": most}
    return [Stored(*row) for row in session.execute(_PAGE, values)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events: of these full types and companies (None: all), and of one subject such as `order/<id>`, if any."""

    types: frozenset[str]
    companies: frozenset[UUID] | None
    subject: str | None = None

    @property
    def values(self) -> dict[str, object]:
        aggregate, _, id_ = (self.subject or "").partition("/")
        named = {"aggregate": aggregate, "aggregate_id": id_} if self.subject else {}
        return {"types": sorted(self.types), "companies": company_ids(self.companies), **named}


def matching(session: Session, position: int, asked: Asked, most: int) -> list[Stored]:
    """The next of these events after a position, oldest first."""
    if asked.subject is None:
        return page(session, position, asked.types, asked.companies, most)
    values = {**asked.values, "position": position, "most": most}
    return [Stored(*row) for row in session.execute(_PAGE_OF_SUBJECT, values)]


def latest(session: Session, asked: Asked) -> UUID | None:
    """The id of the last of these events, None where there is none yet."""
    values = asked.values | ({"position": 0} if asked.subject else {})
    found: UUID | None = session.execute(_LATEST_OF_SUBJECT if asked.subject else _LATEST, values).scalar()
    return found


def newest(session: Session) -> int:
    """The highest position that is visible now; 0 for an empty store."""
    return int(session.execute(_NEWEST).scalar_one())


def position_after(session: Session, event_id: UUID) -> int:
    """The position to read on from for somebody who has seen this event.

    Raises EventGone when it is older than the store, NotYet when it may still be on its way, else UnknownEvent.
    """
    position = session.execute(_POSITION, {"event_id": event_id}).scalar()
    if position is not None:
        return int(position)
    age = clock.now() - _made_at(event_id)
    if age >= timedelta(days=DAYS):
        raise EventGone(days=DAYS)
    if abs(age) < _ON_ITS_WAY and contracts.type_of_event_id(event_id):
        raise NotYet
    raise UnknownEvent(id=event_id)


def _made_at(event_id: UUID) -> datetime:
    """The instant in an id of ours; for ids that carry none, a time long past or one to come."""
    milliseconds = min(event_id.int >> 80, 253_402_000_000_000)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
