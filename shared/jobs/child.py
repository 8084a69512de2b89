"""Running a function in a child process of its own, within limits on processor time, memory and silence.

For whatever computes long or reads what a stranger sent: the process of a service answers everybody, so it must neither
stand still nor end because of one file. The function is a generator `function(file, values, **arguments)`. It is called
in a fresh interpreter that has none of the service's connections and settings: `file` is the one open file it is given,
`values` are what the parent sends, and what it yields (JSON) arrives here, with as much ahead as a pipe holds.
It may read values or yield results, but not both in turn, because each side would wait for the other.

    with child.running(reading.batches, file) as work:
        for batch in work: ...

A refusal that the function raises is raised here; it must be a class in the function's own module.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

import eventlet
import orjson
from eventlet.hubs import trampoline

from shared.kernel.refusals import Refusal

MOST_IN_A_FRAME = 32 * 1024 * 1024
_LENGTH = 4
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""The child's environment: no address of a database and no secret."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of processor time, bytes of address space, bytes of any file it writes, and seconds without a result."""

    cpu: int = 120
    memory: int = 1024**3
    file_size: int = 4 * 1024**3
    silence: float = 180


class TooMuchComputing(Refusal):
    """The child used up its processor time, or gave nothing for too long."""

    family = "invalid"
    code = "too_much_computing"
    en = "This takes too long to compute and was ended."
    fr = "Ce calcul est trop long ; il a été interrompu."


class TooMuchMemory(Refusal):
    """The child wanted more memory than it may have, or broke on what it was given."""

    family = "invalid"
    code = "too_much_memory"
    en = "This takes too much memory and was ended."
    fr = "Ce traitement demande trop de mémoire ; il a été interrompu."


class ChildFailed(Exception):
    """The function met a defect; the text is its traceback."""


class Child:
    """One child process; iterate over it for what its function yields."""

    def __init__(self, function: Callable[..., Any], file: IO[bytes] | None, limits: Limits, given: Any) -> None:
        self._function, self._limits = function, limits
        (theirs, self._to), (self._from, out) = os.pipe(), os.pipe()
        number = None if file is None else file.fileno()
        if file is not None:
            file.flush()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shared.jobs.child_main"],
                stdin=theirs,
                stdout=out,
                pass_fds=() if number is None else (number,),
                env=_environment(),
            )
        except BaseException:
            os.close(self._to)
            os.close(self._from)
            raise
        finally:
            os.close(theirs)
            os.close(out)
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        names = {"module": function.__module__, "name": function.__name__, "file": number}
        self.send({**names, "parent": os.getpid(), "limits": asdict(limits), "arguments": given})

    def send(self, value: Any) -> None:
        """Give the function one more value. Raises what ended the child, if something did."""
        content = orjson.dumps(value)
        rest = memoryview(len(content).to_bytes(_LENGTH) + content)
        try:
            while rest:
                try:
                    rest = rest[os.write(self._to, rest) :]
                except BlockingIOError:
                    self._wait(self._to, write=True)
        except BrokenPipeError:
            for _ in self:
                pass
            raise ChildFailed("it stopped reading") from None

    def no_more(self) -> None:
        """Tell the function that no value follows."""
        if self._to >= 0:
            os.close(self._to)
            self._to = -1

    def __iter__(self) -> Iterator[Any]:
        while True:
            frame = orjson.loads(self._take(int.from_bytes(self._take(_LENGTH))))
            if "value" not in frame:
                self._raise(frame)
                return
            yield frame["value"]

    def end(self) -> None:
        """Leave no process and no pipe behind."""
        self.no_more()
        os.close(self._from)
        self._returncode(patience=0.0)

    def _take(self, length: int) -> bytes:
        if length > MOST_IN_A_FRAME:
            raise TooMuchMemory
        pieces, missing = [], length
        while missing:
            try:
                piece = os.read(self._from, missing)
            except BlockingIOError:
                self._wait(self._from, read=True)
                continue
            if not piece:
                self._died()
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _wait(self, pipe: int, **kind: bool) -> None:
        """Let others have their turn until the pipe is ready."""
        trampoline(pipe, timeout=self._limits.silence, timeout_exc=TooMuchComputing, **kind)

    def _raise(self, frame: dict[str, Any]) -> None:
        if "defect" in frame:
            raise ChildFailed(frame["defect"])
        if "refusal" in frame:
            known = getattr(sys.modules[self._function.__module__], frame["refusal"], None)
            if not (isinstance(known, type) and issubclass(known, Refusal)):
                raise ChildFailed(frame["refusal"])
            raise known(**frame["details"])
        if "memory" in frame:
            raise TooMuchMemory

    def _died(self) -> None:
        """Raises what its end means: without a last word it was ended by a limit, or broke."""
        raise TooMuchComputing if self._returncode(patience=5.0) == -signal.SIGXCPU else TooMuchMemory

    def _returncode(self, patience: float) -> int:
        until = time.monotonic() + patience
        while (found := self._process.poll()) is None:
            if time.monotonic() >= until:
                self._process.kill()
            eventlet.sleep(0.002)
        return found


@contextmanager
def running(
    function: Callable[..., Any], file: IO[bytes] | None = None, limits: Limits | None = None, **arguments: Any
) -> Iterator[Child]:
    """The function at work in a child process, which ends with this context at the latest."""
    child = Child(function, file, limits or Limits(), arguments)
    try:
        yield child
    finally:
        child.end()


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
