"""The virtual environment: locked packages, verified by hash, installed only when a lock file changed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.console import Stop, step

OLDEST_PYTHON = (3, 11)


def python_of(checkout: Path) -> Path:
    return checkout / ".venv" / "bin" / "python"


def ensure(checkout: Path, with_tools: bool) -> Path:
    """The interpreter of an environment that holds exactly what the lock files say."""
    if sys.version_info < OLDEST_PYTHON:
        raise Stop(f"Liaison needs Python 3.11 or newer, this is {sys.version.split()[0]}: install python3.11.")
    python = python_of(checkout)
    if not _works(python):
        with step("creating the Python environment"):
            _run([sys.executable, "-m", "venv", "--clear", str(checkout / ".venv")])
    locks = ["requirements.txt", "requirements-dev.txt"] if with_tools else ["requirements.txt"]
    for lock in locks:
        _install(checkout, python, checkout / lock)
    _make_importable(checkout, python)
    return python


def _install(checkout: Path, python: Path, lock: Path) -> None:
    stamp = checkout / ".venv" / f".installed-{lock.stem}"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    with step(f"installing Python packages ({lock.name})"):
        _run(
            [str(python), "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input", "--quiet",
             "--disable-pip-version-check", "--requirement", str(lock)]
        )  # fmt: skip
        stamp.write_text(wanted, encoding="utf-8")


def _make_importable(checkout: Path, python: Path) -> None:
    """`import shared` and `import crm_sales` from anywhere, without PYTHONPATH."""
    packages = next((checkout / ".venv" / "lib").glob("python3.*/site-packages"))
    wanted = f"{checkout}\n{checkout / 'services'}\n"
    path_file = packages / "liaison.pth"
    if not path_file.exists() or path_file.read_text(encoding="utf-8") != wanted:
        path_file.write_text(wanted, encoding="utf-8")


def _works(python: Path) -> bool:
    """An environment that was moved, or whose interpreter was upgraded away, is made anew."""
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON!r})"
    try:
        return subprocess.run([str(python), "-c", check], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:
        return False


def _run(argv: list[str]) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop(f"{' '.join(argv[1:4])} failed: {(done.stderr or done.stdout).strip()[-800:]}")
