"""How long to wait before a process that died is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Backoff:
    """Doubles from `first` to `longest`; a life of `healthy` seconds is taken as recovery and starts over."""

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 60.0
    failures: int = 0

    def after_death(self, lived: float) -> float:
        """Seconds to wait now, given how long the process had lived."""
        if lived >= self.healthy:
            self.failures = 0
        delay = self.first * 2.0 ** min(self.failures, 16)
        self.failures += 1
        return min(delay, self.longest)
