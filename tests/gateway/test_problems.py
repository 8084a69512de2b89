"""Refusals as RFC 9457 problems."""

import json
from typing import Any

import pytest

from gateway import errors
from gateway.http import problems
from shared.kernel import refusals


def answer(
    refusal: refusals.Refusal | dict[str, Any], language: str = "en"
) -> tuple[int, dict[str, Any], dict[str, str]]:
    wire = refusal if isinstance(refusal, dict) else refusal.to_wire(language)
    response = problems.respond(wire, language, "r-1", "/v1/orders")
    assert response.media_type == "application/problem+json"
    return response.status_code, json.loads(response.body), dict(response.headers)


def _subclasses(cls: type[refusals.Refusal]) -> list[type[refusals.Refusal]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _subclasses(child))]


@pytest.mark.parametrize("cls", _subclasses(refusals.Refusal)[1:], ids=lambda cls: cls.__name__)
def test_every_family_has_a_status_and_both_titles(cls: type[refusals.Refusal]) -> None:
    status = problems.STATUS[cls.family]
    english, french = problems.TITLES[status]
    assert english and french and english != french
    assert cls.en and cls.fr and cls.code == cls.code.lower()


def test_members() -> None:
    status, body, headers = answer(refusals.InvalidTransition(state="draft", allowed=["place"]), "fr")
    assert status == 409
    assert body.pop("detail").startswith("Opération impossible à l'état « draft »")
    assert body == {
        "type": "/docs/errors#invalid_transition",
        "title": "Conflit",
        "status": 409,
        "instance": "/v1/orders",
        "code": "invalid_transition",
        "request_id": "r-1",
        "state": "draft",
        "allowed": ["place"],
    }
    assert headers["content-language"] == "fr" and headers["cache-control"] == "no-store"


def test_errors_have_pointers_and_messages() -> None:
    _, body, _ = answer(refusals.Invalid.at("/lines/0/quantity", "not_positive"), "fr")
    assert body["errors"] == [
        {"pointer": "/lines/0/quantity", "code": "not_positive", "message": "La valeur doit être supérieure à zéro."}
    ]


@pytest.mark.parametrize(
    ("refusal", "status", "name", "value"),
    [
        (refusals.StaleVersion(version=7), 412, "etag", '"7"'),
        (refusals.IdempotencyRunning(), 409, "retry-after", "1"),
        (refusals.Unavailable(), 503, "retry-after", "2"),
        (errors.TooManyRequests(retry_after=12), 429, "retry-after", "12"),
        (errors.MethodNotAllowed(allowed=["GET", "HEAD"]), 405, "allow", "GET, HEAD"),
        (errors.Unauthenticated(), 401, "www-authenticate", 'Bearer realm="liaison"'),
        (
            errors.Unauthenticated(presented=True),
            401,
            "www-authenticate",
            'Bearer realm="liaison", error="invalid_token"',
        ),
    ],
)
def test_headers(refusal: refusals.Refusal, status: int, name: str, value: str) -> None:
    found, _, headers = answer(refusal)
    assert (found, headers[name]) == (status, value)


def test_details_never_replace_standard_members() -> None:
    refusal = {"family": "conflict", "code": "x", "detail": "d", "details": {"status": 200, "type": "evil", "n": 1}}
    _, body, _ = answer(refusal)
    assert (body["status"], body["type"], body["n"]) == (409, "/docs/errors#x", 1)


def test_an_unknown_family_is_an_internal_error() -> None:
    status, body, _ = answer({"family": "surprise", "code": "surprise", "detail": "d"})
    assert status == body["status"] == 500
