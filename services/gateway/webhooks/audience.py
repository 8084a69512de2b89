"""What a webhook may see: what its owner may see now, and no more than the user or key that chose its address."""

from sqlalchemy.orm import Session

from gateway.events import audience
from gateway.events.patterns import known_events, types_of
from gateway.events.visibility import Viewer, may_see, visible_types
from gateway.identity.reaches import NOTHING
from gateway.models import User
from gateway.webhooks import schedule
from gateway.webhooks.feed import Stored
from gateway.webhooks.models import Webhook
from shared.api.rights import Rights, reached_by


def audience_of(session: Session, webhook: Webhook) -> Viewer | None:
    """None when the owner may no longer sign in, or the key has ended that address and events were chosen with."""
    return audience.audience_of(session, webhook.owner_id, webhook)


def aim(session: Session, webhook: Webhook) -> None:
    """Note whose rights address and events were chosen with. Nobody sees through a webhook what is closed to them."""
    audience.limit_to_the_caller(session, webhook.owner_id, webhook)


def reason_to_end(session: Session, webhook: Webhook) -> str:
    """Why it has no audience."""
    return schedule.KEY_ENDED if audience.has_lost_its_key(session, webhook) else schedule.OWNER_INACTIVE


def sees(who: Viewer, event: Stored) -> bool:
    return may_see(who, event)


def types_for(who: Viewer, webhook: Webhook) -> frozenset[str]:
    """What the webhook asks for, as far as it may be seen."""
    return types_of(webhook.event_types) & visible_types(who)


@reached_by(Webhook)
def of_webhook(session: Session, webhook: Webhook) -> Rights:
    """The events that it receives."""
    owner = session.get(User, webhook.owner_id)
    if owner is None:
        return NOTHING
    who = audience.limited(session, owner, webhook)
    types = types_for(who, webhook)
    permissions = {event.permission for event in known_events() if event.full_type in types}
    return Rights(tuple(sorted(permissions)), who.companies) if permissions else NOTHING
