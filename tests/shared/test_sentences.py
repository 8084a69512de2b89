"""D6: what a refusal says tells what to do, lists what is allowed, in both languages, and nothing of it is Python."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow as ma
import pytest

from shared import contracts
from shared.api import operations
from shared.api.handlers import collect, service_class
from shared.kernel import error_messages
from shared.kernel.refusals import Invalid, InvalidTransition, NotFound
from shared.schema.contract import Operation
from shared.storage.database import kind_of
from shared.wire import fields
from shared.wire.explaining import details
from shared.wire.fields import Schema
from tests.architecture.test_texts import REFUSALS

PYTHON = re.compile(
    r"\[|\]|\{|\}|'[a-z_]+'|<class|\bNone\b|\bTrue\b|\bFalse\b|Decimal|UUID\(|datetime|Not a valid|Traceback"
)
DETAILS: dict[str, Any] = {
    "allowed": ["place", "cancel"], "event_types": ["a.b", "c.d"], "permissions": ("x.y:read",), "columns": ["SIREN"],
    "product_ids": [UUID(int=1)], "date": date(2026, 1, 2), "residual": Decimal("1.50"), "state": None,
}  # fmt: skip


def sent() -> Iterator[tuple[str, type[Schema]]]:
    """Every schema of a body or of parameters, with the operation that takes it."""
    for declared in contracts.operations().values():
        for operation in declared.values():
            yield from ((operation.id, s) for s in (operation.request, operation.parameters) if s is not None)


def inner(field: Any) -> Iterator[Any]:
    yield field
    if isinstance(field, ma.fields.List):
        yield from inner(field.inner)
    elif isinstance(field, ma.fields.Dict) and field.value_field is not None:
        yield from (*inner(field.key_field), *inner(field.value_field))
    elif isinstance(field, ma.fields.Nested):
        yield from (one for part in field.schema.load_fields.values() for one in inner(part))


def codes(field: Any) -> set[str]:
    """Everything that a field can refuse with: its own messages, and those of its validators."""
    validators = [v.error for v in field.validators if getattr(v, "error", None)]
    return {str(code) for code in (*field.error_messages.values(), *validators)}


@pytest.mark.parametrize(("operation", "schema"), list(sent()), ids=lambda one: one if isinstance(one, str) else "")
def test_every_validator_speaks_both_languages(operation: str, schema: type[Schema]) -> None:
    for name, field in schema().load_fields.items():
        for one in inner(field):
            for code in codes(one):
                assert code in error_messages.sentences(), f"{operation} {name}: {code}"
                for language in ("en", "fr"):
                    said = error_messages.sentence(code, language, details(one, code))
                    assert not PYTHON.search(said) and said.endswith("."), said
                    if isinstance(one, fields.Choice) and code == "invalid_choice":
                        assert all(choice in said for choice in one.choices), said


@pytest.mark.parametrize(("operation", "schema"), list(sent()), ids=lambda one: one if isinstance(one, str) else "")
def test_what_is_wrong_with_a_body_is_explained(operation: str, schema: type[Schema]) -> None:
    """A body of nothing but wrong values; its members that there are not are answered with those that there are."""
    wrong = {name: {"surprise": [{}]} for name in schema().load_fields} | {"surprise": 1}
    with pytest.raises(Invalid) as refused:
        operations.load(schema, wrong)
    for language in ("en", "fr"):
        for error in refused.value.to_wire(language)["errors"]:
            assert not PYTHON.search(error["message"]), error
            if error["code"] in ("unknown_field", "invalid_choice"):
                assert error["allowed"] and str(error["allowed"][0]) in error["message"], error


@pytest.mark.parametrize("cls", REFUSALS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_no_refusal_shows_python(cls: Any) -> None:
    """Whatever its details are: lists, dates, decimals, nothing."""
    refusal = cls.__new__(cls)
    refusal.details = {**{name: "x" for text in (cls.en, cls.fr) for name in re.findall(r"{(\w+)}", text)}, **DETAILS}
    if cls.__name__ in ("UnreadableFile",):
        refusal.details |= {"reason": "not_xlsx"}
    for language in ("en", "fr"):
        assert not PYTHON.search(refusal.text(language)), refusal.text(language)


def test_the_state_and_what_is_possible() -> None:
    refusal = InvalidTransition(state="draft", allowed=["place", "cancel"])
    assert refusal.text("en") == "This is not possible in the state “draft”; possible now: place, cancel."
    assert "possibles maintenant : place, cancel." in refusal.text("fr")


def aggregates() -> set[str]:
    handlers = [h for service in contracts.SERVICES for h in collect(service_class(service))]
    return {kind_of(h.aggregate_class) for h in handlers if h.aggregate_class}


@pytest.mark.parametrize("kind", sorted(aggregates()))
def test_what_is_not_found_has_a_name_in_both_languages(kind: str) -> None:
    english, french = (error_messages.named(kind, language) for language in ("en", "fr"))
    assert "_" not in english and "_" not in french and kind in error_messages._NAMES
    assert (
        NotFound(what=kind, id="7").text("fr")
        == f"Aucun objet « {french} » que vous puissiez voir ne porte l'identifiant 7."
    )


def test_a_value_in_an_open_object_is_pointed_at() -> None:
    """Not at a step `value` that no JSON has."""
    create = contracts.operations()["crm_contacts"]["create_contact"]
    body = {"kind": "organization", "name": "Lumière", "external_ids": {"a/b": "x" * 201}}
    assert _refused(create, body) == [("/external_ids/a~1b", "too_long", "This is too long; send at most 200.")]


def test_allowed_values_and_types_are_said() -> None:
    create = contracts.operations()["crm_contacts"]["create_contact"]
    kind, name = sorted(_refused(create, {"kind": "ghost", "name": 5}))
    assert kind[2] == "This is not one of the allowed values: person, organization."
    assert name[2] == "This value has the wrong type; send a JSON string."


def _refused(operation: Operation, body: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(Invalid) as refused:
        operations.load(operation.request, body)
    return [(e["pointer"], e["code"], e["message"]) for e in refused.value.to_wire("en")["errors"]]
