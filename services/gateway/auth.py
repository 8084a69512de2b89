"""Sign-in, refresh, sign-out, and who one is. Passwords are checked in worker threads, a few at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

import marshmallow as ma
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.responses import JSONResponse, Response

from gateway import accounts, contract, metrics
from gateway.errors import BodyRequired, Overloaded, RefreshRefused, SignInRefused, TooManyRequests
from gateway.incoming import Incoming
from gateway.limits import Buckets, read_body
from gateway.models import User
from gateway.reading import check_media_type
from gateway.roles import permissions_of
from gateway.tokens import LIFETIME, Tokens
from shared import strict_json
from shared.fields import Schema, pointers
from shared.refusals import Invalid, Unauthenticated, Unavailable

T = TypeVar("T")

PER_ACCOUNT, PER_ADDRESS = 5, 20
"""Failed sign-ins per minute before 429."""

_NO_STORE = {"cache-control": "no-store"}


class Auth:
    """The endpoints of `/v1/auth` and `/v1/me`."""

    def __init__(self, engine: Engine, tokens: Tokens, threads: int, most_waiting: int) -> None:
        self._engine, self._tokens = engine, tokens
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sign-in")
        self._busy, self._most = 0, threads + most_waiting
        self._by_account = Buckets(PER_ACCOUNT / 60, PER_ACCOUNT)
        self._by_address = Buckets(PER_ADDRESS / 60, PER_ADDRESS)

    async def sign_in(self, request: Incoming) -> Response:
        given = await _load(request, contract.TokenRequest)
        if set(given) == {"refresh_token"}:
            return self._answer(*await self._refresh(request, given["refresh_token"]))
        if set(given) != {"email", "password"}:
            raise Invalid([{"pointer": "", "code": "email_and_password_or_refresh_token"}])
        return self._answer(*await self._sign_in(request, given["email"], given["password"]))

    async def revoke(self, request: Incoming) -> Response:
        given = await _load(request, contract.RevokeRequest)
        await self._run(accounts.revoke, given["refresh_token"])
        return Response(status_code=204, headers=_NO_STORE)

    async def me(self, request: Incoming) -> Response:
        if request.principal is None:
            raise Unauthenticated
        user = await self._run(accounts.find, UUID(request.principal.id))
        if user is None or not user.active:
            raise Unauthenticated(presented=True)
        view = contract.MeView().dump({**_facts(user), "permissions": permissions_of(tuple(user.roles))})
        return JSONResponse(view, headers={**_NO_STORE, "etag": f'"{user.version}"'})

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- pieces -----------------------------------------------------------------------------------------------------

    async def _sign_in(self, request: Incoming, email: str, password: str) -> tuple[User, str]:
        """Each try costs a token of the account's and the address's bucket; a right password gets them back."""
        account, address = accounts.normal(email), request.client.host if request.client else ""
        try:
            self._by_address.take(address)
            self._by_account.take(account)
        except TooManyRequests:
            metrics.sign_ins.labels("limited").inc()
            raise
        try:
            signed_in = await self._run(accounts.sign_in, email, password)
        except SignInRefused:
            metrics.sign_ins.labels("refused").inc()
            raise
        metrics.sign_ins.labels("accepted").inc()
        self._by_address.give_back(address)
        self._by_account.give_back(account)
        return signed_in

    async def _refresh(self, request: Incoming, token: str) -> tuple[User, str]:
        address = request.client.host if request.client else ""
        self._by_address.take(address)
        try:
            refreshed = await self._run(accounts.refresh, token)
        except RefreshRefused:
            metrics.sign_ins.labels("refresh_refused").inc()
            raise
        self._by_address.give_back(address)
        return refreshed

    def _answer(self, user: User, refresh_token: str) -> Response:
        body = {
            "access_token": self._tokens.issue(user),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "refresh_token": refresh_token,
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


async def _load(request: Incoming, schema: type[Schema]) -> dict[str, Any]:
    """The validated body. Raises BodyRequired, UnsupportedMediaType, InvalidJson or Invalid."""
    if not request.body_pending:
        raise BodyRequired
    check_media_type(request)
    try:
        loaded: dict[str, Any] = schema().load(strict_json.loads(await read_body(request)))
        return loaded
    except ma.ValidationError as error:
        raise Invalid(pointers(error.normalized_messages())) from None  # type: ignore[no-untyped-call]


def _facts(user: User) -> dict[str, Any]:
    names = ("id", "email", "name", "language", "roles", "company_id")
    return {name: getattr(user, name) for name in names}
