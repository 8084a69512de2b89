"""Long computing that lets others have their turn: eventlet changes threads only where somebody waits."""

import time
from dataclasses import dataclass, field

_AT_ONCE = 0.005
"""Seconds of computing after which others get their turn."""


@dataclass(slots=True)
class CooperativeYield:
    """Called between two pieces of work, keeps them from holding up the process."""

    since: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        if time.monotonic() - self.since > _AT_ONCE:
            time.sleep(0)
            self.since = time.monotonic()
