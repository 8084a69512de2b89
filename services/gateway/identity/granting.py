"""What roles grant, and that nobody gives more than they have."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.identity.errors import MoreThanOwn
from gateway.models import Role
from gateway.roles import ROLES
from shared import contracts
from shared.context import current
from shared.permissions import beyond, is_known
from shared.refusals import Invalid


def granted_by(session: Session, roles: Iterable[str]) -> tuple[str, ...]:
    """The permission patterns of roles, built-in and own. Raises Invalid for one that does not exist."""
    roles = list(roles)
    own = {r.name: r.permissions for r in session.scalars(select(Role).where(Role.name.in_(roles)))}
    unknown = [n for n, role in enumerate(roles) if role not in ROLES and role not in own]
    if unknown:
        raise Invalid([{"pointer": f"/roles/{n}", "code": "not_found"} for n in unknown])
    return tuple(dict.fromkeys(p for role in roles for p in (ROLES.get(role) or own[role])))


def check_permissions(patterns: list[str], member: str) -> None:
    """Raises Invalid for patterns that grant nothing that there is."""
    known = contracts.permissions()
    wrong = [n for n, pattern in enumerate(patterns) if not is_known(pattern, known)]
    if wrong:
        raise Invalid([{"pointer": f"/{member}/{n}", "code": "not_found"} for n in wrong])


def check_not_more(session: Session, patterns: tuple[str, ...]) -> None:
    """Raises MoreThanOwn when the caller would give what they do not hold, or not as far."""
    missing = beyond(patterns, current(session).permissions, contracts.permissions())
    if missing:
        raise MoreThanOwn(permissions=missing[:20])
