"""A2: what a stranger sent is read in a child process, which ends at its limits while the service goes on."""

import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import eventlet
import pytest

from shared.jobs import child
from shared.jobs.child import ChildFailed, Limits, TooMuchComputing, TooMuchMemory
from shared.tables import reading, sheets
from shared.tables.limits import MOST_ROWS, UnreadableFile
from tests.shared import children
from tests.shared.waiting import until
from tests.shared.workbooks import ATTACKS, by_hand, cell

QUICK = Limits(cpu=1, silence=0.5)


@contextmanager
def _going_on(longest: float = 1.0) -> Iterator[None]:
    """Others have their turn all the while."""
    pauses = [0.0]

    def tick() -> None:
        last = time.monotonic()
        while True:
            eventlet.sleep(0.005)
            pauses.append(time.monotonic() - last)
            last = time.monotonic()

    ticking = eventlet.spawn(tick)
    eventlet.sleep(0)
    yield
    ticking.kill()
    assert len(pauses) > 5 and max(pauses) < longest


def test_values_go_in_and_come_out() -> None:
    with child.running(children.doubled, most=3) as work:
        for value in range(50_000):
            work.send(value)
        work.no_more()
        assert list(work) == [0, 2, 4]


def test_refusals_and_defects_are_told() -> None:
    with child.running(children.refused) as work, pytest.raises(children.TooOdd) as told:
        list(work)
    assert told.value.details == {"number": 3}
    with child.running(children.broken) as work, pytest.raises(ChildFailed, match="ZeroDivisionError"):
        list(work)
    with pytest.raises(children.TooOdd), child.running(children.stubborn) as work:
        while True:
            work.send("x" * 100_000)


@pytest.mark.parametrize(
    ("function", "limits", "expected"),
    [
        (children.endless, Limits(cpu=1), TooMuchComputing),
        (children.endless, QUICK, TooMuchComputing),
        (children.silent, QUICK, TooMuchComputing),
        (children.greedy, Limits(), TooMuchMemory),
        (children.killed, Limits(), TooMuchMemory),
    ],
)
def test_it_ends_at_its_limits_while_others_go_on(
    function: Callable[..., Any], limits: Limits, expected: type[Exception]
) -> None:
    with _going_on(), child.running(function, limits=limits) as work, pytest.raises(expected):
        list(work)
    with pytest.raises(ProcessLookupError):
        os.kill(work._process.pid, 0)


def test_it_ends_with_whoever_asked() -> None:
    with child.running(children.endless) as work:
        pid = next(iter(work))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


_KILLED = """
from shared.jobs import child
from tests.shared import children
from tests.shared.waiting import until
with child.running(children.endless) as work:
    print(next(iter(work)), flush=True)
    input()
"""


def test_it_ends_with_a_service_that_is_killed() -> None:
    """A2: it computed on for as long as its processor time lasted, once for each kill."""
    command = [sys.executable, "-c", _KILLED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        pid = int(service.stdout.readline())
        os.kill(pid, 0)
        service.kill()
    until(lambda: not Path(f"/proc/{pid}").exists(), timeout=2)


def test_it_has_no_connection_and_no_setting_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIAISON_SECRET", "x")
    with socket.create_server(("127.0.0.1", 0)), tempfile.TemporaryFile() as file:
        file.write(b"given")
        file.seek(0)
        with child.running(children.surroundings, file) as work:
            names, open_files, content = list(work)
    assert content == "given" and not [name for name in names if "LIAISON" in name]
    assert not [name for name in open_files if "socket" in name]


# -- files of strangers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_would_stop_a_service_is_refused(attack: str) -> None:
    content, reason = ATTACKS[attack]
    with tempfile.TemporaryFile() as file:
        file.write(content)
        begun = time.monotonic()
        with _going_on(), child.running(reading.batches, file) as work, pytest.raises(UnreadableFile) as refused:
            list(work)
    assert refused.value.details["reason"] == reason and time.monotonic() - begun < 30
    assert refused.value.text("fr") != refused.value.text("en")


def test_no_more_texts_than_a_workbook_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    content = by_hand('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', "<si><t>x</t></si>" * 20)
    assert list(reading.opened(io.BytesIO(content))[1]) == [(1, ["x"])]
    monkeypatch.setattr(sheets, "MOST_STRINGS", 19)
    with pytest.raises(UnreadableFile):
        reading.opened(io.BytesIO(content))


def test_empty_rows_at_the_end_are_none(tmp_path: Any) -> None:
    """Spreadsheets write formatted but empty rows down to the last one."""
    content = by_hand(cell(1) + cell(3) + f'<row r="{MOST_ROWS}"><c r="A{MOST_ROWS}"/></row>')
    assert list(reading.opened(io.BytesIO(content))[1]) == [(1, ["x"]), (3, ["x"])]
