"""Activities: a state machine that is declared, and carried out by methods of the model."""

from collections.abc import Callable
from typing import Any

import pytest

from crm_contacts.service import CrmContacts
from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Invalid, InvalidTransition, NotFound
from tests.harness import Harness


@pytest.fixture
def contacts(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def activity(contacts: Harness, **values: Any) -> Any:
    return contacts.call("create_activity", body={"type": "call", "subject": "Relancer le devis", **values})


def test_an_activity_is_done_and_reopened(contacts: Harness) -> None:
    made = activity(contacts, due_at="2026-12-01T09:00:00Z")
    assert (made["status"], made["done_at"], made["outcome"]) == ("open", None, None)
    done = contacts.call("complete_activity", id=made["id"], body={"outcome": "Rappeler lundi"})
    assert done["status"] == "done" and done["done_at"] and done["outcome"] == "Rappeler lundi"
    assert contacts.call("list_activities", query={"status": "done"})["data"] == [done]
    again = contacts.call("reopen_activity", id=made["id"])
    assert (again["status"], again["done_at"], again["outcome"], again["version"]) == ("open", None, None, 3)


def test_a_verb_starts_from_the_states_that_it_declares(contacts: Harness) -> None:
    """The model checks transitions from the declaration."""
    made = activity(contacts)
    with pytest.raises(InvalidTransition) as refused:
        contacts.call("reopen_activity", id=made["id"])
    assert refused.value.details == {"state": "open", "allowed": ["complete"]}
    contacts.call("complete_activity", id=made["id"], body={})
    with pytest.raises(InvalidTransition) as refused:
        contacts.call("complete_activity", id=made["id"], body={})
    assert refused.value.details == {"state": "done", "allowed": ["reopen"]}


def test_a_record_tells_which_verbs_are_possible_now_and_why_others_are_not(contacts: Harness) -> None:
    """Per record, with `?with=verbs`."""
    made = activity(contacts)
    told = contacts.call("get_activity", id=made["id"], query={"with": "verbs"})["verbs"]
    detail = "This is not possible in the state “open”; possible now: complete."
    assert told == {"complete": None, "reopen": {"code": "invalid_transition", "detail": detail}}
    reader = {"permissions": ("contacts.activities:read",), "language": "fr"}
    asked = {"with": "verbs", "fields": "status"}
    told = contacts.call("get_activity", id=made["id"], query=asked, **reader)
    assert told.keys() == {"status", "verbs"}
    assert {reason["code"] for reason in told["verbs"].values()} == {"forbidden"}
    assert "Il vous faut la permission contacts.activities:write" in told["verbs"]["complete"]["detail"]
    same = contacts.reply("get_activity", id=made["id"], query=asked, if_none_match="1")
    assert same.status == 200, "what is possible may change although the record does not"
    assert "verbs" not in contacts.call("get_activity", id=made["id"])
    with pytest.raises(BadRequest):
        contacts.call("get_activity", id=made["id"], query={"with": "everything"})


def test_nobody_sends_a_state(contacts: Harness) -> None:
    with pytest.raises(Invalid) as refused:
        activity(contacts, status="done", done_at="2026-01-01T00:00:00Z")
    assert {(e["pointer"], e["code"]) for e in refused.value.errors} == {
        ("/status", "unknown_field"), ("/done_at", "unknown_field")
    }  # fmt: skip


def test_a_reminder_comes_before_what_it_reminds_of(contacts: Harness) -> None:
    with pytest.raises(Invalid) as refused:
        activity(contacts, due_at="2026-12-01T09:00:00Z", reminder_at="2026-12-01T09:00:01Z")
    assert refused.value.errors == [{"pointer": "/reminder_at", "code": "after_due"}]


def test_who_reaches_their_own_records_only_sees_their_own_activities(contacts: Harness) -> None:
    """Record rules hold for derived handlers: get, list, change and verbs."""
    ann = str(new_id())
    mine = {"actor": ann, "permissions": ("contacts.activities:read@own", "contacts.activities:write@own")}
    other = activity(contacts)
    own = contacts.call("create_activity", body={"type": "task", "subject": "Ranger"}, **mine)
    assert own["owner_id"] == ann
    assert [row["id"] for row in contacts.call("list_activities", query={}, **mine)["data"]] == [own["id"]]
    for name in ("get_activity", "complete_activity"):
        with pytest.raises(NotFound):
            contacts.call(name, id=other["id"], **mine)


def test_nobody_names_a_contact_that_they_may_not_read(contacts: Harness) -> None:
    """A reference within the service is looked up with the rights of the caller."""
    ann = str(new_id())
    writer = {"actor": ann, "permissions": ("contacts.activities:*", "contacts.contacts:read@own")}
    body = {"kind": "organization", "name": "Hôtel"}
    hers = contacts.call("create_contact", body={**body, "owner_id": ann}, actor=ann)["id"]
    other = contacts.call("create_contact", body=body)["id"]
    call = {"type": "call", "subject": "Relancer"}
    assert contacts.call("create_activity", body={**call, "contact_id": hers}, **writer)["contact_id"] == hers
    with pytest.raises(Invalid) as refused:
        contacts.call("create_activity", body={**call, "contact_id": other}, **writer)
    assert refused.value.errors == [{"pointer": "/contact_id", "code": "not_found"}]
