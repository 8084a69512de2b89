"""Guessing is slowed down: after a few failures the next try has to wait, twice as long each time.

Counted in the database, so that neither a restart nor another replica forgets, and by the address that was typed, so
that unknown accounts behave like known ones. A try is counted before the password is looked at, and forgotten when it
was right: many tries at once cannot slip through.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from gateway.errors import TooManyRequests
from gateway.models import Attempts
from shared.kernel import clock


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures are free; then `first` seconds, doubled each time up to `longest`."""

    free: int
    first: float = 12.0
    longest: float = 900.0


FROM_ONE_ADDRESS = Limit(free=5)
FROM_ANYWHERE = Limit(free=25, longest=60.0)
"""Mild, because a stranger could otherwise keep somebody out."""

FORGOTTEN_AFTER = timedelta(hours=1)

_COUNT = text(
    """
    INSERT INTO sign_in_attempts AS a (key, failures, last_at) VALUES (:key, 1, :now)
    ON CONFLICT (key) DO UPDATE SET last_at = :now,
        failures = CASE WHEN a.last_at < :forgotten THEN 1 ELSE a.failures + 1 END,
        blocked_until = CASE WHEN a.last_at >= :forgotten AND a.failures + 1 >= :free
            THEN CAST(:now AS timestamptz)
                + make_interval(secs => least(:longest, :first * power(2, least(a.failures + 1 - :free, 30)))) END
    WHERE a.blocked_until IS NULL OR a.blocked_until <= :now
    RETURNING blocked_until
    """
)
_BLOCKED = text("SELECT blocked_until FROM sign_in_attempts WHERE key = :key")


def count(session: Session, what: str, account: str, address: str) -> bool:
    """Count a try as failed, for now; returns whether the next one has to wait. Raises TooManyRequests."""
    now = clock.now()
    waits = [_count(session, key, limit, now) for key, limit in _keys(what, account, address)]
    return any(waits)


def forget(session: Session, what: str, account: str, address: str) -> None:
    """It was right."""
    keys = [key for key, _ in _keys(what, account, address)]
    session.execute(delete(Attempts).where(Attempts.key.in_(keys)))


def _count(session: Session, key: bytes, limit: Limit, now: datetime) -> bool:
    numbers = {"free": limit.free, "first": limit.first, "longest": limit.longest}
    row = session.execute(_COUNT, {"key": key, "now": now, "forgotten": now - FORGOTTEN_AFTER, **numbers}).one_or_none()
    if row is not None:
        return row.blocked_until is not None
    blocked_until = session.execute(_BLOCKED, {"key": key}).scalar() or now
    raise TooManyRequests(retry_after=max(1, math.ceil((blocked_until - now).total_seconds())))


def _keys(what: str, account: str, address: str) -> list[tuple[bytes, Limit]]:
    together = hashlib.sha256(f"{what}\0{account}\0{address}".encode()).digest()
    alone = hashlib.sha256(f"{what}\0{account}".encode()).digest()
    return [(together, FROM_ONE_ADDRESS), (alone, FROM_ANYWHERE)]
