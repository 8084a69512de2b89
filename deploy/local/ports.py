"""Free loopback ports that stay the same from one start to the next.

They lie below the range from which the kernel takes the ports of outgoing connections (32768 on Linux): a server
that is restarted must find its port free again, whatever its clients did meanwhile.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

from deploy.local.console import Stop
from deploy.local.files import read_json, write_json

FIRST, LAST = 20_000, 31_999
FIRST_HTTP_PORT = 8080


def is_free(port: int) -> bool:
    """Can a server listen there? SO_REUSEADDR as servers do, so that closed connections do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_open(port: int, timeout: float = 1.0) -> bool:
    """Does anything accept connections there?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout):
            return True
    except OSError:
        return False


def first_free(wanted: int) -> int:
    """`wanted`, or the next port above it on which nothing listens."""
    return next(port for port in range(wanted, 65_536) if is_free(port))


def http_port(asked: str | None) -> int:
    """The port that somebody asked for, else 8080 or the next free one. Raises Stop where they cannot have it."""
    if not asked:
        return first_free(FIRST_HTTP_PORT)
    if not (asked.isascii() and asked.isdecimal() and 1 <= int(asked) <= 65_535):
        raise Stop(f"LIAISON_HTTP_PORT={asked}: a port is a number from 1 to 65535.")
    if is_open(int(asked)) or not is_free(int(asked)):
        raise Stop(f"LIAISON_HTTP_PORT={asked}: the port is taken. Stop what listens there, or choose another one.")
    return int(asked)


class Ports:
    """Ports by name, chosen once per folder: two checkouts begin their search at different places."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str, in_use_by_us: bool = False) -> int:
        """The port of `name`; another one when a stranger has taken it since."""
        chosen: dict[str, int] = read_json(self._path, {})
        known = chosen.get(name)
        if known and (in_use_by_us or is_free(known)):
            return known
        taken = set(chosen.values())
        chosen[name] = next(port for port in self._candidates() if port not in taken and is_free(port))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, chosen)
        return chosen[name]

    def _candidates(self) -> Iterator[int]:
        digest = hashlib.sha256(str(self._path.absolute()).encode()).digest()
        begin = FIRST + int.from_bytes(digest[:4], "big") % (LAST - FIRST)
        yield from range(begin, LAST + 1)
        yield from range(FIRST, begin)
