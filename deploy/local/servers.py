"""PostgreSQL and RabbitMQ as one thing that is started, broken and stopped together.

`start(root)` is what `make run` uses under `.local` and what the tests use under a folder of their own.
`attach(root)` gives another process the same handle on servers that already run, to inject faults.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from deploy.local.accounts import Account, servers_home
from deploy.local.console import Stop
from deploy.local.files import Secrets
from deploy.local.ports import Ports
from deploy.local.postgresql import PostgreSQL
from deploy.local.process import ProcessId
from deploy.local.rabbitmq import NodePorts, RabbitMQ

StopMode = Literal["smart", "fast", "immediate"]


@dataclass
class Servers:
    """A running pair. Every method acts on these two servers only."""

    root: Path
    postgresql: PostgreSQL
    rabbitmq: RabbitMQ
    _lock: IO[str] | None = field(default=None, repr=False)

    @property
    def pg_admin_url(self) -> str:
        return self.postgresql.url()

    @property
    def amqp_admin_uri(self) -> str:
        return self.rabbitmq.uri()

    @property
    def management_url(self) -> str:
        """With the administrator's credentials in it; no path and no slash at the end."""
        return self.rabbitmq.management_url

    def processes(self) -> dict[str, ProcessId]:
        """What runs of the pair, by name."""
        found = {
            "postgresql": self.postgresql.process(),
            "rabbitmq": self.rabbitmq.process(),
            "epmd": self.rabbitmq.epmd_process(),
        }
        return {name: process for name, process in found.items() if process}

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, postgresql: bool = True, rabbitmq: bool = True) -> Servers:
        """Both at once: RabbitMQ needs seconds, most of them not CPU."""
        wanted: list[Callable[[], None]] = []
        wanted += [self.postgresql.start] if postgresql else []
        wanted += [self.rabbitmq.start] if rabbitmq else []
        with ThreadPoolExecutor(max_workers=2) as pool:
            started = [pool.submit(start) for start in wanted]
        for one in started:
            one.result()
        return self

    def stop(self) -> None:
        """RabbitMQ first: a last acknowledgement may still want to be written to the database."""
        self.rabbitmq.stop()
        self.postgresql.stop("fast")
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # -- faults -------------------------------------------------------------------------------------------------

    def kill_rabbitmq(self) -> None:
        """kill -9 of the broker."""
        self.rabbitmq.kill()

    def start_rabbitmq(self) -> None:
        self.rabbitmq.start()

    def stop_rabbitmq(self) -> None:
        """Orderly stop of the broker process."""
        self.rabbitmq.stop()

    def rabbitmqctl(self, *arguments: str) -> str:
        return self.rabbitmq.ctl(*arguments)

    def stop_app(self) -> None:
        """The broker application stops, the Erlang machine stays: clients are refused."""
        self.rabbitmq.ctl("stop_app")

    def start_app(self) -> None:
        self.rabbitmq.ctl("start_app")

    def close_all_connections(self, reason: str = "test") -> None:
        self.rabbitmq.ctl("close_all_connections", "--global", reason)

    def set_vm_memory_high_watermark(self, fraction: float) -> None:
        """0.0000001 raises the memory alarm, which blocks publishers; 0.4 is the normal value."""
        self.rabbitmq.ctl("set_vm_memory_high_watermark", f"{fraction:.10f}")

    def restart_postgresql(self, mode: StopMode = "fast") -> None:
        """`immediate` is a crash with recovery."""
        self.postgresql.restart(mode)

    def stop_postgresql(self, mode: StopMode = "fast") -> None:
        self.postgresql.stop(mode)

    def start_postgresql(self) -> None:
        self.postgresql.start()


def start(root: Path, postgresql_settings: str = "", *, postgresql: bool = True, rabbitmq: bool = True) -> Servers:
    """Start a private pair (or one of the two) under `root`; one owner at a time.

    `postgresql_settings` are lines added to its configuration (for instance `log_statement = 'all'`).
    """
    servers = attach(root, postgresql_settings)
    servers._lock = _own(root)
    try:
        return servers.start(postgresql, rabbitmq)
    except BaseException:
        servers.stop()
        raise


def attach(root: Path, postgresql_settings: str = "") -> Servers:
    """A handle on the pair under `root`, whether it runs or not; starts nothing."""
    root = root.absolute()
    accounts = {name: Account.for_server(name) for name in ("postgres", "rabbitmq")}
    home = servers_home(root, list(accounts.values()))
    secrets, ports = Secrets(root / "secrets.json"), Ports(root / "ports.json")
    database = PostgreSQL(home / "pg", 0, secrets.get("postgresql"), accounts["postgres"], postgresql_settings)
    database.port = ports.get("postgresql", in_use_by_us=database.process() is not None)
    broker = RabbitMQ(home / "rabbitmq", NodePorts(0, 0, 0, 0), secrets.get("rabbitmq"), accounts["rabbitmq"])
    broker.ports = _node_ports(ports, broker)
    return Servers(root, database, broker)


def _node_ports(ports: Ports, broker: RabbitMQ) -> NodePorts:
    """A live epmd or node of ours holds its ports; only a stranger's are replaced."""
    epmd = broker.home / "epmd.pid"
    ours = broker.process() is not None or (epmd.exists() and ProcessId.of(_pid_in(epmd)) is not None)
    return NodePorts(*(ports.get(name, ours) for name in ("amqp", "management", "epmd", "dist")))


def _pid_in(path: Path) -> int:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _own(root: Path) -> IO[str]:
    """Held for as long as the process lives; the kernel releases it even after kill -9."""
    lock = (root / "servers.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Stop(f"The servers under {root} belong to another running command: stop it first.", 1) from None
    os.set_inheritable(lock.fileno(), False)
    return lock


def refuse_if_used(root: Path) -> None:
    """Stop when another command owns the servers under `root`."""
    _own(root).close()
