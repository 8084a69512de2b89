"""Events of a declared resource: `events={"created": 0x7A1, …}` numbers them, `published=True` says which fields they carry."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.schema import checks, contract, numbers
from shared.schema.contract import Changes, Event
from shared.schema.declared import Declared
from shared.schema.group import Members
from shared.schema.lists import Many

KINDS = {"created": "created", "updated": "changed", "deleted": "deleted"}
"""What is told of a record, and the word for it."""


def events_of(members: Members, one: str, permission: str, assigned: Mapping[str, int]) -> dict[str, type[Event]]:
    """The event classes of a resource; each begins with the id of the record."""
    published = {name: field for name, field in members.fields.items() if field.options.get("published")}
    return {what: _event(members, one, permission, what, number, published) for what, number in assigned.items()}


def _event(
    members: Members, one: str, permission: str, what: str, number: int, published: Mapping[str, Declared]
) -> type[Event]:
    told = {} if what == "deleted" else {name: _type(members, name, field) for name, field in published.items()}
    body: dict[str, Any] = {
        "__annotations__": {f"{one}_id": UUID, **told},
        "__doc__": f"{_article(one)} was {KINDS[what]}.",
        "__module__": members.owner.__module__,
    }
    if what == "updated":
        body["__annotations__"]["changes"] = Changes
        body["changes"] = dataclasses.field(default_factory=dict)
    settings = {"type": f"{members.service}.{one}.{what}", "number": number, "permission": f"{permission}:read"}
    name = f"{members.owner.__name__}{what.title()}"
    made: type[Event] = types.new_class(name, (Event,), settings, lambda namespace: namespace.update(body))
    return made


def _article(one: str) -> str:
    words = one.replace("_", " ")
    return f"{'An' if words[0] in 'aeiou' else 'A'} {words}"


def _type(members: Members, name: str, field: Declared) -> Any:
    """What an event may carry of it."""
    if isinstance(field, Many) and field.each.python is str:
        return list[str]
    if field.python is object:
        checks.refuse(members.owner, name, f"is a {type(field).__name__}, which events do not carry")
    python: Any = contract.Amount if isinstance(field, (numbers.Amount, numbers.Price)) else field.python
    return python | None if field.null else python
