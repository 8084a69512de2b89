"""The event store: every event that any service published in the last 90 days, in one order for all readers."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.events import store
from shared.flows.entrypoints import every, record
from shared.kernel import clock
from shared.schema.envelope import Received


class Storing:
    """broker → event_store → pull, stream, webhooks"""

    @record
    def event_store(self, session: Session, batch: list[Received]) -> None:
        """What is older than the store keeps (somebody published his history again) is not news for anybody."""
        oldest = clock.now() - timedelta(days=store.DAYS)
        kept = [received for received in batch if received.envelope.time > oldest]
        if kept:
            store.append(session, kept)

    @every(hours=1)
    def forget_old_events(self, session: Session) -> None:
        session.execute(_FORGET, {"before": clock.now() - timedelta(days=store.DAYS), "most": _FORGOTTEN_AT_ONCE})


_FORGOTTEN_AT_ONCE = 100_000

_FORGET = text(
    "DELETE FROM event_store WHERE position <= (SELECT max(position) FROM (SELECT position, stored_at FROM event_store"
    " ORDER BY position LIMIT :most) AS oldest WHERE stored_at < :before)"
)
