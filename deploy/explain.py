"""`make explain RESOURCE=teams`: each route of a resource with its name, permission, schemas and what runs."""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import contracts
from shared.api.handlers import Handler, collect, service_class
from shared.schema.contract import Operation

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the function that carries it out."""

    operation: Operation
    function: Any

    @property
    def place(self) -> str:
        """`services/crm_contacts/registry.py:Registry.create_contact`."""
        name = self.function.__qualname__.replace(".<locals>", "")
        return f"{_file(self.function)}:{name}"

    @property
    def line(self) -> str:
        return f"{_file(self.function)}:{inspect.getsourcelines(self.function)[1]}"

    @property
    def schemas(self) -> str:
        """What is sent → what is answered."""
        names = [schema.__name__ if schema else "–" for schema in (self.operation.request, self.operation.response)]
        return " → ".join(names)


def _file(function: Any) -> str:
    return str(Path(inspect.getsourcefile(function) or "").resolve().relative_to(ROOT))


def routes(service: str) -> list[Route]:
    """All routes of a service, in the order of their paths."""
    found = [Route(h.operation, _what_runs(h)) for h in collect(service_class(service)) if h.operation]
    return sorted(found, key=lambda route: (route.operation.path, route.operation.method))


def _what_runs(handler: Handler) -> Any:
    """The model's method, where a verb has no handler of its own."""
    method = handler.calls[0][0] if handler.calls else handler.function
    return inspect.unwrap(method)


def table(service: str) -> str:
    """The page of a service: what runs for each route, by file and function."""
    rows = [
        f"| `{r.operation.route}` | `{r.operation.name}` | `{r.operation.permission}` | `{r.place}` |"
        for r in routes(service)
    ]
    head = [
        f"# Routes of {service}",
        "",
        "Written by `make contracts`; `make explain RESOURCE=…` shows schemas and lines.",
        "",
    ]
    return (
        "\n".join([*head, "| Route | Operation | Permission | What runs |", "| --- | --- | --- | --- |", *rows]) + "\n"
    )


def explain(resource: str) -> Iterator[str]:
    """Lines that tell of a resource: its declaration, then each route."""
    service = contracts.owner_of(resource)
    declared = contracts.resources(service).get(resource) if service else None
    if declared:
        yield f"{resource} is declared in {_file(declared)}:{inspect.getsourcelines(declared)[1]}"
    for route in routes(service) if service else ():
        if route.operation.path.split("/")[2] == resource:
            yield f"{route.operation.route}\n    {route.operation.name}  {route.operation.permission}  {route.schemas}"
            yield f"    {route.place} ({route.line})"


def main(arguments: list[str]) -> int:
    known = [name for service in contracts.SERVICES for name in _resources_of(service)]
    if len(arguments) != 1 or arguments[0] not in known:
        print(f"make explain RESOURCE=…: one of {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    print("\n".join(explain(arguments[0])))
    return 0


def _resources_of(service: str) -> list[str]:
    return [name for name, owner in contracts.owners(contracts.operations()).items() if owner == service]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
