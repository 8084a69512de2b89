"""Documents that are generated, as one JSON file per service: two services may change without touching the same file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EVERY = "shared"
"""The file of what belongs to several services, or to none."""


def read(folder: Path) -> dict[str, Any]:
    """{service: its document}, in the order of their names."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}


def merged(folder: Path) -> dict[str, Any]:
    """The objects of all services as one."""
    found: dict[str, Any] = {}
    for part in read(folder).values():
        _merge(found, part)
    return found


def _merge(into: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def written(value: Any) -> str:
    """JSON for people: one line for each value."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write(folder: Path, parts: Mapping[str, Any], text: Any = written) -> None:
    """Write one file for each service that has something, and take away those of services that have nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / f"{service}.json": part for service, part in parts.items() if part}
    for file in set(folder.glob("*.json")) - wanted.keys():
        file.unlink()
    for file, part in wanted.items():
        file.write_text(text(part), encoding="utf-8")
