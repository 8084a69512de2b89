"""When a delivery that failed is tried again, and when a webhook is given up. Times are seconds."""

import random
from collections.abc import Callable
from dataclasses import dataclass

GONE = "gone"
EXHAUSTED = "retries_exhausted"
FAILING_TOO_LONG = "failing_too_long"
OWNER_INACTIVE = "owner_inactive"
KEY_ENDED = "key_ended"
REASONS = (GONE, EXHAUSTED, FAILING_TOO_LONG, OWNER_INACTIVE, KEY_ENDED)

_HOUR, _DAY = 3600.0, 86400.0
DELAYS = (5.0, 300.0, 1800.0, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Disable the webhook, for one of REASONS."""

    reason: str


@dataclass(frozen=True)
class Schedule:
    """`jitter` is the share by which a delay varies, so that many webhooks of one receiver do not come at once."""

    delays: tuple[float, ...] = DELAYS
    jitter: float = 0.2
    patience: float = 5 * _DAY
    longest_wait: float = _DAY
    vary: Callable[[float, float], float] = random.uniform

    def after(self, failures: int, failing_for: float, status: int | None, retry_after: float | None) -> Retry | GiveUp:
        """What follows the `failures`-th failure in a row of one event (from 1), `failing_for` since the first one.

        A receiver that asks for more time gets it, up to `longest_wait`; nobody can ask to be called more often.
        """
        if status == 410:
            return GiveUp(GONE)
        if failures > len(self.delays):
            return GiveUp(EXHAUSTED)
        if failing_for >= self.patience:
            return GiveUp(FAILING_TOO_LONG)
        delay = self.delays[failures - 1] * self.vary(1 - self.jitter, 1 + self.jitter)
        return Retry(max(delay, min(retry_after or 0.0, self.longest_wait)))
