"""An HTTP/1.1 client that costs next to nothing: it shares the machine's cores with what it measures.

One blocking socket per connection, kept alive; no parsing beyond what the benchmark looks at.
"""

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT = struct.pack("ll", 30, 0)


class Broken(Exception):
    """The server closed the connection or did not answer in time."""


@dataclass(slots=True)
class Answer:
    """A response; `head` is lower-cased."""

    status: int
    head: bytes
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """The value of a header, or nothing."""
        _, _, rest = self.head.partition(f"\r\n{name}: ".encode())
        return rest.partition(b"\r\n")[0].decode()


class Connection:
    """One client's connection. `requests` counts what it sent."""

    def __init__(self, base_url: str, token: str) -> None:
        parts = urlsplit(base_url)
        self._address = (parts.hostname, parts.port)
        self._fixed = f" HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._socket: socket.socket | None = None
        self.requests = 0

    def get(self, path: str, headers: str = "") -> Answer:
        return self._send(f"GET {path}{self._fixed}{headers}\r\n".encode())

    def post(self, path: str, body: Any, key: str) -> Answer:
        """POST JSON under an idempotency key."""
        raw = json.dumps(body).encode()
        head = (
            f"POST {path}{self._fixed}Idempotency-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        return self._send(head.encode() + raw)

    def _send(self, request: bytes) -> Answer:
        self.requests += 1
        try:
            open_socket = self._socket or self._connect()
            open_socket.sendall(request)
            return self._receive(open_socket)
        except (OSError, Broken) as error:
            self._socket = None
            raise Broken(str(error)) from error

    def _connect(self) -> socket.socket:
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self._socket.settimeout(None)
        return self._socket

    def _receive(self, open_socket: socket.socket) -> Answer:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more(open_socket)
        head = data[: end + 2].lower()
        answer = Answer(int(head[9:12]), head, b"")
        length = 0 if answer.status in (204, 304) else int(answer.header("content-length"))
        while len(data) < end + 4 + length:
            data += self._more(open_socket)
        answer.body = data[end + 4 :]
        return answer

    @staticmethod
    def _more(open_socket: socket.socket) -> bytes:
        part = open_socket.recv(65536)
        if not part:
            raise Broken("closed by the server")
        return part
