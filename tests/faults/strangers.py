"""Row 102: files of strangers that would stop the service that takes them."""

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.faults.client import Client, History
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.workload import CONTACTS
from tests.shared.workbooks import ATTACKS, bomb, many_texts
from tests.suite import Api

_QUICK = ("a row far away", "a gap", "a column far away", "line feeds with an end")
_OPEN = ("queued", "running")
_LONGEST = 200
"""Seconds: by then a child process has ended at one of its limits, however busy the machine."""


@gate(102, "files that would stop a service, and a process killed at one")
def strangers(trial: Trial) -> None:
    """A2: each is refused once while others are answered, by processes that go on."""
    work = trial.work()
    stranger, client = trial.rig.suite.user("stranger@suite.example", "admin"), work.client()
    with work.running(clients=2):
        quiet = _asked(trial, client, lambda seen: len(seen.seconds) < 150)
        trial.nobody_may_exit()
        beside = _send_all(trial, stranger, client)
    client.close()
    for name, pid in (trial.survivors or {}).items():
        trial.result.expect(trial.rig.pids().get(name) == pid, f"{name} ended at a file")
    trial.survivors = None  # from here on they are killed
    alone, p95 = quiet.slowest(0.95), beside.slowest(0.95)
    trial.result.figures |= {"p95_quiet_s": alone, "p95_beside_s": p95, "slowest_beside_s": beside.slowest(1)}
    trial.result.expect(p95 < 3 * alone + 0.2, f"others wait {p95:.3f} s instead of {alone:.3f} s")
    trial.result.expect(set(beside.statuses) == {200}, f"others are answered {dict(beside.statuses)}")
    for kills in (1,) if trial.short else (1, 2):
        _kill_at_it(trial, stranger, kills)


def _files(trial: Trial) -> dict[str, tuple[bytes, str]]:
    """Contents, and the code with which the job ends."""
    chosen = _QUICK if trial.short else ATTACKS
    found = {name: (ATTACKS[name][0], "unreadable_file") for name in chosen}
    texts = {} if trial.short else {"texts": (many_texts(900_000), "no_columns")}
    return {**found, **texts, "bomb": (bomb(), "unreadable_file")}


def _send_all(trial: Trial, stranger: Api, client: Client) -> History:
    """One after the other; returns what others were answered meanwhile."""
    seen = History(trial.rig.root / "unused.jsonl")
    for name, (content, code) in _files(trial).items():
        job = _import(stranger, content)
        begun = time.monotonic()
        one = _asked(trial, client, lambda _, job=job: _job(trial, job)[0] in _OPEN)
        trial.result.figures[f"{name}_s"] = time.monotonic() - begun
        status, told, takeovers = _job(trial, job)
        trial.result.expect((status, told) == ("failed", code), f"{name}: {status} {told}")
        trial.result.expect(takeovers == 0, f"{name} was taken again {takeovers} times")
        seen.seconds += one.seconds
        seen.statuses += one.statuses
    return seen


def _asked(trial: Trial, client: Client, while_: Any) -> History:
    """Ask the service that imports, all the while."""
    seen = History(trial.rig.root / "unused.jsonl")
    deadline = time.monotonic() + _LONGEST
    while while_(seen) and time.monotonic() < deadline:
        for _ in range(5):
            seen.observe(client.once("GET", "/v1/contacts?limit=5"))
    return seen


def _import(api: Api, content: bytes) -> str:
    headers = {"Idempotency-Key": str(uuid4())}
    answer = api.http.post("/v1/contacts/import", files={"file": ("people.xlsx", content)}, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _job(trial: Trial, job: str) -> tuple[str, str | None, int]:
    row = "SELECT status, failure->>'code', takeovers FROM job WHERE id = %s"
    return trial.rig.sql(CONTACTS, row, job)[0]  # type: ignore[return-value]


# -- killed at it -----------------------------------------------------------------------------------------------------


def _kill_at_it(trial: Trial, stranger: Api, kills: int) -> None:
    """After one kill the job is taken once again, after two no more; what was computing for it ends with the service."""
    rig, replicas = trial.rig, trial.rig.processes(CONTACTS)
    job = _import(stranger, many_texts(300_000))
    for _ in range(kills):
        found = until(lambda: _children(trial, replicas), 30, "a child process at the file")
        for name in replicas:
            rig.suite.supervisor.kill(name)
        until(lambda found=found: not any(Path(f"/proc/{pid}").exists() for pid in found), 2, "no orphan")
        rig.suite.supervisor.wait_ready(60, replicas)
        rig.sql(CONTACTS, "UPDATE job SET leased_until = now() WHERE id = %s AND status = 'running'", job)
    until(lambda: _job(trial, job)[0] not in _OPEN, _LONGEST, "the end of the job")
    status, code, takeovers = _job(trial, job)
    wanted = "no_columns" if kills == 1 else "job_ended_its_process"
    trial.result.expect((status, code) == ("failed", wanted), f"after {kills} kills: {status} {code} {takeovers}")


def _children(trial: Trial, names: list[str]) -> list[int]:
    """Processes whose parent is one of these."""
    parents = {pid for name, pid in trial.rig.pids().items() if name in names}
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = stat.read_text().partition(" ")
        except OSError:
            continue
        if int(rest.rpartition(")")[2].split()[1]) in parents:
            found.append(int(pid))
    return found
