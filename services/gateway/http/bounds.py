"""What one user may take of what all share, over all of their tokens and keys together."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import unquote_to_bytes

from gateway.errors import DeadlineExceeded, TooManyCalls, TooManyWaiters
from gateway.http.limits import Buckets
from gateway.http.streaming import Places


class Bounds:
    """How often, how many requests under way, and how many of them that wait for an event; for each user."""

    def __init__(self, buckets: Buckets, calls: int, waiters: int) -> None:
        self.buckets, self._calls, self._waiters = buckets, Places(calls), Places(waiters)

    @contextmanager
    def under_way(self, who: str, query: bytes) -> Iterator[None]:
        """One request from here to the end of the block. Raises TooManyCalls or TooManyWaiters."""
        give_back = self._calls.take(who)
        if give_back is None:
            raise TooManyCalls(most=self._calls.most, retry_after=1)
        try:
            with self._waiting(who, query):
                yield
        finally:
            give_back()

    @contextmanager
    def _waiting(self, who: str, query: bytes) -> Iterator[None]:
        give_back = self._waiters.take(who) if b"wait_for" in unquote_to_bytes(query) else _nothing
        if give_back is None:
            raise TooManyWaiters(most=self._waiters.most, retry_after=1)
        try:
            yield
        finally:
            give_back()


class Turns:
    """At most so many at once for each key; the next ones wait, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._turns: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def turn(self, key: str, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn that lasts as long as the block. Raises DeadlineExceeded; then nothing was begun."""
        turns, users = self._turns.get(key, (asyncio.Semaphore(self._most), 0))
        self._turns[key] = (turns, users + 1)
        try:
            await _within(turns, seconds)
            try:
                yield
            finally:
                turns.release()
        finally:
            turns, users = self._turns.pop(key)
            if users > 1:
                self._turns[key] = (turns, users - 1)


async def _within(turns: asyncio.Semaphore, seconds: float) -> None:
    if not turns.locked():
        await turns.acquire()
        return
    try:
        async with asyncio.timeout(seconds):
            await turns.acquire()
    except TimeoutError:
        raise DeadlineExceeded from None


def _nothing() -> None:
    pass
