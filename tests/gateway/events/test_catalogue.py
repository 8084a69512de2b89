"""Event types, their schemas, and the AsyncAPI document, all from the declarations."""

import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from gateway.docs import asyncapi
from gateway.events import catalogue, examples
from gateway.events import jsonschema as schemas
from gateway.events.patterns import known_events
from shared.schema import envelope
from shared.schema.contract import Event
from tests.contracts import golden
from tests.gateway.events import strangers
from tests.gateway.events.conftest import GatewayAlone

EVENTS = known_events()


def _validator(schema: dict[str, Any]) -> Any:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.full_type)
def test_what_was_published_fits_its_schema(event: type[Event]) -> None:
    """The example, and the golden sample; not what has a wrong type."""
    data = _validator(schemas.schema(event))
    whole = _validator(schemas.envelope(event, schemas.of_dataclass(event)))
    for text in (examples.envelope(event), golden.file_of(event).read_text(encoding="utf-8")):
        message = json.loads(text)
        data.validate(message["data"])
        whole.validate(message)
    read = envelope.read(examples.envelope(event).encode())
    assert read.event.to_data() == examples.data(event)
    for name in message["data"]:
        assert not data.is_valid({**message["data"], name: {"wrong": 1.5}})
    assert not data.is_valid({}) and not whole.is_valid({**message, "type": "other"})


def test_the_catalogue_is_public_and_complete(alone: GatewayAlone) -> None:
    answer = httpx.get(f"{alone.base_url}/v1/event-types")
    found = {entry["type"]: entry for entry in answer.json()["data"]}
    assert set(found) == {event.full_type for event in EVENTS}
    placed = found["liaison.crm_sales.order.placed.v1"]
    assert placed["routing_key"] == "crm_sales.order.placed" and placed["permission"] == "sales.orders:read"
    assert placed["description"].startswith("A customer ordered") and placed["example"]["type"] == placed["type"]
    assert any(name.startswith("erp_finance.") for name in placed["consumers"])
    again = httpx.get(f"{alone.base_url}/v1/event-types", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("event", EVENTS[:3], ids=lambda e: e.full_type)
def test_a_dataschema_leads_to_its_schema(alone: GatewayAlone, event: type[Event]) -> None:
    """By the name in the envelope, by the type and by the routing key."""
    for name in catalogue.names(event):
        answer = httpx.get(f"{alone.base_url}/v1/event-types/{name}/schema")
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json() == schemas.schema(event) and answer.json()["$id"] == event.data_schema
        assert httpx.get(f"{alone.base_url}/v1/event-types/{name}").json()["type"] == event.full_type


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("nothing/schema", 404),
        ("crm_sales.order.placed?x=1", 400),
        ("%00", 404),
        ("../event-types", 200),
    ],
)
def test_what_is_not_there(alone: GatewayAlone, path: str, status: int) -> None:
    assert httpx.get(f"{alone.base_url}/v1/event-types/{path}").status_code == status


def test_the_page_needs_nothing_from_elsewhere(alone: GatewayAlone) -> None:
    page = httpx.get(f"{alone.base_url}/docs/events")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text and "https://" not in page.text
    assert httpx.get(f"{alone.base_url}/docs/events.js").status_code == 200


def test_asyncapi_says_what_the_broker_does(alone: GatewayAlone) -> None:
    served = httpx.get(f"{alone.base_url}/asyncapi.json").json()
    assert served == asyncapi.document() and served["asyncapi"] == "3.0.0"
    assert set(served["channels"]) == {event.type for event in EVENTS}
    for key, channel in served["channels"].items():
        assert channel["address"] == key and channel["bindings"]["amqp"]["exchange"]["name"] == "events"
        for message in channel["messages"].values():
            name = message["$ref"].removeprefix("#/components/messages/")
            payload = served["components"]["messages"][name]["payload"]
            reference = payload["properties"]["data"]["$ref"].removeprefix("#/components/schemas/")
            assert reference in served["components"]["schemas"]
    assert {o["action"] for o in served["operations"].values()} == {"send"}


def test_asyncapi_passes_the_parser_of_its_makers(node: Path) -> None:
    found = strangers.run(node, "asyncapi.mjs", asyncapi.document())
    assert found == {"errors": [], "channels": len({event.type for event in EVENTS})}
    broken = asyncapi.document()
    broken["channels"]["crm_sales.order.placed"]["address"] = 7
    assert strangers.run(node, "asyncapi.mjs", broken)["errors"]
