"""What every answer must keep, beyond what Schemathesis checks by itself. Loaded by it as SCHEMATHESIS_HOOKS."""

import json
import os
import re
from collections.abc import Callable
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.generation import GenerationMode

from gateway.http.access import PUBLIC, SIGNED_IN, allows
from shared.kernel.texts import lines

PERMISSIONS = tuple(json.loads(os.environ.get("FUZZ_PERMISSIONS", '["*"]')))
"""What the user of this run holds."""

IDS: dict[str, list[str]] = json.loads(os.environ.get("FUZZ_IDS", "{}"))
"""Ids of what is there: path of the list → some ids."""

OWN = frozenset(json.loads(os.environ.get("FUZZ_OWN_IDS", "[]")))
"""The accounts of those who ask. Shutting oneself out is allowed, and all that comes after it would be 401."""

POINTS_TO = {
    "customer_id": "/v1/contacts", "contact_id": "/v1/contacts", "partner_id": "/v1/contacts",
    "product_id": "/v1/products", "warehouse_id": "/v1/warehouses", "invoice_id": "/v1/invoices",
    "company_id": "/v1/companies", "order_id": "/v1/orders",
}  # fmt: skip
"""Members that name something else → the list in which it is found."""

NOBODY = "00000000-0000-4000-8000-000000000000"

OTHER_PATHS = ("batch", "preview", "duplicates", "stream", "import")
"""Words that are no id in the place of an id but the path of another operation, with other methods."""

_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

FORM = {
    "body_required", "invalid_choice", "invalid_date", "invalid_decimal", "invalid_idempotency_key", "invalid_if_match",
    "invalid_instant", "invalid_json", "invalid_text", "invalid_type", "invalid_uuid", "invalid_wait_for", "negative",
    "not_positive", "null", "out_of_range", "required", "too_long", "too_many_digits", "too_short", "unknown_field",
    "unknown_filter", "unknown_parameter", "unsupported_media_type",
}  # fmt: skip
"""Codes that speak of the form of a request. Whoever keeps to the document must never be told one of these."""

RULES = {
    ("contacts.create", "required"),  # a name, according to the kind
    ("contacts.update", "required"),
    ("locations.create", "required"),  # a warehouse, according to the usage
    ("stock_adjustments.create", "required"),  # a change or a count
    ("custom_fields.create", "invalid_choice"),  # a resource of any service that takes custom fields
    ("custom_fields.create", "required"),  # options, of a choice
    ("fiscal_years.create", "out_of_range"),  # ends after it begins
    ("payments.create", "out_of_range"),  # no more is allocated than was paid
}
"""Where a code of form stands for a rule between fields, which a schema cannot say."""

NEVER = ("Traceback", "psycopg2", "sqlalchemy", "nameko.", 'File "/', "SELECT ", "marshmallow")
"""What would tell a stranger how it is made."""


@schemathesis.hook
def map_query(context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Nobody waits for events that never come: an id of a known type would rightly take ten seconds and end in 504."""
    return {name: value for name, value in query.items() if name != "wait_for"} if query else query


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Three of four well-formed ids become ids of what is there: only then it gets past 404."""
    if context.operation is None or not path_parameters:
        return path_parameters
    resource = context.operation.path.partition("/{")[0]
    known = {name: _there(resource, value) for name, value in path_parameters.items()}
    return {name: f"{value}." if value in OTHER_PATHS else value for name, value in known.items()}


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """The same for what a body refers to. A few companies at once, each with its chart of accounts, take long enough."""
    if isinstance(body, dict) and isinstance(body.get("operations"), list) and len(body["operations"]) < 500:
        body = {**body, "operations": body["operations"][:3]}
    if isinstance(body, dict):
        return {
            name: _there(POINTS_TO[name], value) if name in POINTS_TO else map_body(context, value)
            for name, value in body.items()
        }
    return [map_body(context, item) for item in body] if isinstance(body, list) else body


def _there(resource: str, value: Any) -> Any:
    known = IDS.get(resource)
    if not known or not isinstance(value, str) or not _UUID.fullmatch(value):
        return value
    number = int(value[:8], 16)  # of the generated id, so that a seed gives the same run
    return known[number // 4 % len(known)] if number % 4 else value


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Nothing that ends the account that asks, also where an answer gave its id away."""
    if case.method not in ("GET", "HEAD", "OPTIONS"):
        if _names_own(case.path_parameters):
            case.path_parameters = _spared(case.path_parameters)
        if _names_own(case.body):
            case.body = _spared(case.body)


def _spared(value: Any) -> Any:
    """The same with nobody in the place of one's own account."""
    if isinstance(value, dict):
        return {name: _spared(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spared(inner) for inner in value]
    return NOBODY if isinstance(value, str) and value.lower() in OWN else value


def _names_own(value: Any) -> bool:
    shown = str(value).lower()
    return any(own in shown for own in OWN)


@schemathesis.check
def permission_is_kept(ctx: CheckContext, response: Response, case: Case) -> None:
    """What a role does not hold never succeeds, and is told as 403."""
    declared = case.operation.definition.raw.get("x-permission", "")
    if declared in (PUBLIC, SIGNED_IN) or allows(PERMISSIONS, declared):
        return
    assert response.status_code >= 400, f"{declared} is not held: {response.status_code}"
    assert response.status_code in (400, 401, 403, 404, 405, 414, 431), response.status_code


@schemathesis.check
def form_is_documented(ctx: CheckContext, response: Response, case: Case) -> None:
    """What the document allows is never refused for its form."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if response.status_code not in (400, 422):
        return
    operation = case.operation.definition.raw.get("operationId", "")
    told = {code for code in _codes(response) & FORM if (operation, code) not in RULES}
    assert not told or _beyond_schemas(case), f"refused for its form: {operation} {told} {_errors(response)[:5]}"


def _beyond_schemas(case: Case) -> bool:
    """What JSON Schema allows and cannot be told not to: 1.0 as an integer, a sort key twice, dates in disorder."""
    query: dict[str, Any] = dict(case.query or {})
    sorts = [name.removeprefix("-") for name in str(query.get("sort", "")).split(",")]
    span = not {"from", "to", "as_of"}.isdisjoint(query)
    inner = case.operation.path.endswith(
        ("/batch", "/export", "/import")
    )  # what is inside has the form of another operation
    paged_table = "format" in query and not {"limit", "cursor"}.isdisjoint(query)  # a table has no pages
    known = len(sorts) != len(set(sorts)) or span or inner or paged_table or any("[in]" in n for n in query)
    return known or _holds(case.body, lambda value: isinstance(value, float) or _blank(value))


def _blank(value: Any) -> bool:
    """A text that is empty, or shorter, once it is in normal form."""
    return isinstance(value, str) and lines(value) != value


def _holds(value: Any, wanted: Callable[[Any], bool]) -> bool:
    if isinstance(value, dict):
        return any(_holds(inner, wanted) for inner in value.values())
    return any(_holds(inner, wanted) for inner in value) if isinstance(value, list) else wanted(value)


@schemathesis.check
def refusals_are_problems(ctx: CheckContext, response: Response, case: Case) -> None:
    """Every refusal is a problem with a code, the id of the request, and nothing of the inside."""
    if response.status_code < 400:
        return
    assert response.headers.get("content-type") == ["application/problem+json"], response.headers
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code, problem
    if response.status_code not in (400, 414, 431) or "request_id" in problem:
        assert [problem["request_id"]] == response.headers["x-request-id"], problem
    shown = response.content.decode()
    found = [word for word in NEVER if word in shown and word not in str(case.body) + str(case.query)]
    assert not found, f"the inside is shown: {found}"


def _codes(response: Response) -> set[str]:
    """What custom fields there are is data, not form: no document says it."""
    problem = json.loads(response.content)
    told = (error for error in problem.get("errors", []) if not error["pointer"].startswith("/custom/"))
    return {problem["code"], *(error["code"] for error in told)}


def _errors(response: Response) -> list[Any]:
    errors: list[Any] = json.loads(response.content).get("errors", [])
    return errors
