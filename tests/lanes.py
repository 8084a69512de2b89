"""All tests in two lanes side by side, each a run of pytest with servers of its own; on one core one after the other."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests import ports

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".local" / "test"
EVERY = 30.0
"""Seconds between two lines of progress."""

EDGE = ("tests/e2e", "tests/flows", "tests/gateway")
"""What asks through HTTP: about half of the work. Everything else is the other lane, so that nothing is left out.

Move a folder when one lane ends minutes before the other.
"""


@dataclass
class Lane:
    """One run of pytest, whose output is kept until it has ended."""

    name: str
    arguments: Sequence[str]
    ports: str
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    code: int | None = None

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.process else ""

    def run(self) -> None:
        """Run to the end, in folders and on ports that no other lane has.

        In a session of its own: a Ctrl-C must come once, or it would interrupt the stopping of servers.
        """
        environment = os.environ | {"TEST_LANE": self.name, ports.SETTING: self.ports}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *self.arguments], cwd=ROOT, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.code = self.process.wait()

    def interrupt(self) -> None:
        """Pytest stops its servers and says what it has found so far; see tests/conftest.py."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def progress(self) -> str:
        """How far it is: pytest writes its share behind the dots."""
        shares = re.findall(r"\[ *(\d+)%\]", self.text)
        return f"{self.name} {'waits' if self.process is None else f'{shares[-1] if shares else 0} %'}"


def halves() -> list[Lane]:
    """The two lanes that together are all tests, and the slowest thirty of each."""
    arguments = {"edge": EDGE, "rest": [f"--ignore={path}" for path in EDGE]}
    return [
        Lane(name, ["--durations=30", *paths], ports.share(number, len(arguments)))
        for number, (name, paths) in enumerate(arguments.items())
    ]


def run(lanes: Sequence[Lane], width: int | None = None) -> int:
    """Run the lanes, as many at once as there are cores; print how they ended, failures last. One exit code."""
    LOGS.mkdir(parents=True, exist_ok=True)
    try:
        with ThreadPoolExecutor(width or len(os.sched_getaffinity(0))) as pool:
            running = [pool.submit(lane.run) for lane in lanes]
            try:
                _watch(running, lanes)
            except BaseException:
                _interrupt(running, lanes)
                raise
    finally:
        _show(lanes)
    return next((lane.code or 1 for lane in lanes if lane.code != 0), 0)


def _interrupt(running: Sequence["Future[None]"], lanes: Sequence[Lane]) -> None:
    for future in running:
        future.cancel()
    for lane in lanes:
        lane.interrupt()


def _watch(running: Sequence["Future[None]"], lanes: Sequence[Lane]) -> None:
    """A line now and then until all have ended."""
    begun = said = time.monotonic()
    while not all(future.done() for future in running):
        time.sleep(0.1)
        if time.monotonic() - said >= EVERY:
            said = time.monotonic()
            minutes, seconds = divmod(int(said - begun), 60)
            print(f"  {minutes:2}:{seconds:02}  " + "   ".join(lane.progress() for lane in lanes), flush=True)


def _show(lanes: Sequence[Lane]) -> None:
    for lane in sorted(lanes, key=lambda lane: bool(lane.code)):
        print(f"\n{'=' * 30} lane {lane.name} {'=' * 30}\n{lane.text}", flush=True)
    for lane in lanes:
        counts = re.findall(r"^=* ?(.+ in \d+\.\d+s.*?)[ =]*$", lane.text, re.MULTILINE)
        print(f"{lane.name}: {counts[-1] if counts else 'no result'} (exit code {lane.code})", flush=True)
