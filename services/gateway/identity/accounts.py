"""Sign-in, passwords and refresh tokens in the database. Everything here blocks and runs in worker threads."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from gateway.errors import InvitationRefused, RefreshRefused, SignInRefused
from gateway.identity import guard, passwords
from gateway.models import ApiKey, Credential, RefreshToken, SignIn, User
from shared.kernel import clock, ids
from shared.kernel.refusals import Invalid, Unauthenticated
from shared.storage.database import new_session

FAMILY_LIFE = timedelta(days=30)
"""After so long one signs in again, however often the token was refreshed."""

_NOBODY = passwords.hashed(secrets.token_urlsafe())


class SignedIn(NamedTuple):
    """Somebody whose identity is proved: the next refresh token, and the session that it belongs to."""

    user: User
    refresh_token: str
    session: UUID


def normal(email: str) -> str:
    """The form in which an address is stored and looked up."""
    return email.strip().lower()


def sign_in(engine: Engine, email: str, password: str, address: str = "") -> SignedIn:
    """The user with a first refresh token.

    Raises SignInRefused, after the same work, for whatever reason; TooManyRequests after too many failures.
    """
    account = normal(email)
    with new_session(engine) as session:
        waits = guard.count(session, "sign-in", account, address)
        session.commit()
        found = select(User, Credential).join(Credential, Credential.user_id == User.id).where(User.email == account)
        user, credential = session.execute(found).one_or_none() or (None, None)
        stored = (credential.password_hash if credential else None) or _NOBODY
        right = passwords.matches(stored, password) and stored is not _NOBODY
        if user is None or credential is None or not right or not user.active:
            note(session, "locked" if waits else "refused", address, email=account, user=user)
            session.commit()
            raise SignInRefused
        if passwords.outdated(stored):
            credential.password_hash = passwords.hashed(password)
        guard.forget(session, "sign-in", account, address)
        begun = begin_session(session, user, address)
        session.commit()
        return begun


def begin_session(session: Session, user: User, address: str, detail: str | None = None) -> SignedIn:
    """A first refresh token for somebody whose identity is proved."""
    session.execute(delete(RefreshToken).where(RefreshToken.user_id == user.id, RefreshToken.expires_at < clock.now()))
    seen = {"last_sign_in_at": clock.now(), "updated_at": User.updated_at}  # no new version: nobody changed anything
    session.execute(update(User).where(User.id == user.id).values(seen).execution_options(synchronize_session=False))
    note(session, "accepted", address, email=user.email, user=user, detail=detail)
    token, family = secrets.token_urlsafe(32), ids.new_id()
    session.add(_token(token, family, user.id, clock.now() + FAMILY_LIFE))
    return SignedIn(user, token, family)


def refresh(engine: Engine, token: str, address: str = "") -> SignedIn:
    """The user with the next refresh token. A token that comes a second time ends its whole family."""
    with new_session(engine) as session:
        old = session.get(RefreshToken, _digest(token), with_for_update=True)
        user = session.get(User, old.user_id) if old else None
        if old is None or user is None or not user.active or not old.usable:
            if old is not None and old.used_at is not None:
                _end_family(session, old.family)
                note(session, "refresh_reused", address, user=user, email=user.email if user else None)
                session.commit()
            raise RefreshRefused
        old.used_at = clock.now()
        following = secrets.token_urlsafe(32)
        session.add(_token(following, old.family, user.id, old.expires_at))
        session.commit()
        return SignedIn(user, following, old.family)


def revoke(engine: Engine, token: str, api_keys: bool = False, address: str = "") -> None:
    """End the family of a refresh token, with its access tokens; an unknown one is no error (RFC 7009, 2.2).

    `api_keys` ends the keys of the user as well. Only a token that still works shows that it is the user who asks.
    """
    with new_session(engine) as session:
        known = session.get(RefreshToken, _digest(token), with_for_update=True)
        if known is None:
            return
        if api_keys and known.usable:
            _end_keys(session, known.user_id)
            user = session.get(User, known.user_id)
            note(session, "keys_ended", address, user=user, email=user.email if user else None)
        _end_family(session, known.family)
        session.commit()


def find(engine: Engine, user_id: UUID) -> User | None:
    with new_session(engine) as session:
        return session.get(User, user_id)


def change_password(engine: Engine, user_id: UUID, old: str, new: str, api_keys: bool, address: str) -> None:
    """All sessions end, this one too, and the user's keys where that is wished.

    Raises Invalid with a pointer, or TooManyRequests.
    """
    with new_session(engine) as session:
        guard.count(session, "password", str(user_id), address)
        session.commit()
        user = session.get(User, user_id)
        credential = session.get(Credential, user_id, with_for_update=True)
        if user is None:
            raise Unauthenticated(presented=True)
        if credential is None or not passwords.matches(credential.password_hash or _NOBODY, old):
            raise Invalid.at("/old_password", "wrong_password")
        _set_password(credential, user, new, "/new_password")
        guard.forget(session, "password", str(user_id), address)
        _end_sessions(session, user)
        note(session, "password_changed", address, email=user.email, user=user)
        if api_keys:
            _end_keys(session, user.id)
            note(session, "keys_ended", address, email=user.email, user=user)
        session.commit()


def accept_invitation(engine: Engine, token: str, password: str, address: str) -> None:
    """Set the first password. Raises InvitationRefused for an unknown, used or expired token, or Invalid."""
    with new_session(engine) as session:
        invited = select(Credential).where(Credential.invitation == _digest(token)).with_for_update()
        credential = session.scalars(invited).one_or_none()
        user = session.get(User, credential.user_id) if credential else None
        expired = credential is None or credential.invited_until is None or credential.invited_until < clock.now()
        if credential is None or user is None or expired or not user.active:
            raise InvitationRefused
        _set_password(credential, user, password, "/password")
        note(session, "invited", address, email=user.email, user=user)
        session.commit()


def note(
    session: Session, outcome: str, address: str, *, email: str | None = None, user: User | None = None,
    detail: str | None = None,
) -> None:  # fmt: skip
    """Write down who came in or did not."""
    row = SignIn(outcome=outcome, address=address, email=email, user_id=user.id if user else None, detail=detail)
    session.add(row)


def _set_password(credential: Credential, user: User, password: str, pointer: str) -> None:
    if weak := passwords.weakness(password, user.email, user.name):
        raise Invalid.at(pointer, weak)
    credential.password_hash, credential.changed_at = passwords.hashed(password), clock.now()
    credential.invitation = credential.invited_until = None


def _end_sessions(session: Session, user: User) -> None:
    now = clock.now()
    ended = {"sessions_ended_at": now, "updated_at": User.updated_at}
    session.execute(update(User).where(User.id == user.id).values(ended).execution_options(synchronize_session=False))
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.user_id == user.id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _end_keys(session: Session, user_id: UUID) -> None:
    now = clock.now()
    ended = {"revoked_at": now, "updated_at": now, "version": ApiKey.version + 1}
    open_ones = update(ApiKey).where(ApiKey.owner_id == user_id, ApiKey.revoked_at.is_(None))
    session.execute(open_ones.values(ended).execution_options(synchronize_session=False))


def _end_family(session: Session, family: UUID) -> None:
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def _token(token: str, family: UUID, user_id: UUID, expires_at: datetime) -> RefreshToken:
    return RefreshToken(digest=_digest(token), family=family, user_id=user_id, expires_at=expires_at)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
