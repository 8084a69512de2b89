"""What the API document says of the parameters of an operation: path, query and headers."""

from typing import Any

from gateway.calls.expanding import expandable
from gateway.docs.said import say
from gateway.docs.schemas import Components
from gateway.http import contract
from gateway.http.reading import MOST_EVENTS
from shared.schema.contract import Listing, Operation
from shared.wire import fields

_COMPARED = (fields.Number, fields.Whole, fields.Day, fields.Instant)
_STRING = {"type": "string"}
_ONE_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_EVENT_IDS = {"type": "string", "pattern": f"^{_ONE_UUID}(,{_ONE_UUID}){{0,{MOST_EVENTS - 1}}}$"}
_WAIT_FOR = (
    "Event ids of earlier answers (`X-Event-Id`), separated by commas: the operation waits until it knows of them."
)
_KEY = {"type": "string", "minLength": 16, "maxLength": 255, "pattern": "^[\\x21-\\x7e]{16,255}$"}
_KEY_SAID = "Chosen by the client, and the same in a repetition, which then has no second effect."
_FIELDS_SAID = "The members of the answer, separated by commas; without it, all."
_VERSION = {"type": "string", "pattern": '^("[0-9]{1,18}"|[*])$'}


def is_own(operation: Operation) -> bool:
    """Whether the edge itself answers; everything else is passed on to a service, with the conventions of all."""
    return contract.OPERATIONS.get(operation.name) is operation


def has_etag(operation: Operation) -> bool:
    """Whether it shows one record, whose version clients may name in If-None-Match."""
    return operation.method == "GET" and not operation.listing and not is_own(operation)


def of(operation: Operation, sent: Components) -> list[dict[str, Any]]:
    found = [_parameter("path", name, _path_schema(name), required=True) for name in operation.path_parameters]
    if operation.parameters:
        for name, field in operation.parameters().fields.items():
            found.append(_parameter("query", field.data_key or name, sent.field(field), required=field.required))
    if is_own(operation):
        return found
    if operation.is_sparse:
        found += _shaping(operation)
    if operation.listing:
        found += _listing(operation.listing, sent)
    found.append(_parameter("query", "wait_for", _EVENT_IDS, _WAIT_FOR))
    return found + _request_headers(operation)


def _shaping(operation: Operation) -> list[dict[str, Any]]:
    """Which members the answer has, and which references it resolves."""
    assert operation.response is not None
    found = [
        _several(
            "fields",
            list(operation.response().dump_fields),
            _FIELDS_SAID,
        )
    ]
    if operation.offers_verbs:
        found.append(
            _parameter(
                "query", "with", {"type": "string", "enum": ["verbs"]}, "`verbs`: tells which verbs are possible now."
            )
        )
    if names := sorted(expandable(operation.response)):
        found.append(
            _several("expand", names, "References, separated by commas: what they name is put beside the ids.")
        )
    return found


def _several(name: str, choices: list[str], description: str) -> dict[str, Any]:
    """A parameter of names separated by commas."""
    schema = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": choices}}
    return _parameter("query", name, schema, description) | {"style": "form", "explode": False}


def _request_headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.method != "GET" and operation.idempotency != "none":
        required = operation.idempotency == "required"
        found.append(_parameter("header", "Idempotency-Key", _KEY, _KEY_SAID, required=required))
    if operation.needs_version:
        found.append(
            _parameter(
                "header", "If-Match", _VERSION, 'The version that is changed: `"3"`, or `*` for any.', required=True
            )
        )
    if has_etag(operation):
        found.append(
            _parameter("header", "If-None-Match", _STRING, "Versions that the client has: 304 if it is one of them.")
        )
    return found


def _listing(listing: Listing, sent: Components) -> list[dict[str, Any]]:
    sorts = sorted({*listing.sorts, "id"})
    one = f"-?({'|'.join(sorts)})"
    found = [
        _parameter(
            "query", "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Records on a page."
        ),
        _parameter("query", "cursor", _STRING, "The `next_cursor` of the page before."),
        _parameter("query", "include_total", {"type": "boolean", "default": False}, "Whether `total` is counted."),
        _parameter(
            "query",
            "sort",
            {"type": "string", "pattern": f"^{one}(,{one})*$", "default": listing.default_sort},
            say("Names separated by commas, `-` in front for descending: {names}.", names=", ".join(sorts)),
        ),
    ]
    if listing.search:
        found.append(
            _parameter(
                "query",
                "q",
                {"type": "string", "maxLength": 200},
                say("Text in {names}.", names=", ".join(listing.search)),
            )
        )
    for name, field in {"id": fields.Uuid(), **listing.filters}.items():
        schema = sent.field(field)
        found.append(_parameter("query", name, schema))
        found += [_compared(name, operator, kind) for operator, kind in _operators(field, schema)]
    return found


def _compared(name: str, operator: str, schema: dict[str, Any]) -> dict[str, Any]:
    """`name[starts]`; clients that are generated call it `name_starts`."""
    return _parameter("query", f"{name}[{operator}]", schema) | {"x-parameter-name": f"{name}_{operator}"}


def _operators(field: Any, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    operators = [("ne", schema), ("in", _STRING), ("is_null", {"type": "boolean"})]
    if isinstance(field, _COMPARED):
        operators += [(operator, schema) for operator in ("gt", "gte", "lt", "lte")]
    elif isinstance(field, fields.Text):
        operators += [("contains", schema), ("starts", schema)]
    return operators


def _parameter(
    place: str, name: str, schema: dict[str, Any], description: str = "", required: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "in": place, "required": required, "schema": schema}
    return found | ({"description": description} if description else {})


def _path_schema(name: str) -> dict[str, Any]:
    is_id = name == "id" or name.endswith("_id")
    return {"type": "string", "format": "uuid"} if is_id else {"type": "string"}
