"""What may be sent in the absence of an owner: what the owner may see at this moment, and no more than the user or key that
asked for it could see then. Webhooks and subscriptions over AMQP belong to owners in this way."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.events.visibility import Viewer, viewer
from gateway.identity.people import company_set, held_by, key_lives
from gateway.models import User
from shared import contracts
from shared.kernel.context import current
from shared.kernel.permissions import cut


class Receiver(Protocol):
    """What receives events for its owner: `limited_*` and `api_key_id` say whose rights it was made with, where these
    were others than the owner's."""

    limited_to: list[str] | None
    limited_companies: list[str] | None
    api_key_id: UUID | None


def audience_of(session: Session, owner_id: UUID, receiver: Receiver) -> Viewer | None:
    """What an owner may see within limits. None when the owner may no longer sign in, or the key has ended."""
    owner = session.get(User, owner_id)
    if owner is None or not owner.active or has_lost_its_key(session, receiver):
        return None
    return limited(session, owner, receiver)


def has_lost_its_key(session: Session, receiver: Receiver) -> bool:
    return receiver.api_key_id is not None and not key_lives(session, receiver.api_key_id)


def limited(session: Session, owner: User, receiver: Receiver) -> Viewer:
    """What an owner may see within limits, whether they may sign in or not."""
    permissions, companies = held_by(session, owner), company_set(owner.companies)
    if receiver.limited_to is not None:
        permissions = cut(permissions, tuple(receiver.limited_to), contracts.permissions())
    if receiver.limited_companies is not None:
        limit = frozenset(UUID(one) for one in receiver.limited_companies)
        companies = limit if companies is None else companies & limit
    return viewer(permissions, companies)


def limit_to_the_caller(session: Session, owner_id: UUID, receiver: Receiver) -> None:
    """Note permissions and companies of the caller where they are others than the owner's, and the key that is used."""
    context, owner = current(session), session.get(User, owner_id)
    same_rights = owner is not None and set(context.permissions) == set(held_by(session, owner))
    same_companies = owner is not None and company_set(context.companies) == company_set(owner.companies)
    receiver.limited_to = None if same_rights else list(context.permissions)
    receiver.limited_companies = None if same_companies else _texts(context.companies)
    receiver.api_key_id = context.api_key


def _texts(companies: Iterable[UUID] | None) -> list[str] | None:
    return None if companies is None else [str(one) for one in companies]
