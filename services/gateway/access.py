"""Whom a request speaks for, and what the edge tells services about them. Deny by default."""

import time
from dataclasses import dataclass, field
from uuid import UUID

from shared.caller import RENEWED_AFTER, Caller, NotAllowed
from shared.context import ANONYMOUS
from shared.contract import PUBLIC, SIGNED_IN, Operation
from shared.ids import DEFAULT_COMPANY_ID
from shared.permissions import allows
from shared.refusals import Unauthenticated
from shared.signing import Signer

__all__ = ["PUBLIC", "SIGNED_IN", "NotAllowed", "Principal", "allows", "check"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a verified access token or key speaks for, until when (Unix time).

    `companies` is None when all are open. The statements for services are kept here, so that they end with it.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    company_id: str
    expires_at: float
    token_id: str
    companies: tuple[str, ...] | None = None
    team: tuple[str, ...] = ()
    statements: dict[str, tuple[str, float]] = field(default_factory=dict, compare=False, repr=False)

    def statement(self, signer: Signer, service: str) -> str:
        """The signed statement for a service; signed again after RENEWED_AFTER seconds."""
        now = time.monotonic()
        statement, renewed_at = self.statements.get(service, ("", 0.0))
        if now >= renewed_at:
            statement = self._caller().signed(signer, service)
            self.statements[service] = (statement, now + RENEWED_AFTER)
        return statement

    def _caller(self) -> Caller:
        companies = None if self.companies is None else tuple(UUID(one) for one in self.companies)
        team = tuple(UUID(one) for one in self.team)
        return Caller(self.id, self.permissions, UUID(self.company_id), companies, team)


def nobody() -> Principal:
    """Who calls a public operation: services are told so by the edge, and by nobody else."""
    return Principal(ANONYMOUS, "", (), (), str(DEFAULT_COMPANY_ID), 0.0, "")


def check(operation: Operation, principal: Principal | None) -> None:
    """Let the call pass, or raise Unauthenticated or NotAllowed. An operation without a permission lets nobody pass."""
    if operation.permission == PUBLIC:
        return
    if principal is None:
        raise Unauthenticated
    if operation.permission != SIGNED_IN and not allows(principal.permissions, operation.permission):
        raise NotAllowed(permission=operation.permission)
