"""What somebody may be told in their absence: what an owner may see at this moment, and no more than whoever asked for it
could see then. Webhooks and subscriptions over AMQP belong to owners in this way."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.events.visibility import Viewer, viewer
from gateway.models import Role, User
from gateway.roles import permissions_of
from shared import contracts
from shared.context import current
from shared.permissions import cut


def held_by(session: Session, user: User) -> tuple[str, ...]:
    """The permissions of a user's roles, built-in and own, as they are now."""
    own = session.scalars(select(Role.permissions).where(Role.name.in_(user.roles)))
    return tuple(dict.fromkeys((*permissions_of(tuple(user.roles)), *(p for held in own for p in held))))


def audience_of(
    session: Session, owner_id: UUID, limited_to: list[str] | None, limited_companies: list[str] | None
) -> Viewer | None:
    """What an owner may see within limits. None when the owner may no longer sign in."""
    owner = session.get(User, owner_id)
    if owner is None or not owner.active:
        return None
    permissions, companies = held_by(session, owner), _set(owner.companies)
    if limited_to is not None:
        permissions = cut(permissions, tuple(limited_to), contracts.permissions())
    if limited_companies is not None:
        limit = {UUID(one) for one in limited_companies}
        companies = limit if companies is None else companies & limit
    return viewer(permissions, companies)


def limits_of_the_caller(session: Session, owner_id: UUID) -> tuple[list[str] | None, list[str] | None]:
    """Permissions and companies of the caller where they are others than the owner's; None where they are the same."""
    context, owner = current(session), session.get(User, owner_id)
    same_rights = owner is not None and set(context.permissions) == set(held_by(session, owner))
    same_companies = owner is not None and _set(context.companies) == _set(owner.companies)
    companies = None if context.companies is None else [str(one) for one in context.companies]
    return None if same_rights else list(context.permissions), None if same_companies else companies


def _set(companies: Iterable[UUID] | None) -> set[UUID] | None:
    return None if companies is None else set(companies)
