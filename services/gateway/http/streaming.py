"""Answers that are longer than memory: sent piece by piece, at the pace of the client, and visibly broken off."""

import logging
from collections.abc import AsyncIterator, Callable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.incoming import Incoming

log = logging.getLogger(__name__)


class BrokenOff(Exception):
    """There is no more, although there should be: the client sees a chunked body without its end."""


class Stream(Response):
    """An answer of unknown length. `release` is called when it ends, however it ends.

    A piece is asked for when the one before has been taken, so at most two are in memory. When a piece cannot be had,
    the last chunk is never sent and the connection closes: a client can tell a part from the whole.
    """

    def __init__(
        self,
        request: Incoming,
        pieces: AsyncIterator[bytes],
        headers: dict[str, str],
        media_type: str,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(None, 200, headers, media_type)
        self._request, self._pieces, self._release = request, pieces, release
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            async for piece in self._pieces:
                if await self._request.is_disconnected():
                    raise ClientDisconnect
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except BrokenOff as reason:
            log.warning("answer broken off", extra={"request_id": self._request.id, "error_code": str(reason)})
        finally:
            self._release()


def attachment(name: str) -> dict[str, str]:
    """Headers of a download. The name is made of our own words, so it needs no quoting."""
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}


class Places:
    """At most so many at once for each principal."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: dict[str, int] = {}

    def take(self, who: str) -> Callable[[], None] | None:
        """Take a place; returns what gives it back, or None when all are taken."""
        if self._taken.get(who, 0) >= self.most:
            return None
        self._taken[who] = self._taken.get(who, 0) + 1
        given_back: list[bool] = []

        def give_back() -> None:
            if not given_back:
                given_back.append(True)
                self._taken[who] -= 1
                if not self._taken[who]:
                    del self._taken[who]

        return give_back
