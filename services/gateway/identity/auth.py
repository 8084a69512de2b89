"""Sign-in, refresh, sign-out, and who one is. Passwords are checked in worker threads, a few at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.responses import JSONResponse, Response

from gateway.errors import Overloaded, RefreshRefused, SignInRefused, TooManyRequests
from gateway.http import contract, metrics
from gateway.http.incoming import Incoming
from gateway.http.limits import Buckets
from gateway.http.reading import load_body
from gateway.identity import accounts
from gateway.identity.tokens import LIFETIME, Tokens
from gateway.models import User
from shared.kernel.refusals import Invalid, Unauthenticated, Unavailable

T = TypeVar("T")

PER_ADDRESS = 20
"""Failed sign-ins per minute before 429, whatever the account; guard.py counts by account."""

_NO_STORE = {"cache-control": "no-store"}


class Auth:
    """The endpoints of `/v1/auth` and `/v1/me`."""

    def __init__(self, engine: Engine, tokens: Tokens, threads: int, most_waiting: int) -> None:
        self._engine, self._tokens = engine, tokens
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sign-in")
        self._busy, self._most = 0, threads + most_waiting
        self._by_address = Buckets(PER_ADDRESS / 60, PER_ADDRESS)

    async def sign_in(self, request: Incoming) -> Response:
        given = await load_body(request, contract.TokenRequest)
        if set(given) == {"refresh_token"}:
            return self.answer(await self._refresh(request, given["refresh_token"]))
        if set(given) != {"email", "password"}:
            raise Invalid([{"pointer": "", "code": "email_and_password_or_refresh_token"}])
        signed_in = await self._sign_in(request, given["email"], given["password"])
        metrics.sign_ins.labels("accepted").inc()
        return self.answer(signed_in)

    async def revoke(self, request: Incoming) -> Response:
        given = await load_body(request, contract.RevokeRequest)
        await self._run(accounts.revoke, given["refresh_token"], given["api_keys"], request.address)
        return Response(status_code=204, headers=_NO_STORE)

    async def accept_invitation(self, request: Incoming) -> Response:
        given = await load_body(request, contract.InvitationRequest)
        await self.at_the_door(request, accounts.accept_invitation, given["invitation_token"], given["password"])
        return Response(status_code=204, headers=_NO_STORE)

    async def change_password(self, request: Incoming) -> Response:
        given = await load_body(request, contract.OwnPasswordRequest)
        if request.principal is None:
            raise Unauthenticated
        whose = UUID(request.principal.id)
        work = accounts.change_password
        asked = (given["old_password"], given["new_password"], given["api_keys"])
        await self._run(work, whose, *asked, request.address)
        return Response(status_code=204, headers=_NO_STORE)

    async def me(self, request: Incoming) -> Response:
        if request.principal is None:
            raise Unauthenticated
        user = await self._run(accounts.find, UUID(request.principal.id))
        if user is None or not user.active:
            raise Unauthenticated(presented=True)
        now = {"permissions": request.principal.permissions, "company_id": request.principal.company_id}
        view = contract.MeView().dump({**_facts(user), **now, "companies": request.principal.companies})
        return JSONResponse(view, headers={**_NO_STORE, "etag": f'"{user.version}"'})

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- pieces -----------------------------------------------------------------------------------------------------

    async def _sign_in(self, request: Incoming, email: str, password: str) -> accounts.SignedIn:
        try:
            return await self.at_the_door(request, accounts.sign_in, email, password)
        except TooManyRequests:
            metrics.sign_ins.labels("limited").inc()
            raise
        except SignInRefused:
            metrics.sign_ins.labels("refused").inc()
            raise

    async def _refresh(self, request: Incoming, token: str) -> accounts.SignedIn:
        try:
            return await self.at_the_door(request, accounts.refresh, token)
        except RefreshRefused:
            metrics.sign_ins.labels("refresh_refused").inc()
            raise

    async def at_the_door(self, request: Incoming, work: Callable[..., T], *given: Any) -> T:
        """Each try costs a token of the address's bucket; a right one gets it back."""
        self._by_address.take(request.address)
        done = await self._run(work, *given, request.address)
        self._by_address.give_back(request.address)
        return done

    def answer(self, signed_in: accounts.SignedIn) -> Response:
        body = {
            "access_token": self._tokens.issue(signed_in.user, signed_in.session),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "refresh_token": signed_in.refresh_token,
        }
        return JSONResponse(body, headers=_NO_STORE)

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        """In a worker thread with the engine. Raises Overloaded when too many wait, Unavailable without database."""
        if self._busy >= self._most:
            raise Overloaded
        self._busy += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, self._engine, *arguments)
        except DBAPIError as error:
            raise Unavailable from error
        finally:
            self._busy -= 1


def _facts(user: User) -> dict[str, Any]:
    names = ("id", "email", "name", "language", "roles", "company_id")
    return {name: getattr(user, name) for name in names}
