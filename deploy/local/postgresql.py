"""A private PostgreSQL: its own data folder, a loopback port, and full durability."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.local.accounts import Account
from deploy.local.console import Stop
from deploy.local.ports import is_open
from deploy.local.process import ProcessId

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
log_min_duration_statement = 1000
include_if_exists = 'extra.conf'
"""

# A new cluster lets everybody connect to these two databases. `--single` needs neither server nor password.
CLOSE_DEFAULT_DATABASES = "REVOKE ALL ON DATABASE postgres FROM PUBLIC;\nREVOKE ALL ON DATABASE template1 FROM PUBLIC;\n"


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

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgresql.log"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, or go on with the server that already runs on this data."""
        if self.process() and is_open(self.port):
            return
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._write_settings()
        self._pg_ctl("start")

    def stop(self, mode: str = "fast") -> None:
        if self.process():
            self._pg_ctl("stop", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """`immediate` is a crash: no checkpoint, recovery from the log at the next start."""
        if self.process():
            self._pg_ctl("restart", "-m", mode)
        else:
            self.start()

    def process(self) -> ProcessId | None:
        """The server process, if it lives and is really the one of this data folder."""
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

    def _pg_ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "120", *arguments)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        # Output goes to a file: the server inherits it and would keep a pipe open after pg_ctl has ended.
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": str(self.home)}
        output = self.home / "command.log"
        self.account.own_file(output, "")
        with output.open("w", encoding="utf-8") as file:
            done = self.account.call([str(self._programs / program), *arguments], env, file, text)
        if done != 0:
            tail = output.read_text(encoding="utf-8", errors="replace").strip()[-600:]
            raise Stop(f"PostgreSQL: {program} {arguments[-1]} failed (see {self.log}): {tail}")
