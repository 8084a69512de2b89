"""`services/gateway` is grouped into rooms as `shared/` is: a room uses only those above it in this list."""

from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files, imports, short

GATEWAY = ROOT / "services" / "gateway"
ROOMS = ("http", "identity", "events", "calls", "docs", "webhooks", "edge")
FIRST = {"models.py", "errors.py"}
"""What every service has under these names, used by all rooms."""

LAST = {"__init__.py", "__main__.py", "service.py"}
"""The two processes, which put the rooms together."""


def _modules(*rooms: str) -> list[Path]:
    return files(*(f"services/gateway/{room}" for room in rooms))


def _rooms_used(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("gateway.")}


def test_every_module_of_the_gateway_stands_in_a_room() -> None:
    assert {path.name for path in GATEWAY.glob("*.py")} == FIRST | LAST
    assert {path.parent.name for path in GATEWAY.glob("*/*.py")} == set(ROOMS)


@pytest.mark.parametrize("path", _modules(*ROOMS), ids=short)
def test_a_room_of_the_gateway_uses_only_those_above_it(path: Path) -> None:
    above = ROOMS[: ROOMS.index(path.relative_to(GATEWAY).parts[0]) + 1]
    assert _rooms_used(path) <= {*above, "models", "errors"}


@pytest.mark.parametrize("name", sorted(FIRST))
def test_models_and_refusals_of_the_gateway_use_no_room(name: str) -> None:
    assert not _rooms_used(GATEWAY / name)
