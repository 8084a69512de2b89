"""One read of the store for all who follow it live: two hundred clients cost little more than one."""

import asyncio
import logging
import re
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Engine

from gateway.events import store
from gateway.events.listening import listen
from gateway.events.store import Stored
from gateway.events.visibility import is_for
from gateway.http import metrics
from shared.storage.database import new_session

log = logging.getLogger(__name__)

AT_ONCE = 500
POLL_SECONDS = 2.0
"""The safety net under LISTEN."""
WAITING_BYTES = 512 * 1024
"""Of one client that reads slowly; beyond it is cut and resumes from where it was."""

_LINES = re.compile("\r\n|\r|\n")


class Follower:
    """One client that receives what happens from now on. `since` is the last position that was sent to it."""

    __slots__ = ("companies", "ended", "since", "types", "waiting", "waiting_bytes", "wake")

    def __init__(self, types: frozenset[str], companies: frozenset[UUID] | None, since: int = 0) -> None:
        self.types, self.companies, self.since = types, companies, since
        self.waiting: list[bytes] = []
        self.waiting_bytes = 0
        self.wake = asyncio.Event()
        self.ended = ""

    def tell(self, chunk: bytes) -> None:
        self.waiting.append(chunk)
        self.waiting_bytes += len(chunk)
        if self.waiting_bytes > WAITING_BYTES:
            self.end("slow")
        self.wake.set()

    def take(self) -> bytes:
        """Everything that waits, as one piece."""
        self.wake.clear()
        taken, self.waiting, self.waiting_bytes = b"".join(self.waiting), [], 0
        return taken

    def end(self, why: str) -> None:
        """No more is sent; what waits is dropped, the client asks for it again."""
        self.ended = self.ended or why
        self.waiting, self.waiting_bytes = [], 0
        self.wake.set()


class Hub:
    """The followers of this process, and the position up to which events were sent to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._followers: set[Follower] = set()
        self._position = 0
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.closing = False

    def start(self) -> None:
        """Begin to listen; the database need not be there yet."""
        listening = listen(self._engine.url, store.CHANNEL, self._news.set)
        self._tasks = [
            asyncio.create_task(listening, name="event store listener"),
            asyncio.create_task(self._follow(), name="event store reader"),
        ]

    async def stop(self) -> None:
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """End all streams at once: their clients come back, to another process or to the next one."""
        self.closing = True
        for follower in list(self._followers):
            follower.end("closing")

    def join(self, follower: Follower) -> bool:
        """Send to this one too. False when it has to read on itself first: others have received more already."""
        if not self._followers:
            self._position = follower.since
        if follower.since < self._position:
            return False
        self._followers.add(follower)
        self._news.set()
        return True

    def leave(self, follower: Follower) -> None:
        self._followers.discard(follower)

    async def _follow(self) -> None:
        while True:
            self._news.clear()
            since, rows = self._position, []
            try:
                if self._followers:
                    rows = await asyncio.to_thread(self._read, since)
                if since != self._position:  # all have left meanwhile, and somebody else began elsewhere
                    continue
                self._tell(rows)
            except Exception as error:
                log.warning("event store not read", extra={"error_code": type(error).__name__})
                await asyncio.sleep(1)
                continue
            if len(rows) < AT_ONCE:
                await _set_within(self._news, POLL_SECONDS)

    def _read(self, since: int) -> list[Stored]:
        with new_session(self._engine) as session:
            return store.after(session, since, AT_ONCE)

    def _tell(self, rows: list[Stored]) -> None:
        """Clients with the same rights and filters receive the same bytes."""
        if not rows or not self._followers:
            return
        chunks = {row.position: as_text(row) for row in rows}
        ready: dict[object, tuple[bytes, int]] = {}
        for follower in list(self._followers):
            key = (follower.types, follower.companies, max(follower.since, self._position))
            if key not in ready:
                chosen = [
                    chunks[row.position] for row in rows if row.position > follower.since and _wanted(row, follower)
                ]
                ready[key] = b"".join(chosen), len(chosen)
            chunk, count = ready[key]
            follower.since = max(follower.since, rows[-1].position)
            if chunk:
                follower.tell(chunk)
                metrics.streamed_events.inc(count)
        self._position = rows[-1].position


def _wanted(row: Stored, follower: Follower) -> bool:
    return row.type in follower.types and is_for(follower.companies, row)


def as_text(row: Stored) -> bytes:
    """An event of a stream (WHATWG HTML, 9.2): the id resumes, the name is the routing key, the data is the envelope."""
    lines = "".join(f"data: {line}\n" for line in _LINES.split(row.envelope))
    return f"id: {row.event_id}\nevent: {row.routing_key}\n{lines}\n".encode()


def all_as_text(rows: Iterable[Stored]) -> bytes:
    return b"".join(map(as_text, rows))


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
        return True
    except TimeoutError:
        return False
