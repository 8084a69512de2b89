"""Users and refresh tokens in the database. Everything here blocks and runs in worker threads."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from gateway.errors import RefreshRefused, SignInRefused
from gateway.models import RefreshToken, User
from shared import clock, ids
from shared.database import new_session

FAMILY_LIFE = timedelta(days=30)
"""After so long one signs in again, however often the token was refreshed."""

# OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _hasher.hash(secrets.token_urlsafe())


def hashed(password: str) -> str:
    return _hasher.hash(password)


def normal(email: str) -> str:
    """The form in which an address is stored and looked up."""
    return email.strip().lower()


def sign_in(engine: Engine, email: str, password: str) -> tuple[User, str]:
    """The user and a first refresh token. Raises SignInRefused, after the same work, for whatever reason."""
    with new_session(engine) as session:
        user = session.scalar(select(User).where(User.email == normal(email)))
        right = _matches(user.password_hash if user else _NOBODY, password)
        if user is None or not right or not user.active:
            raise SignInRefused
        if _hasher.check_needs_rehash(user.password_hash):
            user.password_hash = hashed(password)
        session.execute(
            delete(RefreshToken).where(RefreshToken.user_id == user.id, RefreshToken.expires_at < clock.now())
        )
        token = secrets.token_urlsafe(32)
        session.add(_token(token, ids.new_id(), user.id, clock.now() + FAMILY_LIFE))
        session.commit()
        return user, token


def refresh(engine: Engine, token: str) -> tuple[User, str]:
    """The user and the next refresh token. A token that comes a second time ends its whole family."""
    with new_session(engine) as session:
        old = session.get(RefreshToken, _digest(token), with_for_update=True)
        user = session.get(User, old.user_id) if old else None
        if old is None or user is None or not user.active or not old.usable:
            if old is not None and old.used_at is not None:
                _end_family(session, old.family)
                session.commit()
            raise RefreshRefused
        old.used_at = clock.now()
        following = secrets.token_urlsafe(32)
        session.add(_token(following, old.family, user.id, old.expires_at))
        session.commit()
        return user, following


def revoke(engine: Engine, token: str) -> None:
    """End the family of a refresh token; an unknown one is no error (RFC 7009, 2.2)."""
    with new_session(engine) as session:
        known = session.get(RefreshToken, _digest(token))
        if known is not None:
            _end_family(session, known.family)
            session.commit()


def find(engine: Engine, user_id: UUID) -> User | None:
    with new_session(engine) as session:
        return session.get(User, user_id)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


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
