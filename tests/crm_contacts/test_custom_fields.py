"""Custom fields: defined once, checked wherever they are written, found by their values."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crm_contacts.service import CrmContacts
from shared.contracts.crm_contacts import CustomFieldCreated, CustomFieldDeleted, CustomFieldUpdated
from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Invalid, NotFound
from shared.storage.violations import Duplicate
from tests.harness import Harness


@pytest.fixture
def contacts(service: Callable[[type], Harness]) -> Iterator[Harness]:
    """Contacts with a rank, a since, a vip and a segment."""
    harness = service(CrmContacts)
    for name, kind, options in (
        ("rank", "number", []),
        ("since", "date", []),
        ("vip", "boolean", []),
        ("segment", "choice", ["retail", "trade"]),
        ("remark", "text", []),
    ):
        define(harness, name=name, type=kind, options=options)
    yield harness


def define(contacts: Harness, **body: Any) -> Any:
    return contacts.call("create_custom_field", body={"resource": "contacts", **body})


def person(contacts: Harness, **custom: Any) -> Any:
    return contacts.call("create_contact", body={"kind": "person", "last_name": "Durand", "custom": custom})


def found(contacts: Harness, **query: str) -> list[str]:
    rows = contacts.call("list_contacts", query={name.replace("__", "."): v for name, v in query.items()})["data"]
    return sorted(row["custom"].get("rank", "-") for row in rows)


def test_values_are_stored_in_one_form(contacts: Harness) -> None:
    made = person(contacts, rank="7.50", since="2026-03-31", vip=True, segment="trade", remark="né à Évry")
    assert made["custom"] == {
        "rank": "7.5", "since": "2026-03-31", "vip": True, "segment": "trade", "remark": "né à Évry"
    }  # fmt: skip
    assert contacts.call("get_contact", id=made["id"])["custom"] == made["custom"]
    assert person(contacts)["custom"] == {}


@pytest.mark.parametrize(
    ("custom", "pointer", "code"),
    [
        ({"colour": "red"}, "/custom/colour", "unknown_field"),
        ({"a/b": "red"}, "/custom/a~1b", "unknown_field"),
        ({"rank": "high"}, "/custom/rank", "invalid_decimal"),
        ({"rank": True}, "/custom/rank", "invalid_decimal"),
        ({"since": "31/03/2026"}, "/custom/since", "invalid_date"),
        ({"vip": "yes"}, "/custom/vip", "invalid_type"),
        ({"segment": "public"}, "/custom/segment", "invalid_choice"),
        ({"remark": 7}, "/custom/remark", "invalid_type"),
    ],
)
def test_values_fit_their_definition(contacts: Harness, custom: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        person(contacts, **custom)
    assert {"pointer": pointer, "code": code} in refused.value.errors


@pytest.mark.parametrize("custom", [None, [], "x", {"rank": 1.5}, {"rank": {}}, {"x" * 51: "1"}, {"remark": "\x00"}])
def test_what_is_no_object_of_values_is_refused(contacts: Harness, custom: Any) -> None:
    with pytest.raises(Invalid):
        contacts.call("create_contact", body={"kind": "person", "last_name": "Durand", "custom": custom})


def test_a_merge_patch_merges(contacts: Harness) -> None:
    made = person(contacts, rank="1", vip=False)
    changed = contacts.call(
        "update_contact", id=made["id"], body={"custom": {"vip": None, "segment": "retail"}}, if_match=1
    )
    assert changed["custom"] == {"rank": "1", "segment": "retail"}
    other = contacts.call("update_contact", id=made["id"], body={"last_name": "Dupont"}, if_match=2)
    assert other["custom"] == {"rank": "1", "segment": "retail"}
    told = contacts.call("history_of_contacts", id=made["id"], query={"fields": "changes"})["data"][1]["changes"]
    assert {
        "field": "custom",
        "label": "Custom",
        "old": {"rank": "1", "vip": False},
        "new": {"rank": "1", "segment": "retail"},
    } in told


def test_required_means_at_creation_and_never_removed(contacts: Harness) -> None:
    before = person(contacts)
    define(contacts, name="origin", type="text", required=True)
    with pytest.raises(Invalid) as refused:
        person(contacts, rank="1")
    assert refused.value.errors == [{"pointer": "/custom/origin", "code": "required"}]
    made = person(contacts, origin="fair")
    with pytest.raises(Invalid):
        contacts.call("update_contact", id=made["id"], body={"custom": {"origin": None}}, if_match=1)
    contacts.call("update_contact", id=before["id"], body={"custom": {"rank": "2"}}, if_match=1)


def test_filters(contacts: Harness) -> None:
    for n in range(1, 13):
        person(contacts, rank=str(n), since=f"2026-{n:02}-01", vip=n % 2 == 0, segment="trade" if n > 6 else "retail")
    person(contacts)
    assert found(contacts, custom__rank="7") == ["7"]
    assert found(contacts, **{"custom.rank[gt]": "9"}) == ["10", "11", "12"]
    assert found(contacts, **{"custom.since[lte]": "2026-02-01"}) == ["1", "2"]
    assert found(contacts, custom__vip="true", custom__segment="trade") == ["10", "12", "8"]
    assert found(contacts, **{"custom.segment[in]": "trade,retail", "custom.rank[lt]": "2"}) == ["1"]
    assert found(contacts, **{"custom.rank[is_null]": "true"}) == ["-"]
    page = contacts.call("list_contacts", query={"custom.segment": "trade", "limit": "4", "include_total": "true"})
    assert page["total"] == 6 and len(page["data"]) == 4
    rest = {"custom.segment": "trade", "limit": "4", "cursor": page["next_cursor"]}
    assert len(contacts.call("list_contacts", query=rest)["data"]) == 2
    with pytest.raises(BadRequest):
        contacts.call("list_contacts", query={**rest, "custom.segment": "retail"})


@pytest.mark.parametrize(
    "query",
    [{"custom.colour": "red"}, {"custom.rank": "x"}, {"custom.rank[like]": "1"}, {"custom.": "1"}, {"custom.a.b": "1"}],
)
def test_filters_that_there_are_not(contacts: Harness, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        contacts.call("list_contacts", query=query)


def test_lists_of_what_has_none_know_no_such_filter(contacts: Harness) -> None:
    with pytest.raises(BadRequest):
        contacts.call("list_custom_fields", query={"custom.rank": "1"})


def test_in_a_batch_the_pointer_leads_to_the_value(contacts: Harness) -> None:
    operations = [{"op": "create", "data": {"kind": "person", "last_name": "Durand", "custom": {"rank": "x"}}}]
    told = contacts.call("batch_contacts", body={"operations": operations})["results"][0]["problem"]
    assert told["errors"][0]["pointer"] == "/operations/0/data/custom/rank"


def test_upsert_by_an_id_of_another_system(contacts: Harness) -> None:
    def upsert(**data: Any) -> Any:
        operations = [{"op": "upsert", "data": {"kind": "person", "external_ids": {"erp": "C-7"}, **data}}]
        return contacts.call("batch_contacts", body={"operations": operations})["results"][0]

    made, changed = upsert(last_name="Durand"), upsert(last_name="Dupont")
    assert (made["status"], changed["status"]) == (201, 200) and made["id"] == changed["id"]
    other = upsert(kind="organization", name="Dupont SARL")
    assert other["status"] == 422 and other["problem"]["errors"][0]["pointer"] == "/operations/0/data/kind"


def test_own_records_have_a_history_and_those_of_others_are_unknown(contacts: Harness) -> None:
    ann, bob = str(new_id()), str(new_id())
    own = {"permissions": ["contacts.contacts:write@own", "contacts.contacts:read@own"], "actor": ann}
    body = {"kind": "person", "last_name": "Durand", "external_ids": {"erp": "C-8"}}
    made = contacts.call("create_contact", body=body, **own)
    assert len(contacts.call("history_of_contacts", id=made["id"], **own)["data"]) == 1
    with pytest.raises(NotFound):
        contacts.call("history_of_contacts", id=made["id"], **{**own, "actor": bob})
    operations = [
        {"op": "upsert", "data": {**body, "kind": "organization"}},
        {"op": "update", "id": made["id"], "if_match": 1, "data": {"last_name": "Dupont"}},
        {"op": "create", "data": {"kind": "person", "last_name": "Leroy"}},
        {"op": "create", "data": {"kind": "person", "last_name": "Leroy", "owner_id": ann}},
    ]
    results = contacts.call("batch_contacts", body={"operations": operations}, **{**own, "actor": bob})["results"]
    assert [r["status"] for r in results] == [404, 404, 201, 422]
    assert results[2]["resource"]["owner_id"] == bob
    assert results[3]["problem"]["errors"][0]["pointer"] == "/operations/3/data/owner_id"


def test_the_life_of_a_definition(contacts: Harness) -> None:
    contacts.published()
    made = define(contacts, name="score", type="choice", options=["a", "b"], label_fr="note")
    assert (made["label_en"], made["label_fr"], made["required"]) == ("score", "note", False)
    changed = contacts.call("update_custom_field", id=made["id"], body={"options": ["a"]}, if_match=1)
    person(contacts, score="a")
    contacts.call("delete_custom_field", id=made["id"], if_match=changed["version"])
    kinds = [type(e) for e in contacts.published() if type(e).__name__.startswith("Custom")]
    assert kinds == [CustomFieldCreated, CustomFieldUpdated, CustomFieldDeleted]
    with pytest.raises(Invalid):
        person(contacts, score="a")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"resource": "planets", "name": "x", "type": "text"}, "/resource"),
        ({"name": "Größe", "type": "text"}, "/name"),
        ({"name": "x", "type": "colour"}, "/type"),
        ({"name": "x", "type": "choice"}, "/options"),
        ({"name": "x", "type": "choice", "options": ["a", "a"]}, "/options"),
        ({"name": "x", "type": "text", "options": ["a"]}, "/options"),
    ],
)
def test_definitions_make_sense(contacts: Harness, body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        define(contacts, **body)
    assert [e["pointer"] for e in refused.value.errors] == [pointer]


def test_a_name_is_taken_once_per_resource(contacts: Harness) -> None:
    with pytest.raises(Duplicate):
        define(contacts, name="rank", type="text")
    define(contacts, resource="products", name="rank", type="text")
