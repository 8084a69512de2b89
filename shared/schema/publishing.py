"""Events of a declared resource: `events={"created": 0x7A1, …}` numbers them, `published=True` says which fields they carry.

The word is the last one of the event's type. It is stored, so a type that was released as `changed` stays that.
"""

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
from shared.schema.naming import with_article

KINDS = {"created": "created", "updated": "updated", "changed": "updated", "deleted": "deleted"}
"""The words for what an event says of a record, each with the attribute of the resource that holds the event."""

_SENTENCES = {"created": "created", "updated": "changed", "deleted": "deleted"}


def events_of(members: Members, one: str, permission: str, assigned: Mapping[str, int]) -> dict[str, type[Event]]:
    """The event classes of a resource; each begins with the id of the record."""
    published = {_name(field): field for field in members.fields.values() if field.options.get("published")}
    return {KINDS[word]: _event(members, one, permission, word, number, published) for word, number in assigned.items()}


def _event(
    members: Members, one: str, permission: str, word: str, number: int, published: Mapping[str, Declared]
) -> type[Event]:
    what = KINDS[word]
    carried = {} if what == "deleted" else {name: _type(members, name, field) for name, field in published.items()}
    body: dict[str, Any] = {
        "__annotations__": {f"{one}_id": UUID, **carried},
        "__doc__": f"{with_article(one.replace('_', ' ')).capitalize()} was {_SENTENCES[what]}.",
        "__module__": members.owner.__module__,
    }
    if what == "updated":
        body["__annotations__"]["changes"] = Changes
        body["changes"] = dataclasses.field(default_factory=dict)
    settings = {"type": f"{members.service}.{one}.{word}", "number": number, "permission": f"{permission}:read"}
    name = f"{members.owner.__name__}{word.title()}"
    made: type[Event] = types.new_class(name, (Event,), settings, lambda namespace: namespace.update(body))
    return made


def _name(field: Declared) -> str:
    given = field.options["published"]
    return given if isinstance(given, str) else field.name


def _type(members: Members, name: str, field: Declared) -> Any:
    """What an event may carry of it."""
    if isinstance(field, Many) and field.each.python is str:
        return list[str]
    if field.python is object:
        checks.refuse(members.owner, name, f"is a {type(field).__name__}, which events do not carry")
    python: Any = contract.Amount if isinstance(field, (numbers.Amount, numbers.Price)) else field.python
    return python | None if field.null else python
