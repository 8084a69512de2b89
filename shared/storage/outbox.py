"""`publish`: an event becomes a row of the transaction that made it true. The relay sends it afterwards."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.kernel import clock, ids
from shared.kernel.context import current
from shared.schema.contract import Event
from shared.schema.envelope import write_head
from shared.storage import rows


@dataclass(frozen=True, slots=True)
class Pending:
    """An event on its way into the outbox."""

    event_id: UUID
    event: Event
    head: str


def publish(session: Session, event: Event) -> UUID:
    """Record a fact; it is published if and only if the transaction commits. Returns the event's id."""
    context = current(session)
    event_id = ids.new_event_id(event.full_type)
    pending = Pending(event_id, event, write_head(event, event_id, clock.now(), context))
    session.info.setdefault("outbox", []).append(pending)
    context.published.append(event_id)
    return event_id


_PARTS = """
    facts AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS f (place int, event_id uuid, type text, routing_key text,
            aggregate text, aggregate_id uuid, nth bigint, head text)
    ), counted AS (
        INSERT INTO aggregate_sequence AS s (aggregate, aggregate_id, last)
        SELECT aggregate, aggregate_id, max(nth) FROM facts GROUP BY aggregate, aggregate_id
        ORDER BY aggregate, aggregate_id
        ON CONFLICT (aggregate, aggregate_id) DO UPDATE SET last = s.last + excluded.last
        RETURNING aggregate, aggregate_id, last
    ), sent AS (
        INSERT INTO outbox (event_id, type, routing_key, aggregate_id, sequence, envelope, bulk)
        SELECT event_id, type, routing_key, aggregate_id, number, head || ',"sequence":"' || number || '"}', %s
        FROM (
            SELECT facts.*, last - (max(nth) OVER (PARTITION BY aggregate, aggregate_id)) + nth AS number
            FROM facts JOIN counted USING (aggregate, aggregate_id)
        ) AS numbered ORDER BY place
    )"""


def statement_part(pending: list[Pending], bulk: bool = False) -> tuple[str, list[Any]]:
    """The CTEs that number the events per aggregate and insert them, with their parameters.

    The row of `aggregate_sequence` stays locked until commit, so events of one aggregate commit in the order of
    their sequence and the outbox ids of one aggregate rise in the same order. `bulk` events wait while there are others.
    """
    return _PARTS, [rows.dumps(list(_facts(pending))), bulk]


def _facts(pending: list[Pending]) -> Iterator[dict[str, Any]]:
    counts: Counter[tuple[str, UUID]] = Counter()
    for place, item in enumerate(pending):
        event = item.event
        key = (event.aggregate, event.aggregate_id)
        counts[key] += 1
        yield {
            "place": place, "event_id": str(item.event_id), "type": event.full_type, "routing_key": event.type,
            "aggregate": key[0], "aggregate_id": str(key[1]), "nth": counts[key], "head": item.head,
        }  # fmt: skip


class Wake:
    """How a commit tells the relay of its service that there is something to send.

    `loading` says when a job last committed in this process.
    """

    def __init__(self) -> None:
        self.loading = float("-inf")
        self._signal = threading.Event()

    def set(self) -> None:
        self._signal.set()

    def clear(self) -> None:
        self._signal.clear()

    def is_set(self) -> bool:
        return self._signal.is_set()

    def wait(self, seconds: float) -> None:
        self._signal.wait(seconds)


_wakes: dict[Engine, Wake] = {}


def attach(engine: Engine, wake: Wake) -> None:
    """Name the relay of the service that uses this engine."""
    _wakes[engine] = wake


def committed(engine: Engine, bulk: bool = False) -> None:
    """There are new rows; `bulk` says that a job wrote them."""
    if engine in _wakes:
        _wakes[engine].loading = time.monotonic() if bulk else _wakes[engine].loading
        _wakes[engine].set()


def withdraw(session: Session, aggregate_id: UUID, since: int) -> None:
    """Take back what was published of an aggregate after the first `since` events: nothing happened to it."""
    context = current(session)
    mine = {item.event_id for item in take(session) if item.event.aggregate_id == aggregate_id}
    gone = mine.intersection(context.published[since:])
    session.info["outbox"] = [item for item in take(session) if item.event_id not in gone]
    context.published[since:] = [event_id for event_id in context.published[since:] if event_id not in gone]


def take(session: Session) -> list[Pending]:
    """The events published so far in this transaction."""
    pending: list[Pending] = session.info.get("outbox", [])
    return pending
