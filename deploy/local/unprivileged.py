"""As whom the services run when everything was started by root: an account that owns nothing but their keys."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from deploy.local.accounts import AS_WE_ARE, Account
from deploy.local.console import Stop, say

NAME = "liaison"
INSTEAD = "nobody"
"""Where no account can be made. Others may run as that one, too, which is why it is not the first choice."""

_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def account(checkout: Path, python: Path, root: Path) -> Account:
    """Whom the services run as: as we are, unless we are root.

    A checkout below /root is closed to everybody else. There the account is given the one right to look in.
    """
    if os.geteuid() != 0:
        return AS_WE_ARE
    name = _name()
    if (plain := Account(name)).can_reach(root) and _can_run(plain, checkout, python):
        return plain
    if shutil.which("setpriv") and _can_run(looking := Account(name, reads_all=True), checkout, python):
        say(
            f"  the account '{name}' may not look into {checkout} or its Python: the services may read all files, change none"
        )
        return looking
    say(f"  the account '{name}' may not look into {checkout}: the services run as root; move it below /opt or /srv")
    return AS_WE_ARE


def refuse_port(account: Account, port: int) -> None:
    """Raise Stop for a port that only root may listen on, when the services are not root."""
    try:
        first = int(_PORTS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        first = 1024
    if account.name is not None and port < first:
        raise Stop(
            f"LIAISON_HTTP_PORT={port}: ports below {first} are for root, and the services run as '{account.name}'."
            f" Choose a higher port, and let a proxy listen on {port}."
        )


def _name() -> str:
    """The account, made at the first start. It has no home, no shell and no password."""
    for name in (NAME, INSTEAD):
        try:
            pwd.getpwnam(name)
        except KeyError:
            if name == NAME and _made():
                return NAME
        else:
            return name
    raise Stop(f"There is no account for the services: useradd --system --user-group {NAME}")


def _made() -> bool:
    program = shutil.which("useradd")
    if program is None:
        return False
    home = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    return subprocess.run([program, "--system", "--user-group", *home, NAME], capture_output=True).returncode == 0


def _can_run(account: Account, checkout: Path, python: Path) -> bool:
    """Ask the interpreter itself: it needs the checkout, its packages and its own library."""
    path = os.pathsep.join(map(str, (checkout, checkout / "services")))
    argv = [str(python), "-W", "ignore", "-c", "import gateway, psycopg2, shared.kernel.settings"]
    try:
        return account.run(argv, {"PYTHONPATH": path, "HOME": "/nonexistent"}).returncode == 0
    except OSError:
        return False  # the interpreter itself is closed to it
