"""What the person in front of the terminal reads: steps with their time, and refusals with a remedy."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator


class Stop(Exception):
    """The command cannot go on. The message is one sentence that names the remedy."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def say(text: str, end: str = "\n") -> None:
    """Print at once; a reader who went away (closed pipe, closed terminal) must not end the supervisor."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.write(text + end)
        sys.stdout.flush()


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, then print how long it took."""
    begun = time.monotonic()
    say(f"  {title:<58}", end=" ")
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - begun:6.1f} s")
