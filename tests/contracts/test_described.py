"""The documents of the API say what everything is, in both languages, and group it by area."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.docs import asyncapi, guides, openapi, translating
from gateway.docs.said import Said, say
from gateway.events import jsonschema
from shared import contracts
from shared.schema.areas import AREAS

DOCUMENTS = openapi.documents()
DOCUMENT = DOCUMENTS["en"]
OPERATIONS = {o["operationId"]: o for item in DOCUMENT["paths"].values() for o in item.values()}


def undescribed(value: Any, at: str = "") -> Iterator[str]:
    """Paths of members of schemas that nothing is said of."""
    if isinstance(value, list):
        for one in value:
            yield from undescribed(one, at)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == "properties":
                yield from (f"{at}.{member}" for member, schema in inner.items() if not schema.get("description"))
                yield from undescribed(list(inner.values()), at)
            elif name not in ("example", "examples", "default"):
                yield from undescribed(inner, f"{at}.{name}")


def test_every_operation_and_parameter_is_described() -> None:
    for name, operation in OPERATIONS.items():
        assert operation["summary"] and operation["description"], name
        assert not [p["name"] for p in operation["parameters"] if not p.get("description")], name
        for status, answer in operation["responses"].items():
            assert answer.get("description") or "$ref" in answer, f"{name} {status}"
            assert not [h for h, told in answer.get("headers", {}).items() if not told.get("description")], name


def test_every_property_is_described() -> None:
    assert not list(undescribed(DOCUMENT["components"]))
    assert not list(undescribed(DOCUMENT["paths"]))


def test_every_event_is_described_with_its_properties() -> None:
    for name, event in contracts.events().items():
        if event.service in contracts.SERVICES:
            assert jsonschema.description(event), name
            assert not list(undescribed(jsonschema.schema(event))), name
    assert not list(undescribed(asyncapi.document()))


def test_every_tag_has_an_introduction_and_stands_in_one_group() -> None:
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    assert all(tags.values()), [name for name, told in tags.items() if not told]
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == tags.keys()
    grouped = [tag for group in DOCUMENT["x-tagGroups"] for tag in group["tags"]]
    assert sorted(grouped) == sorted(tags)
    assert [group["name"] for group in DOCUMENT["x-tagGroups"]] == [area.title for area in AREAS]
    assert all(group["description"] and group["tags"] for group in DOCUMENT["x-tagGroups"])


def test_a_description_says_what_a_call_needs() -> None:
    placing = OPERATIONS["orders.place"]["description"]
    assert "`sales.orders:write`" in placing and "`Idempotency-Key` is required" in placing
    assert "Needs no sign-in." in OPERATIONS["auth.token"]["description"]
    assert "states `open`" in OPERATIONS["activities.complete"]["description"]


def test_the_french_document_is_the_same_but_for_its_texts() -> None:
    """Every text has its French: tests/contracts/test_texts.py."""
    english, french = DOCUMENTS["en"], DOCUMENTS["fr"]
    assert _without_texts(english) == _without_texts(french)
    placing = french["paths"]["/v1/orders/{id}/place"]["post"]
    assert placing["description"].startswith("Demande la permission `sales.orders:write`.")
    sorting = next(p for p in french["paths"]["/v1/orders"]["get"]["parameters"] if p["name"] == "sort")
    assert (
        sorting["description"].startswith("Noms séparés par des virgules") and "gross_total" in sorting["description"]
    )
    assert french["x-tagGroups"][2]["name"] == "Ventes"
    assert (
        french["components"]["responses"]["404"]["description"]
        != english["components"]["responses"]["404"]["description"]
    )
    assert french["components"]["schemas"]["EventType"]["properties"]["example"]["description"].startswith("Un exemple")


def _without_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_texts(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {
        n: v for n, v in value.items() if not (n in ("summary", "description", "title", "name") and isinstance(v, str))
    }
    return {name: _without_texts(inner) for name, inner in kept.items()}


def test_data_is_not_translated() -> None:
    document = {"description": "The state that it is in.", "example": {"description": "The state that it is in."}}
    french = translating.in_language(document, "fr")
    assert french["description"].startswith("L'état") and french["example"] == document["example"]


def test_texts_with_values_keep_them() -> None:
    text = Said(*say("Text in {names}.", names="a, b").parts, *say("Needs no sign-in.").parts)
    assert text == "Text in a, b. Needs no sign-in."
    assert (
        text.translated(lambda sentence: sentence.upper().replace("{NAMES}", "{names}"))
        == "TEXT IN a, b. NEEDS NO SIGN-IN."
    )


TOPICS = 8
TRANSLATED = {
    *("`area.things:verb`", "`YYYY-MM-DD`", "`webhook-id.webhook-timestamp.body`"),
    *("`domaine.objets:verbe`", "`AAAA-MM-JJ`", "`webhook-id.webhook-timestamp.corps`"),
}
"""Placeholders in what is typed."""

CODE = re.compile(r"`[^`\n]+`")


@pytest.mark.parametrize("topic", range(TOPICS))
def test_both_guides_say_the_same(topic: int) -> None:
    """The same topics in the same order, with as many items, and what is typed is the same but for placeholders."""
    english, french = (guides.guide(language).split("\n## ") for language in ("en", "fr"))
    assert len(english) == len(french) == TOPICS
    for mark in ("\n- ", "\n| ", "\n1. "):
        assert english[topic].count(mark) == french[topic].count(mark)
    typed = [
        {code for code in CODE.findall(text[topic]) if re.fullmatch(r"`[\w./:-]+`", code)} for text in (english, french)
    ]
    assert typed[0] ^ typed[1] <= {*TRANSLATED}, typed[0] ^ typed[1]


def test_guides_stand_in_the_document() -> None:
    for word in (
        "Authentication",
        "API key",
        "Conventions",
        "paging",
        "Errors",
        "Idempotency",
        "webhooks",
        "Subscriptions",
    ):
        assert word in DOCUMENT["info"]["description"]
    assert "Idempotence" in DOCUMENTS["fr"]["info"]["description"]
    assert "Subscriptions" in asyncapi.document()["info"]["description"]
