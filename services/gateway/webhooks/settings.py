"""Settings of deliveries from the environment. Times are seconds."""

import os
from dataclasses import dataclass
from functools import cache

from gateway.webhooks.addresses import Guard, networks
from gateway.webhooks.schedule import DELAYS, Schedule

_env = os.environ


@dataclass(frozen=True)
class Settings:
    """`lease` is for how long a process that sends may be silent before another takes over: longer than `limit` and
    the time for looking up a name together. `turn` is for how long one webhook is served before others get the place.
    """

    guard: Guard
    schedule: Schedule
    limit: float = 15.0
    lease: float = 45.0
    turn: float = 30.0
    poll: float = 0.5
    concurrency: int = 32
    log_days: int = 30

    @property
    def each(self) -> int:
        """Deliveries of one owner at once: a quarter of the places is left to others."""
        return self.concurrency - self.concurrency // 4


@cache
def settings() -> Settings:
    """Read once. Raises ValueError for networks or numbers that are none."""
    delays = _env.get("LIAISON_WEBHOOK_RETRY_SECONDS")
    return Settings(
        guard=Guard(allowed=networks(_env.get("LIAISON_WEBHOOK_ALLOW", ""))),
        schedule=Schedule(delays=tuple(float(part) for part in delays.split(",")) if delays else DELAYS),
        limit=float(_env.get("LIAISON_WEBHOOK_LIMIT_SECONDS", "15")),
        lease=float(_env.get("LIAISON_WEBHOOK_LEASE_SECONDS", "45")),
        concurrency=int(_env.get("LIAISON_WEBHOOK_CONCURRENCY", "32")),
    )
