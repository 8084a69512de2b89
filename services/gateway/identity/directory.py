"""What users and keys may do now: read from the database at most every few seconds, and known in between.

So who is deactivated, loses a role or has a key revoked is refused within KNOWN_FOR seconds, at the cost of one small query
per user in that time. While the database is away, what was known last counts, for a token what is written in it: nobody
gains anything that they did not have when they signed in.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.http.access import Principal
from gateway.identity import apikeys
from gateway.identity.built_in import permissions_of
from gateway.identity.people import TEAM
from shared import contracts
from shared.api.rights import Rights
from shared.kernel import clock
from shared.kernel.permissions import cut
from shared.kernel.refusals import Unauthenticated, Unavailable
from shared.storage.present import timed

KNOWN_FOR = 3.0
"""Rights that were taken away are gone within five seconds everywhere: an event stream asks for them once a second."""

MOST_KNOWN = 20_000
FOREVER = 1e11

_RIGHTS = f"""
    u.id, u.name, u.active, u.roles, u.company_id, u.companies, extract(epoch FROM u.sessions_ended_at) AS ended_at,
    ARRAY(SELECT p FROM role r, unnest(r.permissions) AS p WHERE r.name = ANY (u.roles)) AS own_permissions, {TEAM} AS team
"""
_USER = text(
    f"SELECT {_RIGHTS}, EXISTS (SELECT 1 FROM refresh_token t WHERE t.family = :session AND t.revoked_at IS NOT NULL)"
    " AS signed_out FROM app_user u WHERE u.id = :id"
)
_KEYS = (
    f"SELECT {_RIGHTS}, k.id AS key_row_id, k.name AS key_name, k.digest, k.scopes, k.company_id AS key_company_id,"
    " extract(epoch FROM k.expires_at) AS expires_at, k.last_used_at IS NULL OR k.last_used_at < present() - interval '1 min'"
    " AS unnoted FROM api_key k JOIN app_user u ON u.id = k.owner_id WHERE k.revoked_at IS NULL"
)
_KEY = timed(f"{_KEYS} AND k.key_id = :key_id")
_KEY_OF_ROW = timed(f"{_KEYS} AND k.id = :id AND (k.expires_at IS NULL OR k.expires_at > present())")
_USED = timed("UPDATE api_key SET last_used_at = present() WHERE key_id = :key_id")


class Directory:
    """Principals as they are now."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine, self._threads = engine, threads
        self._known: OrderedDict[str, tuple[Principal | None, float]] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Principal | None]] = {}

    async def user(self, token: Principal) -> Principal:
        """The holder of a verified access token. Raises Unauthenticated when shut out or signed out."""
        return await self._current(token.token_id, token, self._user, token)

    async def key(self, secret: str) -> Principal:
        """Whom an API key speaks for. Raises Unauthenticated, always the same, whatever is wrong with it."""
        key_id = apikeys.public_part(secret)
        if key_id is None:
            raise Unauthenticated(presented=True)
        found = await self._current(apikeys.digest(secret).hex(), None, self._key, key_id, secret)
        if found.expires_at <= clock.seconds():
            raise Unauthenticated(presented=True)
        return found

    async def rights(self, user_id: UUID, key: UUID | None) -> Rights | None:
        """What a user, or a key of theirs, may do at this moment; None where that is nothing any more.

        Raises SQLAlchemyError while the database is away.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rights, user_id, key)

    def is_known(self, secret: str) -> bool:
        """Whether a key was right a moment ago."""
        return self._known.get(apikeys.digest(secret).hex(), (None, 0.0))[0] is not None

    async def _current(
        self, name: str, otherwise: Principal | None, read: Callable[..., Any], *given: Any
    ) -> Principal:
        known, until = self._known.get(name, (otherwise, 0.0))
        if time.monotonic() >= until:
            known = await self._read_once(name, known, read, *given)
        if known is None:
            raise Unauthenticated(presented=True)
        return known

    async def _read_once(self, name: str, known: Principal | None, read: Callable[..., Any], *given: Any) -> Any:
        """However many requests wait for the same answer, the database is asked once."""
        if name not in self._asked:
            loop = asyncio.get_running_loop()
            self._asked[name] = asyncio.ensure_future(loop.run_in_executor(self._threads, read, *given))
            self._asked[name].add_done_callback(lambda _: self._asked.pop(name, None))
        try:
            found = await asyncio.shield(self._asked[name])
        except SQLAlchemyError as error:
            if known is None:
                raise Unavailable from error
            found = known
        return self._keep(name, known if found == known else found)

    def _keep(self, name: str, principal: Principal | None) -> Principal | None:
        """An unchanged principal stays the same object: its signed statements go on."""
        self._known[name] = (principal, time.monotonic() + KNOWN_FOR)
        self._known.move_to_end(name)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return principal

    # -- in worker threads --------------------------------------------------------------------------------------------

    def _user(self, token: Principal) -> Principal | None:
        with self._engine.connect() as connection:
            row = connection.execute(_USER, {"id": UUID(token.id), "session": token.session}).one_or_none()
        if (
            row is None
            or not row.active
            or row.signed_out
            or (row.ended_at is not None and token.issued_at < row.ended_at)
        ):
            return None
        return replace(token, name=row.name, roles=tuple(row.roles), **_rights(row))

    def _key(self, key_id: str, secret: str) -> Principal | None:
        with self._engine.begin() as connection:
            row = connection.execute(_KEY, {"key_id": key_id}).one_or_none()
            if row is None or not apikeys.same(bytes(row.digest), secret) or not row.active:
                return None
            if row.unnoted:
                connection.execute(_USED, {"key_id": key_id})
        return _of_key(row, key_id)

    def _rights(self, user_id: UUID, key: UUID | None) -> Rights | None:
        statement, given = (_KEY_OF_ROW, {"id": key}) if key else (_USER, {"id": user_id, "session": None})
        with self._engine.connect() as connection:
            row = connection.execute(statement, given).one_or_none()
        if row is None or not row.active or row.id != user_id:
            return None
        held = _rights_of_key(row) if key else _rights(row)
        own, team = frozenset((row.id,)), frozenset(row.team)
        return None if held is None else Rights(held["permissions"], _ids(held["companies"]), own, team)


def _ids(companies: tuple[str, ...] | None) -> frozenset[UUID] | None:
    return None if companies is None else frozenset(map(UUID, companies))


def _rights(row: Any) -> dict[str, Any]:
    companies = None if row.companies is None else tuple(str(one) for one in row.companies)
    return {
        "permissions": tuple(dict.fromkeys((*permissions_of(tuple(row.roles)), *row.own_permissions))),
        "company_id": str(row.company_id),
        "companies": companies,
        "team": tuple(sorted(str(one) for one in row.team)),
    }


def _rights_of_key(row: Any) -> dict[str, Any] | None:
    """Within the owner's rights as they are now; None where the key's company is closed to the owner."""
    rights = _rights(row)
    rights["permissions"] = cut(rights["permissions"], tuple(row.scopes), contracts.permissions())
    if row.key_company_id is not None:
        only = str(row.key_company_id)
        if rights["companies"] is not None and only not in rights["companies"]:
            return None
        rights["companies"], rights["company_id"] = (only,), only
    return rights


def _of_key(row: Any, key_id: str) -> Principal | None:
    rights = _rights_of_key(row)
    if rights is None:
        return None
    return Principal(
        id=str(row.id),
        name=row.key_name,
        roles=(),
        expires_at=FOREVER if row.expires_at is None else float(row.expires_at),
        token_id=f"key:{key_id}",
        api_key=str(row.key_row_id),
        **rights,
    )
