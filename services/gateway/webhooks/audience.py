"""What a webhook may see: what its owner may see at this moment, and no more than whoever aimed it could see then."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.events.patterns import types_of
from gateway.events.visibility import Viewer, may_see, viewer, visible_types
from gateway.models import Role, User
from gateway.roles import permissions_of
from gateway.webhooks.feed import Stored
from gateway.webhooks.models import Webhook
from shared import contracts
from shared.context import current
from shared.permissions import cut


def held_by(session: Session, user: User) -> tuple[str, ...]:
    """The permissions of a user's roles, built-in and own, as they are now."""
    own = session.scalars(select(Role.permissions).where(Role.name.in_(user.roles)))
    return tuple(dict.fromkeys((*permissions_of(tuple(user.roles)), *(p for held in own for p in held))))


def audience_of(session: Session, webhook: Webhook) -> Viewer | None:
    """None when the owner may no longer sign in."""
    owner = session.get(User, webhook.owner_id)
    if owner is None or not owner.active:
        return None
    permissions, companies = held_by(session, owner), _set(owner.companies)
    if webhook.limited_to is not None:
        permissions = cut(permissions, tuple(webhook.limited_to), contracts.permissions())
    if webhook.limited_companies is not None:
        limit = {UUID(one) for one in webhook.limited_companies}
        companies = limit if companies is None else companies & limit
    return viewer(permissions, companies)


def aim(session: Session, webhook: Webhook) -> None:
    """Note whose rights address and events were chosen with. Nobody sees through a webhook what is closed to them."""
    context, owner = current(session), session.get(User, webhook.owner_id)
    same_rights = owner is not None and set(context.permissions) == set(held_by(session, owner))
    same_companies = owner is not None and _set(context.companies) == _set(owner.companies)
    webhook.limit(None if same_rights else context.permissions, None if same_companies else context.companies)


def sees(who: Viewer, event: Stored) -> bool:
    return may_see(who, event.type, event.company_id)


def types_for(who: Viewer, webhook: Webhook) -> frozenset[str]:
    """What the webhook asks for, as far as it may be seen."""
    return types_of(webhook.event_types) & visible_types(who)


def _set(companies: tuple[UUID, ...] | list[UUID] | None) -> set[UUID] | None:
    return None if companies is None else set(companies)
