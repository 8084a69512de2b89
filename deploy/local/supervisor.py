"""Keeps processes running: starts them, starts them again when they die, stops them in order.

Used by `make run`, and as a library by the fault tests, which stop, kill and restart single processes by name.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.accounts import AS_WE_ARE, Account
from deploy.local.backoff import Backoff
from deploy.local.console import Stop, say
from deploy.local.files import open_log
from deploy.local.process import ProcessId

DRAIN_SECONDS = 25.0
WATCH_SECONDS = 0.1
PATIENCE = 10.0
"""Seconds without an answer to `/livez` after which a process is killed and started again."""
STARTING = 90.0
"""The same before its first answer: loading on a busy machine takes a while."""
ASK_SECONDS = 2.0
"""Between two questions. It takes several in a row without an answer, so that a pause of our own does not count."""


@dataclass(frozen=True)
class Spec:
    """What is needed to start one process, and where it says that it is ready and that it is alive."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    ready_url: str | None = None
    drain: float = DRAIN_SECONDS
    live_url: str | None = None
    account: Account = AS_WE_ARE


@dataclass
class _Child:
    spec: Spec
    popen: subprocess.Popen[bytes] | None = None
    identity: ProcessId | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    wanted: bool = False
    restarts: int = 0
    answered: bool = False
    unanswered: int = 0
    backoff: Backoff = field(default_factory=Backoff)


class Supervisor:
    """All public methods may be called from any thread."""

    def __init__(
        self,
        specs: Iterable[Spec],
        log: Path,
        on_change: Callable[[], None] = lambda: None,
        report: Callable[[str], None] = say,
        patience: float = PATIENCE,
    ) -> None:
        self._children = {spec.name: _Child(spec) for spec in specs}
        self._log = log
        self._on_change = on_change
        self._report = report
        self.patience = patience
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._watchers: list[threading.Thread] = []

    # -- all ----------------------------------------------------------------------------------------------------

    def start_all(self) -> None:
        """Start everything and begin to watch."""
        self._log.mkdir(parents=True, exist_ok=True)
        for name in self._children:
            self.start(name)
        watched = [child for child in self._children.values() if child.spec.live_url]
        self._watchers = [
            threading.Thread(target=self._watch, name="supervisor", daemon=True),
            *(threading.Thread(target=self._ask, args=(c,), name=f"ask {c.spec.name}", daemon=True) for c in watched),
        ]
        for watcher in self._watchers:
            watcher.start()

    def stop_all(self) -> None:
        """The last declared first and together with its like: the gateway, then all services at once."""
        self._closing.set()
        for watcher in self._watchers:
            watcher.join()
        for group in self._stop_order():
            threads = [threading.Thread(target=self.stop, args=(name,)) for name in group]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def wait_ready(self, timeout: float = 60, names: Iterable[str] | None = None) -> None:
        """Until every process (or the named ones) answers 200 where it says that it is ready."""
        deadline = time.monotonic() + timeout
        for name in list(names or self._children):
            while not self.is_ready(name):
                if time.monotonic() > deadline:
                    raise Stop(f"{name} is not ready after {timeout:.0f} s: see {self.log_of(name)}", 1)
                time.sleep(0.1)

    # -- one ----------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start a process, or go on with it if it runs."""
        with self._lock:
            child = self._child(name)
            child.wanted, child.restart_at = True, None
            if child.identity is None or not child.identity.alive:
                self._spawn(child)

    def stop(self, name: str, timeout: float | None = None) -> bool:
        """SIGTERM, time to drain, SIGKILL; it stays stopped. True when it ended by itself within the time."""
        with self._lock:
            child = self._child(name)
            child.wanted, child.restart_at = False, None
            identity, popen = child.identity, child.popen
        if identity is None or popen is None:
            return True
        by_itself = identity.end(child.spec.drain if timeout is None else timeout)
        popen.wait()
        self._changed()
        return by_itself

    def kill(self, name: str) -> None:
        """kill -9; the supervisor starts it again as it would after any death."""
        identity = self.identity(name)
        if identity:
            identity.send(signal.SIGKILL)
            identity.wait_gone(5)

    def send(self, name: str, number: int) -> None:
        """Any signal, for instance SIGSTOP and SIGCONT for a long pause."""
        identity = self.identity(name)
        if identity:
            identity.send(number)

    def restart(self, name: str, timeout: float | None = None) -> bool:
        """Orderly stop and start. True when it ended by itself within the time."""
        by_itself = self.stop(name, timeout)
        self.start(name)
        return by_itself

    # -- looking ------------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        return list(self._children)

    def identity(self, name: str) -> ProcessId | None:
        """The running process of that name, or None while there is none."""
        identity = self._child(name).identity
        return identity if identity and identity.alive else None

    def processes(self) -> dict[str, ProcessId]:
        found = {name: self.identity(name) for name in self._children}
        return {name: identity for name, identity in found.items() if identity}

    def restarts(self, name: str) -> int:
        """How often it died and was started again."""
        return self._child(name).restarts

    def exit_code(self, name: str) -> int | None:
        """Of its last life; None while it runs."""
        popen = self._child(name).popen
        return None if popen is None else popen.poll()

    def log_of(self, name: str) -> Path:
        return self._log / f"{name}.log"

    def is_ready(self, name: str) -> bool:
        child = self._child(name)
        return self.identity(name) is not None and (child.spec.ready_url is None or answers(child.spec.ready_url))

    # -- inside -------------------------------------------------------------------------------------------------

    def _child(self, name: str) -> _Child:
        try:
            return self._children[name]
        except KeyError:
            raise KeyError(f"no process {name!r}; there are {', '.join(self._children)}") from None

    def _spawn(self, child: _Child) -> None:
        # A session of its own: Ctrl-C in the terminal must reach the supervisor only, which then stops in order.
        with open_log(self.log_of(child.spec.name)) as log:
            child.popen = subprocess.Popen(
                child.spec.account.command(child.spec.argv), env=dict(child.spec.env), cwd=child.spec.cwd, umask=0o027,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **child.spec.account.options(),
            )  # fmt: skip
        child.started_at = time.monotonic()
        child.answered, child.unanswered = False, 0
        child.identity = ProcessId.of(child.popen.pid)
        self._changed()

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            with self._lock:
                for child in self._children.values():
                    self._look_at(child)

    def _look_at(self, child: _Child) -> None:
        now = time.monotonic()
        if not child.wanted or child.popen is None:
            return
        if child.restart_at is not None:
            if now >= child.restart_at:
                child.restart_at = None
                child.restarts += 1
                self._spawn(child)
            return
        code = child.popen.poll()
        if code is not None:
            delay = child.backoff.after_death(now - child.started_at)
            child.restart_at = now + delay
            why = f"{_reason(code)}: it did not answer" if self._is_silent(child) else _reason(code)
            self._report(f"  {child.spec.name} ended ({why}); started again in {delay:g} s")
            self._changed()
        elif self._is_silent(child):
            self.kill(child.spec.name)

    def _ask(self, child: _Child) -> None:
        """Count the questions that a process leaves unanswered, one after the other."""
        assert child.spec.live_url is not None
        begun = time.monotonic()
        while not self._closing.wait(max(0.0, begun + self._period - time.monotonic())):
            begun, asked = time.monotonic(), child.identity
            alive = answers(child.spec.live_url, self._period)
            with self._lock:
                if asked is child.identity:  # otherwise it was another life that did not answer
                    child.answered = child.answered or alive
                    child.unanswered = 0 if alive else child.unanswered + 1

    def _is_silent(self, child: _Child) -> bool:
        """It leaves unanswered what it would have answered, were its event loop alive."""
        patience = self.patience if child.answered else max(self.patience, STARTING)
        return child.unanswered * self._period >= patience

    @property
    def _period(self) -> float:
        return min(ASK_SECONDS, self.patience / 5)

    def _changed(self) -> None:
        self._on_change()

    def _stop_order(self) -> list[list[str]]:
        names = list(self._children)
        edge = [name for name in names if name == "gateway"]
        return [edge, [name for name in names if name not in edge]]


def answers(url: str, timeout: float = 2.0) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
