"""A transport for httpx that repeats what may be repeated, and gives every change a key, so that it happens once."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx

KEY = "Idempotency-Key"
_CHANGES = ("POST", "PATCH", "DELETE")
_WITHOUT_KEY = ("/v1/auth/", "/v1/me/", "/v1/events/stream-tickets")
"""Operations that keep no key: what may have been carried out is not repeated."""


@dataclass(frozen=True)
class Retries:
    """How often and how long: seconds between attempts double from `first`, unless `Retry-After` says more."""

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0

    def waits(self) -> Iterator[float]:
        for attempt in range(self.attempts - 1):
            yield self.first * 2**attempt * random.uniform(0.8, 1.2)


def prepare(request: httpx.Request) -> None:
    """A change without a key gets one; a repetition is the same request and so has the same key."""
    if request.method in _CHANGES and KEY not in request.headers and _keeps_key(request):
        request.headers[KEY] = str(uuid4())


def wait_after(request: httpx.Request, response: httpx.Response, wait: float, longest: float) -> float | None:
    """Seconds to wait before the next attempt; None where another one has no use or is not safe."""
    asked = _seconds(response.headers.get("Retry-After", ""))
    refused = response.status_code in (429, 503)
    unknown = response.status_code == 504 and _may_repeat(request)
    running = response.status_code == 409 and asked is not None
    if not (refused or unknown or running) or (asked or 0) > longest:
        return None
    return max(wait, asked or 0)


def _seconds(text: str) -> float | None:
    return float(text) if text.isdigit() else None


def _may_repeat(request: httpx.Request) -> bool:
    """Reading changes nothing, and a change with a key has one effect."""
    return request.method == "GET" or (KEY in request.headers and _keeps_key(request))


def _keeps_key(request: httpx.Request) -> bool:
    return not request.url.path.startswith(_WITHOUT_KEY)


class Retrying(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """For generated clients and for httpx: `AuthenticatedClient(…, httpx_args={"transport": Retrying()})`."""

    def __init__(self, retries: Retries | None = None) -> None:
        self._retries = retries or Retries()
        self._inner, self._inner_async = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        prepare(request)
        request.read()
        for wait in self._retries.waits():
            try:
                response = self._inner.handle_request(request)
            except httpx.TransportError:
                if not _may_repeat(request):
                    raise
                time.sleep(wait)
                continue
            seconds = wait_after(request, response, wait, self._retries.longest)
            if seconds is None:
                return response
            response.close()
            time.sleep(seconds)
        return self._inner.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        prepare(request)
        await request.aread()
        for wait in self._retries.waits():
            try:
                response = await self._inner_async.handle_async_request(request)
            except httpx.TransportError:
                if not _may_repeat(request):
                    raise
                await asyncio.sleep(wait)
                continue
            seconds = wait_after(request, response, wait, self._retries.longest)
            if seconds is None:
                return response
            await response.aclose()
            await asyncio.sleep(seconds)
        return await self._inner_async.handle_async_request(request)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner_async.aclose()
