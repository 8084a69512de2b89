"""The only place that reads the time, so that tests can move it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


def today() -> date:
    """The accounting date of now, in UTC."""
    return now().date()


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move the clock for the duration of a test."""
    global _offset
    _offset += by
    try:
        yield
    finally:
        _offset -= by
