"""The rows of the event store. A reader who has seen position N never finds a new row below N later.

Positions are given under a lock that is held until commit, so rows become visible in the order of their positions. They
rise, with holes: count on their order, not on their distance. After each commit `NOTIFY event_store` wakes readers.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.envelope import Received

DAYS = 90
"""For so long an event can be read. It is also for so long recognised when it comes again."""

CHANNEL = "event_store"
"""What readers LISTEN to."""

_LOCK = 4219
_APPEND = text(
    "INSERT INTO event_store (event_id, type, routing_key, service, aggregate, aggregate_id, company_id, time, envelope)"
    " SELECT event_id, type, routing_key, service, aggregate, aggregate_id, company_id, time, envelope FROM"
    " unnest(CAST(:event_id AS uuid[]), CAST(:type AS text[]), CAST(:routing_key AS text[]), CAST(:service AS text[]),"
    " CAST(:aggregate AS text[]), CAST(:aggregate_id AS uuid[]), CAST(:company_id AS uuid[]),"
    " CAST(:time AS timestamptz[]), CAST(:envelope AS text[])) WITH ORDINALITY AS news (event_id, type, routing_key,"
    " service, aggregate, aggregate_id, company_id, time, envelope, place)"
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
        "time": [received.envelope.time for received in batch],
        "envelope": [received.text for received in batch],
    }
