"""`make contracts` ends the README of each service with what its contract says, so that it cannot go out of date."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from deploy.explain import ROOT
from shared import contracts
from shared.schema.contract import Operation
from shared.wire.problems import STATUS
from tests.contracts import consumers, refusals

MARK = "<!-- What follows is written by `make contracts`. -->"


def file_of(service: str) -> Path:
    return ROOT / "services" / service / "README.md"


def by_hand(service: str) -> str:
    """What people write, before the mark."""
    return file_of(service).read_text(encoding="utf-8").partition(MARK)[0].rstrip()


def written(service: str) -> str:
    """The whole page."""
    return f"{by_hand(service)}\n\n{MARK}\n\n" + "\n\n".join(_sections(service)) + "\n"


def write() -> None:
    for service in contracts.SERVICES:
        file_of(service).write_text(written(service), encoding="utf-8")


def _sections(service: str) -> Iterator[str]:
    yield _section("Operations", ("Path", "Operations"), _operations(service))
    yield _section("Publishes", ("Event", "When"), _published(service))
    yield _section("Listens", ("Event", "Handlers"), _heard(service))
    yield _section("Refuses", ("Code", "Status", "Sentence"), _refused(service))


def _section(heading: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    if not cells:
        return f"## {heading}\n\nNothing of its own."
    table = [" | ".join(columns), " | ".join("---" for _ in columns), *cells]
    return f"## {heading}\n\n" + "\n".join(f"| {line} |" for line in table)


def _operations(service: str) -> Iterator[tuple[str, str]]:
    """Each collection with the last words of the ids of its operations."""
    found: dict[str, list[Operation]] = {}
    for operation in contracts.operations()[service].values():
        if not operation.everywhere:
            found.setdefault("/".join(operation.path.split("/")[:3]), []).append(operation)
    for path, operations in sorted(found.items()):
        yield f"`{path}`", ", ".join(sorted(f"`{o.id.partition('.')[2]}`" for o in operations))


def _published(service: str) -> Iterator[tuple[str, str]]:
    for event in sorted(contracts.events().values(), key=lambda e: e.full_type):
        if event.service == service:
            yield f"`{event.type}`", " ".join((event.__doc__ or "").split())


def _heard(service: str) -> Iterator[tuple[str, str]]:
    """Handlers by event; one that takes every event of every service says so in one row."""
    heard = consumers.current().get(service, {})
    every = {handler for handlers in heard.values() for handler in handlers}
    every = {h for h in every if all(h in heard.get(e.full_type, ()) for e in _known())}
    for kind, handlers in heard.items():
        if left := [f"`{handler}`" for handler in handlers if handler not in every]:
            yield f"`{contracts.events()[kind].type}`", ", ".join(left)
    for handler in sorted(every):
        yield "every event of every service", f"`{handler}`"


def _known() -> list[Any]:
    return [event for event in contracts.events().values() if event.service in contracts.SERVICES]


def _refused(service: str) -> Iterator[tuple[str, str, str]]:
    for one in _refusals():
        if one["service"] == service:
            yield f"`{one['code']}`", str(STATUS[one["family"]]), one["en"]


@cache
def _refusals() -> list[dict[str, Any]]:
    return [one for part in refusals.current().values() for one in part]
