"""Many events of one handler in one transaction, with the guarantees that each would have alone (`inbox.py`).

There are three kinds of handlers that take them so: those that record everything, those that keep copies, and those
that lock one row. The first two are given a list. The last is called for each event, with what it caused in its context
and nothing in the session that another event has loaded.

There are no savepoints: each would be two statements more for every event, to save work where one of them fails.
"""

import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.kernel import clock, faults, metrics
from shared.kernel.context import Context
from shared.messaging.cooperative import CooperativeYield
from shared.messaging.inbox import Inbox, context_of, raise_if_database_is_away, row_of
from shared.messaging.queues import body_of, is_suspicious, producer_of
from shared.schema.envelope import Received, Unreadable
from shared.storage import transaction
from shared.storage.rows import dumps

log = logging.getLogger(__name__)

# What the inbox knows already, in whatever state, is not claimed here. Rows and positions are locked in the order of
# their keys, so that replicas that are given the same events do not wait for each other in a circle.
_CLAIMED = (
    "WITH given AS (SELECT * FROM json_to_recordset(CAST(:given AS json)) AS g (event_id uuid, type text, producer text,"
    " aggregate_id uuid, sequence bigint, sha256 text)),"
    " claimed AS (INSERT INTO inbox (consumer, event_id, type, producer, aggregate_id, sequence, sha256, state, attempts,"
    " received_at, processed_at) SELECT :consumer, event_id, type, producer, aggregate_id, sequence,"
    " decode(sha256, 'hex'), 'done', 1, now(), clock_timestamp() FROM given ORDER BY event_id"
    " ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id, aggregate_id, sequence)"
)
_CLAIM_EACH = text(f"{_CLAIMED} SELECT event_id FROM claimed")
_CLAIM = text(
    f"{_CLAIMED}, newest AS (SELECT aggregate_id, max(sequence) AS sequence FROM claimed GROUP BY aggregate_id),"
    " moved AS (INSERT INTO consumer_position AS p (consumer, aggregate_id, sequence)"
    " SELECT :consumer, aggregate_id, sequence FROM newest ORDER BY aggregate_id"
    " ON CONFLICT (consumer, aggregate_id) DO UPDATE SET sequence = excluded.sequence"
    " WHERE excluded.sequence > p.sequence RETURNING aggregate_id, sequence)"
    " SELECT event_id, moved.sequence IS NOT NULL AS newest FROM claimed LEFT JOIN moved USING (aggregate_id, sequence)"
)


def left_over(inbox: Inbox, handler: Handler, messages: list[Any], trust_user: bool) -> list[Any]:
    """Take messages together. Returns those that must be taken one by one: all of them when one does not go with the others.

    Raises DBAPIError when the database is away; then all of them may be taken again.
    """
    read = _reader(inbox, handler, trust_user)
    all_read = [(message, read(message)) for message in messages]
    readable = [(message, received) for message, received in all_read if received is not None]
    left = _left(inbox, handler, [received for _, received in readable])
    return [message for message, received in all_read if received is None] + [readable[place][0] for place in left]


def _reader(inbox: Inbox, handler: Handler, trust_user: bool) -> Callable[[Any], Received | None]:
    """What reads a message; it gives None for what is not to be taken with others."""
    give_way = CooperativeYield()

    def read(message: Any) -> Received | None:
        give_way()
        if is_suspicious(message):
            return None
        body = body_of(message)
        try:
            return Received(inbox.read(handler, body, producer_of(message, trust_user)), body.decode())
        except Unreadable:
            return None

    return read


def _left(inbox: Inbox, handler: Handler, batch: list[Received]) -> list[int]:
    if len(batch) < (1 if handler.kind == "record" else 2):
        return list(range(len(batch)))
    started = time.monotonic()
    try:
        left = take(inbox, handler, batch)
    except Exception as error:
        raise_if_database_is_away(error)
        log.warning("one by one", extra={"consumer": handler.name, "error_code": type(error).__name__})
        return list(range(len(batch)))
    metrics.handler_seconds.labels(handler.name).observe(time.monotonic() - started)
    return left


def take(inbox: Inbox, handler: Handler, batch: list[Received]) -> list[int]:
    """Give a batch to its handler. Returns the places of what must be taken one by one instead: duplicates.

    Raises whatever goes wrong with any of it; then none of it has had an effect.
    """
    if handler.kind == "record":
        transaction.run(inbox.engine, Context(), lambda s: handler.function(inbox.service, s, batch))
        metrics.consumed.labels(handler.name, "done").inc(len(batch))
        return []
    first = {received.envelope.id: place for place, received in reversed(list(enumerate(batch)))}
    once = [batch[place] for place in sorted(first.values())]
    carry_out = _each if handler.locks else _copy
    results = transaction.run(inbox.engine, Context(), lambda s: carry_out(inbox, handler, once, s))
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


def _each(inbox: Inbox, handler: Handler, batch: list[Received], session: Session) -> dict[UUID, str]:
    """Claim the events and give them to the handler one after the other, in the order of the rows that it locks."""
    faults.point("before_inbox")
    given = dumps([_row(handler, received) for received in batch])
    claimed = {row.event_id for row in session.execute(_CLAIM_EACH, {"consumer": handler.name, "given": given})}
    faults.point("after_inbox")
    envelopes = [received.envelope for received in batch if received.envelope.id in claimed]
    for envelope in sorted(envelopes, key=lambda e: str(getattr(e.event, handler.locks))):
        session.info["context"] = context_of(envelope)
        handler.function(inbox.service, session, envelope.event)
        session.flush()
        session.expunge_all()
    if faults.WEATHER == "fail_once":
        raise faults.InjectedFault
    return dict.fromkeys(claimed, "done")


def _row(handler: Handler, received: Received) -> dict[str, Any]:
    row = row_of(handler, received.envelope, received.text.encode())
    return row | {"sha256": row["sha256"].hex()}


def _tell(inbox: Inbox, handler: Handler, batch: list[Received], results: dict[UUID, str]) -> None:
    """Requests that wait for one of these events, and the metrics."""
    now = clock.now()
    for received in batch:
        envelope = received.envelope
        if result := results.get(envelope.id):
            inbox.applied.note(envelope.id, handler.name)
            metrics.consumed.labels(handler.name, result).inc()
            metrics.end_to_end_seconds.labels(envelope.event.type).observe((now - envelope.time).total_seconds())
