"""Every operation shows an example from a real run, and the example keeps to the document."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from gateway.docs import examples, openapi

_FILES = "takes a file, like crm_contacts_import_contacts"
_QUEUES = "makes a queue and a user on the broker, for which the suites of the tests give the gateway no right"

DOCUMENT = openapi.document()
OPERATIONS = {d["operationId"]: d for item in DOCUMENT["paths"].values() for d in item.values()}

WITHOUT: dict[str, str] = {
    "gateway_stream_events": "a stream that does not end",
    "gateway_start_oidc": "leads to an identity provider, by a redirect without content",
    "gateway_return_from_oidc": "comes from an identity provider; answers like signing in",
    "gateway_test_webhook": "calls an address outside of this machine",
    "gateway_redeliver_webhook_delivery": "calls an address outside of this machine",
    "cancel_job": "must be faster than the job",
    "gateway_create_event_subscription": _QUEUES,
    "gateway_delete_event_subscription": _QUEUES,
    "gateway_get_event_subscription": _QUEUES,
    "gateway_history_of_event_subscriptions": _QUEUES,
    "gateway_rotate_event_subscription_password": _QUEUES,
    **{n: _FILES for n in OPERATIONS if "_import_" in n and n != "crm_contacts_import_contacts"},
}
"""Operations without an example → why. It only ever gets shorter."""


def _check(schema: dict[str, Any], value: Any) -> None:
    schema = {**schema, "components": DOCUMENT["components"]}
    errors = list(Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value))
    assert not errors, [f"{error.json_path}: {error.message}" for error in errors[:5]]


def test_every_operation_has_one() -> None:
    missing = OPERATIONS.keys() - examples.recorded().keys() - WITHOUT.keys()
    assert not missing, "let tests/examples/story.py use them, then run `make examples`"
    assert not WITHOUT.keys() & examples.recorded().keys(), "these have an example now"
    assert not examples.recorded().keys() - OPERATIONS.keys(), "these operations are gone: run `make examples`"


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - WITHOUT.keys()))
def test_it_is_true(name: str) -> None:
    """What was sent and what was answered are allowed by the schemas, and shown in the document."""
    described, example = OPERATIONS[name], examples.recorded()[name]
    if "request" in example and "requestBody" in described:
        content = next(one for kind, one in described["requestBody"]["content"].items() if "json" in kind)
        assert content["example"] == example["request"]
        _check(content["schema"], example["request"])
    answer = described["responses"][str(example["status"])]
    assert ("response" in example) == any("json" in kind for kind in answer.get("content", ()))
    if "response" in example:
        content = next(one for kind, one in answer["content"].items() if "json" in kind)
        assert content["example"] == example["response"]
        _check(content["schema"], example["response"])
    shown = {p["name"]: p["example"] for p in described["parameters"] if p["in"] == "path" and "example" in p}
    assert shown == example.get("path", {})


def test_no_secret_is_shown() -> None:
    text = str(examples.recorded())
    assert "correct-horse" not in text and "another-long-password" not in text
