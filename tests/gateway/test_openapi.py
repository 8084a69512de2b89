"""The OpenAPI document, from the declarations."""

import re
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.docs import openapi
from gateway.docs.component_names import component_name, reached
from gateway.http import contract
from shared.contracts import operations
from shared.schema.derived import job_contract as jobs
from shared.wire import fields
from shared.wire.fields import Schema


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document()


def test_valid(document: dict[str, Any]) -> None:
    errors = list(OpenAPIV31SpecValidator(document).iter_errors())
    assert not errors, errors[:3]


def test_every_operation_is_there_once(document: dict[str, Any]) -> None:
    found = {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    declared = {o.id: o.route for service in operations().values() for o in service.values()}
    assert declared.items() <= found.items()
    assert sum(len(item) for item in document["paths"].values()) == len(found)


def test_operations_are_named_after_their_routes(document: dict[str, Any]) -> None:
    """`orders.place`, whatever service has it and whatever its handler is called."""
    found = {
        (m.upper(), path): operation["operationId"]
        for path, item in document["paths"].items()
        for m, operation in item.items()
    }
    assert len(set(found.values())) == len(found)
    assert {name: route for route, name in found.items() if name.startswith("orders.")} == {
        "orders.list": ("GET", "/v1/orders"),
        "orders.create": ("POST", "/v1/orders"),
        "orders.batch": ("POST", "/v1/orders/batch"),
        "orders.export": ("POST", "/v1/orders/export"),
        "orders.import": ("POST", "/v1/orders/import"),
        "orders.import_template": ("GET", "/v1/orders/import-template"),
        "orders.get": ("GET", "/v1/orders/{id}"),
        "orders.update": ("PATCH", "/v1/orders/{id}"),
        "orders.delete": ("DELETE", "/v1/orders/{id}"),
        "orders.history": ("GET", "/v1/orders/{id}/history"),
        "orders.cancel": ("POST", "/v1/orders/{id}/cancel"),
        "orders.place": ("POST", "/v1/orders/{id}/place"),
        "orders.release_hold": ("POST", "/v1/orders/{id}/release-hold"),
        "orders.resume": ("POST", "/v1/orders/{id}/resume"),
        "orders.progress": ("GET", "/v1/orders/{id}/progress"),
        "orders.trace": ("GET", "/v1/orders/{id}/trace"),
    }
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name) for name in found.values())


def test_schemas_are_named_after_their_resources(document: dict[str, Any]) -> None:
    """`Order`, `OrderCreate`, `OrderUpdate`, and no two schemas of one name."""
    known = document["components"]["schemas"]
    for one in ("Order", "Product", "JournalEntry", "Contact", "ApiKey"):
        assert {one, f"{one}Create"} <= known.keys(), one
    assert {"OrderUpdate", "ProductUpdate", "ContactUpdate"} <= known.keys()
    assert not [name for name in known if name.endswith(("View", "Part"))]
    for direction in ("request", "response"):
        classes = _schemas(direction)
        names = [component_name(cls) for cls in classes]
        assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]


def _schemas(direction: str) -> list[type[ma.Schema]]:
    """What clients send, or what they receive, with all that stands inside."""
    every = [o for declared in (contract.OPERATIONS, *operations().values(), jobs.PUBLIC) for o in declared.values()]
    return list(reached(schema for o in every if (schema := getattr(o, direction))))


class Line(Schema):
    quantity = fields.Quantity(required=True, positive=True)


class Sale(Schema):
    id = fields.Uuid()
    amount = fields.Amount(not_negative=True)
    price = fields.Price(allow_none=True)
    discount = fields.Percent()
    on = fields.Day()
    at = fields.Instant()
    count = fields.Whole(least=1, most=9)
    paid = fields.Flag()
    state = fields.Choice("open", "closed")
    name = fields.Text(most=40, least=2, required=True)
    lines = fields.Many(fields.Part(Line), most=100)
    external_ids = fields.Table()


def test_types() -> None:
    components = openapi.Components()
    components.reference(Sale)
    collected = components.collected(closed=True)
    sale = collected["Sale"]
    assert sale["additionalProperties"] is False and sale["required"] == ["name"]
    found = sale["properties"]
    assert found["id"] == {"type": "string", "format": "uuid", "minLength": 36, "maxLength": 36}
    assert found["amount"] == {
        "type": ["string", "integer"],
        "format": "decimal",
        "pattern": r"^0{0,6}[0-9]{1,12}(\.[0-9]{1,2}0{0,10})?$",
        "maxLength": 32,
        "minimum": 0,
        "maximum": 10**12 - 1,
    }
    assert found["price"]["type"] == ["string", "null", "integer"] and found["price"]["format"] == "decimal"
    assert {found[name]["format"] for name in ("amount", "price", "discount")} == {"decimal"}
    assert (found["on"]["format"], found["at"]["format"]) == ("date", "date-time")
    assert (found["count"]["type"], found["count"]["minimum"], found["count"]["maximum"]) == ("integer", 1, 9)
    assert found["paid"] == {"type": "boolean"}
    assert found["state"]["enum"] == ["open", "closed"]
    assert (found["name"]["minLength"], found["name"]["maxLength"]) == (2, 40)
    assert found["lines"]["maxItems"] == 100 and found["lines"]["items"] == {"$ref": "#/components/schemas/Line"}
    assert found["external_ids"]["type"] == "object"


NUMBERS = [
    fields.Number(decimals=0), fields.Amount(), fields.Amount(positive=True), fields.Price(not_negative=True),
    fields.Quantity(positive=True), fields.Percent(),
]  # fmt: skip


@pytest.mark.parametrize(
    "field", NUMBERS, ids=lambda f: f"{type(f).__name__}-{f.decimals}-{f.positive}-{f.not_negative}"
)
@given(
    text=st.from_regex(r"\A-?0{0,7}[0-9]{1,13}(\.[0-9]{1,6}0{0,9})?\n?\Z")
    | st.sampled_from(["100.00", "-0", "0.0", "1e2"])
)
def test_a_pattern_says_what_its_field_accepts(field: fields.Number, text: str) -> None:
    schema = openapi.Components().field(field)
    try:
        field.deserialize(text)
        accepted = True
    except ma.ValidationError:
        accepted = False
    assert bool(re.match(schema["pattern"].replace("$", r"\Z"), text)) == accepted, (schema["pattern"], text)


def test_what_is_received_is_not_limited() -> None:
    components = openapi.Components()
    components.reference(Sale)
    found = components.collected(closed=False)["Sale"]["properties"]
    assert found["name"] == {"type": "string"} and "maxItems" not in found["lines"]
    assert found["amount"] == {"type": "string", "format": "decimal", "pattern": "^-?[0-9]+([.][0-9]+)?$"}


def test_what_goes_both_ways_is_closed_in_and_open_out() -> None:
    sent, received = openapi.Components(), openapi.Components()
    sent.reference(Sale)
    received.reference(Line)
    components, renamed = openapi.merged(sent.collected(closed=True), received.collected(closed=False))
    assert renamed == {"#/components/schemas/Line": "#/components/schemas/LineInput"}
    assert "additionalProperties" not in components["Line"]
    assert components["LineInput"]["additionalProperties"] is False
    assert components["Sale"]["properties"]["lines"]["items"] == {"$ref": "#/components/schemas/LineInput"}


def test_no_amount_is_a_number(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for member, inner in schema.get("properties", {}).items():
            assert "number" not in str(inner.get("type")), f"{name}.{member} would be read as a float"


def test_an_order_in_the_document(document: dict[str, Any]) -> None:
    place = document["paths"]["/v1/orders/{id}/place"]["post"]
    key = next(p for p in place["parameters"] if p["name"] == "Idempotency-Key")
    assert key["required"] and "requestBody" not in place
    assert {"400", "401", "403", "404", "409", "422", "503", "504"} <= set(place["responses"])
    change = document["paths"]["/v1/orders/{id}"]["patch"]
    assert "application/merge-patch+json" in change["requestBody"]["content"] and "412" in change["responses"]
    orders = document["paths"]["/v1/orders"]["get"]
    envelope = orders["responses"]["200"]["content"]["application/json"]["schema"]
    assert envelope["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Order"}
    assert {"limit", "cursor", "sort", "wait_for"} <= {p["name"] for p in orders["parameters"]}
    made = document["paths"]["/v1/orders"]["post"]["responses"]["201"]
    assert {"Location", "ETag", "X-Event-Id"} <= set(made["headers"])
    assert document["paths"]["/v1/auth/token"]["post"]["security"] == []
