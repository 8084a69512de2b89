"""The only place that reads the time, so that tests can move it. Which day it is, `business_days.py` says."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move the clock for the duration of a test."""
    global _offset
    _offset += by
    try:
        yield
    finally:
        _offset -= by
