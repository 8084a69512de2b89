"""What is remembered under `.local`: who holds the lock, what runs, and the summary for programs."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy.local.files import read_json, write_json
from deploy.local.process import ProcessId


@dataclass(frozen=True)
class Holder:
    """The command that holds the lock."""

    process: ProcessId
    base_url: str | None


class Lock:
    """One start per checkout. The kernel releases the lock when its holder dies, however it dies."""

    def __init__(self, root: Path) -> None:
        self._path = root / "lock"
        self._file: IO[str] | None = None

    def take(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        self.describe(None)
        return True

    def describe(self, base_url: str | None) -> None:
        """Written in place: a replaced file would be another file, and its lock another lock."""
        assert self._file is not None
        me = ProcessId.of(os.getpid())
        assert me is not None
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": me.pid, "started": me.started, "base_url": base_url}, self._file)
        self._file.flush()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> Holder | None:
        """Who holds it, as far as the file tells; None when nobody alive is named."""
        value = read_json(self._path)
        if not isinstance(value, dict):
            return None
        process = ProcessId(value["pid"], value["started"])
        return Holder(process, value.get("base_url")) if process.alive else None


class Recorded:
    """Every process we started, with its start time: what a crashed start left behind is found by it."""

    def __init__(self, root: Path) -> None:
        self._path = root / "processes.json"

    def write(self, processes: Mapping[str, ProcessId]) -> None:
        write_json(self._path, [{"name": n, "pid": p.pid, "started": p.started} for n, p in processes.items()])

    def alive(self) -> dict[str, ProcessId]:
        found = {entry["name"]: ProcessId(entry["pid"], entry["started"]) for entry in read_json(self._path, [])}
        return {name: process for name, process in found.items() if process.alive}

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


class Summary:
    """`.local/liaison.json`, for programs: written when all is ready, renewed at each change, gone at the end."""

    def __init__(self, root: Path, recorded: Recorded, processes: Callable[[], Mapping[str, ProcessId]]) -> None:
        self._path = root / "liaison.json"
        self._recorded = recorded
        self._processes = processes
        self._facts: dict[str, Any] | None = None
        self._written: dict[str, ProcessId] | None = None
        self._lock = threading.Lock()

    def publish(self, facts: dict[str, Any]) -> None:
        with self._lock:
            self._facts, self._written = facts, None
        self.refresh()

    def refresh(self) -> None:
        """Cheap when nothing changed; called from the supervisor's threads and from the main loop."""
        with self._lock:
            processes = dict(self._processes())
            if processes == self._written:
                return
            self._recorded.write(processes)
            if self._facts is not None:
                listed = [{"name": name, "pid": process.pid} for name, process in processes.items()]
                write_json(self._path, self._facts | {"processes": listed})
            self._written = processes

    def remove(self) -> None:
        with self._lock:
            self._facts = None
            self._path.unlink(missing_ok=True)
