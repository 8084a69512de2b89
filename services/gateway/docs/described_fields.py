"""The fields of a resource as clients need them to draw columns and inputs, from the schemas of its operations."""

from collections.abc import Callable, Iterator
from typing import Any

import marshmallow as ma

from shared.schema.collection import Collection
from shared.schema.contract import Listing, Operation
from shared.schema.declared import named
from shared.schema.fields import Choice
from shared.wire import fields
from shared.wire.codes import Code

_TYPES: tuple[tuple[type[Any], str], ...] = (
    (fields.Uuid, "id"),
    (fields.Percent, "percent"),
    (fields.Amount, "money"),
    (fields.Price, "price"),
    (fields.Quantity, "quantity"),
    (fields.Number, "number"),
    (fields.Whole, "whole"),
    (fields.Flag, "flag"),
    (fields.Day, "day"),
    (fields.Instant, "instant"),
    (fields.Choice, "choice"),
    (fields.Multiline, "multiline"),
    (fields.Secret, "secret"),
    (Code, "code"),
    (fields.Text, "text"),
    (fields.Custom, "custom"),
    (fields.Table, "table"),
    (fields.Part, "object"),
    (fields.Many, "list"),
)
"""What a field is; narrower kinds stand first."""

Translate = Callable[..., str]
"""Of a text and, where it means different things in different places, its `context`."""


def type_of(field: ma.fields.Field[Any]) -> str:
    if isinstance(field, fields.Uuid) and field.refers:
        return "reference"
    return next((name for kind, name in _TYPES if isinstance(field, kind)), "any")


def described_fields(collection: Collection, say: Translate) -> dict[str, Any]:
    """Each field that is shown or sent, by its name."""
    assert collection.list is not None and collection.list.listing is not None
    shown = _members(collection.list.response)
    sent = {kind: _members(o.request) for kind, o in _writing(collection)}
    every = {**shown, **{name: f for of_kind in sent.values() for name, f in of_kind.items() if name not in shown}}
    return {
        name: _described(name, field, say)
        | _written(name, sent)
        | _found(name, collection.list.listing)
        | ({"currency": "currency"} if type_of(field) == "money" and "currency" in shown else {})
        | _choices(name, field, collection.list, say)
        for name, field in every.items()
    }


def _writing(collection: Collection) -> Iterator[tuple[str, Operation]]:
    for kind, operation in (("create", collection.create), ("update", collection.patch)):
        if operation:
            yield kind, operation


def _members(schema: type[ma.Schema] | None) -> dict[str, Any]:
    return {field.data_key or name: field for name, field in schema().fields.items()} if schema else {}


def _described(name: str, field: ma.fields.Field[Any], say: Translate) -> dict[str, Any]:
    inner: Any = field.inner if isinstance(field, fields.Many) else field
    found: dict[str, Any] = {"name": say(field.metadata.get("title") or named(name.removesuffix("_id")))}
    if help_ := field.metadata.get("description"):
        found["help"] = say(help_)
    found["type"] = type_of(field)
    if isinstance(inner, fields.Uuid) and inner.refers:
        found["to"] = inner.refers
    if isinstance(field, fields.Many):
        found["each"] = type_of(inner)
    if isinstance(inner, fields.Part):
        found["fields"] = {n: _described(n, f, say) for n, f in _members(type(inner.schema)).items()}
    return found | ({"null": True} if field.allow_none else {})


def _written(name: str, sent: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Where clients may say it, and whether a creation must."""
    kinds = [kind for kind, members in sent.items() if name in members]
    needed = "create" in kinds and sent["create"][name].required
    return ({"write": kinds} if kinds else {}) | ({"required": True} if needed else {})


def _found(name: str, listing: Listing) -> dict[str, Any]:
    uses = {"filter": name in listing.filters, "sort": name in listing.sorts, "search": name in listing.search}
    return {use: True for use, is_so in uses.items() if is_so}


def _choices(name: str, field: ma.fields.Field[Any], listed: Operation, say: Translate) -> dict[str, Any]:
    inner: Any = field.inner if isinstance(field, fields.Many) else field
    if not isinstance(inner, fields.Choice):
        return {}
    declared: Any = listed.declared.declaration.fields.get(name) if listed.declared else None
    each = getattr(declared, "each", declared)
    names = each.names if isinstance(each, Choice) else {value: named(value) for value in inner.choices}
    context = f"{listed.path.rpartition('/')[2]}.{name}"
    return {"choices": {value: say(word, context=context) for value, word in names.items()}}
