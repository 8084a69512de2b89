"""The suite under test, and every way in which it is broken and healed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pika
import psycopg2

from deploy.local.backoff import Backoff
from deploy.local.plan import GATEWAY
from deploy.local.servers import Servers
from deploy.local.supervisor import PATIENCE
from tests.faults.client import History
from tests.faults.workload import Workload
from tests.suite import CHECKOUT, Suite, _environment

QUICK = {
    "LIAISON_RETRY_SECONDS": "0.3,1,2,4,8,15",
    "LIAISON_NOT_YET_SECONDS": "0.05,0.1,0.3,0.5,1,2,4,8,15,15",
    "LIAISON_WEBHOOK_ALLOW": "127.0.0.0/8",
}
DEADLINE = 3.0
"""Seconds after which the gateway answers 504 in these runs."""

T = TypeVar("T")


class Rig:
    """Two replicas of every service, one gateway, private servers."""

    def __init__(self, servers: Servers, root: Path, name: str, seed: int, short: bool, replicas: int = 2) -> None:
        self.servers, self.root, self.seed, self.short = servers, root, seed, short
        self.suite = Suite(servers, root, name, env=dict(QUICK), replicas=replicas)
        self.replicas = replicas
        self.deaths: list[str] = []
        self._history = 0
        self._dirty: set[str] = set()

    def start(self) -> "Rig":
        os.environ["LIAISON_GATEWAY_DEADLINE_SECONDS"] = f"{DEADLINE:g}"
        try:
            self.suite.start()
        finally:
            del os.environ["LIAISON_GATEWAY_DEADLINE_SECONDS"]
        self.suite.supervisor._report = lambda line: self.deaths.append(line.strip())
        for child in self.suite.supervisor._children.values():
            child.backoff = Backoff(first=0.3, longest=1.0, healthy=5.0)
        return self

    def stop(self) -> None:
        self.suite.stop()

    # -- looking ------------------------------------------------------------------------------------------------------

    def processes(self, service: str | None = None) -> list[str]:
        """Names of the service processes, of one service or of all."""
        names = [n for n in self.suite.supervisor.names if n != GATEWAY]
        return [n for n in names if service is None or n.partition(".")[0] == service]

    def pids(self) -> dict[str, int]:
        return {name: found.pid for name, found in self.suite.supervisor.processes().items()}

    def log(self, *names: str) -> str:
        logs = [self.suite.supervisor.log_of(n) for n in names or self.suite.supervisor.names]
        return "".join(log.read_text("utf-8", "replace") for log in logs if log.exists())

    def metric(self, prefix: str, names: Iterable[str] | None = None, *labels: str) -> float:
        """The sum of the samples whose line begins with the prefix and contains all labels."""
        total = 0.0
        for name in names or self.processes():
            try:
                with urllib.request.urlopen(f"{self.suite.health_urls[name]}/metrics", timeout=3) as answer:
                    lines = answer.read().decode().splitlines()
            except OSError:
                continue
            total += sum(
                float(line.rpartition(" ")[2])
                for line in lines
                if line.startswith(prefix) and all(label in line for label in labels)
            )
        return total

    def memory(self) -> dict[str, int]:
        """Resident bytes of every process."""
        page = os.sysconf("SC_PAGE_SIZE")
        return {n: int(Path(f"/proc/{p}/statm").read_text().split()[1]) * page for n, p in self.pids().items()}

    def sql(self, service: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a service's database, as its owner."""
        return self._query(self.suite.databases[service].owner, statement, values)

    def superuser(self, service: str, *statements: str) -> None:
        """Statements of somebody whom nothing holds back, in one transaction, with triggers off."""
        url = self.servers.postgresql.url(f"{self.suite.name}_{service}")
        self._query(url, "SET session_replication_role = replica;" + ";".join(statements), ())

    @staticmethod
    def _query(url: str, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def relay_of(self, service: str) -> str | None:
        """The replica that relays now: the process at the other end of the session that holds the lock."""
        rows = self._query(
            self.servers.postgresql.url(f"{self.suite.name}_{service}"),
            "SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
            " AND l.objid = 4218 AND l.granted AND a.datname = current_database()",
            (),
        )
        replicas = {name: pid for name, pid in self.pids().items() if name in self.processes(service)}
        return _owner_of_port(rows[0][0], replicas) if rows else None

    # -- breaking -----------------------------------------------------------------------------------------------------

    def restart_with(self, names: Iterable[str], **env: str) -> None:
        """Start processes again with other settings; they are set back when the gate ends."""
        self._restart(self._set(names, env))

    def arm(self, names: Iterable[str], plan: str, once: bool = False) -> None:
        """Restart with fault points armed; with `once` only this life of the process has them."""
        self._restart(self._set(names, {"LIAISON_FAULT": plan}), forget="LIAISON_FAULT" if once else "")

    def _set(self, names: Iterable[str], env: dict[str, str]) -> list[str]:
        chosen = list(names)
        for name in chosen:
            self._env(name).update(env)
            self._dirty.add(name)
        return chosen

    def disarm(self) -> None:
        """Processes that were given other settings get the normal ones back."""
        names, self._dirty = sorted(self._dirty), set()
        for name in names:
            env = self._env(name)
            env.pop("LIAISON_FAULT", None)
            env.pop("LIAISON_WEATHER", None)
            env.update(QUICK)
        self._restart(names)

    def halt(self, names: Iterable[str]) -> None:
        """Orderly stop; they stay down until `heal`."""
        for name in names:
            self.suite.supervisor.stop(name)

    def heal(self) -> None:
        """Everything back to normal, whatever a gate left behind."""
        self.suite.supervisor.patience = PATIENCE
        if self.servers.rabbitmq.process() is None:
            self.servers.start_rabbitmq()
        if self.servers.postgresql.process() is None:
            self.servers.start_postgresql()
        for name in self.suite.supervisor.names:
            self.suite.supervisor.send(name, signal.SIGCONT)
        self.disarm()
        for name in self.suite.supervisor.names:
            self.suite.supervisor.start(name)
        self.suite.supervisor.wait_ready(timeout=90)

    def _restart(self, names: list[str], forget: str = "") -> None:
        """`forget` is a variable that the next life, after a crash, shall not have."""
        for name in names:
            self.suite.supervisor.stop(name)
        for name in names:
            self.suite.supervisor.start(name)
            self._env(name).pop(forget, None)
        self.suite.supervisor.wait_ready(timeout=90, names=names) if names else None

    def _env(self, name: str) -> dict[str, str]:
        env = self.suite.supervisor._children[name].spec.env
        assert isinstance(env, dict)
        return env

    # -- the bus ------------------------------------------------------------------------------------------------------

    @contextmanager
    def channel(self, user: str | None = None) -> Iterator[Any]:
        """A channel of a plain client: as one of the services' users, or as the administrator."""
        uri = self.suite.broker_uri(user) if user else self.suite.amqp_uri
        connection = pika.BlockingConnection(pika.URLParameters(uri))
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()

    def publish(self, user: str, key: str, body: bytes, **properties: Any) -> None:
        """A message from a service's own broker user, confirmed."""
        with self.channel(user) as channel:
            channel.confirm_delivery()
            given = {"user_id": user, "delivery_mode": 2, **properties}
            channel.basic_publish("events", key, body, pika.BasicProperties(**given), mandatory=True)

    def operator(self, *arguments: str) -> str:
        """Run the operator's command as an operator would."""
        env = _environment() | {
            f"LIAISON_{name.upper()}_DATABASE_URL": urls.application for name, urls in self.suite.databases.items()
        }
        done = subprocess.run(
            [sys.executable, "-m", "shared.ops.operator", *arguments],
            cwd=CHECKOUT, env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def topology(self) -> None:
        self.suite._topology()

    # -- work ---------------------------------------------------------------------------------------------------------

    def workload(self) -> Workload:
        """A crowd with a history of its own and a shop of its own."""
        self._history += 1
        history = History(self.root / f"history-{self._history}.jsonl")
        history.path.unlink(missing_ok=True)
        work = Workload(self.suite, history, self.seed + self._history)
        work.open_shop()
        return work


def until(probe: Callable[[], T], timeout: float = 30, what: str = "") -> T:
    """Probe until it is true; the last value says in the failure what it stayed at."""
    deadline = time.monotonic() + timeout
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or probe} stayed at {found!r} for {timeout:g} s")
        time.sleep(0.1)
    return found


def _owner_of_port(port: int, pids: dict[str, int]) -> str | None:
    """Which of these processes owns a local TCP port, from the kernel's tables."""
    for name, pid in pids.items():
        inodes = set()
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))
            except OSError:
                continue
            if found and found[1] in inodes:
                return name
    return None


def read_all(opened: socket.socket, timeout: float) -> bytes:
    """Everything until the other side closes or nothing comes for so long."""
    opened.settimeout(timeout)
    content = b""
    try:
        while chunk := opened.recv(65536):
            content += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return content


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()
