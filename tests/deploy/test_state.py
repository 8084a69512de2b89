"""One start per checkout, and a summary that is always true."""

import json
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.halt import end_leftovers, stop
from deploy.local.process import ProcessId
from deploy.local.state import Lock, Recorded, Summary


def me() -> ProcessId:
    found = ProcessId.of(os.getpid())
    assert found is not None
    return found


def test_the_lock_has_one_holder_who_is_named(tmp_path: Path) -> None:
    first, second = Lock(tmp_path), Lock(tmp_path)
    assert first.take()
    assert not second.take()
    first.describe("http://127.0.0.1:8080")
    holder = second.holder()
    assert holder is not None and holder.process == me() and holder.base_url == "http://127.0.0.1:8080"
    first.release()
    assert second.take()
    second.release()


def test_a_holder_that_died_is_nobody(tmp_path: Path) -> None:
    program = (
        "import os,sys\nfrom pathlib import Path\nfrom deploy.local.state import Lock\n"
        "assert Lock(Path(sys.argv[1])).take()\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    lock = Lock(tmp_path)
    assert lock.holder() is None
    assert lock.take()
    lock.release()


def test_the_summary_follows_the_processes(tmp_path: Path) -> None:
    processes = {"gateway": me()}
    summary = Summary(tmp_path, Recorded(tmp_path), lambda: processes)
    summary.refresh()
    path = tmp_path / "liaison.json"
    assert not path.exists()
    summary.publish({"base_url": "http://x"})
    assert json.loads(path.read_text()) == {
        "base_url": "http://x",
        "processes": [{"name": "gateway", "pid": os.getpid()}],
    }
    assert path.stat().st_mode & 0o777 == 0o600
    processes = {"gateway": ProcessId(1, 1)}
    summary.refresh()
    assert json.loads(path.read_text())["processes"] == [{"name": "gateway", "pid": 1}]
    summary.remove()
    assert not path.exists()


def test_leftovers_of_a_killed_start_are_ended_and_nothing_else(tmp_path: Path) -> None:
    left, stranger = subprocess.Popen(["sleep", "60"]), subprocess.Popen(["sleep", "60"])
    try:
        known, recycled = ProcessId.of(left.pid), ProcessId.of(stranger.pid)
        assert known is not None and recycled is not None
        recorded = Recorded(tmp_path)
        recorded.write({"crm_sales": known, "gateway": ProcessId(recycled.pid, recycled.started - 1)})
        assert end_leftovers(recorded)
        assert left.wait(5) == -15
        assert stranger.poll() is None
        assert not end_leftovers(recorded)
    finally:
        for child in (left, stranger):
            child.kill()
            child.wait()


def test_stop_where_nothing_runs(tmp_path: Path) -> None:
    assert stop(tmp_path / "never") == 0
    assert stop(tmp_path) == 0
