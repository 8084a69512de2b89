"""What may happen: every type of event with its schema, an example, and who may receive it. All from the declarations."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

from gateway.errors import RouteNotFound
from gateway.events import examples, jsonschema
from gateway.events.patterns import known_events
from gateway.http.incoming import Incoming
from gateway.http.preconditions import unchanged
from gateway.http.reading import only, parse_query
from shared import contracts
from shared.kernel import generated
from shared.schema.contract import Event

_CONSUMERS = Path(contracts.__file__).with_name("consumers")


class Catalogue:
    """The endpoints of `/v1/event-types`; they change only with the program."""

    def __init__(self) -> None:
        self._all = Fixed({"data": [entry(event) for event in known_events()]})
        self._entries: dict[str, Fixed] = {}
        self._schemas: dict[str, Fixed] = {}
        for event in known_events():
            shown = Fixed(entry(event))
            schema = Fixed(jsonschema.schema(event), "application/schema+json")
            for name in names(event):
                self._entries[name], self._schemas[name] = shown, schema

    async def list_types(self, request: Incoming) -> Response:
        return self._all.answer(request)

    async def get_type(self, request: Incoming) -> Response:
        return _of(self._entries, request)

    async def get_schema(self, request: Incoming) -> Response:
        return _of(self._schemas, request)


class Fixed:
    """A JSON document that is written once."""

    def __init__(self, content: Any, media_type: str = "application/json") -> None:
        self._body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._etag, self._media_type = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"', media_type

    def answer(self, request: Incoming) -> Response:
        only(parse_query(request.scope["query_string"]))
        headers = {"etag": self._etag, "cache-control": "no-cache"}
        if unchanged(request.field(b"if-none-match"), self._etag):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type=self._media_type)


def _of(documents: dict[str, Fixed], request: Incoming) -> Response:
    found = documents.get(request.path_params["type"])
    if found is None:
        raise RouteNotFound
    return found.answer(request)


def names(event: type[Event]) -> list[str]:
    """What the event may be called in an address: its full type, its `dataschema`, and, in its latest version, its key."""
    latest = max(e.version for e in known_events() if e.type == event.type)
    return [event.full_type, event.data_schema, *([event.type] if event.version == latest else [])]


def entry(event: type[Event]) -> dict[str, Any]:
    """One type as the catalogue shows it."""
    return {
        "type": event.full_type,
        "routing_key": event.type,
        "version": event.version,
        "service": event.service,
        "description": jsonschema.description(event),
        "permission": event.permission,
        "dataschema": event.data_schema,
        "schema_url": f"/v1/event-types/{event.full_type}/schema",
        "schema": jsonschema.schema(event),
        "example": json.loads(examples.envelope(event)),
        "consumers": consumers().get(event.full_type, []),
    }


@cache
def consumers() -> dict[str, list[str]]:
    """Full type → `service.handler` that listen to it, as `make contracts` writes it down for each service."""
    found: dict[str, list[str]] = {}
    for service, listening in generated.read(_CONSUMERS).items():
        for kind, handlers in listening.items():
            found.setdefault(kind, []).extend(f"{service}.{handler}" for handler in handlers)
    return found
