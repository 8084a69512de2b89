"""API documents in parts, one for each service: a part holds what only its service has, `shared` holds the rest."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from shared import contracts
from shared.kernel.generated import EVERY

Owner = Callable[[str], str]
"""The service that a path, an event type or a name belongs to."""

_REFERENCE = re.compile(r"^#/components/(\w+)/(.+)$")


def openapi(document: dict[str, Any]) -> dict[str, Any]:
    """Paths go to the service that answers them; a component goes where alone it is used."""
    return _partition(document, {"paths": _owner_of_path})


def asyncapi(document: dict[str, Any]) -> dict[str, Any]:
    return _partition(document, {"channels": of_type, "operations": of_type})


def events(document: dict[str, Any]) -> dict[str, Any]:
    """A bundle by event type."""
    return by_name(document, of_type)


def by_name(values: dict[str, Any], owner: Owner) -> dict[str, Any]:
    """The members of an object by the service that each belongs to."""
    parts: dict[str, Any] = defaultdict(dict)
    for name, value in values.items():
        parts[owner(name)][name] = value
    return dict(parts)


def of_type(name: str) -> str:
    """`crm_sales` of `liaison.crm_sales.order.placed.v1`, `send_crm_sales_order_placed` or `job/crm_sales`."""
    plain = name.removeprefix("liaison.").removeprefix("send_").removeprefix("job/")
    return next((s for s in contracts.SERVICES if plain == s or plain.startswith((f"{s}.", f"{s}_"))), EVERY)


def of_operation_id(name: str) -> str:
    """The service of an operation by its id; what every service answers is the gateway's, as is what the edge does."""
    return _owners_of_ids().get(name, "gateway")


def _owners_of_ids() -> dict[str, str]:
    found: dict[str, set[str]] = defaultdict(set)
    for service, operations in contracts.operations().items():
        for operation in operations.values():
            found[operation.id].add(service)
    return {name: next(iter(services)) for name, services in found.items() if len(services) == 1}


def _owner_of_path(path: str) -> str:
    owners = {
        service
        for service, operations in contracts.operations().items()
        for operation in operations.values()
        if operation.path == path
    }
    return owners.pop() if len(owners) == 1 else "gateway"


def _partition(document: dict[str, Any], owners: dict[str, Owner]) -> dict[str, Any]:
    parts: dict[str, Any] = defaultdict(dict)
    for section, owner in owners.items():
        for service, members in by_name(document[section], owner).items():
            parts[service][section] = members
    users = _users(document, parts)
    for kind, components in document["components"].items():
        for name, component in components.items():
            used_by = users[kind, name]
            service = next(iter(used_by)) if len(used_by) == 1 else EVERY
            parts[service].setdefault("components", {}).setdefault(kind, {})[name] = component
    parts[EVERY] |= {name: value for name, value in document.items() if name not in (*owners, "components")}
    return dict(parts)


def _users(document: dict[str, Any], parts: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """(kind, name) of a component → the services whose parts refer to it, directly or through others."""
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for service, part in parts.items():
        waiting = list(_references(part))
        while waiting:
            kind, name = waiting.pop()
            if service not in users[kind, name]:
                users[kind, name].add(service)
                waiting += _references(document["components"][kind][name])
    return users


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        found = _REFERENCE.match(value["$ref"]) if isinstance(value.get("$ref"), str) else None
        if found:
            yield found[1], found[2]
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from _references(inner)
