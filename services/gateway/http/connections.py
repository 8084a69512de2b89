"""What one connection, and all from one address, may take: so many at once, and none that is not read from."""

import asyncio
import ipaddress
import socket
import struct
from collections import Counter
from functools import lru_cache

from uvicorn.middleware.proxy_headers import _TrustedHosts

LOOK_SECONDS = 30.0
LEAST_BYTES = 30 * 1024
"""What a client has to take in that time while something waits for it: a kilobyte per second."""

_BYTES_ACKED = 120
"""Where `tcpi_bytes_acked` stands in `struct tcp_info` (linux/tcp.h)."""


class PerAddress:
    """Open connections by address. Those of proxies that may speak for others are not counted."""

    def __init__(self, most: int, trusted_proxies: str = "") -> None:
        self.most, self._proxies = most, _TrustedHosts(trusted_proxies)
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more; False when there are too many, and it is not counted."""
        place = _place(address)
        if self._open[place] >= self.most and address not in self._proxies:
            return False
        self._open[place] += 1
        return True

    def leave(self, address: str) -> None:
        place = _place(address)
        self._open[place] -= 1
        if self._open[place] <= 0:
            del self._open[place]


@lru_cache(maxsize=10_000)
def _place(address: str) -> str:
    """IPv6 hosts are given a whole /64 each (RFC 6177), so that is one address."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if known.version == 4 else str(ipaddress.ip_network((known, 64), strict=False))


class Watch:
    """Cuts a connection whose client does not take what waits for it.

    What the kernel of the client has acknowledged is counted: how full our own buffer is would not tell a client that
    reads from one that does not, because it is filled again.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._loop = transport, asyncio.get_running_loop()
        self._taken = self._waited = 0
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def end(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        waiting, taken = self._transport.get_write_buffer_size(), _acknowledged(self._transport)
        if waiting and self._waited and taken - self._taken < LEAST_BYTES:
            self._cut()
            return
        self._waited, self._taken = waiting, taken
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def _cut(self) -> None:
        """At once, with all that the kernel keeps for it: without lingering (socket(7)) that would be sent for minutes."""
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._transport.abort()


def _acknowledged(transport: asyncio.Transport) -> int:
    found = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
    acknowledged: int = struct.unpack_from("=Q", found, _BYTES_ACKED)[0]
    return acknowledged
