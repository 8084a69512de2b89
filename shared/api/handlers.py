"""What a decorated method is: which declaration it serves and which arguments it wants. Knows nothing of Nameko."""

import importlib.util
import inspect
import pkgutil
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared import contracts
from shared.api.known import keepers
from shared.schema.contract import Event, Operation
from shared.schema.derived import handler_of, plain_handler_of, with_derived
from shared.schema.steps import PROCESSES
from shared.storage.database import Aggregate
from shared.storage.declared_models import check_references
from shared.storage.replicas import events_of, keeper_of, replicas_of


@dataclass(slots=True)
class Handler:
    """One decorated method of a service class."""

    kind: str
    name: str
    function: Callable[..., Any]
    operation: Operation | None = None
    events: tuple[type[Event], ...] = ()
    order: str = "any"
    locks: str = ""
    period: float = 0.0
    arguments: dict[str, Any] = field(default_factory=dict)
    returns: Any = None
    calls: tuple[tuple[Callable[..., Any], type], ...] = ()
    """Methods that the function calls and its source does not name, each with its class."""

    def resolve(self) -> "Handler":
        """Read the annotations, once, when the service class is collected (imports are complete by then)."""
        hints = typing.get_type_hints(self.function)
        names = list(inspect.signature(self.function).parameters)[2:]
        self.arguments = {name: hints.get(name) for name in names}
        self.returns = hints.get("return")
        if self.operation:
            self.name = self.operation.name
        return self

    @property
    def in_batches(self) -> bool:
        """Whether the method is given lists: what records everything, and what keeps copies."""
        return self.kind == "record" or self.order == "latest"

    @property
    def aggregate_class(self) -> type[Aggregate] | None:
        """The mapped class of the aggregate parameter, if the handler wants one."""
        return next((h for h in self.arguments.values() if _is_aggregate(h)), None)

    @property
    def creates(self) -> type[Aggregate] | None:
        """The mapped class that a creating command returns."""
        return self.returns if _is_aggregate(self.returns) else None


def _is_aggregate(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Aggregate)


def collect(service_cls: type) -> list[Handler]:
    """All handlers of a service class, in a stable order. Raises TypeError when one declaration has two handlers."""
    contracts.operations()
    contracts.events()
    _import_models(service_cls.__module__.rpartition(".")[0])
    found: list[Handler] = []
    for _, member in inspect.getmembers(service_cls, inspect.isfunction):
        found += [h.resolve() for h in getattr(member, "liaison_handlers", [])]
    service = str(getattr(service_cls, "name", ""))
    found += _replicas(service)
    names = [h.name for h in found]
    doubles = {n for n in names if names.count(n) > 1}
    if doubles:
        raise TypeError(f"two handlers for {', '.join(sorted(doubles))}")
    found += _plain(service, {h.name for h in found if h.operation})
    derived = _derived(service, found)
    return found + derived + _late_steps(derived)


def _import_models(package: str) -> None:
    """Every module of a service's models, so that each is known to its declaration."""
    if package and importlib.util.find_spec(f"{package}.models"):
        models = importlib.import_module(f"{package}.models")
        for module in pkgutil.iter_modules(getattr(models, "__path__", ())):
            importlib.import_module(f"{models.__name__}.{module.name}")


def _plain(service: str, written: set[str]) -> list[Handler]:
    """The handlers of declared resources that nobody has written."""
    declared = contracts.operations().get(service, {})
    resources = contracts.resources(service) if declared else {}
    for resource in resources.values():
        check_references(resource, resources)
    return [plain_handler_of(o) for name, o in declared.items() if o.declared and name not in written]


def _replicas(service: str) -> list[Handler]:
    """The handlers that keep the replicas of a service, and the ids of what else its requests name."""
    found = [(cls.handler, events_of(cls), keeper_of(cls)) for cls in replicas_of(service)]
    found += keepers(service) if service in contracts.SERVICES else ()
    return [
        Handler("event", name, function, events=events, order="latest").resolve() for name, events, function in found
    ]


def _derived(service: str, found: list[Handler]) -> list[Handler]:
    """The handlers of what follows from the declared operations."""
    by_name = {h.name: h for h in found if h.operation}
    declared = contracts.operations().get(service) or with_derived(
        {name: h.operation for name, h in by_name.items() if h.operation}, service
    )
    return [handler_of(operation, by_name) for operation in declared.values() if operation.derived]


def _late_steps(derived: list[Handler]) -> list[Handler]:
    """The timer that marks late steps, where a resource of the service has a process."""
    shown = [
        h.operation.collection.path
        for h in derived
        if h.operation and h.operation.collection and h.operation.derived == "progress"
    ]
    processes = [PROCESSES[path] for path in shown]
    return [importlib.import_module("shared.process.lateness").timer(processes)] if processes else []


def mark(function: Callable[..., Any], handler: Handler) -> None:
    """Remember a declaration on the method."""
    function.__dict__.setdefault("liaison_handlers", []).append(handler)


def service_class(name: str) -> type:
    """The class in services/<name>/service.py whose Nameko name is <name>."""
    module = importlib.import_module(f"{name}.service")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if getattr(found, "name", None) == name:
            return found
    raise SystemExit(f"services/{name}/service.py has no class named {name!r}.")
