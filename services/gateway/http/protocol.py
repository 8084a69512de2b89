"""uvicorn's llhttp protocol, made strict: sizes, slow clients, and everything that two parsers could read differently.

llhttp already refuses two Content-Lengths, Content-Length with Transfer-Encoding, unknown codings, bare LF, folded
headers and bad chunks (h11 accepts half of these). What it lets pass is refused here. A refused connection is always
closed: after a doubtful message nobody knows where the next one begins.
"""

import asyncio
import json
from typing import Any, Literal, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.http.connections import PerAddress, Watch
from shared.wire.problems import type_of

HEAD_BYTES = 32 * 1024
HEADER_BYTES = 8 * 1024
HEADERS = 100
URL_BYTES = 8 * 1024
HEAD_SECONDS = 10.0

_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class StrictProtocol(HttpToolsProtocol):
    """One connection. An exception in a parser callback ends in `send_400_response`."""

    at: Literal["start", "head", "body"] = "start"
    """Where the parser is: before a request, in its line and headers, or in its body."""

    head_timer: asyncio.TimerHandle | None = None
    head_bytes = 0
    status = 400
    per_address = PerAddress(most=1000)
    """Of all connections of this process; the settings put another one here."""

    watch: Watch | None = None
    deaf = False
    """No more is read from this connection; it closes soon."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        if not self.per_address.enter(self.peer):
            self.status = 429
            self.send_400_response("")
            return
        self.watch = Watch(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        if self.watch is not None:
            self.watch.end()
            self.per_address.leave(self.peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.deaf or self.transport.is_closing():
            return
        super().data_received(data)
        if self.deaf or self.transport.is_closing() or self.at == "body":
            return
        if self.at == "head" or self._is_idle():
            self._count_head(len(data))

    # -- parser callbacks -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.at, self.head_bytes = "head", 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self._too_long(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.at == "body":
            raise ValueError("a trailer: it would look like a header that came too late")
        if len(name) + len(value) > HEADER_BYTES or len(self.headers) >= HEADERS:
            self._too_long(431)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.at = "body"
        self._stop_head_timer()
        self._check_head()
        super().on_headers_complete()
        self.scope["liaison.abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        if self.parser.should_upgrade():  # an offer such as h2c, which we do not take: answer, then close
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.at = "start"

    def send_400_response(self, msg: str) -> None:
        """Refuse what could not be parsed, without ever giving one request two answers."""
        self._stop_head_timer()
        self.deaf = True
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False  # a good request is being answered; the garbage behind it is not
            return
        if cycle is None or (cycle.response_complete and not cycle.more_body) or not cycle.response_started:
            self.transport.write(_refusal(self.status))
        self.transport.close()
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()

    # -- pieces -----------------------------------------------------------------------------------------------------

    def _check_head(self) -> None:
        names = [name for name, _ in self.headers]
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1") or names.count(b"host") > 1 or (version == "1.1" and b"host" not in names):
            raise ValueError("not HTTP/1.1 with one Host")
        coded = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if coded and (version == "1.0" or coded != [b"chunked"]):
            raise ValueError("another transfer coding than chunked")
        if self.parser.should_upgrade() and not _BODY_HEADERS.isdisjoint(names):
            raise ValueError("an upgrade with a body")
        if not self.url.startswith(b"/"):
            raise ValueError("a URL that is not a path")

    def _count_head(self, size: int) -> None:
        """More of a head that is not complete yet, or empty lines before one."""
        self.head_bytes += size
        if self.head_bytes > HEAD_BYTES:
            self.status = 431
            self.send_400_response("")
        elif self.head_timer is None:
            self._await_head()

    def _too_long(self, status: int) -> None:
        self.status = status
        raise ValueError("longer than any honest client needs")

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_head_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None


class Unreadable(NamedTuple):
    """What is refused before anything is known of the request; `en` and `fr` are for the catalogue of errors."""

    code: str
    title: str
    en: str
    fr: str


UNREADABLE = {
    400: Unreadable(
        "malformed_request", "Bad request", "This is no HTTP/1.1 request.", "Ceci n'est pas une requête HTTP/1.1."
    ),
    414: Unreadable("url_too_long", "URL too long", "The URL is too long.", "L'URL est trop longue."),
    429: Unreadable(
        "too_many_connections",
        "Too many connections",
        "There are too many connections from this address.",
        "Il y a trop de connexions depuis cette adresse.",
    ),
    431: Unreadable(
        "headers_too_large", "Headers too large", "The headers are too large.", "Les en-têtes sont trop volumineux."
    ),
}
"""By status."""


def _refusal(status: int) -> bytes:
    """A complete answer: no request was understood, so no language and no request id are known."""
    unreadable = UNREADABLE[status]
    problem = {"type": type_of(unreadable.code), "title": unreadable.title, "status": status, "code": unreadable.code}
    body = json.dumps(problem).encode()
    head = b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    return STATUS_LINE[status] + head + body
