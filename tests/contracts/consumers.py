"""`make contracts` writes down who listens to which event, for the catalogue that the gateway shows.

The gateway carries no code of other services, so it cannot ask them; a test says when the list is out of date.
"""

import json
from pathlib import Path

from shared import contracts
from shared.api.handlers import collect, service_class

FILE = Path(contracts.__file__).with_name("consumers.json")


def current() -> dict[str, list[str]]:
    """Full event type → `service.handler`, sorted."""
    found: dict[str, list[str]] = {}
    for service in contracts.SERVICES:
        for handler in collect(service_class(service)):
            for event in handler.events:
                found.setdefault(event.full_type, []).append(f"{service}.{handler.name}")
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def write() -> None:
    FILE.write_text(json.dumps(current(), indent=2) + "\n", encoding="utf-8")
