"""Whom a request speaks for, and what the edge tells services about them. Deny by default."""

import re
import time
from dataclasses import dataclass, field, replace
from uuid import UUID

from shared.api.caller import RENEWED_AFTER, AllCompaniesNeeded, Caller, NotAllowed
from shared.api.rights import Rights, lacking
from shared.kernel.context import ANONYMOUS
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.permissions import allows
from shared.kernel.refusals import NotFound, Unauthenticated
from shared.kernel.signing import Signer
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation

__all__ = ["PUBLIC", "SIGNED_IN", "AllCompaniesNeeded", "NotAllowed", "Principal", "allows", "check"]


_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_VIEWS = 100


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a verified access token or key speaks for, until when (Unix time).

    `companies` is None when all are open; `api_key` is the id of the key that is used, if one is; `session` began with the
    sign-in that the token comes from, and ends with it. The statements for
    services are kept here, and what it looks like when another company is worked in, so that they end with it: both are
    made of the rights, so nobody can hand them on to other ones (`init=False`, also for `dataclasses.replace`).
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
    issued_at: float = 0.0
    api_key: str | None = None
    session: UUID | None = None
    views: dict[str, "Principal"] = field(init=False, default_factory=dict, compare=False, repr=False)
    statements: dict[str, tuple[str, float]] = field(init=False, default_factory=dict, compare=False, repr=False)

    def working_in(self, company_id: str) -> "Principal":
        """The same, in another of its companies. Raises NotFound for one that is closed or none at all."""
        if company_id == self.company_id:
            return self
        if not _UUID.fullmatch(company_id) or (self.companies is not None and company_id not in self.companies):
            raise NotFound(what="company", id=company_id[:100])
        if company_id not in self.views:
            if len(self.views) >= _MOST_VIEWS:
                self.views.clear()
            self.views[company_id] = replace(self, company_id=company_id)
        return self.views[company_id]

    def rights(self) -> Rights:
        """What may be done by them."""
        companies = None if self.companies is None else frozenset(map(UUID, self.companies))
        return Rights(self.permissions, companies, frozenset((UUID(self.id),)), frozenset(map(UUID, self.team)))

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
        key = UUID(self.api_key) if self.api_key else None
        return Caller(self.id, self.permissions, UUID(self.company_id), companies, team, api_key=key)


def nobody() -> Principal:
    """Who calls a public operation: services learn it from the edge, and from nothing else."""
    return Principal(ANONYMOUS, "", (), (), str(DEFAULT_COMPANY_ID), 0.0, "")


def check_no_less(operation: Operation, now: Principal | None, before: Principal) -> None:
    """That an answer in parts is still the one that was begun. Raises NotAllowed when its reader now sees less of it."""
    if now is not before and now is not None and lacking(now.rights(), before.rights(), (operation.permission,)):
        raise NotAllowed(permission=operation.permission)


def check(operation: Operation, principal: Principal | None) -> None:
    """Let the call pass, or raise Unauthenticated or NotAllowed. An operation without a permission lets nobody pass."""
    if operation.permission == PUBLIC:
        return
    if principal is None:
        raise Unauthenticated
    own_account = operation.permission == SIGNED_IN and operation.method != "GET" and not operation.everywhere
    if own_account and principal.api_key:
        raise NotAllowed(permission=SIGNED_IN)  # what a person does; jobs ask what the key may
    if operation.permission != SIGNED_IN and not allows(principal.permissions, operation.permission):
        raise NotAllowed(permission=operation.permission)
    if operation.all_companies and principal.companies is not None:
        raise AllCompaniesNeeded
