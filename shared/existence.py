"""What requests refer to and another service owns: its ids are kept in the table `known`, and nothing else of it.

A member says so by its type, `fields.Known("users")`. Whatever is named there and is not known is refused before the
handler runs. What a service keeps more of than the id (customers, products of sales) its handlers look up themselves.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import fields
from shared.context import Context, current
from shared.fields import Schema
from shared.refusals import Invalid

_READ = text("SELECT id FROM known WHERE resource = :resource AND id = ANY(CAST(:ids AS uuid[]))")
_COMPANIES = text("SELECT id FROM company WHERE id = ANY(CAST(:ids AS uuid[]))")
"""A table of their own: services that date documents keep more of them than their ids (`shared/company_copies.py`)."""

Place = tuple[tuple[str, ...], str]
"""Where a member stands, each step into a list left out, and the resource that it refers to."""


def check(session: Session, schema: type[Schema] | None, request: dict[str, Any]) -> None:
    """Raises Invalid with a pointer to each id of something that does not exist."""
    if found := errors(session, schema, request):
        raise Invalid(found)


def errors(session: Session, schema: type[Schema] | None, request: dict[str, Any]) -> list[dict[str, Any]]:
    """A pointer to each id of something that does not exist. What was found in this transaction is not read again."""
    if schema is None or not (places := _places(schema)):
        return []
    named = [(r, at, id_) for path, r in places for at, id_ in _values(request, path, "") if id_ is not None]
    known: dict[str, set[UUID]] = session.info.setdefault("known", {"users": _callers(current(session))})
    for resource in {r for r, _, id_ in named if id_ not in known.get(r, ())}:
        ids = [str(id_) for r, _, id_ in named if r == resource]
        statement = _COMPANIES if resource == "companies" else _READ
        found = session.execute(statement, {"resource": resource, "ids": ids}).scalars()
        known.setdefault(resource, set()).update(found)
    return [{"pointer": at, "code": "not_found"} for r, at, id_ in named if id_ not in known[r]]


def _callers(context: Context) -> set[UUID]:
    """The caller and the caller's team: the edge vouches for them."""
    return {*context.team, *([context.person] if context.person else [])}


@cache
def _places(schema: type[Schema]) -> tuple[Place, ...]:
    return tuple(_found(schema, ()))


def _found(schema: type[Schema], at: tuple[str, ...]) -> Iterator[Place]:
    for name, field in schema().load_fields.items():
        inner: Any = field.inner if isinstance(field, fields.Many) else field
        if isinstance(inner, fields.Known):
            yield (*at, name), inner.refers
        elif isinstance(inner, fields.Part):
            part: Any = type(inner.schema)
            yield from _found(part, (*at, name))


def _values(value: Any, path: tuple[str, ...], at: str) -> Iterator[tuple[str, UUID | None]]:
    if isinstance(value, list):
        for n, one in enumerate(value):
            yield from _values(one, path, f"{at}/{n}")
    elif not path:
        yield at, value
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:], f"{at}/{path[0]}")
