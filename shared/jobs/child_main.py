"""The other side of `child.py`: what runs in the child process. It knows neither eventlet nor any database."""

import ctypes
import importlib
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import IO, Any

import orjson

from shared.kernel.refusals import Refusal

_LENGTH = 4
_OPEN_FILES = 64
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Carry out the one order that comes first on standard input, and say how it ended."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints gets between the frames
    frames = _frames(sys.stdin.buffer)
    order = next(frames)
    _end_with(order["parent"])
    _limit(order["limits"])
    try:
        last = _carry_out(order, frames, out)
    except BrokenPipeError:
        os._exit(0)  # the process that asked is gone
    try:
        _write(out, last)
    except BrokenPipeError:
        os._exit(0)


def _carry_out(order: dict[str, Any], values: Iterator[Any], out: IO[bytes]) -> dict[str, Any]:
    try:
        function = getattr(importlib.import_module(order["module"]), order["name"])
        file = None if order["file"] is None else os.fdopen(order["file"], "r+b")
        for value in function(file, values, **order["arguments"]):
            _write(out, {"value": value})
    except BrokenPipeError:
        raise
    except MemoryError:
        return {"memory": True}
    except Refusal as refusal:
        return {"refusal": type(refusal).__name__, "details": refusal.details}
    except Exception:
        return {"defect": traceback.format_exc()}
    return {}


def _end_with(parent: int) -> None:
    """A service that is killed cannot end this process, which would compute on for minutes; so the kernel does (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _limit(limits: dict[str, Any]) -> None:
    """The limits are hard from here on: a process without privileges cannot raise them again."""
    for kind, most in (
        (resource.RLIMIT_CPU, limits["cpu"]),
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["file_size"]),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # Both at once would be SIGKILL: the signal of the soft limit says which limit it was.
        extra = 1 if kind == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0
        resource.setrlimit(kind, (soft, soft + extra))


def _frames(file: IO[bytes]) -> Iterator[Any]:
    while head := file.read(_LENGTH):
        yield orjson.loads(file.read(int.from_bytes(head)))


def _write(out: IO[bytes], value: Any) -> None:
    content = orjson.dumps(value)
    out.write(len(content).to_bytes(_LENGTH) + content)
    out.flush()


if __name__ == "__main__":
    main()
