"""Waiting for something to become true."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(probe: Callable[[], T], holds: Callable[[T], bool] = bool, timeout: float = 20) -> T:
    """Probe until it holds; the last value says in the failure what it stayed at."""
    deadline = time.monotonic() + timeout
    while not holds(found := probe()):
        assert time.monotonic() < deadline, f"it stayed at {found!r}"
        time.sleep(0.05)
    return found
