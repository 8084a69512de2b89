"""What each caller wrote last, so that their next request can wait for it in another service, through whichever edge.

Kept for half a minute in a table that all edges share. A write costs its answer nothing: what comes meanwhile is
written together, in a thread. The table is read only when a service refused because something does not exist.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.events.catalogue import consumers
from gateway.rpc import Reply
from shared.ids import tag_of, type_tag
from shared.own_writes import MOST

SECONDS = 30
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


class OwnWrites:
    """Notes what callers wrote, and tells what a service may not know of yet."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine, self._threads = engine, threads
        self._waiting: list[tuple[str, str]] = []
        self._writing: asyncio.Task[None] | None = None
        self._swept_at = 0.0

    def note(self, caller: str, reply: Reply) -> None:
        """Remember the events that a reply names, as far as any other service listens to them."""
        told = reply.headers.get("liaison.event_ids") or ""
        heard = [(caller, one) for one in str(told).split(",") if one and _tag(one) in _heard()]
        if not heard or len(self._waiting) > MOST_WAITING:
            return
        self._waiting += heard
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="own writes")

    async def of(self, caller: str, service: str) -> str:
        """The caller's last events that a service listens to, separated by commas; the latest first."""
        if not (tags := _tags_of(service)):
            return ""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing], timeout=1)
        loop = asyncio.get_running_loop()
        return ",".join(await loop.run_in_executor(self._threads, self._read, caller, tags))

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
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
def _tags_of(service: str) -> list[int]:
    """The tags of the types of event that a service listens to."""
    return [type_tag(kind) for kind, names in consumers().items() if any(n.startswith(f"{service}.") for n in names)]


@cache
def _heard() -> frozenset[int]:
    return frozenset(map(type_tag, consumers()))
