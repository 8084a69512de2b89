"""Operations that every resource has without a handler of its own: derived from what its service declares.

`shared.contracts.operations()` holds them beside the declared ones, so that route, permission, OpenAPI and the matrix of
permissions follow; `shared.api.handlers.collect` gives each one its handler. To add another one:

1. `shared/derived/<kind>_contract.py`: `declare(resource) -> Operation | None`, with schemas; None where the resource
   lacks what it takes. It imports nothing of the machinery but contracts and fields.
2. `shared/derived/<kind>.py`: `handler(operation, handlers) -> Handler`, where `handlers` are those of the service by
   the name of their operation. Its function is called with (service, session, **arguments). What it names in
   `arguments` is what it gets: `call` (the whole `Call`, see shared/api/operations.py), `request`, `listing`, `parameters`.
   It returns what a declared handler returns, or a finished `Reply`.
3. One line in `RULES` below.

A service that declares the same route itself keeps its own operation. What every service has, whatever its resources,
stands in `EVERYWHERE`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.schema.collection import Collection, collections_of
from shared.schema.contract import Operation
from shared.schema.derived import (
    batch_contract,
    export_contract,
    history_contract,
    import_contract,
    parked_contract,
    process_contract,
    template_contract,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of operation is declared for a resource, and the module that carries it out."""

    declare: Callable[[Collection], Operation | None]
    carrier: str


RULES: dict[str, Rule] = {
    "batch": Rule(batch_contract.declare, "shared.derived.batch"),
    "history": Rule(history_contract.declare, "shared.derived.history"),
    "import": Rule(import_contract.declare, "shared.derived.importing"),
    "template": Rule(template_contract.declare, "shared.derived.templating"),
    "export": Rule(export_contract.declare, "shared.derived.exporting"),
    "progress": Rule(process_contract.progress, "shared.derived.process"),
    "trace": Rule(process_contract.trace, "shared.derived.process"),
    "resume": Rule(process_contract.resume, "shared.derived.process"),
}


EVERYWHERE: dict[str, Callable[[], dict[str, Operation]]] = {"parked": parked_contract.declare}
"""By kind: what each service has for itself; `shared.derived.<kind>` carries it out."""


def with_derived(declared: dict[str, Operation], service: str) -> dict[str, Operation]:
    """The declared operations of one service, by name, and those that follow from them."""
    found = dict(declared)
    for declare in EVERYWHERE.values():
        for name, operation in declare().items():
            operation.service, found[name] = service, operation
    routes = {operation.route for operation in declared.values()}
    for resource in collections_of(declared.values()):
        for kind, rule in RULES.items():
            derived = rule.declare(resource)
            if derived is None or derived.route in routes:
                continue
            derived.derived, derived.collection = kind, resource
            derived.service, derived.tag = resource.get.service, resource.get.tag  # type: ignore[union-attr]
            assert resource.list is not None
            derived.all_companies = resource.list.all_companies
            for notice in ("deprecated", "sunset"):
                setattr(derived, notice, getattr(resource.list, notice))
            if derived.name in found:
                raise TypeError(f"{derived.service}.{derived.name} is the name of a derived operation")
            found[derived.name] = derived
    return found


def handler_of(operation: Operation, handlers: dict[str, Any]) -> Any:
    """The handler of a derived operation; `handlers` are those of the declared ones, by name."""
    rule = RULES.get(operation.derived)
    carrier = rule.carrier if rule else f"shared.derived.{operation.derived}"
    return importlib.import_module(carrier).handler(operation, handlers)


def plain_handler_of(operation: Operation) -> Any:
    """The handler of an operation of a declared resource that its service has not written."""
    return importlib.import_module("shared.derived.plain").handler(operation)
