"""A private RabbitMQ node: own name, ports, cookie, configuration and data; everything listens on loopback only.

The package's versioned `rabbitmq-server` script is called directly: the wrapper on the PATH changes user and
folder. Every RABBITMQ_* variable that would otherwise lead to /etc/rabbitmq is set, so that the system's own
broker neither influences this one nor notices it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

from deploy.local.accounts import Account
from deploy.local.console import Stop
from deploy.local.ports import is_open
from deploy.local.process import ProcessId

VHOST = "liaison"
ADMIN = "admin"

# The metrics collector walks over all queues all the time; on two cores that is CPU the services need.
CONFIGURATION = """
listeners.tcp.1 = 127.0.0.1:{amqp}
tcp_listen_options.nodelay = true
tcp_listen_options.backlog = 1024
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
management_agent.disable_metrics_collector = true
collect_statistics_interval = 60000
load_definitions = {home}/definitions.json
default_vhost = {vhost}
raft.wal_max_size_bytes = 64000000
disk_free_limit.absolute = 200MB
log.file.level = info
log.console = false
"""


def programs() -> Path | None:
    """The folder with the real `rabbitmq-server` script, newest version first."""
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"), key=_version, reverse=True)
    return found[0] if found else None


def _version(sbin: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in sbin.parent.name.rpartition("-")[2].split(".") if part.isdigit())


@dataclass(frozen=True)
class NodePorts:
    amqp: int
    management: int
    epmd: int
    dist: int


@dataclass
class RabbitMQ:
    home: Path
    ports: NodePorts
    password: str
    account: Account
    _epmd: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _server: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def node(self) -> str:
        key = hashlib.sha256(str(self.home.absolute()).encode()).hexdigest()[:8]
        return f"liaison-{key}@localhost"

    @property
    def log(self) -> Path:
        return self.home / "log" / f"{self.node}.log"

    def uri(self, user: str = ADMIN, password: str | None = None) -> str:
        secret = quote(password or self.password, safe="")
        return f"amqp://{user}:{secret}@127.0.0.1:{self.ports.amqp}/{VHOST}"

    @property
    def management_url(self) -> str:
        return f"http://{ADMIN}:{quote(self.password, safe='')}@127.0.0.1:{self.ports.management}"

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, timeout: float = 120) -> None:
        """Start and wait until it speaks AMQP, or go on with the node that already runs."""
        left = self.process()
        if left and self.accepts_connections():
            return
        if left:
            left.end(30)
        self._configure()
        self.start_epmd()
        with self._output("server") as output:
            self._server = self._popen([str(_required_programs() / "rabbitmq-server")], output.fileno())
        self._wait_started(timeout)

    def stop(self, timeout: float = 60) -> None:
        """The Erlang machine answers SIGTERM with an orderly shutdown of the node."""
        node = self.process()
        if node:
            node.end(timeout)
        self._reap(self._server)
        self.stop_epmd()

    def kill(self) -> None:
        """kill -9 of the Erlang machine; epmd stays, as it does when a real broker dies."""
        node = self.process()
        if node and node.send(9):
            node.wait_gone(10)
        self._reap(self._server)

    def stop_epmd(self) -> None:
        epmd = self._epmd_process()
        if epmd:
            epmd.end(5)
        self._reap(self._epmd)

    def ctl(self, *arguments: str, timeout: float = 120) -> str:
        """Run rabbitmqctl against this node and return what it prints."""
        script = str(_required_programs() / "rabbitmqctl")
        done = self.account.run([script, "-n", self.node, "-q", *arguments], self._environment(), timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {(done.stderr or done.stdout).strip()[-600:]}")
        return done.stdout

    def process(self) -> ProcessId | None:
        """The Erlang machine of this node, known by the pid it wrote and by its command line."""
        if self._server is not None:
            self._server.poll()
        return self._recorded("rabbitmq.pid", self.node)

    def epmd_process(self) -> ProcessId | None:
        return self._epmd_process()

    def accepts_connections(self) -> bool:
        """The AMQP listener opens last of all; it answers a wrong header with the right one and closes."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports.amqp), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x00\x00")
                return connection.recv(8).startswith(b"AMQP")
        except OSError:
            return False

    # -- pieces -------------------------------------------------------------------------------------------------

    def _configure(self) -> None:
        self.account.own_folder(self.home)
        self._configure_cookie()
        settings = CONFIGURATION.format(
            amqp=self.ports.amqp, management=self.ports.management, home=self.home, vhost=VHOST
        )
        self.account.own_file(self.home / "rabbitmq.conf", settings)
        self.account.own_file(self.home / "enabled_plugins", "[rabbitmq_management].\n")
        self.account.own_file(self.home / "rabbitmq-env.conf", "")
        self.account.own_file(self.home / "definitions.json", json.dumps(_definitions(self.password)))

    def _configure_cookie(self) -> None:
        cookie = self.home / ".erlang.cookie"
        if not cookie.exists():
            self.account.own_file(cookie, secrets.token_hex(20), mode=0o400)

    def _environment(self) -> dict[str, str]:
        home = str(self.home)
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        mark = f"-liaison_node {self.node}"  # Erlang ignores it; `_recorded` recognises the process by it
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": home,
            # The Erlang shell script that keeps a shell beside the node is of no use here: with this the script
            # becomes the node, so that the process we started is the process we watch.
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.ports.amqp),
            "RABBITMQ_DIST_PORT": str(self.ports.dist),
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self.ports.dist + 1),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self.ports.dist + 200),
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_PID_FILE": f"{home}/rabbitmq.pid",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{home}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{home}/rabbitmq-env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{home}/config",
            # An idle Erlang scheduler spins for a moment before it sleeps, and pins itself to a core. Both pay off
            # on a dedicated broker machine; beside PostgreSQL and the services on two cores they only steal time.
            "RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD": "none",
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{loopback} {mark}",
            "RABBITMQ_CTL_ERL_ARGS": loopback,
        }

    def start_epmd(self) -> None:
        """Ours, in the foreground: started by the node it would outlive everything and belong to nobody."""
        if self._epmd_process() and is_open(self.ports.epmd):
            return
        program = shutil.which("epmd") or "/usr/bin/epmd"
        argv = [program, "-address", "127.0.0.1", "-port", str(self.ports.epmd)]
        with self._output("epmd") as output:
            self._epmd = self._popen(argv, output.fileno())
        self.account.own_file(self.home / "epmd.pid", str(self._epmd.pid))
        deadline = time.monotonic() + 10
        while not is_open(self.ports.epmd) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _wait_started(self, timeout: float) -> None:
        assert self._server is not None
        deadline = time.monotonic() + timeout
        while not (self.accepts_connections() and is_open(self.ports.management)):
            if self._server.poll() is not None:
                raise Stop(f"RabbitMQ ended while starting: see {self.home / 'server.out'} and {self.log}")
            if time.monotonic() > deadline:
                raise Stop(f"RabbitMQ did not start within {timeout:.0f} s: see {self.log}")
            time.sleep(0.1)

    def _popen(self, argv: list[str], output: int) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal goes to the supervisor, which stops things in order.
        return subprocess.Popen(
            argv, env=self._environment(), cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, umask=0o027, **self.account.options(),
        )  # fmt: skip

    def _output(self, name: str) -> IO[bytes]:
        path = self.home / f"{name}.out"
        if not path.exists():
            self.account.own_file(path, "")
        return path.open("ab")

    def _epmd_process(self) -> ProcessId | None:
        if self._epmd is not None:
            self._epmd.poll()
        return self._recorded("epmd.pid", str(self.ports.epmd))

    def _recorded(self, pid_file: str, mark: str) -> ProcessId | None:
        """The process of a pid file, provided that its command line carries our mark: pids are used again."""
        try:
            pid = int((self.home / pid_file).read_text(encoding="utf-8"))
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except (OSError, ValueError):
            return None
        return ProcessId.of(pid) if mark in arguments else None

    @staticmethod
    def _reap(child: subprocess.Popen[bytes] | None) -> None:
        if child is not None:
            child.wait(10)


def _required_programs() -> Path:
    found = programs()
    if found is None:
        raise Stop("RabbitMQ is not installed: apt-get install rabbitmq-server")
    return found


def _definitions(password: str) -> dict[str, object]:
    """One administrator, one virtual host, no guest. Loaded at every start, which also heals a changed password."""
    return {
        "users": [{"name": ADMIN, "password_hash": password_hash(password), "tags": "administrator"}],
        "vhosts": [{"name": VHOST}],
        "permissions": [{"user": ADMIN, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}],
    }


def password_hash(password: str, salt: bytes | None = None) -> str:
    """RabbitMQ's own form: base64(salt + SHA-256(salt + password)) with four bytes of salt."""
    salt = secrets.token_bytes(4) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
