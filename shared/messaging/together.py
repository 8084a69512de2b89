"""Many events of one handler in one transaction, with the guarantees that each would have alone (`inbox.py`)."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.kernel import clock, faults, metrics
from shared.kernel.context import Context
from shared.messaging.inbox import Inbox, row_of
from shared.schema.envelope import Received
from shared.storage import transaction
from shared.storage.rows import dumps

# What the inbox knows already, in whatever state, is not claimed here. Rows and positions are locked in the order of
# their keys, so that replicas that are given the same events do not wait for each other in a circle.
_CLAIM = text(
    "WITH given AS (SELECT * FROM json_to_recordset(CAST(:given AS json)) AS g (event_id uuid, type text, producer text,"
    " aggregate_id uuid, sequence bigint, sha256 text)),"
    " claimed AS (INSERT INTO inbox (consumer, event_id, type, producer, aggregate_id, sequence, sha256, state, attempts,"
    " received_at, processed_at) SELECT :consumer, event_id, type, producer, aggregate_id, sequence,"
    " decode(sha256, 'hex'), 'done', 1, now(), clock_timestamp() FROM given ORDER BY event_id"
    " ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id, aggregate_id, sequence),"
    " newest AS (SELECT aggregate_id, max(sequence) AS sequence FROM claimed GROUP BY aggregate_id),"
    " moved AS (INSERT INTO consumer_position AS p (consumer, aggregate_id, sequence)"
    " SELECT :consumer, aggregate_id, sequence FROM newest ORDER BY aggregate_id"
    " ON CONFLICT (consumer, aggregate_id) DO UPDATE SET sequence = excluded.sequence"
    " WHERE excluded.sequence > p.sequence RETURNING aggregate_id, sequence)"
    " SELECT event_id, moved.sequence IS NOT NULL AS newest FROM claimed LEFT JOIN moved USING (aggregate_id, sequence)"
)


def take(inbox: Inbox, handler: Handler, batch: list[Received]) -> list[int]:
    """Give a batch to its handler. Returns the places of what must be taken one by one instead: duplicates.

    Raises whatever goes wrong with any of it; then none of it has had an effect.
    """
    if handler.kind == "record":
        transaction.run(inbox.engine, Context(), lambda s: handler.function(inbox.service, s, batch))
        metrics.consumed.labels(handler.name, "done").inc(len(batch))
        return []
    first = {received.envelope.id: place for place, received in reversed(list(enumerate(batch)))}
    once = [batch[place] for place in first.values()]
    results = transaction.run(inbox.engine, Context(), lambda s: _copy(inbox, handler, once, s))
    _tell(inbox, handler, once, results)
    return [place for place, r in enumerate(batch) if r.envelope.id not in results or first[r.envelope.id] != place]


def _copy(inbox: Inbox, handler: Handler, batch: list[Received], session: Session) -> dict[UUID, str]:
    """Claim the events and let the handler keep what the newest one of each aggregate says; done or skipped, by event."""
    faults.point("before_inbox")
    given = dumps([_row(handler, received) for received in batch])
    claimed = session.execute(_CLAIM, {"consumer": handler.name, "given": given}).all()
    faults.point("after_inbox")
    newest = {row.event_id for row in claimed if row.newest}
    events = {r.envelope.event.aggregate_id: r.envelope for r in batch if r.envelope.id in newest}
    if events:
        handler.function(inbox.service, session, [events[key].event for key in sorted(events)])
    if faults.WEATHER == "fail_once":
        raise faults.InjectedFault
    applied = {envelope.id for envelope in events.values()}
    return {row.event_id: "done" if row.event_id in applied else "skipped" for row in claimed}


def _row(handler: Handler, received: Received) -> dict[str, Any]:
    row = row_of(handler, received.envelope, received.text.encode())
    return row | {"sha256": row["sha256"].hex()}


def _tell(inbox: Inbox, handler: Handler, batch: list[Received], results: dict[UUID, str]) -> None:
    """Whoever waits for one of these events, and the metrics."""
    now = clock.now()
    for received in batch:
        envelope = received.envelope
        if result := results.get(envelope.id):
            inbox.applied.note(envelope.id, handler.name)
            metrics.consumed.labels(handler.name, result).inc()
            metrics.end_to_end_seconds.labels(envelope.event.type).observe((now - envelope.time).total_seconds())
