"""Who a request is from: an access token or an API key, and the company that is worked in."""

import time

from gateway.edge.companies import Companies
from gateway.events.tickets import Tickets
from gateway.http import access, contract
from gateway.http.access import Principal
from gateway.http.incoming import Incoming
from gateway.http.limits import Buckets
from gateway.http.reading import parse_query
from gateway.identity.apikeys import PREFIX
from gateway.identity.directory import Directory
from gateway.identity.tokens import LONGEST, Tokens
from shared.kernel.refusals import Unauthenticated

STRANGE_KEYS = 20
"""Keys from one address that turned out wrong, per minute, before the database is asked no more."""

RENEWED_AFTER = 1.0
"""Seconds for which a request keeps the rights that were found for it; the directory knows them for a few more."""


class Identifier:
    """Turns what stands in the headers into a principal."""

    def __init__(self, tokens: Tokens, directory: Directory, tickets: Tickets, companies: Companies) -> None:
        self._tokens, self._directory, self._tickets, self._companies = tokens, directory, tickets, companies
        self._strange = Buckets(STRANGE_KEYS / 60, STRANGE_KEYS)

    async def principal(self, request: Incoming) -> Principal:
        """Raises Unauthenticated, TooManyRequests, or NotFound for a company that is closed or none at all."""
        request.identified_at = time.monotonic()
        if request.operation is contract.stream_events and b"authorization" not in request.fields:
            return await self._directory.user(await self._of_ticket(request))
        header = request.field(b"authorization") or ""
        scheme, _, credential = header.partition(" ")
        if credential.startswith(PREFIX) and scheme.lower() == "bearer" and len(credential) < LONGEST:
            found = await self._of_key(credential, request.address)
        else:
            request.token = request.token or self._tokens.principal(header)
            found = await self._directory.user(request.token)
        company = request.field(b"x-company-id")
        return found if company is None else await self._working_in(found, company.strip().lower())

    async def _working_in(self, principal: Principal, company_id: str) -> Principal:
        if principal.companies is None and company_id != principal.company_id:
            await self._companies.check(company_id, principal.id)
        return principal.working_in(company_id)

    async def renew(self, request: Incoming) -> None:
        """Before each call for a request that takes its time: who sent it has the rights that they have now.

        A token that was good when the request came stays good for it: it ends by its time, not because of its holder.
        Raises what the request would be refused with if it came now.
        """
        if request.principal is None or time.monotonic() < request.identified_at + RENEWED_AFTER:
            return
        principal = await self.principal(request)
        if request.operation is not None:
            access.check(request.operation, principal)
        request.principal = principal

    async def _of_key(self, secret: str, address: str) -> Principal:
        if self._directory.is_known(secret):
            return await self._directory.key(secret)
        self._strange.take(address)
        found = await self._directory.key(secret)
        self._strange.give_back(address)
        return found

    async def _of_ticket(self, request: Incoming) -> Principal:
        """Whom the ticket of a stream speaks for; it is used up when it is looked at for the first time."""
        if request.admission is None:
            ticket = parse_query(request.scope["query_string"]).get("ticket")
            if not isinstance(ticket, str):
                raise Unauthenticated
            request.admission = await self._tickets.admit(ticket)
        token: Principal = request.admission.token
        return token
