"""A pid is only trusted together with the start time of its process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deploy.local.process import ProcessId

IGNORE_TERM = "import signal,sys,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def identity(child: subprocess.Popen[bytes]) -> ProcessId:
    found = ProcessId.of(child.pid)
    assert found is not None
    return found


def test_ourselves() -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None and me.alive


def test_signal_reaches_the_process(sleeper: subprocess.Popen[bytes]) -> None:
    assert identity(sleeper).send(signal.SIGTERM)
    assert sleeper.wait(5) == -signal.SIGTERM


def test_a_recycled_pid_is_never_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    stranger = ProcessId(sleeper.pid, identity(sleeper).started - 1)
    assert not stranger.alive
    assert not stranger.send(signal.SIGKILL)
    assert stranger.end(1)
    assert sleeper.poll() is None


def test_a_zombie_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    known = identity(sleeper)
    known.send(signal.SIGKILL)
    assert known.wait_gone(5)
    assert ProcessId.of(sleeper.pid) is None


def test_an_unknown_pid() -> None:
    assert ProcessId.of(2**22 + 1) is None
    assert not ProcessId(2**22 + 1, 1).send(signal.SIGTERM)


def test_end_kills_what_does_not_listen() -> None:
    child = subprocess.Popen([sys.executable, "-c", IGNORE_TERM], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        assert identity(child).end(0.2) is False
        assert child.wait(5) == -signal.SIGKILL
