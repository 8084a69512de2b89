"""The documents that were last agreed on, in `snapshots/`. `make contracts` takes additive changes over.

It also writes down anew what the gateway shows of other services: who listens to which event, and who refuses with what.
A breaking change has to be declared in `breaking.md`, with its reason, before it can be taken over.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from gateway.docs import asyncapi, openapi
from gateway.docs.schemas import Components
from shared import contracts
from shared.kernel import generated
from tests.contracts import consumers, numbers, partition, permissions, readmes, refusals, tables, texts
from tests.contracts.differ import Change, compare

FOLDER = Path(__file__).parent / "snapshots"
DECLARED = Path(__file__).with_name("breaking.md")
_DECLARATION = re.compile(r"^- `(?P<change>.+)` — (?P<reason>.{10,})$", re.MULTILINE)


def current() -> dict[str, dict[str, Any]]:
    """The documents as the program makes them now: kind → document."""
    found = {"openapi": openapi.document(), "events": event_schemas(), "asyncapi": asyncapi.document()}
    return {kind: bare(json.loads(json.dumps(document))) for kind, document in found.items()}


_SAID = ("summary", "description", "example", "examples", "info", "tags", "x-tagGroups")
"""What says more about a document and binds nobody."""


def bare(value: Any) -> Any:
    """A document without its texts and examples, which are not compared."""
    if isinstance(value, list):
        return [bare(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _members(v) if name == "properties" else bare(v) for name, v in value.items() if name not in _SAID}


def _members(value: Any) -> Any:
    """The members of an object, whatever they are called."""
    return {name: bare(schema) for name, schema in value.items()}


def event_schemas() -> dict[str, Any]:
    """Every event type of a service with the JSON Schema of its data, without references.

    Services that only tests know declare events, too, once they are imported; they are nobody's contract.
    """
    components, known = Components(named=False), sorted(contracts.events().items())
    return {name: components.written_out(e.schema) for name, e in known if e.service in contracts.SERVICES}


def changes() -> dict[str, list[Change]]:
    """What differs from the snapshots, by kind; a kind without a snapshot is new and breaks nobody."""
    return {name: compare(stored, document) for name, document in current().items() if (stored := _stored(name))}


def undeclared() -> list[str]:
    """Breaking changes that `breaking.md` does not declare."""
    declared = {found["change"] for found in _DECLARATION.finditer(DECLARED.read_text(encoding="utf-8"))}
    return [str(c) for found in changes().values() for c in found if c.breaking and str(c) not in declared]


def _stored(name: str) -> dict[str, Any] | None:
    return generated.merged(FOLDER / name) or None


def parts(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """A document by the service that each piece belongs to."""
    return getattr(partition, name)(document)  # type: ignore[no-any-return]


def laid_out(value: Any, levels: int = 3) -> str:
    """JSON with one line for each operation, schema or event: small, and a change shows where it is."""
    if not levels or not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    members = (f"{json.dumps(name)}: {laid_out(member, levels - 1)}" for name, member in sorted(value.items()))
    return "{\n" + ",\n".join(members) + "\n}"


def main() -> int:
    """Write the snapshots anew, unless that would break somebody silently."""
    consumers.write()
    refusals.write()
    permissions.write()
    texts.write()
    tables.write()
    readmes.write()
    numbers.write()
    for name, found in changes().items():
        for change in found:
            print(f"  {name}  {'BREAKING ' if change.breaking else ''}{change}")
    if left := undeclared():
        print(
            f"\n{len(left)} breaking changes are not declared in {DECLARED.name}; nothing was written.", file=sys.stderr
        )
        return 1
    for name, document in current().items():
        generated.write(FOLDER / name, parts(name, document), text=lambda part: laid_out(part) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
