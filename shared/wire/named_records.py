"""Where documents name records of others: the members of a schema that hold ids of a resource."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from shared.wire import fields
from shared.wire.fields import Schema

Place = tuple[tuple[str, ...], str]
"""Where a member stands, each step into a list left out, and the resource that it refers to."""


@cache
def places(schema: type[Schema]) -> tuple[Place, ...]:
    """Every member of the type `fields.Known`, at any depth."""
    return tuple(_members_of(schema, ()))


def _members_of(schema: type[Schema], at: tuple[str, ...]) -> Iterator[Place]:
    for name, field in schema().load_fields.items():
        inner: Any = field.inner if isinstance(field, fields.Many) else field
        if isinstance(inner, fields.Known):
            yield (*at, name), inner.refers
        elif isinstance(inner, fields.Part):
            part: Any = type(inner.schema)
            yield from _members_of(part, (*at, name))
