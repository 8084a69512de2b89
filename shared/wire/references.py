"""What a response refers to: `fields.Uuid(refers="contacts")` on `customer_id` lets clients expand `customer`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.wire import fields
from shared.wire.fields import Schema


@dataclass(frozen=True, slots=True)
class Reference:
    """A member that holds the id of another resource, in the document itself or in each of its `container`."""

    name: str
    member: str
    resource: str
    container: str = ""

    @property
    def expanded(self) -> str:
        """The member that shows the resource: `customer` beside `customer_id`."""
        return self.member.removesuffix("_id")


@cache
def references_of(schema: type[Schema]) -> dict[str, Reference]:
    """The references of a response by the name that `expand` knows them by: `customer`, `lines.product`."""
    found = {r.name: r for r in _own(schema)}
    for name, part in _parts(schema):
        for r in _own(part):
            inner = Reference(f"{name}.{r.name}", r.member, r.resource, name)
            found[inner.name] = inner
    return found


def _own(schema: type[Schema]) -> Iterator[Reference]:
    for name, field in schema().dump_fields.items():
        if isinstance(field, fields.Uuid) and field.refers:
            yield Reference(name.removesuffix("_id"), name, field.refers)


def _parts(schema: type[Schema]) -> Iterator[tuple[str, type[Schema]]]:
    """Members that are an object or a list of objects, with the schema of these."""
    for name, field in schema().dump_fields.items():
        inner: Any = field.inner if isinstance(field, fields.Many) else field
        if isinstance(inner, fields.Part):
            part: Any = type(inner.schema)
            yield name, part
