"""Every operation shows an example from a real run, and the example keeps to the document."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from gateway.docs import examples, openapi

_FILES = "takes a file, like contacts.import"
_QUEUES = "makes a queue and a user on the broker, for which the suites of the tests give the gateway no right"

DOCUMENT = openapi.document()
OPERATIONS = {d["operationId"]: d for item in DOCUMENT["paths"].values() for d in item.values()}

WITHOUT: dict[str, str] = {
    "events.stream": "a stream that does not end",
    "auth.oidc.start": "leads to an identity provider, by a redirect without content",
    "auth.oidc.callback": "comes from an identity provider; answers like signing in",
    "webhooks.test": "calls an address outside of this machine",
    "webhooks.deliveries.redeliver": "calls an address outside of this machine",
    "jobs.cancel": "must be faster than the job",
    "event_subscriptions.create": _QUEUES,
    "event_subscriptions.delete": _QUEUES,
    "event_subscriptions.get": _QUEUES,
    "event_subscriptions.history": _QUEUES,
    "event_subscriptions.rotate_password": _QUEUES,
    **{n: _FILES for n in OPERATIONS if n.endswith(".import") and n != "contacts.import"},
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
        assert content.get("example") == (None if examples.holds_examples(example["response"]) else example["response"])
        _check(content["schema"], example["response"])
    shown = {p["name"]: p["example"] for p in described["parameters"] if p["in"] == "path" and "example" in p}
    assert shown == example.get("path", {})


def test_no_secret_is_shown() -> None:
    text = str(examples.recorded())
    assert "correct-horse" not in text and "another-long-password" not in text
