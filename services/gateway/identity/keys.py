"""Flow: a key is made and shown once → a program uses it → it is ended."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.identity import apikeys
from gateway.identity.errors import NotAUser
from gateway.identity.granting import check_permissions
from gateway.models import ApiKey, User
from shared.api.rights import Rights, check_wanted
from shared.contracts import gateway as contract
from shared.flows.entrypoints import command
from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, Unauthenticated


class Keys:
    """Keys of programs; each acts for the user who made it."""

    @command(contract.ApiKey.create)
    def create_api_key(self, session: Session, request: dict[str, Any]) -> ApiKey:
        owner = _caller(session)
        parent = _parent(session, request)
        check_permissions(request["scopes"], "scopes")
        check_wanted(session, Rights(tuple(request["scopes"]), frozenset()))
        if request.get("expires_at") and request["expires_at"] <= clock.now():
            raise Invalid.at("/expires_at", "in_the_past")
        secret, key_id = apikeys.new()
        chosen = {name: request.get(name) for name in ("name", "scopes", "company_id", "expires_at")}
        key = ApiKey(
            id=request.get("id") or new_id(), key_id=key_id, digest=apikeys.digest(secret), owner_id=owner.id, **chosen
        )
        key.parent_id = parent.id if parent else None
        key.secret = secret  # type: ignore[misc]
        session.add(key)
        return key

    @command(contract.ApiKey.revoke)
    def revoke_api_key(self, session: Session, key: ApiKey) -> ApiKey:
        """With all keys that were made with it."""
        _end(session, key)
        return key


def _parent(session: Session, request: dict[str, Any]) -> ApiKey | None:
    """The key that calls, locked so that it is not ended meanwhile; what it makes lasts no longer than it does itself.

    Raises Unauthenticated or Invalid.
    """
    used = current(session).api_key
    if used is None:
        return None
    parent = session.get(ApiKey, used, with_for_update={"read": True})
    if parent is None or parent.revoked_at is not None:
        raise Unauthenticated(presented=True)
    if parent.expires_at is not None:
        wanted = request["expires_at"] = request.get("expires_at") or parent.expires_at
        if wanted > parent.expires_at:
            raise Invalid.at("/expires_at", "later_than_own")
    return parent


def _end(session: Session, key: ApiKey) -> None:
    key.revoked_at = key.revoked_at or clock.now()
    session.flush()
    for made in session.scalars(select(ApiKey).where(ApiKey.parent_id == key.id).with_for_update()).all():
        _end(session, made)


def _caller(session: Session) -> User:
    try:
        user = session.get(User, UUID(current(session).actor))
    except ValueError:
        user = None
    if user is None:
        raise NotAUser
    return user
