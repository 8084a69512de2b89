"""The names of schemas in the document: `Order`, `OrderCreate`, `OrderUpdate`; a name belongs to one schema."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import marshmallow as ma

from shared.contracts import operations
from shared.schema.contract import Operation


def component_name(schema: Any) -> str:
    """The name of a schema, given as its class or as an instance of it."""
    cls = schema if isinstance(schema, type) else type(schema)
    return _names().get(cls) or _plain(cls)


@cache
def _names() -> dict[type[ma.Schema], str]:
    """Every schema by its part in a resource, or else by its class; where several services want a name, with theirs."""
    every = [o for declared in operations().values() for o in declared.values()]
    found = _of_resources(every)
    others = [cls for cls in reached(s for o in every for s in (o.request, o.response) if s) if cls not in found]
    wanted = Counter(name for _, name in {(_service(c), found.get(c) or _plain(c)) for c in (*found, *others)})
    return found | {cls: (_service(cls) if wanted[_plain(cls)] > 1 else "") + _plain(cls) for cls in others}


def _of_resources(every: list[Operation]) -> dict[type[ma.Schema], str]:
    """What is sent and shown of the members of a collection."""
    found: dict[type[ma.Schema], str] = {}
    by_id = {operation.id: operation for operation in every}
    for listed in (o for o in every if o.listing and o.id.count(".") == 1 and o.id.endswith(".list")):
        at = listed.id.removesuffix("list")
        if one := by_id.get(at + "get"):
            name = _camel(one.name.removeprefix("get_"))
            parts = {"": listed.response, "Detail": one.response}
            parts |= {kind.title(): o.request for kind in ("create", "update") if (o := by_id.get(at + kind))}
            for part, schema in parts.items():
                if schema is not None:
                    found.setdefault(schema, name + part)
    return found


def reached(schemas: Iterable[type[ma.Schema]]) -> Iterator[type[ma.Schema]]:
    """These schemas and what stands inside them, each once."""
    waiting, seen = list(schemas), dict[type[ma.Schema], None]()
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen[cls] = None
            inner = map(_inner, cls().fields.values())
            waiting += [type(part.schema) for part in inner if isinstance(part, ma.fields.Nested)]
    yield from seen


def _inner(field: ma.fields.Field[Any]) -> Any:
    return _inner(field.inner) if isinstance(field, ma.fields.List) else field


def _plain(cls: type) -> str:
    return cls.__name__.removesuffix("View").removesuffix("Part")


def _service(cls: type) -> str:
    """`CrmSales`, or nothing for what all services have."""
    declared = cls.__module__.startswith("shared.contracts.")
    return _camel(cls.__module__.split(".")[2]) if declared else ""


def _camel(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))
