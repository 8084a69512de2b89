"""The AsyncAPI 3.0 document: what an AMQP client may receive, from the declared events and nothing else."""

import json
from typing import Any

from gateway.docs import guides, openapi, translating
from gateway.docs.explaining import completed
from gateway.events import examples, jsonschema
from gateway.events.patterns import known_events
from shared.schema.contract import Event
from shared.schema.envelope import CONTENT_TYPE

_EXCHANGE = {"name": "events", "type": "topic", "durable": True, "autoDelete": False}


def document(language: str = "en") -> dict[str, Any]:
    """The whole document in one language."""
    return documents((language,))[language]


def documents(languages: tuple[str, ...] = openapi.LANGUAGES) -> dict[str, dict[str, Any]]:
    """The document in each language; it is put together once."""
    common = source()
    return {one: {**translating.in_language(common, one), "info": _info(one)} for one in languages}


def _info(language: str) -> dict[str, Any]:
    return {"title": "Liaison events", "version": "1", "description": guides.of_events(language)}


def source() -> dict[str, Any]:
    """One channel per routing key, with the versions of its event as messages."""
    keys: dict[str, list[type[Event]]] = {}
    for event in known_events():
        keys.setdefault(event.type, []).append(event)
    found = {
        "asyncapi": "3.0.0",
        "info": {},
        "defaultContentType": CONTENT_TYPE,
        "channels": {key: _channel(key, events) for key, events in keys.items()},
        "operations": {f"send_{key.replace('.', '_')}": _sent(key, events) for key, events in keys.items()},
        "components": {
            "messages": {_name(event): _message(event) for event in known_events()},
            "schemas": {_name(event): _embedded(event) for event in known_events()},
        },
    }
    return completed(found)


def _channel(key: str, events: list[type[Event]]) -> dict[str, Any]:
    return {
        "address": key,
        "title": key,
        "description": jsonschema.description(events[-1]),
        "messages": {_name(event): {"$ref": f"#/components/messages/{_name(event)}"} for event in events},
        "bindings": {"amqp": {"is": "routingKey", "exchange": _EXCHANGE, "bindingVersion": "0.3.0"}},
    }


def _sent(key: str, events: list[type[Event]]) -> dict[str, Any]:
    channel = f"#/channels/{key}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{_name(event)}"} for event in events],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    payload = jsonschema.envelope(event, {"$ref": f"#/components/schemas/{_name(event)}"})
    return {
        "name": event.full_type,
        "title": event.full_type,
        "summary": jsonschema.description(event),
        "contentType": CONTENT_TYPE,
        "payload": payload,
        "examples": [{"name": "example", "payload": json.loads(examples.envelope(event))}],
        "x-permission": event.permission,
    }


def _embedded(event: type[Event]) -> dict[str, Any]:
    """The schema without the members that only a document of its own has."""
    schema = jsonschema.schema(event)
    return {name: value for name, value in schema.items() if name not in ("$schema", "$id")}


def _name(event: type[Event]) -> str:
    """A name of letters, digits and underscores, as components need it."""
    return event.full_type.replace(".", "_")
