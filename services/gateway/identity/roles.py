"""Which roles there are, and what they may do."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.identity.built_in import ROLES
from gateway.identity.errors import BuiltIn, RoleInUse
from gateway.identity.granting import check_permissions
from gateway.models import Role, User
from shared import contracts
from shared.contracts import gateway as contract
from shared.flows.entrypoints import command, query
from shared.kernel.ids import new_id


class Roles:
    """The built-in roles stay as they are; others are made of the permissions that there are."""

    @query(contract.list_roles)
    def list_roles(self, session: Session) -> dict[str, Any]:
        never = dict.fromkeys(("id", "version", "created_at", "updated_at"))
        built_in = [{**never, "name": name, "permissions": p, "built_in": True} for name, p in sorted(ROLES.items())]
        own = [_shown(role) for role in session.scalars(select(Role).order_by(Role.name))]
        return {"data": [*built_in, *own]}

    @query(contract.list_permissions)
    def list_permissions(self, session: Session) -> dict[str, Any]:
        return {"data": contracts.permissions(), "permissions": [_permission(name) for name in contracts.permissions()]}

    @command(contract.Role.create)
    def create_role(self, session: Session, request: dict[str, Any]) -> Role:
        if request["name"] in ROLES:
            raise BuiltIn(name=request["name"])
        check_permissions(request["permissions"], "permissions")
        role = Role(**{"id": new_id(), **request})
        session.add(role)
        return role

    @command(contract.Role.update)
    def update_role(self, session: Session, role: Role, request: dict[str, Any]) -> Role:
        """Those who have it may do the other things within seconds."""
        if "permissions" in request:
            check_permissions(request["permissions"], "permissions")
            role.permissions = request["permissions"]
        return role

    @command(contract.Role.delete)
    def delete_role(self, session: Session, role: Role) -> None:
        having = session.scalar(select(func.count()).where(User.roles.contains([role.name])))
        if having:
            raise RoleInUse(users=having)
        session.delete(role)


def _permission(name: str) -> dict[str, Any]:
    english, french = contracts.labels()[name]
    asking = {o.id for declared in contracts.operations().values() for o in declared.values() if o.permission == name}
    return {"name": name, "en": english, "fr": french, "operations": sorted(asking)}


def _shown(role: Role) -> dict[str, Any]:
    names = ("id", "name", "permissions", "version", "created_at", "updated_at")
    return {**{name: getattr(role, name) for name in names}, "built_in": False}
