"""`publish`: an event becomes a row of the transaction that made it true. The relay sends it afterwards."""

import threading
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.kernel import clock, ids
from shared.kernel.context import current
from shared.schema.contract import Event
from shared.schema.envelope import write_head


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


def statement_parts(pending: list[Pending]) -> tuple[list[str], list[Any]]:
    """The CTEs that number the events per aggregate and insert them, with their parameters.

    The row of `aggregate_sequence` stays locked until commit, so events of one aggregate commit in the order of
    their sequence and the outbox ids of one aggregate rise in the same order.
    """
    counts: dict[tuple[str, UUID], int] = {}
    rows: list[Any] = []
    for order, item in enumerate(pending):
        key = (item.event.aggregate, item.event.aggregate_id)
        counts[key] = counts.get(key, 0) + 1
        rows += [
            order,
            str(item.event_id),
            item.event.full_type,
            item.event.type,
            key[0],
            str(key[1]),
            counts[key],
            item.head,
        ]
    series = [value for (aggregate, id_), n in sorted(counts.items()) for value in (aggregate, str(id_), n)]
    sequence = (
        "counted AS (INSERT INTO aggregate_sequence AS s (aggregate, aggregate_id, last) VALUES "
        + ", ".join(["(%s, %s::uuid, %s)"] * len(counts))
        + " ON CONFLICT (aggregate, aggregate_id) DO UPDATE SET last = s.last + excluded.last"
        " RETURNING aggregate, aggregate_id, last)"
    )
    events = (
        "facts (place, event_id, type, routing_key, aggregate, aggregate_id, nth, head) AS (VALUES "
        + ", ".join(["(%s, %s::uuid, %s, %s, %s, %s::uuid, %s, %s)"] * len(pending))
        + "), sent AS (INSERT INTO outbox (event_id, type, routing_key, aggregate_id, sequence, envelope)"
        " SELECT event_id, type, routing_key, aggregate_id, number, head || ',\"sequence\":\"' || number || '\"}'"
        " FROM (SELECT facts.*, last - (max(nth) OVER (PARTITION BY aggregate, aggregate_id)) + nth AS number"
        " FROM facts JOIN counted USING (aggregate, aggregate_id)) AS numbered ORDER BY place)"
    )
    return [sequence, events], [*series, *rows]


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
