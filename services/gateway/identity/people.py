"""What users and keys may do now, read from the database by the service behind the edge (the edge itself: directory.py)."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from gateway.identity.built_in import permissions_of
from gateway.models import ApiKey, Role, User
from shared.api.rights import Rights
from shared.kernel import clock

LARGEST_TEAM = 500

TEAM = f"""
    ARRAY(
        WITH RECURSIVE below AS (
            SELECT id FROM app_user WHERE manager_id = u.id
            UNION SELECT a.id FROM app_user a JOIN below b ON a.manager_id = b.id
        )
        SELECT u.id UNION SELECT id FROM below UNION SELECT m.id FROM app_user m JOIN team t ON t.id = m.team_id
            WHERE m.team_id = u.team_id LIMIT {LARGEST_TEAM}
    )
"""
"""SQL: the ids of those whose records are within reach of `@team` of the user `u`: those below, and those of the same team
for as long as there is that team."""

_TEAM = text(f"SELECT {TEAM} FROM app_user u WHERE u.id = :id")
_BELOW = text(
    "WITH RECURSIVE below AS (SELECT CAST(:id AS uuid) AS id UNION SELECT a.id FROM app_user a JOIN below b"
    " ON a.manager_id = b.id) SELECT id FROM below"
)


def held_by(session: Session, user: User) -> tuple[str, ...]:
    """The permissions of a user's roles, built-in and own, as they are now."""
    own = session.scalars(select(Role.permissions).where(Role.name.in_(user.roles)))
    return tuple(dict.fromkeys((*permissions_of(tuple(user.roles)), *(p for held in own for p in held))))


def rights_of(session: Session, user: User) -> Rights:
    """All that a user may do, whether they may sign in or not."""
    return Rights(held_by(session, user), company_set(user.companies), frozenset((user.id,)), team_of(session, user.id))


def team_of(session: Session, user_id: UUID) -> frozenset[UUID]:
    return frozenset(session.execute(_TEAM, {"id": user_id}).scalar_one())


def below(session: Session, user_id: UUID) -> frozenset[UUID]:
    """A user, and all who report to them over any number of steps."""
    return frozenset(session.execute(_BELOW, {"id": user_id}).scalars())


def company_set(companies: Iterable[UUID] | None) -> frozenset[UUID] | None:
    return None if companies is None else frozenset(companies)


def key_lives(session: Session, key_id: UUID) -> bool:
    """Whether a key could be used at this moment, as far as the key itself is concerned."""
    lasting = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now())
    known = select(ApiKey.id).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None), lasting)
    return session.scalars(known).one_or_none() is not None
