"""Limits on what a client may send, and how often. The parser's own limits are in protocol.py."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect

from gateway.errors import BodyTimeout, TooLarge, TooManyRequests
from gateway.http.incoming import Incoming

BODY_BYTES = 1024 * 1024
BODY_SECONDS = 30.0
DISCARD_BYTES = 4 * BODY_BYTES
DISCARD_SECONDS = 1.0
BUCKETS = 50_000


async def read_body(request: Incoming) -> bytes:
    """The whole body. Raises TooLarge while reading, BodyTimeout when it trickles in, ClientDisconnect."""
    if int(request.field(b"content-length") or 0) > BODY_BYTES:
        raise TooLarge(limit=BODY_BYTES)
    message = await next_piece(request)
    body = bytearray(message["body"])
    if message["more_body"]:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                await _gather(request, body)
        except TimeoutError:
            raise BodyTimeout from None
    if len(body) > BODY_BYTES:
        raise TooLarge(limit=BODY_BYTES)
    return bytes(body)


async def _gather(request: Incoming, body: bytearray) -> None:
    more = True
    while more and len(body) <= BODY_BYTES:
        message = await next_piece(request)
        body += message["body"]
        more = message["more_body"]


async def next_piece(request: Incoming) -> dict[str, Any]:
    """What has come of the body since the last time: {body, more_body}. Raises ClientDisconnect."""
    message: dict[str, Any] = dict(await request.receive())
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    request.body_pending = message.get("more_body", False)
    return {"body": message.get("body", b""), "more_body": request.body_pending}


async def discard_body(request: Incoming) -> bool:
    """Read away what a refused request still sends, so that its connection stays usable.

    False when that would take too much or too long, or when the client waits to be asked (Expect): then the
    connection has to be closed.
    """
    if request.field(b"expect"):
        return False
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            size = 0
            while request.body_pending and size <= DISCARD_BYTES:
                size += len((await next_piece(request))["body"])
    except TimeoutError:
        return False
    return not request.body_pending


class Buckets:
    """Token buckets by key, in this process. A key that was not seen for long begins again with a full bucket.

    `rate` are tokens per second, `burst` is the size of a bucket. With several gateways each has its own buckets.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.policy = f'"default";q={burst};w={max(1, math.ceil(burst / rate))}'

    def take(self, key: str) -> int:
        """Take one token; returns how many are left. Raises TooManyRequests with the seconds until the next one."""
        level = self._level(key)
        if level < 1:
            raise TooManyRequests(retry_after=max(1, math.ceil((1 - level) / self.rate)))
        self._store(key, level - 1)
        return int(level - 1)

    def give_back(self, key: str) -> None:
        """Undo a `take` of what turned out not to count."""
        self._store(key, min(self.burst, self._level(key) + 1))

    def state(self, left: int) -> str:
        """The value of the RateLimit header: what is left, and the seconds until the bucket is full again."""
        return f'"default";r={left};t={math.ceil((self.burst - left) / self.rate)}'

    def _level(self, key: str) -> float:
        now = self._clock()
        level, at = self._levels.get(key, (float(self.burst), now))
        return min(self.burst, level + (now - at) * self.rate)

    def _store(self, key: str, level: float) -> None:
        self._levels[key] = (level, self._clock())
        self._levels.move_to_end(key)
        if len(self._levels) > BUCKETS:
            self._levels.popitem(last=False)
