"""Debian packages that are missing, installed without waking up the system's own servers."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.local import postgresql, rabbitmq
from deploy.local.console import Stop, step

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_ASIDE = Path("/usr/sbin/policy-rc.d.before-liaison")


def ensure(need_postgresql: bool, need_rabbitmq: bool) -> None:
    """Install what is missing, or say in one sentence how to."""
    names = _missing(need_postgresql, need_rabbitmq)
    if not names:
        return
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    if shutil.which("apt-get") is None:
        raise Stop(f"Missing: {', '.join(names)}. Install them, or set AMQP_URI and DATABASE_URL to servers you have.")
    if os.geteuid() != 0:
        raise Stop(f"Missing: {', '.join(names)}. Run once as root: {command}")
    with step(f"installing {', '.join(names)}"), _no_autostart():
        _apt("update", required=False)
        _apt("install", "--yes", "--no-install-recommends", *names)
    still = _missing(need_postgresql, need_rabbitmq)
    if still:
        raise Stop(f"Installed, but still not found: {', '.join(still)}. Install by hand: {command}")


def _missing(need_postgresql: bool, need_rabbitmq: bool) -> list[str]:
    """Debian's names of what is not there yet."""
    names = []
    if need_postgresql and postgresql.programs() is None:
        names.append("postgresql")
    if need_rabbitmq and rabbitmq.programs() is None:
        names.append("rabbitmq-server")
    importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is None:
        names.append("python3-venv")
    return names


def _apt(*arguments: str, required: bool = True) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    argv: Sequence[str] = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if required and done.returncode != 0:
        tail = (done.stderr or done.stdout).strip()[-600:]
        raise Stop(f"apt-get {arguments[0]} failed; repair it and run again: {tail}")


@contextlib.contextmanager
def _no_autostart() -> Iterator[None]:
    """Debian asks policy-rc.d before it starts a service: answer no, and leave everything as it was found."""
    if POLICY_ASIDE.exists() or POLICY_ASIDE.is_symlink():
        POLICY_ASIDE.replace(POLICY)  # left by an installation that was cut off
    if POLICY.exists() or POLICY.is_symlink():
        POLICY.replace(POLICY_ASIDE)
    try:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if POLICY_ASIDE.exists() or POLICY_ASIDE.is_symlink():
            POLICY_ASIDE.replace(POLICY)
