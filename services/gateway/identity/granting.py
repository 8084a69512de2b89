"""That what is granted exists; that nobody gives more than they have, reaches.py says."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.identity.built_in import ROLES
from gateway.models import Role
from shared import contracts
from shared.kernel.permissions import is_known
from shared.kernel.refusals import Invalid


def check_roles(session: Session, roles: Iterable[str]) -> None:
    """Raises Invalid for a role that does not exist, built-in or own."""
    roles = list(roles)
    own = set(session.scalars(select(Role.name).where(Role.name.in_(roles))))
    unknown = [n for n, role in enumerate(roles) if role not in ROLES and role not in own]
    if unknown:
        raise Invalid([{"pointer": f"/roles/{n}", "code": "not_found"} for n in unknown])


def check_permissions(patterns: list[str], member: str) -> None:
    """Raises Invalid for patterns that grant nothing that there is."""
    known = contracts.permissions()
    wrong = [n for n, pattern in enumerate(patterns) if not is_known(pattern, known)]
    if wrong:
        raise Invalid([{"pointer": f"/{member}/{n}", "code": "not_found"} for n in wrong])
