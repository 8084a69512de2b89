"""What users, roles and keys reach: the machinery asks before and after every command on one whether the caller holds all of
it (`shared/api/rights.py`). So nobody gives, changes, rotates or takes more than they have. Webhooks and subscriptions say
the same of themselves (`webhooks/audience.py`, `events/entitlement.py`).
"""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.identity.people import below, company_set, held_by, key_lives, rights_of, team_of
from gateway.models import ApiKey, Role, User
from shared import contracts
from shared.api.rights import Rights, check_wanted, known_now, reached_by
from shared.kernel.context import Context
from shared.kernel.permissions import TEAM, cut, reach

NOTHING = Rights((), frozenset())

_SEEING = text(
    "WITH RECURSIVE above AS (SELECT manager_id AS id FROM app_user WHERE id = :id"
    " UNION SELECT a.manager_id FROM app_user a JOIN above ON a.id = above.id)"
    " SELECT id FROM above WHERE id IS NOT NULL UNION SELECT o.id FROM app_user o JOIN app_user u ON o.team_id = u.team_id"
    " JOIN team t ON t.id = u.team_id WHERE u.id = :id AND o.id <> :id"
)


@reached_by(User)
def of_user(session: Session, user: User) -> Rights:
    return rights_of(session, user)


@reached_by(Role)
def of_role(session: Session, role: Role) -> Rights:
    """What everybody together who has it can do by it."""
    having = session.scalars(select(User).where(User.roles.contains([role.name]))).all()
    everywhere = any(user.companies is None for user in having)
    companies = None if everywhere else frozenset(one for user in having for one in user.companies or ())
    reaching = having if any("@" in pattern for pattern in role.permissions) else []
    team = frozenset(one for user in reaching for one in team_of(session, user.id))
    return Rights(tuple(role.permissions), companies, frozenset(user.id for user in reaching), team)


@reached_by(ApiKey)
def of_key(session: Session, key: ApiKey) -> Rights:
    """Within what its owner may do, whether the owner may sign in or not."""
    owner = rights_of(session, session.get_one(User, key.owner_id))
    permissions = cut(owner.permissions, tuple(key.scopes), contracts.permissions())
    companies = owner.companies if key.company_id is None else frozenset((key.company_id,))
    return Rights(permissions, companies, owner.own, owner.team)


@known_now
def of_caller(session: Session, context: Context) -> Rights | None:
    """What a person, or a key of theirs, may do at this moment; None for programs that are no users."""
    user = session.get(User, context.person) if context.person else None
    if user is None:
        return None
    if not user.active or (context.api_key and not key_lives(session, context.api_key)):
        return NOTHING
    return of_key(session, session.get_one(ApiKey, context.api_key)) if context.api_key else rights_of(session, user)


def check_place(session: Session, user: User) -> None:
    """Raise MoreThanOwn or MoreCompaniesThanOwn where somebody sees this user's records by team, or as a manager, whom the
    caller could not show them."""
    session.flush()
    records = frozenset((user.id,)) | below(session, user.id)
    for other_id in session.execute(_SEEING, {"id": user.id}).scalars():
        other = session.get_one(User, other_id)
        held = held_by(session, other)
        by_team = tuple(f"{p}@{TEAM}" for p in contracts.permissions() if reach(held, p) == TEAM)
        if by_team:
            seen = records & team_of(session, other.id)
            check_wanted(session, Rights(by_team, company_set(other.companies), team=seen))
