"""Functions that tests have carried out in a child process."""

import os
import signal
import time
from collections.abc import Iterator
from typing import IO, Any

from shared.kernel.refusals import Refusal


class TooOdd(Refusal):
    """Details: number."""

    code = "too_odd"
    en = "{number} is odd."
    fr = "{number} est impair."


def doubled(file: IO[bytes] | None, values: Iterator[int], most: int) -> Iterator[int]:
    found = [2 * value for value in values]
    yield from found[:most]


def refused(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    yield 1
    raise TooOdd(number=3)


def broken(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    yield 1 // 0


def endless(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    yield os.getpid()
    while True:
        pass


def silent(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    time.sleep(60)
    yield 1


def greedy(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    yield len(bytearray(2**31))


def killed(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGKILL)


def stubborn(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[int]:
    raise TooOdd(number=5)
    yield 1


def surroundings(file: IO[bytes] | None, values: Iterator[Any]) -> Iterator[Any]:
    """Settings, and what is open beside the standard streams."""
    print("this goes between no frames")
    open_files = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if int(n) > 2 and _is_open(n)]
    yield sorted(os.environ)
    yield open_files
    assert file is not None
    yield file.read().decode()


def _is_open(number: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")
