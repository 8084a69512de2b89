"""Operations that every resource has without a handler of its own: derived from what its service declares.

`shared.contracts.operations()` holds them beside the declared ones, so that route, permission, OpenAPI and the matrix of
permissions follow; `shared.handlers.collect` gives each one its handler. To add another one:

1. `shared/derived/<kind>_contract.py`: `declare(resource) -> Operation | None`, with schemas; None where the resource
   lacks what it takes. It imports nothing of the machinery but contracts and fields.
2. `shared/derived/<kind>.py`: `handler(operation, handlers) -> Handler`, where `handlers` are those of the service by
   the name of their operation. Its function is called with (service, session, **arguments). What it names in
   `arguments` is what it gets: `call` (the whole `Call`, see shared/operations.py), `request`, `listing`, `parameters`.
   It returns what a declared handler returns, or a finished `Reply`.
3. One line in `RULES` below.

A service that declares the same route itself keeps its own operation.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.contract import Operation
from shared.derived import batch_contract, history_contract
from shared.resources import Resource, resources_of


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of operation is declared for a resource, and the module that carries it out."""

    declare: Callable[[Resource], Operation | None]
    carrier: str


RULES: dict[str, Rule] = {
    "batch": Rule(batch_contract.declare, "shared.derived.batch"),
    "history": Rule(history_contract.declare, "shared.derived.history"),
}


def with_derived(declared: dict[str, Operation]) -> dict[str, Operation]:
    """The declared operations of one service, by name, and those that follow from them."""
    found = dict(declared)
    routes = {operation.route for operation in declared.values()}
    for resource in resources_of(declared.values()):
        for kind, rule in RULES.items():
            operation = rule.declare(resource)
            if operation is None or operation.route in routes:
                continue
            operation.derived, operation.resource = kind, resource
            operation.service, operation.tag = resource.get.service, resource.get.tag  # type: ignore[union-attr]
            if operation.name in found:
                raise TypeError(f"{operation.service}.{operation.name} is the name of a derived operation")
            found[operation.name] = operation
    return found


def handler_of(operation: Operation, handlers: dict[str, Any]) -> Any:
    """The handler of a derived operation; `handlers` are those of the declared ones, by name."""
    return importlib.import_module(RULES[operation.derived].carrier).handler(operation, handlers)
