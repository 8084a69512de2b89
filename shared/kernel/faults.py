"""Named points at which tests make a process die, fail or sleep, and the weathers that flow tests run in.

Does nothing unless the environment asks for it: `LIAISON_FAULT=<point>:<nth>:kill|raise|sleep=<seconds>` (several
separated by commas; `nth` 0 means every time) and `LIAISON_WEATHER=duplicate|shuffle|fail_once:<seed>`.
"""

import os
import signal
import time
from collections import Counter

_PLAN = [part.split(":") for part in os.environ.get("LIAISON_FAULT", "").split(",") if part]
_PASSED: Counter[str] = Counter()

WEATHER, _, _seed = os.environ.get("LIAISON_WEATHER", "").partition(":")
SEED = int(_seed or 0)


class InjectedFault(Exception):
    """Raised at a fault point on purpose."""


def point(name: str) -> None:
    """Mark a place where a crash is interesting."""
    if not _PLAN:
        return
    _PASSED[name] += 1
    for planned, nth, what in _PLAN:
        if planned == name and int(nth) in (0, _PASSED[name]):
            _strike(what)


def _strike(what: str) -> None:
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "raise":
        raise InjectedFault
    elif what.startswith("sleep="):
        time.sleep(float(what.removeprefix("sleep=")))
    elif what.startswith("spin="):
        until = time.monotonic() + float(what.removeprefix("spin="))
        while time.monotonic() < until:
            pass
