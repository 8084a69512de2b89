"""The one clock: the only place that reads the time of day. Which day it is, `business_days.py` says.

Development and tests may move it forward, for all processes at once: `LIAISON_CLOCK_FILE` names a file that says by how
many seconds it is ahead of the machine (`operator clock` writes it). Business follows it: timers, tokens, ids,
deadlines, days. What measures the machine itself does not: leases and retries of messages between processes, deadlines of
calls under way, and durations (`time.monotonic`). A test lists those places (tests/architecture/test_clock.py).
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.kernel.settings import clock_file

_MILLISECOND = timedelta(milliseconds=1)


class Moved:
    """How far a file says that the clock is ahead. It is looked at each time, and read when it is another one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._ahead, self._seen = timedelta(), (0, 0)

    def ahead(self) -> timedelta:
        """Never less than before, whatever the file says; no file, not moved."""
        try:
            found = os.stat(self.file)
        except FileNotFoundError:
            return self._ahead
        if (found.st_ino, found.st_mtime_ns) != self._seen:
            self._ahead = max(self._ahead, timedelta(seconds=float(self.file.read_text(encoding="ascii"))))
            self._seen = (found.st_ino, found.st_mtime_ns)
        return self._ahead

    def forward(self, by: timedelta) -> timedelta:
        """Move the clock of every process that reads this file; returns how far it is ahead then.

        Raises ValueError for what is not forward. Replaced in one step: nobody reads half of it.
        """
        if by < timedelta():
            raise ValueError("the clock only moves forward")
        ahead = self.ahead() + by
        new = self.file.with_name(f"{self.file.name}.new")
        new.write_text(f"{ahead.total_seconds()}\n", encoding="ascii")
        new.chmod(0o644)
        new.replace(self.file)
        return ahead


_moved = Moved(Path(name)) if (name := clock_file(os.environ)) else None
_shifted = timedelta()


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC) + ahead()


def seconds() -> float:
    """The present instant in seconds since 1970, as signed tokens have it."""
    return time.time() + ahead().total_seconds()


def milliseconds() -> int:
    """The present instant in milliseconds since 1970, as UUIDv7 has it."""
    return time.time_ns() // 1_000_000 + ahead() // _MILLISECOND


def ahead() -> timedelta:
    """How far the clock is ahead of the machine's; nothing, unless development or a test moved it."""
    return _shifted + _moved.ahead() if _moved else _shifted


def can_move() -> bool:
    """Whether the clock may be moved while the process lives."""
    return _moved is not None


def machine_now() -> datetime:
    """The machine's own time in UTC, for what travels between processes and must not expire when the clock moves."""
    return datetime.now(UTC)


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move the clock of this process for the duration of a test."""
    global _shifted
    _shifted += by
    try:
        yield
    finally:
        _shifted -= by
