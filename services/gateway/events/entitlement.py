"""Whether the owner of a subscription may still see all that it brings: asked again and again, as long as it lasts."""

import logging

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gateway.events.audience import audience_of
from gateway.events.models import EventSubscription
from gateway.events.patterns import known_events
from gateway.events.visibility import may_see_entirely
from shared.api.rights import Rights, reached_by
from shared.kernel.context import Context, person_of
from shared.schema.contract import Event
from shared.storage import transaction

log = logging.getLogger(__name__)

_LIVING = ("creating", "active", "updating")
_SUSPENDED = ("suspending", "suspended")


def suspend_and_resume(engine: Engine) -> None:
    """Note which subscriptions are to be taken from their readers, and which may be given back."""
    transaction.run(engine, Context(), _judge)


def _judge(session: Session) -> None:
    statement = select(EventSubscription).where(EventSubscription.status.in_((*_LIVING, *_SUSPENDED)))
    for subscription in session.scalars(statement.order_by(EventSubscription.id)).all():
        suspended = subscription.status in _SUSPENDED
        if entitled(session, subscription) is suspended:
            subscription.status = "updating" if suspended else "suspending"
            log.info("subscription " + ("resumed" if suspended else "suspended"), extra={"queue": subscription.queue})


def entitled(session: Session, subscription: EventSubscription) -> bool:
    """A program that an operator vouched for is no user, so there is nobody who could lose a right."""
    owner_id = person_of(subscription.owner_id)
    if owner_id is None:
        return True
    who = audience_of(session, owner_id, subscription)
    if who is None:
        return False
    return all(may_see_entirely(who, event) for event in brought_by(subscription))


def brought_by(subscription: EventSubscription) -> list[type[Event]]:
    """The events that come with a subscription."""
    return [event for event in known_events() if subscription.replay or event.type in subscription.keys]


@reached_by(EventSubscription)
def of_subscription(session: Session, subscription: EventSubscription) -> Rights:
    """The events that it brings, of all companies: nothing on the broker leaves any out."""
    return Rights(tuple(sorted({event.permission for event in brought_by(subscription)})), None)
