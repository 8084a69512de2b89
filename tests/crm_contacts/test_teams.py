"""Teams, tags and affiliations: resources that are declared, and have no handler of their own."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from crm_contacts.service import CrmContacts
from shared.contracts.crm_contacts import activities
from shared.contracts.crm_contacts.teams import Team
from shared.kernel.ids import new_id
from shared.kernel.refusals import InUse, Invalid, NotFound, StaleVersion
from shared.storage.violations import Duplicate
from shared.tables.headings import headings
from tests.harness import Harness


@pytest.fixture
def contacts(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def test_a_team_is_created_read_changed_and_deleted(contacts: Harness) -> None:
    """A plain resource needs no handler."""
    made = contacts.reply("create_team", body={"name": " Ventes Nord "})
    assert made.status == 201 and made.etag == "1"
    team = contacts.call("get_team", id=made.id)
    assert {n: team[n] for n in ("name", "manager_id", "description", "active")} == {
        "name": "Ventes Nord", "manager_id": None, "description": None, "active": True
    }  # fmt: skip
    changed = contacts.call("update_team", id=made.id, body={"active": False, "description": "Lille"}, if_match=1)
    assert (changed["active"], changed["description"], changed["version"]) == (False, "Lille", 2)
    with pytest.raises(StaleVersion):
        contacts.call("update_team", id=made.id, body={"active": True}, if_match=1)
    assert contacts.reply("delete_team", id=made.id, if_match=2).status == 204
    with pytest.raises(NotFound):
        contacts.call("get_team", id=made.id)
    told = contacts.call("history_of_teams", id=made.id, query={"sort": "at"})["data"]
    assert [entry["effect"] for entry in told] == ["created", "changed", "deleted"]


def test_a_team_tells_of_itself_what_its_declaration_publishes(contacts: Harness) -> None:
    """To publish a field is one word more."""
    made = contacts.call("create_team", body={"name": "Ventes", "description": "Lille"})
    contacts.call("update_team", id=made["id"], body={"active": False}, if_match=1)
    contacts.call("update_team", id=made["id"], body={"active": False}, if_match=2)  # changes nothing
    contacts.call("delete_team", id=made["id"], if_match=2)
    told = {"team_id": UUID(made["id"]), "name": "Ventes", "manager_id": None}
    assert contacts.published() == [
        Team.created(**told, active=True),
        Team.updated(**told, active=False, changes={"active": [True, False]}),
        Team.deleted(team_id=UUID(made["id"])),
    ]


def test_a_creation_with_a_chosen_id_is_repeatable(contacts: Harness) -> None:
    id_ = str(new_id())
    first = contacts.reply("create_team", body={"id": id_, "name": "Ventes"})
    again = contacts.reply("create_team", body={"id": id_, "name": "Ventes"})
    assert (first.status, again.status, again.replayed) == (201, 200, True)


def test_lists_filter_sort_and_search_as_declared(contacts: Harness) -> None:
    for name, active in (("Équipe Sud", True), ("atelier", True), ("Bureau", False)):
        contacts.call("create_team", body={"name": name, "active": active})

    def names(**query: str) -> list[str]:
        return [team["name"] for team in contacts.call("list_teams", query=query)["data"]]

    assert names(sort="name") == ["atelier", "Bureau", "Équipe Sud"]
    assert names(active="false") == ["Bureau"]
    assert names(q="equipe") == ["Équipe Sud"]
    assert names(sort="-name", limit="2") == ["Équipe Sud", "Bureau"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "required"),
        ({"name": ""}, "/name", "too_short"),
        ({"name": "x" * 101}, "/name", "too_long"),
        ({"name": "x", "active": "yes"}, "/active", "invalid_type"),
        ({"name": "x", "manager_id": str(new_id())}, "/manager_id", "not_found"),
        ({"name": "x", "colour": "red"}, "/colour", "unknown_field"),
    ],
)
def test_what_the_declaration_does_not_allow_is_refused(
    contacts: Harness, body: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        contacts.call("create_team", body=body)
    assert [(e["pointer"], e["code"]) for e in refused.value.errors] == [(pointer, code)]


def test_a_unique_name_is_taken_once(contacts: Harness) -> None:
    contacts.call("create_tag", body={"name": "VIP", "colour": "red"})
    with pytest.raises(Duplicate) as refused:
        contacts.call("create_tag", body={"name": "VIP"})
    assert refused.value.details == {"constraint": "uq_tag_name"}


def test_tags_in_a_batch_and_from_a_file(contacts: Harness) -> None:
    """What every resource can do follows from a declaration too."""
    body = {"operations": [{"op": "create", "data": {"name": n}} for n in ("a", "b", "a")]}
    done = contacts.call("batch_tags", body=body)
    assert [result["status"] for result in done["results"]] == [201, 201, 409]
    job = contacts.imported("import_tags", b"name;colour\nimported;blue\nwrong;pink\n")
    assert (job["result"]["created"], job["result"]["failed"]) == (1, 1)


def test_files_have_the_names_of_the_declaration_in_both_languages(contacts: Harness) -> None:
    """Headers of templates, and headers that an import recognises."""
    schema = activities.Activity.create.request
    assert schema is not None
    assert headings(schema, "fr", [])[:4] == ["Type", "Objet", "Texte", "Contact"]
    assert headings(schema, "en", [])[:2] == ["Type", "Subject"]
    file = "Type;Objet;Échéance\ncall;Relancer;2026-12-01T09:00:00Z\n"
    job = contacts.imported("import_activities", file.encode())
    assert (job["result"]["created"], job["errors"]) == (1, [])
    (made,) = contacts.call("list_activities", query={})["data"]
    assert (made["subject"], made["due_at"], made["status"]) == ("Relancer", "2026-12-01T09:00:00Z", "open")


def organization(contacts: Harness) -> str:
    made: str = contacts.call("create_contact", body={"kind": "organization", "name": "Hôtel"})["id"]
    return made


def person(contacts: Harness) -> str:
    made: str = contacts.call("create_contact", body={"kind": "person", "last_name": "Durand"})["id"]
    return made


def test_an_affiliation_names_a_person_and_an_organization(contacts: Harness) -> None:
    one, other = person(contacts), organization(contacts)
    body = {"person_id": one, "organization_id": other, "role": "Acheteuse", "starts_on": "2026-01-01"}
    made = contacts.call("create_affiliation", body=body)
    assert made["main"] is False and made["ends_on"] is None
    assert len(contacts.call("list_affiliations", query={"person_id": one})["data"]) == 1
    with pytest.raises(Invalid) as refused:
        contacts.call("create_affiliation", body={**body, "person_id": other, "organization_id": one})
    assert [(e["pointer"], e["code"]) for e in refused.value.errors] == [
        ("/person_id", "other_kind"), ("/organization_id", "other_kind")
    ]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        contacts.call("create_affiliation", body={**body, "person_id": str(new_id())})
    assert refused.value.errors == [{"pointer": "/person_id", "code": "not_found"}]
    with pytest.raises(InUse):
        contacts.call("delete_contact", id=one, if_match="*")


def test_rules_over_several_fields_hold_for_creations_and_for_changes(contacts: Harness) -> None:
    body = {"person_id": person(contacts), "organization_id": organization(contacts), "role": "Acheteuse"}
    wrong = [{"pointer": "/ends_on", "code": "before_start"}]
    with pytest.raises(Invalid) as refused:
        contacts.call("create_affiliation", body={**body, "starts_on": "2026-02-01", "ends_on": "2026-01-31"})
    assert refused.value.errors == wrong
    made = contacts.call("create_affiliation", body={**body, "starts_on": "2026-02-01"})
    with pytest.raises(Invalid) as refused:
        contacts.call("update_affiliation", id=made["id"], body={"ends_on": "2026-01-31"}, if_match="*")
    assert refused.value.errors == wrong
    assert contacts.call("get_affiliation", id=made["id"])["ends_on"] is None
    with pytest.raises(Invalid) as refused:
        contacts.call("update_affiliation", id=made["id"], body={"person_id": body["person_id"]}, if_match="*")
    assert refused.value.errors == [{"pointer": "/person_id", "code": "unknown_field"}]
