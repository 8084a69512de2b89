"""`make contracts` writes down how services say no, for the catalogue of errors that the gateway shows.

The gateway carries no code of other services, so it cannot ask them; a test says when the list is out of date.
"""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.calls.forwarding import Forwarder
from gateway.edge.answering import Edge
from gateway.edge.app import Gateway
from gateway.edge.health import Health
from gateway.events.streaming import Streams
from gateway.events.tickets import Tickets
from gateway.identity.auth import Auth
from gateway.identity.oidc_sign_in import OidcSignIn
from shared import contracts
from shared.api import own_writes
from shared.api.handlers import Handler, collect, service_class
from shared.api.operations import execute
from shared.jobs import handling
from shared.kernel import generated
from shared.kernel.refusals import Refusal
from shared.schema import Verb
from shared.schema.contract import Operation
from shared.schema.derived import job_contract
from tests.contracts import partition
from tests.contracts.raising import refusals_of

FOLDER = Path(contracts.__file__).with_name("refusals")
_PRIVATE = ("shared.messaging.rpc",)
"""What only a client on the bus itself can be told."""

_JOBS = ("shared.jobs.", "shared.tables.")
_AROUND = (
    (Edge.__call__, Edge),
    (Forwarder.__call__, Forwarder),
    (execute, None),
    (own_writes.told, None),
    (own_writes.check, None),
)
"""What every request passes before and after the operation itself."""


def current() -> dict[str, list[dict[str, Any]]]:
    """By service, each refusal that a client may be told: code, family, its sentences, and the operations that may say it.

    What stands around operations says no to many of them: `where` is then "any" and no operation is named; "job" is what
    ends a job. What only the handling of events can meet is nobody's answer and left out.
    """
    for package in ("shared", *contracts.SERVICES):
        _import_all(package)
    operations, events = _met()
    around = set().union(*(refusals_of(function, owner) for function, owner in _AROUND))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for cls in _all(Refusal):
        if cls.__module__ in _PRIVATE or (cls in events and cls not in operations):
            continue
        ids = set() if cls in around else operations.get(cls, set())
        for service, some in _by_service(cls, ids).items():
            found[service].append(_entry(cls, some))
    return {service: sorted(found[service], key=_place) for service in sorted(found)}


def _place(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["code"], entry["service"], entry["en"], entry["where"]


def _by_service(cls: type[Refusal], ids: set[str]) -> dict[str, set[str]]:
    """The operations by the service that has them; a refusal without any is listed where it is declared."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in ids:
        found[partition.of_operation_id(one)].add(one)
    return found or {cls.__module__.split(".")[0]: set()}


def _entry(cls: type[Refusal], operations: set[str]) -> dict[str, Any]:
    where = "operations" if operations else "job" if cls.__module__.startswith(_JOBS) else "any"
    service = cls.__module__.split(".")[0]
    told = {"code": cls.code, "family": cls.family, "service": service, "en": cls.en, "fr": cls.fr, "where": where}
    return told | {"operations": sorted(operations)}


def _met() -> tuple[dict[type[Refusal], set[str]], set[type[Refusal]]]:
    """(refusal → ids of the operations that may end in it, refusals that the handling of events may end in)."""
    operations: dict[type[Refusal], set[str]] = {}
    events: set[type[Refusal]] = set()
    for operation, function, owner in [*_own(), *_of_services()]:
        found = refusals_of(function, owner)
        if operation is None:
            events |= found
            continue
        for cls in found:
            operations.setdefault(cls, set()).add(operation.id)
    for cls, verb in _declared():
        operations.setdefault(cls, set()).add(verb.id)
    return operations, events


def _declared() -> Iterator[tuple[type[Refusal], Verb]]:
    """What verbs declare that they refuse with, of their own service or of all. Raises KeyError for an unknown code."""
    for service in contracts.SERVICES:
        known = {c.code: c for c in _all(Refusal) if c.__module__.split(".")[0] in (service, "shared")}
        for resource in contracts.resources(service).values():
            for verb in resource.declaration.verbs.values():
                yield from ((known[code], verb) for code in verb.refuses)


_Root = tuple[Operation | None, Callable[..., Any], type]


def _of_services() -> Iterator[_Root]:
    for service in contracts.SERVICES:
        cls = service_class(service)
        handlers: list[Handler] = [*collect(cls), *handling.handlers(service)]
        for handler in (one for one in handlers if one.name not in job_contract.INNER):
            yield handler.operation, handler.function, cls
            yield from ((handler.operation, method, model) for method, model in handler.calls)


def _own() -> Iterator[_Root]:
    """What the edge answers itself: the methods that it adds to its table, of parts that are never started."""
    edge = object.__new__(Gateway)
    for name, part in {
        "auth": Auth,
        "oidc": OidcSignIn,
        "health": Health,
        "streams": Streams,
        "tickets": Tickets,
    }.items():
        setattr(edge, name, object.__new__(part))
    added: list[_Root] = []
    edge.table = type("Added", (), {"add": staticmethod(lambda *route: added.append(_root(*route)))})()  # type: ignore[assignment]
    edge._add_own_routes()
    return iter(added)


def _root(operation: Operation, endpoint: Any) -> _Root:
    return operation, endpoint, type(getattr(endpoint, "__self__", endpoint))


_PROGRAMS = {"migrations", "__main__"}
_COOPERATIVE = "shared.ops.serve"
"""Not to be imported: programs act, and the runner makes the whole process cooperative."""


def _import_all(package: str) -> None:
    """Every module, so that every refusal is declared."""
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, f"{package}."):
        if module.name != _COOPERATIVE and not _PROGRAMS & set(module.name.split(".")):
            importlib.import_module(module.name)


def _all(cls: type[Refusal]) -> list[type[Refusal]]:
    """All subclasses but those of tests."""
    below = [one for sub in cls.__subclasses__() for one in (sub, *_all(sub))]
    return list(dict.fromkeys(one for one in below if not one.__module__.startswith("tests")))


def write() -> None:
    generated.write(FOLDER, current())
