"""A webhook, its secrets, how far it has come, and the log of what was sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, LargeBinary, and_, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.orm import Mapped, mapped_column

from gateway.models import Base, User, owners_companies
from gateway.webhooks.addresses import take_apart
from shared.contracts import gateway as contract
from shared.kernel import clock, ids
from shared.schema.contract import Changes
from shared.storage.constraints import one_of
from shared.storage.database import Aggregate

BOTH_SECRETS_FOR = timedelta(hours=24)


class Webhook(Aggregate, Base, of=contract.Webhook):
    """An address that receives events. It belongs to a user and sees what that user may see.

    `limited_to` and `limited_companies` are the rights with which address and events were chosen, when these were less than,
    or other than, the owner's: an API key of few scopes, another user. Then it sees only what both may see; it ends
    with the key (`api_key_id`).
    `disabled_reason` says why deliveries stopped by themselves, one of schedule.REASONS; it goes when they resume.
    """

    __table_args__ = (
        CheckConstraint("disabled_reason IS NULL OR NOT active", name="disabled_or_active"),
        Index(None, "owner_id"),
    )

    owner_id: Mapped[UUID]
    limited_to: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    limited_companies: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    api_key_id: Mapped[UUID | None]
    url: Mapped[str]
    event_types: Mapped[list[str]]
    description: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]

    @classmethod
    def seen_in(cls, companies: Sequence[UUID]) -> ColumnElement[bool]:
        """What is told of one of these, of an owner who works there."""
        limit = cls.limited_companies
        told = or_(limit.is_(None), limit.has_any(array([str(one) for one in companies])))  # type: ignore[attr-defined]
        return and_(told, cls.owner_id.in_(select(User.id).where(User.seen_in(companies))))

    def seen_from(self) -> list[UUID] | None:
        """The companies whose events it may be told of."""
        companies = owners_companies(self)
        if self.limited_companies is None:
            return companies
        limit = [UUID(one) for one in self.limited_companies]
        return limit if companies is None else [one for one in companies if one in limit]

    secret = cast("str | None", None)
    """The secret in the answer that tells it, and nowhere else."""

    @classmethod
    def register(cls, request: dict[str, Any], owner_id: UUID) -> Self:
        return cls(
            id=request.get("id") or ids.new_id(),
            owner_id=owner_id,
            url=request["url"],
            event_types=request["event_types"],
            description=request["description"],
            active=request["active"],
        )

    def change(self, request: dict[str, Any]) -> bool:
        """Take over what a patch names. Returns whether deliveries resume by it."""
        resumes = bool(request.get("active")) and not self.active
        for name, value in request.items():
            setattr(self, name, value)
        if resumes:
            self.disabled_reason = self.disabled_at = None
        return resumes

    def disable(self, reason: str) -> None:
        self.active, self.disabled_reason, self.disabled_at = False, reason, clock.now()

    def created(self) -> contract.WebhookCreated:
        return contract.WebhookCreated.of(self, companies=self.seen_from())

    def updated(self, changes: Changes) -> contract.WebhookUpdated:
        return contract.WebhookUpdated.of(self, companies=self.seen_from(), changes=changes)

    def deleted(self) -> contract.WebhookDeleted:
        return contract.WebhookDeleted.of(self, companies=self.seen_from())

    def disabled(self) -> contract.WebhookDisabled:
        return contract.WebhookDisabled.of(self, companies=self.seen_from())

    @property
    def host(self) -> str:
        """What events tell of the address: what follows it is often a secret of the receiver."""
        return take_apart(self.url).host


class Secret(Base):
    """A sealed signing secret. An old one still signs, beside the new one, until `expires_at`."""

    __tablename__ = "webhook_secret"
    __table_args__ = (Index(None, "webhook_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]

    def expire(self) -> None:
        self.expires_at = clock.now() + BOTH_SECRETS_FOR


class Progress(Base):
    """Up to which event of the store a webhook has come, and who is at it.

    `failures` counts the attempts at the next event. Only who holds the unexpired `lease` sends and moves on.
    """

    __tablename__ = "webhook_progress"
    __table_args__ = (Index(None, "due_at"),)

    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(default=clock.now)
    lease: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]

    def advance(self, position: int) -> None:
        """This event arrived."""
        self.position, self.failures, self.failing_since = position, 0, None

    def fail(self) -> float:
        """Count a failure; returns for how many seconds there has been nothing else."""
        self.failures += 1
        self.failing_since = self.failing_since or clock.now()
        return (clock.now() - self.failing_since).total_seconds()

    def wait(self, seconds: float) -> None:
        self.due_at = clock.now() + timedelta(seconds=seconds)

    def resume(self) -> None:
        """From where it stopped, at once and with all attempts."""
        self.failures, self.failing_since, self.due_at = 0, None, clock.now()

    def hold(self, seconds: float) -> None:
        self.leased_until = clock.now() + timedelta(seconds=seconds)

    def release(self) -> None:
        self.lease = self.leased_until = None


class Delivery(Base):
    """One attempt to send one event. `kind` is event, test or redelivery; what a person asked for waits as `pending`.

    `envelope` is kept for tests only: every other event is in the store.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("kind", "event", "test", "redelivery"),
        one_of("status", "pending", "delivered", "failed"),
        Index("ix_webhook_delivery_webhook_id_at", "webhook_id", "at", "id"),
        Index(None, "at"),
        Index("ix_webhook_delivery_pending", "id", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(default="event")
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(default="pending")
    at: Mapped[datetime] = mapped_column(default=clock.now)
    status_code: Mapped[int | None]
    duration_ms: Mapped[int | None]
    error_code: Mapped[str | None]
    answer: Mapped[str] = mapped_column(default="")
    envelope: Mapped[str | None]
    leased_until: Mapped[datetime | None]

    def settle(self, status_code: int | None, duration_ms: int, error_code: str | None, answer: str) -> None:
        """Note what came of it."""
        self.status = "failed" if error_code else "delivered"
        self.status_code, self.duration_ms, self.error_code, self.answer = status_code, duration_ms, error_code, answer
