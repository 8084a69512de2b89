"""What a webhook may see: what its owner may see at this moment, and no more than whoever aimed it could see then."""

from sqlalchemy.orm import Session

from gateway.events import audience
from gateway.events.patterns import types_of
from gateway.events.visibility import Viewer, may_see, visible_types
from gateway.webhooks.feed import Stored
from gateway.webhooks.models import Webhook


def audience_of(session: Session, webhook: Webhook) -> Viewer | None:
    """None when the owner may no longer sign in."""
    return audience.audience_of(session, webhook.owner_id, webhook.limited_to, webhook.limited_companies)


def aim(session: Session, webhook: Webhook) -> None:
    """Note whose rights address and events were chosen with. Nobody sees through a webhook what is closed to them."""
    webhook.limited_to, webhook.limited_companies = audience.limits_of_the_caller(session, webhook.owner_id)


def sees(who: Viewer, event: Stored) -> bool:
    return may_see(who, event.type, event.company_id)


def types_for(who: Viewer, webhook: Webhook) -> frozenset[str]:
    """What the webhook asks for, as far as it may be seen."""
    return types_of(webhook.event_types) & visible_types(who)
