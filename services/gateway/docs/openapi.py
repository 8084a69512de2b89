"""The OpenAPI 3.1 document, from the declared operations and nothing else."""

import hashlib
import json
from typing import Any

from starlette.responses import Response

from gateway.calls.expanding import expandable, resources
from gateway.docs import examples, files, guides, parameters, tags, translating
from gateway.docs.explaining import completed, of_operation
from gateway.docs.parameters import has_etag, is_own
from gateway.docs.said import Said
from gateway.docs.schemas import Components, merged, repointed
from gateway.http import contract
from gateway.http.access import PUBLIC
from gateway.http.deprecation import notice
from gateway.http.incoming import Incoming
from gateway.http.preconditions import unchanged
from gateway.http.problems import MEDIA_TYPE, TITLES
from shared.contracts import operations
from shared.schema.contract import Operation
from shared.schema.derived import job_contract as jobs
from shared.storage import custom
from shared.wire.problems import Problem
from shared.wire.references import references_of

_STRING = {"type": "string"}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of `POST /v1/auth/token`, or an API key (`lia_…`).",
}

_CUSTOM_FILTERS = (
    "Custom fields (`GET /v1/custom-fields`) are filters too: `custom.<name>=…`, or with an operator as for other filters"
    " of their type, such as `custom.<name>[gte]=…`."
)
"""Their names are data, so they cannot stand among the parameters."""


LANGUAGES = ("en", "fr")


def document(language: str = "en") -> dict[str, Any]:
    """The whole document: the gateway's own operations, then those of every service."""
    return documents((language,))[language]


def documents(languages: tuple[str, ...] = LANGUAGES) -> dict[str, dict[str, Any]]:
    """The document in each language; it is put together once."""
    common = source()
    return {one: {**translating.in_language(common, one), "info": _info(one)} for one in languages}


def source() -> dict[str, Any]:
    """The document as all languages have it, with its texts as `Said`."""
    paths, components = _paths_and_components()
    found = {
        "openapi": "3.1.0",
        "info": {},
        "servers": [{"url": "/"}],
        "tags": tags.tags(paths),
        "x-tagGroups": tags.groups(paths),
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _problems(paths),
            "securitySchemes": {"bearer": _BEARER},
        },
    }
    return completed(found)


def _info(language: str) -> dict[str, Any]:
    contact = {"name": "Liaison"}
    return {"title": "Liaison", "version": "1", "description": guides.guide(language), "contact": contact}


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


def _problems(paths: dict[str, Any]) -> dict[str, Any]:
    """The problems that operations answer, by status."""
    met = {status for item in paths.values() for described in item.values() for status in described["responses"]}
    return {str(status): _problem(title) for status, (title, _) in TITLES.items() if str(status) in met}


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
    """Serves a document; it changes only with the program, so it carries an ETag."""

    def __init__(self, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._headers = {"cache-control": "no-cache"} | (headers or {})
        self._body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'

    async def __call__(self, request: Incoming) -> Response:
        headers = {"etag": self._etag, **self._headers}
        if unchanged(request.field(b"if-none-match"), self._etag):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type="application/json")


class Pages:
    """Serves a document in the language of `Accept-Language`."""

    def __init__(self, contents: dict[str, dict[str, Any]]) -> None:
        self._pages = {
            language: Page(content, {"content-language": language, "vary": "accept-language"})
            for language, content in contents.items()
        }

    async def __call__(self, request: Incoming) -> Response:
        return await self._pages[request.language](request)


def _operation(operation: Operation, sent: Components, received: Components) -> dict[str, Any]:
    public = operation.permission == PUBLIC
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.tag],
        "parameters": parameters.of(operation, sent),
        "responses": _responses(operation, received),
        "security": [] if public else [{"bearer": []}],
        "x-permission": operation.permission,
    }
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


def _description(operation: Operation) -> Said:
    needs = of_operation(operation)
    return (
        Said(*needs.parts, (_CUSTOM_FILTERS, {}))
        if operation.listing and custom.declares(operation.response)
        else needs
    )


def _responses(operation: Operation, received: Components) -> dict[str, Any]:
    status = str(operation.status if operation.response else 204)
    success: dict[str, Any] = {"description": "Found." if operation.method == "GET" else "Done."}
    if operation is contract.stream_events:
        status, success["content"] = "200", {"text/event-stream": {"schema": _STRING}}
    elif operation.response and not files.gives_table(operation):
        schema = received.reference(operation.response)
        media_type = "application/schema+json" if operation is contract.get_event_schema else "application/json"
        success["content"] = {media_type: {"schema": _envelope(schema) if operation.listing else schema}}
    if not is_own(operation):
        success["headers"] = _answer_headers(operation, status)
    if operation.status == 201 and operation.request and "id" in operation.request().fields:
        there = {
            "description": "It is there already: the same id came with the same content.",
            **_but(success, "Location"),
        }
        return {"200": there, status: success, **_problem_references(operation)}
    known = {"304": {"description": "The version that `If-None-Match` names is the current one."}}
    unchanged = known if has_etag(operation) else {}
    return {status: success, **unchanged, **_problem_references(operation)}


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
    if not is_own(operation):
        codes |= {404, 422, 504} | (set() if operation.method == "GET" else {409})
    if operation.needs_version:
        codes |= {412, 428}
    if operation.path_parameters:  # another operation's word may stand in the place of an id: /v1/orders/batch
        codes |= {405}
    return [str(code) for code in sorted(codes)]


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


_HEADERS = {
    "X-Request-Id": "The id of the request, in logs, events and problems too.",
    "traceparent": "The W3C trace context.",
    "ETag": "The version of the record in double quotes.",
    "X-Unresolved": "The references that `expand` could not resolve, because a service did not answer.",
    "X-Event-Id": "The id of the last event that was published, for `wait_for`.",
    "Idempotency-Replayed": "`true`: the answer of the first request with this key.",
    "Location": "The path of the record.",
    "Deprecation": "Since when the operation is deprecated.",
    "Sunset": "When the operation goes.",
    "Link": "What replaces the operation.",
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
    return {name: {"schema": _STRING, "description": _HEADERS[name]} for name in names}


def _problem(title: str) -> dict[str, Any]:
    return {"description": title, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
