"""`make contracts` writes down who listens to which event, for the catalogue that the gateway shows.

The gateway carries no code of other services, so it cannot ask them; a test says when the list is out of date.
"""

from pathlib import Path

from shared import contracts
from shared.api.handlers import collect, service_class
from shared.kernel import generated

FOLDER = Path(contracts.__file__).with_name("consumers")


def current() -> dict[str, dict[str, list[str]]]:
    """By the service that listens: full event type → its handlers, sorted."""
    return {service: found for service in contracts.SERVICES if (found := _of(service))}


def _of(service: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for handler in collect(service_class(service)):
        for event in handler.events:
            found.setdefault(event.full_type, []).append(handler.name)
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def write() -> None:
    generated.write(FOLDER, current())
