"""Who sends what: work is taken by lease, so that one process is at it, and another takes over when that one is gone.

A lease is a time until which nobody else takes the row, and a random value that only its holder knows. The process that comes
back from sending and no longer holds it changes nothing; the other one sends the same event with the same id.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlalchemy.orm import Session

from gateway.webhooks.models import Delivery, Progress, Webhook
from shared.kernel import clock


def take_webhooks(session: Session, head: int, most: int, each: int, seconds: float) -> list[tuple[UUID, UUID]]:
    """Webhooks that are due and behind `head`: (webhook id, lease) of each. See `_in_turn` for `most` and `each`."""
    now = clock.now()
    due = (Webhook.active, Progress.position < head, Progress.due_at <= now, _free(Progress.leased_until, now))
    place = func.row_number().over(partition_by=Webhook.owner_id, order_by=Progress.due_at)
    candidates = select(Progress.webhook_id, Webhook.owner_id, place.label("place")).join(Webhook).where(*due)
    if not (chosen := _in_turn(session, candidates, now, most, each)):
        return []
    statement = select(Progress).join(Webhook).where(Progress.webhook_id.in_(chosen), *due).order_by(Progress.due_at)
    taken = session.scalars(statement.with_for_update(of=Progress, skip_locked=True)).all()
    for progress in taken:
        progress.lease = uuid4()
        progress.hold(seconds)
    return [(progress.webhook_id, progress.lease) for progress in taken if progress.lease]


def take_waiting(session: Session, most: int, each: int, seconds: float) -> list[UUID]:
    """Deliveries that a person asked for and nobody is at: their ids. See `_in_turn` for `most` and `each`."""
    now = clock.now()
    due = (Delivery.status == "pending", _free(Delivery.leased_until, now))
    place = func.row_number().over(partition_by=Webhook.owner_id, order_by=Delivery.id)
    candidates = select(Delivery.id, Webhook.owner_id, place.label("place")).join(Webhook).where(*due)
    if not (chosen := _in_turn(session, candidates, now, most, each)):
        return []
    statement = (
        select(Delivery).where(Delivery.id.in_(chosen), *due).order_by(Delivery.id).with_for_update(skip_locked=True)
    )
    taken = session.scalars(statement).all()
    for delivery in taken:
        delivery.leased_until = now + timedelta(seconds=seconds)
    return [delivery.id for delivery in taken]


def _free(leased_until: Any, now: datetime) -> ColumnElement[bool]:
    return or_(leased_until.is_(None), leased_until <= now)


def _in_turn(session: Session, candidates: Select[Any], now: datetime, most: int, each: int) -> list[UUID]:
    """At most `most` of the candidates (id, owner, place among the owner's): first those of whom the fewest are sent.

    Of one owner at most `each` are under way at once, so that there is always a place for another.
    """
    found = candidates.subquery()
    offered = session.execute(select(found).where(found.c.place <= most)).all()
    if not offered:
        return []
    busy = {row.owner_id: row.number for row in session.execute(_BUSY, {"now": now})}
    ranked = sorted((busy.get(owner, 0) + place, place, id_) for id_, owner, place in offered)
    return [id_ for rank, _, id_ in ranked if rank <= each][:most]


_BUSY = text(
    "SELECT owner_id, count(*) AS number FROM webhook JOIN ("
    " SELECT webhook_id FROM webhook_progress WHERE leased_until > :now"
    " UNION ALL SELECT webhook_id FROM webhook_delivery WHERE status = 'pending' AND leased_until > :now"
    ") AS sent ON webhook.id = sent.webhook_id GROUP BY owner_id"
)


def held(session: Session, webhook_id: UUID, lease: UUID) -> Progress | None:
    """The progress of a webhook, locked, if the lease is still ours."""
    progress = session.get(Progress, webhook_id, with_for_update=True)
    return progress if progress and progress.lease == lease else None


def give_back(session: Session, webhook_id: UUID, lease: UUID, rest: float) -> None:
    """Others may take the webhook, after so many seconds."""
    if progress := held(session, webhook_id, lease):
        progress.release()
        progress.wait(rest)
