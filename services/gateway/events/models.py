"""A subscription over AMQP: what is to exist on the broker. It exists there when the status says `active`."""

import base64
import hashlib
import os
import secrets
from datetime import datetime
from typing import Any, Self, cast
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.models import Base
from shared.contracts import gateway as contract
from shared.kernel import ids
from shared.storage.database import Aggregate

STREAM = "events.log"


class EventSubscription(Aggregate, Base, of=contract.EventSubscription):
    """`keys` are the routing keys that `bindings` stood for when it was made: an event type that is added later, and
    that the owner perhaps may not see, does not come in by a wildcard.

    It lasts as long as its owner may see all of it. `limited_to` and `limited_companies` are the rights of the user who made it
    where these were less than the owner's: an API key of few scopes, `api_key_id`, with which it ends. Once that is over it
    is `suspended`: user and bindings are gone from the broker, the queue with what waits in it stays, and all comes back
    with the rights.
    """

    __table_args__ = (Index("ix_event_subscription_unsettled", "id", postgresql_where=text("status <> 'active'")),)

    name: Mapped[str]
    owner_id: Mapped[str]
    limited_to: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    limited_companies: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    api_key_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(default="creating")
    bindings: Mapped[list[str]]
    keys: Mapped[list[str]]
    max_length: Mapped[int]
    message_ttl: Mapped[int | None]
    replay: Mapped[bool]
    password_hash: Mapped[str]
    messages: Mapped[int | None]
    consumers: Mapped[int | None]
    measured_at: Mapped[datetime | None]

    address = ""
    """Where the broker is found; of the installation, not of the row."""

    password = cast("str | None", None)
    """The password in the answer that tells it, and nowhere else."""

    @classmethod
    def ask_for(cls, request: dict[str, Any], owner: str, keys: list[str]) -> Self:
        asked = {name: request[name] for name in ("name", "bindings", "max_length", "message_ttl", "replay")}
        made = cls(id=request.get("id") or ids.new_id(), owner_id=owner, keys=keys, status="creating", **asked)
        made._give_password()
        return made

    def rotate_password(self) -> None:
        self._give_password()
        self.status = "updating" if self.status == "active" else self.status

    def end(self) -> None:
        self.status = "deleting"

    @property
    def queue(self) -> str:
        return queue_of(self.id)

    @property
    def user(self) -> str:
        return self.queue

    @property
    def stream(self) -> str | None:
        return STREAM if self.replay else None

    def _give_password(self) -> None:
        self.password = secrets.token_urlsafe(32)
        self.password_hash = hashed(self.password)


def queue_of(subscription_id: UUID) -> str:
    """The name of the queue, and of the user that may read it."""
    return f"sub.{subscription_id}"


def hashed(password: str) -> str:
    """As RabbitMQ keeps it (rabbit_password_hashing_sha256): so the broker gets it and Liaison does not keep it."""
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode("ascii")
