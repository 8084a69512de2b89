"""Tickets for a browser's EventSource, which can send no headers: a page asks for one with its token and puts it into the URL.

A ticket opens one stream of the events that it was asked for, once, within seconds, on any edge; the stream has the
rights that its user has at each moment, and ends with the token. It is a signed document that holds what the token says.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from gateway.events.choosing import check_known
from gateway.http import contract
from gateway.http.access import SIGNED_IN, NotAllowed, Principal
from gateway.http.incoming import Incoming
from gateway.http.reading import load_body
from gateway.identity.tokens import LONGEST, Tokens, principal_of
from shared.kernel import clock
from shared.kernel.refusals import Unauthenticated, Unavailable
from shared.kernel.signing import Keys, Signer

KIND, AUDIENCE = "stream-ticket+jwt", "liaison-stream"
SECONDS = 30
"""From the answer to the request with it; clocks of several edges may differ by less."""

_USE = text("INSERT INTO used_ticket (id) VALUES (:id) ON CONFLICT DO NOTHING RETURNING 1")
_SWEEP = text("DELETE FROM used_ticket WHERE at < now() - make_interval(secs => :seconds)")


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom a used ticket lets in, to hear which types of events."""

    token: Principal
    types: str


class Tickets:
    """Hands out tickets and takes them."""

    def __init__(self, tokens: Tokens, signer: Signer, keys: Keys, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._tokens, self._signer, self._keys, self._engine, self._threads = tokens, signer, keys, engine, threads

    async def hand_out(self, request: Incoming) -> Response:
        """For people who are signed in: a program with a key sends its header."""
        assert request.principal is not None
        if request.principal.api_key:
            raise NotAllowed(permission=SIGNED_IN)
        given = await load_body(request, contract.StreamTicketRequest) if request.body_pending else {}
        types = given.get("types") or "#"
        check_known(types)
        token = self._tokens.claims_of(request.field(b"authorization") or "")
        now = int(clock.seconds())
        claims = {"sub": token["sub"], "iat": now, "exp": now + SECONDS, "jti": uuid4().hex}
        ticket = self._signer.sign(KIND, AUDIENCE, {**claims, "token": token, "types": types})
        view = contract.StreamTicketView().dump({"ticket": ticket, "expires_in": SECONDS})
        return JSONResponse(view, 201, headers={"cache-control": "no-store"})

    async def admit(self, ticket: str) -> Admission:
        """Use a ticket up. Raises Unauthenticated, always the same, whatever is wrong; Unavailable."""
        claims = self._read(ticket)
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(self._threads, self._use, str(claims["jti"])):
            raise Unauthenticated(presented=True)
        return Admission(principal_of(claims["token"]), str(claims["types"]))

    def _read(self, ticket: str) -> dict[str, Any]:
        try:
            if len(ticket) > 2 * LONGEST:
                raise ValueError
            claims = self._keys.verify(KIND, AUDIENCE, ticket)
            if min(claims["exp"], claims["token"]["exp"]) <= clock.seconds():
                raise ValueError
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Unauthenticated(presented=True) from None
        return claims

    def _use(self, ticket_id: str) -> bool:
        try:
            with self._engine.begin() as connection:
                connection.execute(_SWEEP, {"seconds": 10 * SECONDS})
                return connection.execute(_USE, {"id": ticket_id}).first() is not None
        except SQLAlchemyError as error:
            raise Unavailable from error
