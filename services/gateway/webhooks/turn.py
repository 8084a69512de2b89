"""One webhook's turn: its next events, one by one, each recorded before the next is sent.

No transaction is open while something is sent. What ends before it is recorded is sent again, with the same id.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gateway.events.visibility import Viewer
from gateway.webhooks import feed, leases, metrics, schedule
from gateway.webhooks.audience import audience_of, reason_to_end, sees, types_for
from gateway.webhooks.feed import Stored
from gateway.webhooks.models import Delivery, Progress, Webhook
from gateway.webhooks.outgoing import Message, message, work
from gateway.webhooks.posting import Answer, Poster
from gateway.webhooks.settings import Settings
from shared.kernel import faults
from shared.storage.outbox import publish

log = logging.getLogger(__name__)


class NobodyBehind(Exception):
    """Nobody stands behind this webhook any more. Its text is the reason."""


@dataclass
class Turn:
    """Serve a leased webhook until it is up to date, fails, or has had its time."""

    engine: Engine
    poster: Poster
    settings: Settings
    webhook_id: UUID
    lease: UUID

    def __post_init__(self) -> None:
        self._ahead: list[Stored] = []
        self._version = 0
        self._next: Stored | None = None

    def run(self, ending: Callable[[], bool]) -> None:
        until = time.monotonic() + self.settings.turn
        goes_on = True
        while goes_on and not ending() and time.monotonic() < until:
            goes_on = self._step()
        work(self.engine, lambda session: leases.give_back(session, self.webhook_id, self.lease, 0))

    def _step(self) -> bool:
        """Send one event. Returns whether another may follow at once."""
        try:
            found = work(self.engine, self._look)
        except NobodyBehind as ended:
            reason = str(ended)
            work(self.engine, lambda session: self._give_up(session, reason))
            return False
        if not isinstance(found, Message):
            return found
        answer = self.poster.post(found.url, found.headers(), found.body)
        faults.point("webhook_sent_before_record")
        return work(self.engine, lambda session: self._record(session, answer))

    # -- before -------------------------------------------------------------------------------------------------------

    def _look(self, session: Session) -> Message | bool:
        """The next message; or, without one, whether it is worth looking further."""
        webhook = session.get(Webhook, self.webhook_id)
        progress = leases.held(session, self.webhook_id, self.lease)
        if webhook is None or progress is None or not webhook.active:
            return False
        who = audience_of(session, webhook)
        if who is None:
            raise NobodyBehind(reason_to_end(session, webhook))
        progress.hold(self.settings.lease)
        more = self._read_ahead(session, webhook, who, progress)
        self._next = self._first_visible(progress, who)
        return message(session, webhook, self._next.event_id, self._next.envelope) if self._next else more

    def _read_ahead(self, session: Session, webhook: Webhook, who: Viewer, progress: Progress) -> bool:
        """Fill what is ahead when it is empty or was read for other patterns. Returns whether anything is."""
        if not self._ahead or self._version != webhook.version:
            batch = feed.following(session, progress.position, types_for(who, webhook))
            self._ahead, self._version = list(batch.events), webhook.version
            if not self._ahead:
                progress.advance(batch.passed)
        return bool(self._ahead)

    def _first_visible(self, progress: Progress, who: Viewer) -> Stored | None:
        """What may not be seen is passed over; nobody ever learns of it."""
        while self._ahead and not sees(who, self._ahead[0]):
            progress.advance(self._ahead.pop(0).position)
        return self._ahead[0] if self._ahead else None

    # -- after --------------------------------------------------------------------------------------------------------

    def _record(self, session: Session, answer: Answer) -> bool:
        """Note the attempt and move on, or wait. The webhook is locked first, as in every change of it."""
        webhook = session.get(Webhook, self.webhook_id, with_for_update={"key_share": True})
        progress = leases.held(session, self.webhook_id, self.lease)
        if webhook is None or progress is None or self._next is None:
            return False
        self._log(session, progress.failures + 1, answer)
        metrics.deliveries.labels(answer.error or "delivered").inc()
        if answer.error is None:
            progress.advance(self._ahead.pop(0).position)
            progress.wait(0)
            return webhook.active
        self._failed(session, webhook, progress, answer)
        return False

    def _failed(self, session: Session, webhook: Webhook, progress: Progress, answer: Answer) -> None:
        failing_for = progress.fail()
        follows = self.settings.schedule.after(progress.failures, failing_for, answer.status, answer.retry_after)
        if isinstance(follows, schedule.GiveUp):
            return self._disable(session, webhook, follows.reason)
        progress.release()
        progress.wait(follows.seconds)

    def _give_up(self, session: Session, reason: str) -> None:
        webhook = session.get(Webhook, self.webhook_id, with_for_update={"key_share": True})
        if webhook and leases.held(session, self.webhook_id, self.lease):
            self._disable(session, webhook, reason)

    def _disable(self, session: Session, webhook: Webhook, reason: str) -> None:
        """Unless somebody has stopped it already: then there is nothing to announce."""
        if webhook.active:
            webhook.disable(reason)
            publish(session, webhook.disabled())
            metrics.disabled.labels(reason).inc()
            log.warning("webhook disabled", extra={"webhook_id": str(webhook.id), "reason": reason})

    def _log(self, session: Session, attempt: int, answer: Answer) -> None:
        assert self._next is not None
        entry = Delivery(
            webhook_id=self.webhook_id,
            event_id=self._next.event_id,
            event_type=self._next.routing_key,
            attempt=attempt,
        )
        entry.settle(answer.status, answer.milliseconds, answer.error, answer.text)
        session.add(entry)
