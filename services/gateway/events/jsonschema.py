"""JSON Schemas (draft 2020-12) of what events say, from the dataclasses that declare them."""

import dataclasses
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.schema.contract import Event
from shared.schema.glossary import meaning

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    UUID: {"type": "string", "format": "uuid"},
    Decimal: {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}
_TEXT = _SIMPLE[str]
_CHANGES: dict[str, Any] = {
    "type": "object",
    "description": "Each field that has changed, with its old and its new value.",
    "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2},
}


def schema(event: type[Event]) -> dict[str, Any]:
    """What `data` of an event holds: the document that its `dataschema` names."""
    head = {"$schema": DIALECT, "$id": event.data_schema, "title": event.full_type, "description": description(event)}
    return head | of_dataclass(event)


def description(event: type[Event]) -> str:
    """When it is sent: the docstring as one paragraph."""
    return " ".join((event.__doc__ or "").split())


def of_dataclass(cls: Any) -> dict[str, Any]:
    """Members with a default may be missing in events that are older than they; more may be added at any time."""
    hints = typing.get_type_hints(cls)
    members = dataclasses.fields(cls)
    missing = dataclasses.MISSING
    required = [f.name for f in members if f.default is missing and f.default_factory is missing]
    return {
        "type": "object",
        "required": required,
        "properties": {f.name: _described(f.name, _of(hints[f.name])) for f in members},
    }


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return ({"description": text} if (text := meaning(name)) else {}) | schema


def _of(hint: Any) -> dict[str, Any]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (inner,) = (h for h in typing.get_args(hint) if h is not type(None))
        return {"anyOf": [_of(inner), {"type": "null"}]}
    if typing.get_origin(hint) is dict:
        return dict(_CHANGES)
    if typing.get_origin(hint) is list:
        return {"type": "array", "items": _of(typing.get_args(hint)[0])}
    return of_dataclass(hint) if dataclasses.is_dataclass(hint) else dict(_SIMPLE[hint])


def envelope(event: type[Event], data: dict[str, Any]) -> dict[str, Any]:
    """The whole message: a CloudEvents 1.0 envelope around `data`, given by its schema or a reference to it."""
    fixed = {
        "specversion": "1.0",
        "source": f"/liaison/{event.service}",
        "type": event.full_type,
        "datacontenttype": "application/json",
        "dataschema": event.data_schema,
    }
    properties: dict[str, Any] = {
        **{name: {"const": value} for name, value in fixed.items()},
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "The id of the event, which is the AMQP `message_id` too; equal ids are one event.",
        },
        "subject": {"type": "string", "pattern": f"^{event.aggregate}/"},
        "time": {"type": "string", "format": "date-time"},
        "companyid": {"type": "string", "format": "uuid"},
        "sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Counts the events of one subject, without gaps.",
        },
        "correlationid": _TEXT,
        "causationid": _TEXT,
        "actor": _TEXT,
        "traceparent": _TEXT,
        "data": data,
    }
    return {"type": "object", "required": [n for n in properties if n != "traceparent"], "properties": properties}
