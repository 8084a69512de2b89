"""Who sends what: work is taken by lease, so that one process is at it, and another takes over when that one is gone.

A lease is a time until which nobody else takes the row, and a random value that only its holder knows. Whoever comes
back from sending and no longer holds it changes nothing; the other one sends the same event with the same id.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gateway.webhooks.models import Delivery, Progress, Webhook
from shared import clock


def take_webhooks(session: Session, head: int, most: int, seconds: float) -> list[tuple[UUID, UUID]]:
    """Webhooks that are due and behind `head`, the longest waiting first: (webhook id, lease) of each."""
    now = clock.now()
    due = (
        select(Progress)
        .join(Webhook, Webhook.id == Progress.webhook_id)
        .where(Webhook.active, Progress.position < head, Progress.due_at <= now)
        .where(or_(Progress.leased_until.is_(None), Progress.leased_until <= now))
        .order_by(Progress.due_at)
        .limit(most)
        .with_for_update(of=Progress, skip_locked=True)
    )
    taken = session.scalars(due).all()
    for progress in taken:
        progress.lease = uuid4()
        progress.hold(seconds)
    return [(progress.webhook_id, progress.lease) for progress in taken if progress.lease]


def take_waiting(session: Session, most: int, seconds: float) -> list[UUID]:
    """Deliveries that a person asked for and nobody is at: their ids."""
    now = clock.now()
    waiting = (
        select(Delivery)
        .where(Delivery.status == "pending")
        .where(or_(Delivery.leased_until.is_(None), Delivery.leased_until <= now))
        .order_by(Delivery.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    taken = session.scalars(waiting).all()
    for delivery in taken:
        delivery.leased_until = now + timedelta(seconds=seconds)
    return [delivery.id for delivery in taken]


def held(session: Session, webhook_id: UUID, lease: UUID) -> Progress | None:
    """The progress of a webhook, locked, if the lease is still ours."""
    progress = session.get(Progress, webhook_id, with_for_update=True)
    return progress if progress and progress.lease == lease else None


def give_back(session: Session, webhook_id: UUID, lease: UUID, rest: float) -> None:
    """Others may take the webhook, after so many seconds."""
    if progress := held(session, webhook_id, lease):
        progress.release()
        progress.wait(rest)
