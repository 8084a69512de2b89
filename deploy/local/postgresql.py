"""A private PostgreSQL: its own data folder, a loopback port, and full durability."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy.local.accounts import Account
from deploy.local.console import Stop
from deploy.local.ports import is_open
from deploy.local.process import ProcessId

# Statements hold the data of customers, and so do the details of an error ("Key (email)=(…) already exists"): the log has
# neither. To look for slow statements, add log_min_duration_statement to extra.conf, for as long as it takes.
# fsync, synchronous_commit and full_page_writes keep their default (on): an accepted command survives a crash.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 300
shared_buffers = 256MB
max_wal_size = 1GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
log_line_prefix = '%m [%p] %q%u@%d '
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_min_duration_statement = -1
log_statement = 'none'
include_if_exists = 'extra.conf'
"""

# A new cluster lets everybody connect to these two databases. `--single` needs neither server nor password.
CLOSE_DEFAULT_DATABASES = (
    "REVOKE ALL ON DATABASE postgres FROM PUBLIC;\nREVOKE ALL ON DATABASE template1 FROM PUBLIC;\n"
)


def programs() -> Path | None:
    """The folder with initdb and pg_ctl: the newest of Debian's versions, else what is on the PATH."""
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if debian:
        return max(debian, key=lambda path: float(path.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@dataclass
class PostgreSQL:
    home: Path
    port: int
    password: str
    account: Account
    extra_settings: str = ""
    _server: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _attempts: int = field(default=0, repr=False)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgresql.log"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self, timeout: float = 120) -> None:
        """Start, or go on with the server that already runs on this data."""
        if not (self.data / "PG_VERSION").exists():
            self._create()
        if not self.process():
            self._write_settings()
            self._spawn()
        self._wait_started(timeout)

    def stop(self, mode: str = "fast") -> None:
        if self.process():
            self._run("pg_ctl", "stop", "-D", str(self.data), "-w", "-t", "120", "-m", mode)
        if self._server is not None:
            self._server.wait(10)

    def restart(self, mode: str = "fast") -> None:
        """`immediate` is a crash: no checkpoint, recovery from the log at the next start."""
        self.stop(mode)
        self.start()

    def process(self) -> ProcessId | None:
        """The server process, if it lives and is really the one of this data folder."""
        if self._server is not None:
            self._server.poll()
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
            where = Path(f"/proc/{pid}/cwd").readlink()
        except (OSError, ValueError):
            return None
        return ProcessId.of(pid) if where == self.data.resolve() else None

    @cached_property
    def _programs(self) -> Path:
        found = programs()
        if found is None:
            raise Stop("PostgreSQL is not installed: apt-get install postgresql")
        return found

    def _create(self) -> None:
        """Built beside and moved into place, so that an interrupted creation leaves no half cluster behind."""
        self.account.own_folder(self.home)
        building, passwords = self.home / "data.new", self.home / "password"
        shutil.rmtree(building, ignore_errors=True)
        self.account.own_file(passwords, self.password + "\n")
        self._run(
            "initdb", "--pgdata", str(building), "--username", "postgres", "--pwfile", str(passwords),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums",
        )  # fmt: skip
        passwords.unlink()
        self._run("postgres", "--single", "-D", str(building), "postgres", text=CLOSE_DEFAULT_DATABASES)
        with (building / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\ninclude 'liaison.conf'\n")
        building.rename(self.data)

    def _write_settings(self) -> None:
        self.account.own_file(self.data / "liaison.conf", f"{SETTINGS}port = {self.port}\n{self.extra_settings}\n")

    def _spawn(self) -> None:
        # Our own child, not pg_ctl's orphan: PostgreSQL refuses to start while the pid of its predecessor is taken,
        # and in a container without an init process nobody else would ever clear that one away after kill -9.
        if not self.log.exists():
            self.account.own_file(self.log, "")
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.data)], env=self._environment(), cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, umask=0o027, **self.account.options(),
            )  # fmt: skip

    def _wait_started(self, timeout: float) -> None:
        """The eighth line of the pid file is the server's own word for it."""
        deadline = time.monotonic() + timeout
        while not (self._says_ready() and is_open(self.port)):
            if self._server is not None and self._server.poll() is not None:
                self._spawn_again_or_give_up(deadline)
            if time.monotonic() > deadline:
                raise Stop(f"PostgreSQL did not start within {timeout:.0f} s: see {self.log}")
            time.sleep(0.05)
        self._attempts = 0

    def _spawn_again_or_give_up(self, deadline: float) -> None:
        """After kill -9 the old server's children need a moment to notice; until then the data is locked."""
        self._attempts += 1
        if self._attempts > 20 or time.monotonic() > deadline:
            self._attempts = 0
            raise Stop(f"PostgreSQL ended while starting: see {self.log}")
        time.sleep(0.25)
        self._spawn()

    def _says_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return self.process() is not None and len(lines) >= 8 and lines[7].strip() == "ready"

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": str(self.home)}

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        output = self.home / "command.log"
        self.account.own_file(output, "")
        with output.open("w", encoding="utf-8") as file:
            done = self.account.call([str(self._programs / program), *arguments], self._environment(), file, text)
        if done != 0:
            tail = output.read_text(encoding="utf-8", errors="replace").strip()[-600:]
            raise Stop(f"PostgreSQL: {program} {arguments[-1]} failed (see {self.log}): {tail}")
