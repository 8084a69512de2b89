"""Who calls: a short statement, signed by the edge for one service, verified by that service and then known.

It travels in the header `nameko.caller`. Without a valid one nothing is carried out; there is no trusted network. Its 90
seconds are those of the machine: moving the clock must not end calls under way.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from shared.kernel.context import ANONYMOUS, Context
from shared.kernel.refusals import Forbidden, Unauthenticated
from shared.kernel.signing import CALLER, LEEWAY, Keys, Signer
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation

HEADER = "nameko.caller"
LIFETIME = 90
"""Seconds that a statement of the edge is valid; it makes a new one after RENEWED_AFTER, so a call has a minute."""

RENEWED_AFTER = 30
LONGEST = 64 * 1024
_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Caller:
    """What a statement says. `companies` is None when all are open to the caller; `team` are ids of users; `api_key` is
    the id of the key with which a program acts for the actor, None where the actor signed in."""

    actor: str
    permissions: tuple[str, ...]
    company_id: UUID
    companies: tuple[UUID, ...] | None = None
    team: tuple[UUID, ...] = ()
    expires_at: float = 0.0
    api_key: UUID | None = None

    def signed(self, signer: Signer, service: str, seconds: int = LIFETIME) -> str:
        """The statement for one service, valid for so many seconds."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "sub": self.actor,
            "permissions": list(self.permissions),
            "company_id": str(self.company_id),
            "companies": None if self.companies is None else [str(one) for one in self.companies],
            "team": [str(one) for one in self.team],
            "iat": now,
            "exp": now + seconds,
        }
        if self.api_key is not None:
            claims["api_key"] = str(self.api_key)
        return signer.sign(CALLER, service, claims)


class Callers:
    """The callers of one service, each statement verified once and then known by itself until it expires."""

    def __init__(self, service: str, keys: Keys) -> None:
        self._service, self._keys = service, keys
        self._known: OrderedDict[str, Caller] = OrderedDict()

    def introduce(self, context: Context, statement: Any) -> None:
        """Fill in who calls. Raises Unauthenticated, always the same, whatever is wrong with the statement."""
        caller = self._caller(statement)
        context.actor, context.permissions = caller.actor, caller.permissions
        context.company_id, context.companies, context.team = caller.company_id, caller.companies, caller.team
        context.api_key = caller.api_key

    def _caller(self, statement: Any) -> Caller:
        if not isinstance(statement, str) or len(statement) > LONGEST:
            raise Unauthenticated
        caller = self._known.get(statement)
        if caller is None:
            caller = self._known[statement] = self._verified(statement)
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        if caller.expires_at + LEEWAY <= time.time():
            self._known.pop(statement, None)
            raise Unauthenticated
        return caller

    def _verified(self, statement: str) -> Caller:
        try:
            claims = self._keys.verify(CALLER, self._service, statement, now=time.time())
            return Caller(
                actor=str(claims["sub"])[:100],
                permissions=tuple(_texts(claims["permissions"])),
                company_id=UUID(claims["company_id"]),
                companies=None if claims["companies"] is None else _ids(claims["companies"]),
                team=_ids(claims["team"]),
                expires_at=float(claims["exp"]),
                api_key=UUID(claims["api_key"]) if "api_key" in claims else None,
            )
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, AttributeError):
            raise Unauthenticated from None


def permit(operation: Operation, context: Context) -> None:
    """Let the call pass, or raise. An operation without a permission lets nobody pass."""
    if operation.permission == PUBLIC:
        return
    if context.actor == ANONYMOUS:
        raise Unauthenticated
    if operation.permission != SIGNED_IN and not (operation.permission and context.may(operation.permission)):
        raise NotAllowed(permission=operation.permission)
    if operation.all_companies and context.companies is not None:
        raise AllCompaniesNeeded


class AllCompaniesNeeded(Forbidden):
    """What is asked for cannot be cut by company."""

    code = "all_companies_needed"
    en = "This cannot be cut by company; you need the right to all companies."
    fr = "Cela ne peut pas être restreint à une société ; il vous faut l'accès à toutes les sociétés."


class NotAllowed(Forbidden):
    """Details: the permission that is missing."""

    en = "You need the permission {permission}; ask an administrator for it."
    fr = "Il vous faut la permission {permission} ; demandez-la à un administrateur."


def _ids(value: Any) -> tuple[UUID, ...]:
    return tuple(UUID(one) for one in _texts(value))


def _texts(value: Any) -> Iterable[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return value
