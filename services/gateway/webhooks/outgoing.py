"""What goes over the wire, and the one way in which the worker opens a transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from gateway.webhooks import signing
from gateway.webhooks.models import Secret, Webhook
from gateway.webhooks.sealing import vault
from shared.kernel import clock, ids
from shared.kernel.context import Context
from shared.schema.envelope import CONTENT_TYPE
from shared.storage import transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way to one address, with the secrets that sign it."""

    url: str
    event_id: UUID
    body: bytes
    secrets: tuple[str, ...]

    def headers(self) -> dict[str, str]:
        """Made when it is sent: receivers refuse a timestamp that is five minutes old."""
        signature = signing.headers(str(self.event_id), clock.now(), self.body, self.secrets)
        return {"Content-Type": CONTENT_TYPE, "User-Agent": "Liaison-Webhooks/1", **signature}


def message(session: Session, webhook: Webhook, event_id: UUID, envelope: str) -> Message:
    """Raises sealing.Unopenable."""
    valid = or_(Secret.expires_at.is_(None), Secret.expires_at > clock.now())
    found = session.scalars(
        select(Secret.sealed).where(Secret.webhook_id == webhook.id, valid).order_by(Secret.id.desc())
    )
    secrets = tuple(vault().open(bytes(sealed), webhook.id) for sealed in found)
    return Message(webhook.url, event_id, envelope.encode(), secrets)


def work(engine: Engine, what: Callable[[Session], T]) -> T:
    """Run in one transaction and commit it; what it announces has the delivering program as its cause (I6)."""
    run = f"program:webhooks:{ids.new_id()}"
    return transaction.run(engine, Context(request_id=run, correlation_id=run, causation_id=run), what)
