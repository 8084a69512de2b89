"""The OpenAPI 3.1 document, from the declared operations and nothing else."""

import hashlib
import json
from typing import Any

from starlette.responses import Response

from gateway.calls.expanding import expandable, resources
from gateway.docs import examples, files
from gateway.docs.schemas import Components, merged, repointed
from gateway.http import contract
from gateway.http.access import PUBLIC
from gateway.http.deprecation import notice
from gateway.http.incoming import Incoming
from gateway.http.preconditions import unchanged
from gateway.http.problems import MEDIA_TYPE, TITLES
from gateway.http.reading import MOST_EVENTS
from shared.contracts import operations
from shared.schema.contract import Listing, Operation
from shared.schema.derived import job_contract as jobs
from shared.storage import custom
from shared.wire import fields
from shared.wire.problems import Problem
from shared.wire.references import references_of

_COMPARED = (fields.Number, fields.Whole, fields.Day, fields.Instant)
_STRING = {"type": "string"}
_ONE_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_EVENT_IDS = {"type": "string", "pattern": f"^{_ONE_UUID}(,{_ONE_UUID}){{0,{MOST_EVENTS - 1}}}$"}
_KEY = {"type": "string", "minLength": 16, "maxLength": 255, "pattern": "^[\\x21-\\x7e]{16,255}$"}
_VERSION = {"type": "string", "pattern": '^("[0-9]{1,18}"|[*])$'}

_CUSTOM_FILTERS = """Custom fields (`GET /v1/custom-fields`) are filters too: `custom.<name>=…`, or with an operator as for
other filters of their type, such as `custom.<name>[gte]=…`."""
"""Their names are data, so they cannot stand among the parameters."""

_DESCRIPTION = """CRM and ERP in one. Amounts, prices, quantities and percentages are decimal strings; instants are
RFC 3339 in UTC. No text holds U+0000 or a lone surrogate. What is no HTTP request at all is refused before an operation
is known, and the connection closed: 400, 414 (URL beyond 8 KiB), 431 (headers beyond 32 KiB). A path that exists with
other methods answers 405 with `Allow`."""


def document() -> dict[str, Any]:
    """The whole document: the gateway's own operations, then those of every service."""
    paths, components = _paths_and_components()
    tags = sorted({operation["tags"][0] for item in paths.values() for operation in item.values()})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Liaison",
            "version": "1",
            "description": _DESCRIPTION,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _problem(title) for status, (title, _) in TITLES.items()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _paths_and_components() -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs are collected apart, then brought together without mixing up what both use."""
    sent, received = Components(), Components()
    received.reference(Problem)
    paths: dict[str, Any] = {}
    for declared in (contract.OPERATIONS, *operations().values(), jobs.PUBLIC):
        for operation in declared.values():
            if operation.method.lower() not in paths.setdefault(operation.path, {}):  # else another service's like
                paths[operation.path][operation.method.lower()] = _operation(operation, sent, received)
    describe_references(received)
    components, renamed = merged(sent.collected(closed=True), received.collected(closed=False))
    for item in paths.values():
        for described in item.values():
            if "requestBody" in described:
                described["requestBody"] = repointed(described["requestBody"], renamed)
            examples.show(described)
    return paths, components


def describe_references(received: Components) -> None:
    """Every response that refers to another resource may show it, where `expand` asks for that."""
    for resource in resources().values():
        assert resource.list is not None and resource.list.response is not None
        received.reference(resource.list.response)
    for schema, properties in received.properties():
        for reference in references_of(schema).values():
            listed = resources()[reference.resource].list
            if not reference.container and listed and listed.response:
                properties[reference.expanded] = {"anyOf": [received.reference(listed.response), {"type": "null"}]}


def operation_ids() -> list[str]:
    """The ids of all operations in the document."""
    paths, _ = _paths_and_components()
    return [described["operationId"] for item in paths.values() for described in item.values()]


class Page:
    """Serves the document; it changes only with the program, so it carries an ETag."""

    def __init__(self, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._headers = {"cache-control": "no-cache"} | (headers or {})
        self._body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'

    async def __call__(self, request: Incoming) -> Response:
        headers = {"etag": self._etag, **self._headers}
        if unchanged(request.field(b"if-none-match"), self._etag):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type="application/json")


def _operation(operation: Operation, sent: Components, received: Components) -> dict[str, Any]:
    public = operation.permission == PUBLIC
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation, sent),
        "responses": _responses(operation, received),
        "security": [] if public else [{"bearer": []}],
        "x-permission": operation.permission,
    }
    if operation.listing and custom.declares(operation.response):
        described["description"] = _CUSTOM_FILTERS
    if operation.deprecated:
        described["deprecated"] = True
    if operation.request and not files.takes_form(operation):
        media_type = "application/merge-patch+json" if operation.method == "PATCH" else "application/json"
        content = {media_type: {"schema": sent.reference(operation.request)}}
        needed = any(field.required for field in operation.request().fields.values())
        either = operation is contract.sign_in  # one of two groups of members, which a schema cannot require
        required = needed or operation.method == "PATCH" or either
        described["requestBody"] = {"required": required, "content": content}
    return files.describe(operation, described)


def _is_own(operation: Operation) -> bool:
    """Whether the edge itself answers; everything else is passed on to a service, with the conventions of all."""
    return contract.OPERATIONS.get(operation.name) is operation


def _responses(operation: Operation, received: Components) -> dict[str, Any]:
    status = str(operation.status if operation.response else 204)
    success: dict[str, Any] = {"description": "Done" if operation.method != "GET" else "Found"}
    if operation is contract.stream_events:
        status, success["content"] = "200", {"text/event-stream": {"schema": _STRING}}
    elif operation.response and not files.gives_table(operation):
        schema = received.reference(operation.response)
        media_type = "application/schema+json" if operation is contract.get_event_schema else "application/json"
        success["content"] = {media_type: {"schema": _envelope(schema) if operation.listing else schema}}
    if not _is_own(operation):
        success["headers"] = _answer_headers(operation, status)
    if operation.status == 201 and operation.request and "id" in operation.request().fields:
        there = {
            "description": "It is there already: the same id came with the same content",
            **_but(success, "Location"),
        }
        return {"200": there, status: success, **_problem_references(operation)}
    known = {"304": {"description": "The version that If-None-Match names is the current one"}}
    unchanged = known if _has_etag(operation) else {}
    return {status: success, **unchanged, **_problem_references(operation)}


def _has_etag(operation: Operation) -> bool:
    """Whether it shows one record, whose version clients may name in If-None-Match."""
    return operation.method == "GET" and not operation.listing and not _is_own(operation)


def _but(success: dict[str, Any], header: str) -> dict[str, Any]:
    headers = {name: schema for name, schema in success.get("headers", {}).items() if name != header}
    return {"content": success["content"], "headers": headers}


def _problem_references(operation: Operation) -> dict[str, Any]:
    return {code: {"$ref": f"#/components/responses/{code}"} for code in _problems_of(operation)}


def _problems_of(operation: Operation) -> list[str]:
    codes = {400, 429, 500, 503}
    codes |= set(operation.problems)
    if operation.method == "GET":
        codes |= {414}
    if operation.permission != PUBLIC:
        codes |= {401, 403}
    if operation.request:
        codes |= {408, 413, 415, 422}
    if not _is_own(operation):
        codes |= {404, 422, 504} | (set() if operation.method == "GET" else {409})
    if operation.needs_version:
        codes |= {412, 428}
    if operation.path_parameters:  # another operation's word may stand in the place of an id: /v1/orders/batch
        codes |= {405}
    return [str(code) for code in sorted(codes)]


def _parameters(operation: Operation, sent: Components) -> list[dict[str, Any]]:
    found = [_parameter("path", name, _path_schema(name), required=True) for name in operation.path_parameters]
    if operation.parameters:
        for name, field in operation.parameters().fields.items():
            found.append(_parameter("query", field.data_key or name, sent.field(field), required=field.required))
    if _is_own(operation):
        return found
    if operation.is_sparse:
        found += _shaping(operation)
    if operation.listing:
        found += _listing(operation.listing, sent)
    found.append(_parameter("query", "wait_for", _EVENT_IDS, "event ids of earlier answers, separated by commas"))
    return found + _request_headers(operation)


def _shaping(operation: Operation) -> list[dict[str, Any]]:
    """Which members the answer has, and which references it resolves."""
    assert operation.response is not None
    found = [_several("fields", list(operation.response().dump_fields), "only these members")]
    if operation.offers_verbs:
        found.append(
            _parameter("query", "with", {"type": "string", "enum": ["verbs"]}, "tell which verbs are possible now")
        )
    if names := sorted(expandable(operation.response)):
        found.append(_several("expand", names, "put what these refer to beside the ids"))
    return found


def _several(name: str, choices: list[str], description: str) -> dict[str, Any]:
    """A parameter of names separated by commas."""
    schema = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": choices}}
    return _parameter("query", name, schema, description) | {"style": "form", "explode": False}


def _request_headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.method != "GET" and operation.idempotency != "none":
        found.append(_parameter("header", "Idempotency-Key", _KEY, required=operation.idempotency == "required"))
    if operation.needs_version:
        found.append(
            _parameter("header", "If-Match", _VERSION, '"<version>", several with commas, or *', required=True)
        )
    if _has_etag(operation):
        found.append(_parameter("header", "If-None-Match", _STRING))
    return found


def _listing(listing: Listing, sent: Components) -> list[dict[str, Any]]:
    sorts = sorted({*listing.sorts, "id"})
    one = f"-?({'|'.join(sorts)})"
    found = [
        _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        _parameter("query", "cursor", _STRING, "`next_cursor` of the page before"),
        _parameter("query", "include_total", {"type": "boolean", "default": False}),
        _parameter(
            "query",
            "sort",
            {"type": "string", "pattern": f"^{one}(,{one})*$", "default": listing.default_sort},
            "names separated by commas, - for descending: " + ", ".join(sorts),
        ),
    ]
    if listing.search:
        found.append(
            _parameter("query", "q", {"type": "string", "maxLength": 200}, "text in " + ", ".join(listing.search))
        )
    for name, field in {"id": fields.Uuid(), **listing.filters}.items():
        schema = sent.field(field)
        found.append(_parameter("query", name, schema))
        found += [_parameter("query", f"{name}[{operator}]", kind) for operator, kind in _operators(field, schema)]
    return found


def _operators(field: Any, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    operators = [("ne", schema), ("in", _STRING), ("is_null", {"type": "boolean"})]
    if isinstance(field, _COMPARED):
        operators += [(operator, schema) for operator in ("gt", "gte", "lt", "lte")]
    elif isinstance(field, fields.Text):
        operators += [("contains", schema), ("starts", schema)]
    return operators


def _envelope(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["data", "next_cursor"],
        "properties": {
            "data": {"type": "array", "items": item},
            "next_cursor": {"type": ["string", "null"]},
            "total": {"type": "integer"},
        },
    }


def _answer_headers(operation: Operation, status: str) -> dict[str, Any]:
    names = ["X-Request-Id", "traceparent"]
    names += [] if operation.listing or not operation.response else ["ETag"]
    names += ["X-Unresolved"] if operation.is_sparse and expandable(operation.response) else []
    if operation.method != "GET":
        names += ["X-Event-Id", "Idempotency-Replayed"]
    if status == "201" and not operation.path_parameters:
        names.append("Location")
    names += [name.title() for name in notice(operation)]
    return {name: {"schema": _STRING} for name in names}


def _parameter(
    place: str, name: str, schema: dict[str, Any], description: str = "", required: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "in": place, "required": required, "schema": schema}
    return found | ({"description": description} if description else {})


def _path_schema(name: str) -> dict[str, Any]:
    is_id = name == "id" or name.endswith("_id")
    return {"type": "string", "format": "uuid"} if is_id else {"type": "string"}


def _problem(title: str) -> dict[str, Any]:
    return {"description": title, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
