"""Processes by identity: a pid alone is not one, because the kernel gives it to somebody else later."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """A pid together with the moment at which that process started (clock ticks since boot)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has this pid now, or None when there is none (a zombie is none)."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    @property
    def alive(self) -> bool:
        return _start_time(self.pid) == self.started

    def send(self, number: int) -> bool:
        """Signal this very process; False when it is gone. The descriptor pins the process between look and shot."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive:
                return False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            return True
        finally:
            os.close(descriptor)

    def wait_gone(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def end(self, timeout: float) -> bool:
        """SIGTERM, time to finish, SIGKILL. True when it ended by itself within the time."""
        if not self.send(signal.SIGTERM) or self.wait_gone(timeout):
            return True
        self.send(signal.SIGKILL)
        self.wait_gone(5)
        return False


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat; the name before it is in parentheses and may contain anything."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])
