"""The deliveries of one process: what is due is taken, each webhook in a thread of its own, so none waits for another.

In a service the threads are green. How many there are at once is bounded; a webhook gives its place back after its turn.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.webhooks import feed, leases, metrics
from gateway.webhooks.audience import audience_of, sees
from gateway.webhooks.feed import Stored
from gateway.webhooks.models import Delivery, Webhook
from gateway.webhooks.outgoing import Message, message, work
from gateway.webhooks.posting import Answer, Poster
from gateway.webhooks.settings import Settings
from gateway.webhooks.turn import Turn
from shared.storage.present import timed

log = logging.getLogger(__name__)

_MEASURED_EVERY = 10.0
_REST_AFTER_DEFECT = 60.0
_LAG = timed(
    "SELECT max(extract(epoch FROM present() - (SELECT stored_at FROM event_store WHERE position > p.position"
    " ORDER BY position LIMIT 1))) FROM webhook_progress AS p JOIN webhook AS w ON w.id = p.webhook_id WHERE w.active"
)


class Worker:
    """Begins what is due until it is stopped, then waits for what is under way."""

    def __init__(self, engine: Engine, settings: Settings, ending: threading.Event) -> None:
        self.engine, self.settings, self.ending = engine, settings, ending
        self.poster = Poster(settings.guard, settings.limit)
        self._running: set[threading.Thread] = set()
        self._measured = float("-inf")

    def run(self) -> None:
        """While the database is away nothing new begins; leases that were taken run out by themselves."""
        while not self.ending.wait(self.settings.poll):
            try:
                self._begin_what_is_due()
                self._measure()
            except DBAPIError as error:
                log.warning("database away", extra={"error_code": type(error).__name__})
                self.ending.wait(1.0)
        for thread in list(self._running):
            thread.join(self.settings.limit)

    def _begin_what_is_due(self) -> None:
        if free := self._free():
            for webhook_id, lease in work(self.engine, lambda session: self._due(session, free)):
                self._begin(self._serve, webhook_id, lease)
        if free := self._free():
            for delivery_id in work(self.engine, lambda session: self._waiting(session, free)):
                self._begin(self._send_once, delivery_id)

    def _due(self, session: Session, most: int) -> list[tuple[UUID, UUID]]:
        return leases.take_webhooks(session, feed.head(session), most, self.settings.each, self.settings.lease)

    def _waiting(self, session: Session, most: int) -> list[UUID]:
        return leases.take_waiting(session, most, self.settings.each, self.settings.lease)

    def _free(self) -> int:
        self._running = {thread for thread in self._running if thread.is_alive()}
        metrics.sending.set(len(self._running))
        return self.settings.concurrency - len(self._running)

    def _begin(self, what: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=what, args=arguments, name="webhook", daemon=True)
        self._running.add(thread)
        thread.start()

    def _serve(self, webhook_id: UUID, lease: UUID) -> None:
        """A defect of one webhook is its own: it rests a while, and the others go on."""
        try:
            Turn(self.engine, self.poster, self.settings, webhook_id, lease).run(self.ending.is_set)
        except Exception:
            log.exception("webhook interrupted", extra={"webhook_id": str(webhook_id)})
            self._rest(webhook_id, lease)

    def _rest(self, webhook_id: UUID, lease: UUID) -> None:
        try:
            work(self.engine, lambda session: leases.give_back(session, webhook_id, lease, _REST_AFTER_DEFECT))
        except Exception as error:
            log.warning("lease kept until it ends", extra={"error_code": type(error).__name__})

    # -- what a person asked for --------------------------------------------------------------------------------------

    def _send_once(self, delivery_id: UUID) -> None:
        try:
            found = work(self.engine, lambda session: _prepare(session, delivery_id))
            if found:
                answer = self.poster.post(found.url, found.headers(), found.body)
                work(self.engine, lambda session: _settle(session, delivery_id, answer))
        except Exception:
            log.exception("delivery interrupted", extra={"delivery_id": str(delivery_id)})

    def _measure(self) -> None:
        if time.monotonic() - self._measured > _MEASURED_EVERY:
            self._measured = time.monotonic()
            lag = work(self.engine, lambda session: session.execute(_LAG).scalar_one())
            metrics.oldest_lag.set(float(lag or 0))


def _prepare(session: Session, delivery_id: UUID) -> Message | None:
    """The message of a waiting delivery. One that may no longer be sent is settled at once, unsent."""
    delivery = session.get(Delivery, delivery_id)
    webhook = session.get(Webhook, delivery.webhook_id) if delivery else None
    if delivery is None or webhook is None:
        return None
    stored = feed.find(session, delivery.event_id)
    envelope = delivery.envelope or (stored.envelope if stored and _may_see(session, webhook, stored) else None)
    if envelope is None:
        delivery.settle(None, 0, "not_visible", "")
        return None
    return message(session, webhook, delivery.event_id, envelope)


def _may_see(session: Session, webhook: Webhook, stored: Stored) -> bool:
    who = audience_of(session, webhook)
    return who is not None and sees(who, stored)


def _settle(session: Session, delivery_id: UUID, answer: Answer) -> None:
    delivery = session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is not None and delivery.status == "pending":
        delivery.settle(answer.status, answer.milliseconds, answer.error, answer.text)
        metrics.deliveries.labels(answer.error or "delivered").inc()
