"""Who may do what: deny by default."""

from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import Unauthenticated
from shared.context import Context
from shared.contract import Operation
from shared.refusals import Forbidden

PUBLIC = "public"
"""The permission of an operation that needs no sign-in."""

SIGNED_IN = "signed_in"
"""The permission of an operation that every signed-in user holds."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a verified access token speaks for, until when (Unix time)."""

    id: str
    name: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    company_id: str
    expires_at: float
    token_id: str


def check(operation: Operation, principal: Principal | None) -> None:
    """Let the call pass, or raise Unauthenticated or NotAllowed. An operation without a permission lets nobody pass."""
    if operation.permission == PUBLIC:
        return
    if principal is None:
        raise Unauthenticated
    if operation.permission != SIGNED_IN and not allows(principal.permissions, operation.permission):
        raise NotAllowed(permission=operation.permission)


class NotAllowed(Forbidden):
    """Details: the permission that is missing."""

    en = "You need the permission {permission}."
    fr = "Il vous faut la permission {permission}."


@lru_cache(maxsize=10_000)
def allows(held: tuple[str, ...], permission: str) -> bool:
    """Whether patterns such as `sales.*:read` grant a permission; an empty permission is granted to nobody."""
    return bool(permission) and Context(permissions=held).may(permission)
