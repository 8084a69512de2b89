"""Small files that must never be seen half written, nor by others."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import IO, Any


def write_private(path: Path, text: str, owner: int | None = None) -> None:
    """Replace `path` atomically with mode 0600: a reader sees the old or the new content, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if owner is not None:
        os.chown(beside, owner, -1)
    beside.replace(path)


def open_log(path: Path) -> IO[bytes]:
    """A log to add to, which others cannot read: mode 0640, also when it was made by an earlier start."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.fchmod(descriptor, 0o640)
    return os.fdopen(descriptor, "ab")


def write_json(path: Path, value: Any) -> None:
    write_private(path, json.dumps(value, indent=2, sort_keys=False) + "\n")


def read_json(path: Path, default: Any = None) -> Any:
    """The content of a JSON file, or `default` when it does not exist or is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return default


class Secrets:
    """Random passwords, made when first asked for and kept in one private file.

    The file is read again before anything is added: several parts of one start hold their own `Secrets`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> str:
        values: dict[str, str] = read_json(self._path, {})
        if name not in values:
            values[name] = secrets.token_urlsafe(24)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, values)
        return values[name]
