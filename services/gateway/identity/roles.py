"""Which roles there are."""

from typing import Any

from sqlalchemy.orm import Session

from gateway.roles import ROLES
from shared.contracts import gateway as contract
from shared.entrypoints import query


class Roles:
    """Asked before a user is given one."""

    @query(contract.list_roles)
    def list_roles(self, session: Session) -> dict[str, Any]:
        return {"data": [{"name": name, "permissions": held} for name, held in sorted(ROLES.items())]}
