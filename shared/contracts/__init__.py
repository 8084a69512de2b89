"""What services say to each other and to clients. Each file is edited only together with the service it is named after.

Four rules of evolution: fields may be added with a default, never renamed, retyped or removed; readers ignore unknown
fields; a breaking change is a new event class with the next version, published beside the old one until nobody listens
to it; every version ever released keeps a golden sample in tests/contracts/samples.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from uuid import UUID

from shared.kernel import ids
from shared.schema import checks
from shared.schema.collection import Collection, collections_of
from shared.schema.contract import CATALOGUE, Event, Operation, schema_of
from shared.schema.derived import with_derived
from shared.schema.meanings import meanings
from shared.schema.resource import RESOURCES, Resource
from shared.wire.loading import compiled

SERVICES: tuple[str, ...] = tuple(module.name for module in pkgutil.iter_modules(__path__))
"""All services: each has a contract in this folder. The code of each stands in `services/<name>`.

`gateway` is the service behind the HTTP edge: users, keys, webhooks. The edge itself only passes calls on.
"""


AUDIT_PERMISSION = "system.audit:read"
"""To read the history of what no longer exists."""


@cache
def operations() -> dict[str, dict[str, Operation]]:
    """Every operation, declared or derived: {service: {name: Operation}}."""
    found = {service: _operations_of(service) for service in SERVICES}
    names = owners(found)
    for service in SERVICES:
        for resource in resources(service).values():
            for name, target in resource.declaration.references():
                checks.reference(resource, name, target, names)
    return found


def owners(found: dict[str, dict[str, Operation]]) -> dict[str, str]:
    """The service that owns each resource, by its name."""
    return {c.name: service for service, known in found.items() for c in collections_of(known.values())}


@cache
def owner_of(resource: str) -> str:
    """The service that owns a resource; "" for what there is not yet."""
    return owners(operations()).get(resource, "")


@cache
def events() -> dict[str, type[Event]]:
    """Every declared event by full type, with schemas derived."""
    for service in SERVICES:
        _imported(service)
    for event in CATALOGUE.values():
        schema = schema_of(event)
        event.schema, event.load = schema(), staticmethod(compiled(schema))
    return CATALOGUE


def events_about(resource: str) -> tuple[type[Event], ...]:
    """The events of the aggregate that a resource shows. Raises TypeError for one that no single aggregate's events tell of."""
    service, singular = owner_of(resource), resource.replace("-", "_")
    told = {e.aggregate for e in events().values() if e.service == service and e.type.endswith(".created")}
    aggregates = [name for name in told if singular in (f"{name}s", f"{name[:-1]}ies")]
    if len(aggregates) != 1:
        raise TypeError(f"{resource}: {service} publishes no events of them, so nobody can know their ids")
    return tuple(e for e in events().values() if (e.service, e.aggregate) == (service, aggregates[0]))


def collections(service: str) -> list[Collection]:
    """What a service shows as lists and members."""
    return collections_of(operations()[service].values())


_EVERYWHERE = {
    AUDIT_PERMISSION: ("see the history of what was deleted", "voir l'historique de ce qui a été supprimé"),
    "system.jobs:read": ("see everybody's imports and exports", "voir les imports et les exports de tous"),
    "system.parked:read": ("see messages that could not be handled", "voir les messages restés sans traitement"),
    "system.parked:write": ("replay or discard such messages", "relancer ou écarter ces messages"),
}
"""What the machinery of every service asks for."""


@cache
def labels() -> dict[str, tuple[str, str]]:
    """Every permission there is, those that only handlers ask for among them, with its meaning in English and French."""
    found = dict(_EVERYWHERE)
    for service in SERVICES:
        for resource in resources(service).values():
            found |= meanings(resource.declaration)
        found |= getattr(_imported(service), "PERMISSIONS", {})
    return {permission: found[permission] for permission in sorted(found)}


@cache
def permissions() -> tuple[str, ...]:
    """Every permission there is."""
    return tuple(labels())


def type_of_event_id(event_id: UUID) -> str | None:
    """The event type that an event id was made for, or None for an id that is not ours."""
    return _types_by_tag().get(ids.tag_of(event_id))


def service_of_job(job_id: UUID) -> str | None:
    """The service that runs the job with this id, or None for an id that is no job's."""
    return next((service for service in SERVICES if ids.tag_of(job_id) == _imported(service).JOBS), None)


@cache
def _types_by_tag() -> dict[int, str]:
    return {ids.type_tag(name): name for name in events()}


def _operations_of(service: str) -> dict[str, Operation]:
    module = _imported(service)
    found = {name: value for name, value in vars(module).items() if isinstance(value, Operation)}
    found |= {o.name: o for resource in resources(service).values() for o in resource.declaration.operations()}
    for name, operation in found.items():
        operation.service, operation.name = service, name
        operation.tag = operation.tag or operation.path.split("/")[2]
    return with_derived(found, service)


def resources(service: str) -> dict[str, type[Resource]]:
    """The declared resources of a service by name: `teams`."""
    _imported(service)
    return RESOURCES.get(service, {})


@cache
def _imported(service: str) -> ModuleType:
    """The contract of a service with all its modules. Raises TypeError when its jobs have no number of their own."""
    package = importlib.import_module(f"shared.contracts.{service}")
    for module in pkgutil.iter_modules(getattr(package, "__path__", ())):
        importlib.import_module(f"{package.__name__}.{module.name}")
    ids.assign(f"job/{service}", getattr(package, "JOBS", 0))
    return package
