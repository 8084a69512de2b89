"""Under which system account the servers run.

PostgreSQL refuses to run as root, and RabbitMQ has no reason to. As root we use the accounts that the packages
create; as an ordinary user everything runs as that user.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy.local.console import Stop


@dataclass(frozen=True)
class Account:
    """Whom a process runs as; `name` None means "as we are".

    `reads_all`: it may look into folders that are closed to it, as root may, and still change nothing there.
    """

    name: str | None
    reads_all: bool = False

    @classmethod
    def for_server(cls, name: str) -> Account:
        return cls(name if os.geteuid() == 0 else None)

    def options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that change to this account."""
        if self.name is None or self.reads_all:
            return {}
        entry = self._entry()
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def command(self, argv: Sequence[str]) -> list[str]:
        """The arguments with which subprocess runs them as this account, together with `options`."""
        if not self.reads_all:
            return list(argv)
        entry, right = self._entry(), "-all,+dac_read_search"
        who = ["--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups", "--no-new-privs"]
        return ["setpriv", *who, "--inh-caps", right, "--ambient-caps", right, "--bounding-set", right, *argv]

    def run(
        self, argv: Sequence[str], env: Mapping[str, str], timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end and collect the output; the current folder may be closed to that account, so use /."""
        return subprocess.run(
            self.command(argv), env=dict(env), cwd="/", text=True, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=timeout, **self.options(),
        )  # fmt: skip

    def call(self, argv: Sequence[str], env: Mapping[str, str], output: IO[str], text: str) -> int:
        """Run to the end with the output in a file: servers started on the way may keep it open."""
        done = subprocess.run(
            argv,
            env=dict(env),
            cwd="/",
            text=True,
            input=text,
            stdout=output,
            stderr=output,
            **self.options(),
        )
        return done.returncode

    def own_folder(self, path: Path) -> None:
        """A folder that only this account can look into."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.take(path)

    def own_file(self, path: Path, text: str, mode: int = 0o600) -> None:
        beside = path.with_name(path.name + ".new")
        beside.write_text(text, encoding="utf-8")
        beside.chmod(mode)
        self.take(beside)
        beside.replace(path)

    def take(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.name is not None:
            entry = self._entry()
            os.chown(path, entry.pw_uid, entry.pw_gid)

    @property
    def home(self) -> str | None:
        """Its home; None for "as we are"."""
        return None if self.name is None else self._entry().pw_dir

    def can_reach(self, path: Path) -> bool:
        """May this account walk down to `path`? (A checkout under /root is closed to it.)"""
        return self.run(["test", "-x", str(path)], env={}).returncode == 0

    def _entry(self) -> pwd.struct_passwd:
        assert self.name is not None
        try:
            return pwd.getpwnam(self.name)
        except KeyError:
            raise Stop(f"The system account '{self.name}' is missing: install its package again.") from None


AS_WE_ARE = Account(None)


def servers_home(root: Path, accounts: Sequence[Account]) -> Path:
    """Where the servers keep their data: `root`, or /var/tmp when their accounts cannot walk down to it."""
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    if all(account.can_reach(root) for account in accounts):
        return root
    key = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:12]
    home = Path("/var/tmp") / f"liaison-{os.geteuid()}-{key}"
    home.mkdir(mode=0o711, exist_ok=True)
    status = home.lstat()
    if home.is_symlink() or status.st_uid != os.geteuid():
        raise Stop(f"{home} belongs to somebody else: remove it, or move the checkout to a folder open to all.")
    home.chmod(0o711)
    _link(root / "servers", home)
    return home


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
