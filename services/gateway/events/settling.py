"""Bringing the broker to what the rows of subscriptions say.

A row is written first, with what is wanted; then the broker gets it; then the row says so. Whatever ends the process in
between leaves a row that is not settled, and the next round does everything again: each step may be repeated. A row that
was changed meanwhile keeps its status and is settled again. What a process that was cut off did too late (a queue whose
row is gone) is found by the sweep. Whether owners may still see what they are sent is asked every few seconds. One replica
works at a time, for as long as its session holds the lock.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.orm import Session

from gateway.events.entitlement import suspend_and_resume
from gateway.events.management import Management
from gateway.events.models import EventSubscription, queue_of
from shared.kernel import clock, faults
from shared.kernel.context import Context
from shared.kernel.depths import depths
from shared.kernel.settings import amqp_uri
from shared.storage import transaction
from shared.storage.database import new_session

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
MEASURE_SECONDS = 5.0
RIGHTS_SECONDS = 1.5
SWEEP_SECONDS = 300.0
_LOCK = 4220


def settle_until(engine: Engine, broker: Management, ending: threading.Event) -> None:
    """Settle, measure and sweep for as long as this process holds the office. Raises when database or broker is away."""
    with engine.connect() as office:
        while not ending.is_set():
            if office.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar_one():
                break
            office.rollback()
            ending.wait(2)
        try:
            _rounds(engine, broker, ending, office)
        finally:
            office.invalidate()  # the lock ends with the session


def _rounds(engine: Engine, broker: Management, ending: threading.Event, office: Any) -> None:
    rights = _Rights(engine, broker)
    measured = swept = float("-inf")
    while not ending.is_set():
        office.execute(text("SELECT 1"))  # raises when the session, and so the office, is lost
        office.commit()
        settle(engine, broker, rights.ask)
        if time.monotonic() - swept > SWEEP_SECONDS:
            sweep(engine, broker)
            swept = time.monotonic()
        if time.monotonic() - measured > MEASURE_SECONDS:
            measure(engine, amqp_uri("gateway"))
            measured = time.monotonic()
        ending.wait(ROUND_SECONDS)


class _Rights:
    """Asks every few seconds whether owners may still see what they are sent, also between two that are settled: many of
    them take longer than anybody may go on reading."""

    def __init__(self, engine: Engine, broker: Management) -> None:
        self._engine, self._broker, self._asked = engine, broker, float("-inf")

    def ask(self) -> None:
        if time.monotonic() - self._asked > RIGHTS_SECONDS:
            suspend_and_resume(self._engine)
            for row in _rows(self._engine, EventSubscription.status == "suspending"):
                _shut_out(self._broker, row)
            self._asked = time.monotonic()


def settle(engine: Engine, broker: Management, ask: Callable[[], None] = lambda: None) -> None:
    """Tell the broker what is not settled yet. `ask` is called before each one."""
    ask()
    for wanted in _rows(engine, EventSubscription.status.not_in(("active", "suspended"))):
        ask()
        try:
            _settle_one(engine, broker, wanted)
        except OSError as error:
            log.warning("not settled", extra={"queue": wanted.queue, "error_code": str(error)[:100]})


def _shut_out(broker: Management, wanted: EventSubscription) -> None:
    """Before its bindings are removed, which takes time. Where it fails now, settling does it."""
    with contextlib.suppress(OSError):
        broker.shut_out(wanted.user)


def _settle_one(engine: Engine, broker: Management, wanted: EventSubscription) -> None:
    if wanted.status == "deleting":
        broker.remove(wanted.queue)
        faults.point("subscription_after_removal")
        _write(engine, delete(EventSubscription).where(EventSubscription.id == wanted.id))
        return
    settled = _suspend(broker, wanted) if wanted.status == "suspending" else _establish(broker, wanted)
    seen = (EventSubscription.id == wanted.id, EventSubscription.version == wanted.version)
    _write(engine, update(EventSubscription).where(*seen).values(status=settled, version=EventSubscription.version + 1))


def _establish(broker: Management, wanted: EventSubscription) -> str:
    broker.establish(wanted)
    faults.point("subscription_after_establishing")
    return "active"


def _suspend(broker: Management, wanted: EventSubscription) -> str:
    broker.suspend(wanted.queue)
    return "suspended"


def sweep(engine: Engine, broker: Management) -> None:
    """Remove queues and users without a row. Names first, rows afterwards: what is just being made has its row already."""
    names = broker.queues() | broker.users()
    known = {queue_of(row.id) for row in _rows(engine)}
    for name in sorted(names - known):
        log.warning("subscription without a row removed", extra={"queue": name})
        broker.remove(name)


def measure(engine: Engine, uri: str) -> None:
    """Note what waits in each queue, which is no change of the subscription. One that is gone is made again."""
    rows = _rows(engine, EventSubscription.status == "active")
    found = depths(uri, [row.queue for row in rows]) if rows else {}
    for row in rows:
        messages, consumers = found.get(row.queue, (0, 0))
        values: dict[str, Any] = {"messages": messages, "consumers": consumers, "measured_at": clock.now()}
        if row.queue not in found:
            values["status"] = "updating"
        unchanged = (EventSubscription.id == row.id, EventSubscription.version == row.version)
        _write(engine, update(EventSubscription).where(*unchanged).values({**values, "updated_at": row.updated_at}))


def _rows(engine: Engine, *conditions: Any) -> list[EventSubscription]:
    with new_session(engine) as session:
        return list(session.scalars(select(EventSubscription).where(*conditions).order_by(EventSubscription.id)))


def _write(engine: Engine, statement: Any) -> None:
    def work(session: Session) -> None:
        session.execute(statement)

    transaction.run(engine, Context(), work)
