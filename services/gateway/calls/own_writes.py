"""What each caller wrote last, so that their next request can wait for it in another service, through whichever edge.

The last seconds are in the memory of every edge: each tells the others before it answers. They go along with every call
of another service. Half a minute is kept in a table that all edges share, which is read only when a service refused
because something does not exist. It costs an answer nothing: what comes meanwhile is written together, in a thread.
"""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.calls.edges import Edges
from gateway.calls.rpc import Reply
from gateway.events.catalogue import consumers
from shared.api.own_writes import MOST
from shared.kernel.ids import tag_of, type_tag

SECONDS = 30
LAST_SECONDS = 3.0
"""For so long a caller's events go along with every call; what takes longer to arrive is a consumer that is down."""
MOST_LAST = 200
"""Events of one caller that are kept for that time."""
GATHERED_FOR = 0.05
"""Seconds for which rows wait for others, so that the writes of many requests are one. Until then memory knows them."""
MOST_WAITING = 5_000
"""Rows that wait to be written while the database is slow; what comes beyond them is forgotten."""

_WRITE = text(
    "INSERT INTO own_write (caller, event_id) SELECT * FROM unnest(CAST(:callers AS text[]), CAST(:event_ids AS uuid[]))"
)
_READ = text(
    f"SELECT event_id FROM own_write WHERE caller = :caller AND at > now() - interval '{SECONDS} s'"
    " AND (get_byte(uuid_send(event_id), 6) & 15) * 256 + get_byte(uuid_send(event_id), 7) = ANY (:tags)"
    " ORDER BY at DESC LIMIT :most"
)
_SWEEP = text(f"DELETE FROM own_write WHERE at < now() - interval '{SECONDS} s'")

log = logging.getLogger(__name__)


class LastWrites:
    """The events of the last seconds, in memory, for each caller."""

    def __init__(self) -> None:
        self._by_caller: OrderedDict[str, deque[tuple[float, int, str]]] = OrderedDict()

    def add(self, caller: str, event_ids: list[str]) -> None:
        now = time.monotonic()
        events = self._by_caller.setdefault(caller, deque(maxlen=MOST_LAST))
        events.extend((now, _tag(one), one) for one in event_ids)
        self._by_caller.move_to_end(caller)
        self._forget(now - LAST_SECONDS)

    def of(self, caller: str, tags: frozenset[int]) -> list[str]:
        """Those with one of the tags, the latest first."""
        events = self._by_caller.get(caller)
        if events is None:
            return []
        since = time.monotonic() - LAST_SECONDS
        return [one for at, tag, one in reversed(events) if tag in tags and at > since][:MOST]

    def _forget(self, before: float) -> None:
        """Callers who have written nothing since."""
        while self._by_caller and next(iter(self._by_caller.values()))[-1][0] < before:
            self._by_caller.popitem(last=False)


class OwnWrites:
    """Notes what callers wrote, and tells what a service may not know of yet."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor, edges: Edges) -> None:
        self._engine, self._threads, self._edges = engine, threads, edges
        self._last = LastWrites()
        edges.hear = lambda told: self._last.add(*told)
        self._waiting: list[tuple[str, str]] = []
        self._writing: asyncio.Task[None] | None = None
        self._swept_at = 0.0

    async def note(self, caller: str, reply: Reply) -> None:
        """Remember the events that a reply names, as far as any other service listens to them."""
        told = reply.headers.get("liaison.event_ids") or ""
        heard = [one for one in str(told).split(",") if one and _tag(one) in _heard()]
        if not heard:
            return
        self._last.add(caller, heard)
        self._write_soon([(caller, one) for one in heard])
        await self._edges.tell([caller, heard])

    def last(self, caller: str, service: str) -> str:
        """The caller's events of the last seconds that a service listens to, separated by commas; the latest first."""
        return ",".join(self._last.of(caller, _tags_of(service)))

    async def of(self, caller: str, service: str) -> str:
        """The caller's last events that a service listens to, separated by commas; the latest first."""
        if not (tags := list(_tags_of(service))):
            return ""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing], timeout=1)
        loop = asyncio.get_running_loop()
        return ",".join(await loop.run_in_executor(self._threads, self._read, caller, tags))

    def _write_soon(self, rows: list[tuple[str, str]]) -> None:
        if len(self._waiting) > MOST_WAITING:
            return
        self._waiting += rows
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="own writes")

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(GATHERED_FOR)
            rows, self._waiting = self._waiting, []
            await loop.run_in_executor(self._threads, self._write, rows)

    # -- in worker threads --------------------------------------------------------------------------------------------

    def _write(self, rows: list[tuple[str, str]]) -> None:
        """What cannot be written is forgotten: its caller may be told `not_found` and have to repeat the request."""
        callers, event_ids = zip(*rows, strict=True)
        try:
            with self._engine.begin() as connection:
                connection.execute(_WRITE, {"callers": list(callers), "event_ids": list(event_ids)})
                if time.monotonic() > self._swept_at + SECONDS:
                    self._swept_at = time.monotonic()
                    connection.execute(_SWEEP)
        except SQLAlchemyError as error:
            log.warning("own writes not noted", extra={"error_code": type(error).__name__})

    def _read(self, caller: str, tags: list[int]) -> list[str]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(_READ, {"caller": caller, "tags": tags, "most": MOST})
                return [str(event_id) for event_id in rows.scalars()]
        except SQLAlchemyError:
            return []


def _tag(event_id: str) -> int:
    try:
        return tag_of(UUID(event_id))
    except ValueError:
        return -1


@cache
def _tags_of(service: str) -> frozenset[int]:
    """The tags of the types of event that a service listens to."""
    listened = (kind for kind, names in consumers().items() if any(n.startswith(f"{service}.") for n in names))
    return frozenset(map(type_tag, listened))


@cache
def _heard() -> frozenset[int]:
    return frozenset(map(type_tag, consumers()))
