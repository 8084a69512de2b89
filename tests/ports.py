"""Ports for what tests start: each is given once per run, and none to two lanes.

Like those of deploy/local/ports.py they lie below the range of outgoing connections: a port of that range may be
taken by any connection of this machine before the server under test listens on it.
"""

import os
from collections.abc import Iterator

from deploy.local import ports

SETTING = "TEST_PORTS"
ALL = range(ports.FIRST, ports.LAST + 1)
"""Those of all lanes: what is left to this process is set below."""
SINGLE = 1000
"""The last so many ports of the range are for free_port(), the others for servers that keep theirs (ports.Ports)."""


def share(number: int, of: int) -> str:
    """The value of the setting for one of several lanes."""
    width = len(ALL) // of
    return f"{ALL[number * width]}-{ALL[(number + 1) * width - 1]}"


def restrict() -> Iterator[int]:
    """Keep to the range of this lane; returns the single ports, beginning somewhere else in each process."""
    first, last = map(int, os.environ.get(SETTING, share(0, 1)).split("-"))
    ports.FIRST, ports.LAST = first, last - SINGLE
    begin = os.getpid() % SINGLE
    return iter([ports.LAST + 1 + (begin + step) % SINGLE for step in range(SINGLE)])


_SINGLE = restrict()


def free_port() -> int:
    """A port on which nothing listens, given to nobody else in this run."""
    return next(port for port in _SINGLE if ports.is_free(port))
