"""`GET /v1/events/stream`: server-sent events, resumed from the store without a gap and live from the hub."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import InvalidLastEventId, Overloaded, TooManyStreams, Unauthenticated
from gateway.events import store
from gateway.events.choosing import chosen_types
from gateway.events.hub import Follower, Hub, all_as_text
from gateway.events.visibility import viewer, visible_types
from gateway.http import metrics
from gateway.http.access import Principal
from gateway.http.incoming import Incoming
from gateway.http.reading import only, parse_query
from shared.kernel import clock
from shared.kernel.refusals import NotFound, Refusal
from shared.storage.database import new_session

HEARTBEAT_SECONDS = 15.0
SLOW_SECONDS = 10.0
"""A client that takes nothing for so long is cut."""
RIGHTS_SECONDS = 1.0
"""How often it is asked whether somebody may still see what they receive; the directory knows it for a few seconds."""
PER_PRINCIPAL = int(os.environ.get("LIAISON_STREAMS_PER_USER", "10"))
ALL = 2000
PAGE = 200
READERS = 4
"""Threads that look into the store for clients that come back."""
RETRY_MILLISECONDS = (3000, 6000)
"""When a client comes back; spread, so that they do not all come at once, and after a restart is over."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Streams:
    """The endpoint, and how many streams everybody has. `identify` says whom a request is from, at any later time too."""

    def __init__(self, engine: Engine, identify: Callable[[Incoming], Awaitable[Principal]]) -> None:
        self.hub = Hub(engine)
        self._engine, self._identify = engine, identify
        self._open: Counter[str] = Counter()
        self._reading = asyncio.Semaphore(READERS)

    async def stream(self, request: Incoming) -> Response:
        if request.principal is None:
            raise Unauthenticated
        query = parse_query(request.scope["query_string"])
        only(query, "last_event_id", "ticket" if request.admission else "types")
        if self._open[request.principal.id] >= PER_PRINCIPAL:
            raise TooManyStreams(most=PER_PRINCIPAL, retry_after=5)
        if self._open.total() >= ALL:
            raise Overloaded
        who = viewer(request.principal.permissions, request.principal.companies)
        asked = chosen_types(str(request.admission.types if request.admission else query.get("types") or "#"))
        seen = request.field(b"last-event-id") or str(query.get("last_event_id") or "")
        follower = Follower(asked & visible_types(who), who.companies, await self._start(seen))
        if request.method == "HEAD":
            return Response(headers=_HEADERS, media_type=Stream.media_type)
        return Stream(self, follower, request.principal, lambda: self._may_go_on(request, asked, follower))

    async def _may_go_on(self, request: Incoming, asked: frozenset[str], follower: Follower) -> bool:
        """Whether the same question would be answered the same way now. What cannot be found out changes nothing."""
        try:
            principal = await self._identify(request)
        except (Unauthenticated, NotFound):
            return False
        except Refusal:
            return True
        who = viewer(principal.permissions, principal.companies)
        return (asked & visible_types(who), who.companies) == (follower.types, follower.companies)

    async def _start(self, seen: str) -> int:
        """The position to go on from: after the event that was seen last, or from now on.

        A stream begins with an id that is a position, so that also who has seen no event yet can come back to it.
        """
        if seen.isascii() and seen.isdigit() and len(seen) < 19:
            return min(int(seen), await self.read(store.newest))
        try:
            last = UUID(seen) if seen else None
        except ValueError:
            raise InvalidLastEventId from None
        return await self.read(store.position_after, last) if last else await self.read(store.newest)

    async def read(self, work: Any, *arguments: Any) -> Any:
        """What a function of a session returns, in a thread; a few at a time."""
        async with self._reading:
            return await asyncio.to_thread(self._in_session, work, *arguments)

    def _in_session(self, work: Any, *arguments: Any) -> Any:
        with new_session(self._engine) as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
            return work(session, *arguments)

    def count(self, principal: Principal, change: int) -> None:
        self._open[principal.id] += change
        if not self._open[principal.id]:
            del self._open[principal.id]
        metrics.open_streams.inc(change)


class Stream(Response):
    """One answer that goes on until somebody ends it."""

    media_type = "text/event-stream"

    def __init__(
        self, streams: Streams, follower: Follower, principal: Principal, may_go_on: Callable[[], Awaitable[bool]]
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._streams, self._follower, self._principal = streams, follower, principal
        self._may_go_on = may_go_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.count(self._principal, 1)
        gone = asyncio.create_task(self._watch(receive), name="stream disconnect")
        rights = asyncio.create_task(self._watch_rights(), name="stream rights")
        expiry = asyncio.get_running_loop().call_later(
            max(0.0, self._principal.expires_at - clock.seconds()), self._follower.end, "expired"
        )
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._tell(send)
            await _within(send({"type": "http.response.body", "body": b"", "more_body": False}))
        except TimeoutError:
            scope["liaison.abort"]()
            await gone
        finally:
            expiry.cancel()
            rights.cancel()
            gone.cancel()
            self._streams.hub.leave(self._follower)
            self._streams.count(self._principal, -1)
            metrics.ended_streams.labels(self._follower.ended or "gone").inc()

    async def _tell(self, send: Send) -> None:
        """Where to resume, what was missed, then what happens. Raises TimeoutError when the client takes nothing."""
        follower, hub = self._follower, self._streams.hub
        await _write(send, f"retry: {random.randint(*RETRY_MILLISECONDS)}\nid: {follower.since}\n\n".encode())
        while not (hub.closing or follower.ended or hub.join(follower)):
            await self._catch_up(send)
        while not (hub.closing or follower.ended):
            try:
                await asyncio.wait_for(follower.wake.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                follower.waiting.append(b": here\n\n")
            if waiting := follower.take():
                await _write(send, waiting)

    async def _catch_up(self, send: Send) -> None:
        """Read the store until nothing newer is there. The newest position is of the same snapshot as the page."""
        follower, full = self._follower, True
        while full and not follower.ended:
            rows, newest = await self._streams.read(_page, follower)
            full = len(rows) == PAGE
            follower.since = rows[-1].position if full else max(newest, follower.since)
            metrics.streamed_events.inc(len(rows))
            if rows:
                await _write(send, all_as_text(rows))

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._follower.end("gone")

    async def _watch_rights(self) -> None:
        """A user who is deactivated receives no more; one with other rights now reconnects and is answered by these."""
        while await self._may_go_on():
            await asyncio.sleep(RIGHTS_SECONDS)
        self._follower.end("rights")


def _page(session: Any, follower: Follower) -> tuple[list[store.Stored], int]:
    found = store.page(session, follower.since, follower.types, follower.companies, PAGE)
    return found, store.newest(session)


async def _write(send: Send, chunk: bytes) -> None:
    await _within(send({"type": "http.response.body", "body": chunk, "more_body": True}))


async def _within(sending: Any) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await sending
