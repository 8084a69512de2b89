"""One POST to a checked address, within a time limit that nothing the other side does can stretch."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gateway.webhooks.addresses import AddressRefused, Guard, Route

ANSWER_BYTES = 64 * 1024
KEPT_CHARACTERS = 1024
_ADDRESSES_TRIED = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. `error` is None when it arrived; `text` is the beginning of what was answered."""

    status: int | None
    milliseconds: int
    error: str | None = None
    retry_after: float | None = None
    text: str = ""


class Poster:
    """Sends. `tls` is for tests with a certificate of their own; the usual one verifies name and chain."""

    def __init__(self, guard: Guard, limit: float, tls: ssl.SSLContext | None = None) -> None:
        self._guard, self._limit = guard, limit
        self._tls = tls or ssl.create_default_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Resolve, check, connect to what was checked, send, read. Never raises for what the other side does."""
        begun = time.monotonic()
        try:
            route = self._guard.check(url)
        except AddressRefused as refused:
            return Answer(None, _since(begun), refused.code)
        connection = _Connection(route, begun + self._limit, self._tls)
        try:
            with connection.watched():
                return self._exchange(connection, headers, body, begun)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(None, _since(begun), "timeout" if connection.late else _name(error))
        finally:
            connection.close()

    def _exchange(self, connection: "_Connection", headers: Mapping[str, str], body: bytes, begun: float) -> Answer:
        connection.request("POST", connection.path, body, dict(headers))
        response = connection.getresponse()
        content = response.read(ANSWER_BYTES)
        if connection.late:
            return Answer(response.status, _since(begun), "timeout", text=_text(content))
        wait = _seconds(response.getheader("Retry-After")) if response.status in (429, 503) else None
        return Answer(response.status, _since(begun), _verdict(response.status), wait, _text(content))


class _Connection(http.client.HTTPConnection):
    """HTTP/1.1 to an address that was checked; `Host` and the TLS name remain those of the URL. No redirects."""

    def __init__(self, route: Route, until: float, tls: ssl.SSLContext) -> None:
        super().__init__(route.target.host, route.target.port)
        self.default_port = 443 if route.target.scheme == "https" else 80
        self.path, self.late = route.target.path, False
        self._route, self._until, self._tls_context = route, until, tls
        self._watched: socket.socket | None = None

    def connect(self) -> None:
        raw = self._reach()
        self._watched = raw.dup()
        raw.settimeout(self._left())
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = self._route.target.scheme == "https"
        self.sock = self._tls_context.wrap_socket(raw, server_hostname=self._route.target.host) if secure else raw

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Time limits of sockets are per read; a receiver that sends a byte a second is cut off by this clock."""
        clock = threading.Timer(self._left(), self._cut)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()
            if self._watched:
                self._watched.close()

    def _reach(self) -> socket.socket:
        failed: OSError = OSError()
        for address in self._route.addresses[:_ADDRESSES_TRIED]:
            try:
                return socket.create_connection((address, self._route.target.port), self._left())
            except OSError as error:
                failed = error
        raise failed

    def _cut(self) -> None:
        self.late = True
        if self._watched:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)

    def _left(self) -> float:
        return max(0.01, self._until - time.monotonic())


def _verdict(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return "redirect_refused" if 300 <= status < 400 else "status_refused"


def _name(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case ssl.SSLError():
            return "tls_failed"
        case ConnectionError() | http.client.RemoteDisconnected():
            return "connection_failed"
        case http.client.HTTPException() | ValueError():
            return "answer_invalid"
    return "connection_failed"


def _seconds(retry_after: str | None) -> float | None:
    """Seconds only: a date would trust the other side's clock."""
    text = (retry_after or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _text(content: bytes) -> str:
    return content[: 4 * KEPT_CHARACTERS].decode("utf-8", "replace").replace("\x00", "\ufffd")[:KEPT_CHARACTERS]


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
