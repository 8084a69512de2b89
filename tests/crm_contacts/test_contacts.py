"""The address book of a lamp shop: registered, found, changed, archived."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from crm_contacts.service import CrmContacts
from shared.contracts.crm_contacts import ContactArchived, ContactCreated, ContactDeleted, ContactUpdated
from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Conflict, InUse, Invalid, InvalidTransition, NotFound, StaleVersion
from tests.harness import Harness

LUMEN = {
    "kind": "organization",
    "name": "Lumen SARL",
    "siren": "732 829 320",
    "siret": "73282932000074",
    "vat_number": "FR44732829320",
    "naf_code": "47.59B",
    "emails": [{"value": "Accueil@Lumen.fr"}, {"value": "compta@lumen.fr", "primary": True}],
    "phones": [{"value": "01 23 45 67 89", "type": "office"}],
    "addresses": [
        {"type": "billing", "street": "rue de la Paix", "building_number": "3", "post_code": "75002", "town": "Paris"},
        {"type": "legal", "street": "Rue Neuve", "town": "Bruxelles", "country": "BE"},
    ],
    "roles": ["supplier", "customer"],
    "external_ids": {"shop": "L-1"},
}
ADA = {"kind": "person", "first_name": "Ada", "last_name": "Lovelace", "emails": [{"value": "ada@lovelace.fr"}]}


@pytest.fixture
def book(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def test_an_organization_is_registered_in_normal_form(book: Harness) -> None:
    lumen = book.call("create_contact", body=LUMEN)
    assert lumen["siren"] == "732829320" and lumen["status"] == "active" and lumen["language"] == "fr"
    assert [e["primary"] for e in lumen["emails"]] == [False, True]
    assert lumen["phones"] == [{"value": "+33123456789", "type": "office", "primary": True}]
    assert lumen["addresses"][0]["country"] == "FR"
    assert lumen["roles"] == ["customer", "supplier"]
    assert lumen["warnings"] == []
    assert {k: v for k, v in lumen.items() if k != "warnings"} == book.call("get_contact", id=lumen["id"])
    (created,) = book.published()
    assert isinstance(created, ContactCreated)
    assert (created.email, created.country, created.roles) == ("compta@lumen.fr", "BE", ["customer", "supplier"])


def test_a_person_is_named_by_first_and_last_name(book: Harness) -> None:
    ada = book.call("create_contact", body=ADA)
    assert ada["name"] == "Ada Lovelace"
    married = book.call("update_contact", id=ada["id"], if_match=1, body={"last_name": "King"})
    assert (married["name"], married["version"]) == ("Ada King", 2)
    _created, updated = book.published()
    assert isinstance(updated, ContactUpdated) and updated.name == "Ada King"


def test_a_patch_merges_objects_and_replaces_lists(book: Harness) -> None:
    """D3: RFC 7396 at every depth; null takes one external id away, and all of a list (PAT-03)."""
    lumen = book.call(
        "create_contact", body={**LUMEN, "tags": ["a", "b"], "external_ids": {"shop": "L-1", "till": "7"}}
    )
    change = {"external_ids": {"mail": "M", "till": None}, "tags": ["c"], "emails": None}
    changed = book.call("update_contact", id=lumen["id"], if_match=1, body=change)
    assert changed["external_ids"] == {"shop": "L-1", "mail": "M"} and changed["tags"] == ["c"]
    assert (
        changed["phones"] == lumen["phones"] and changed["emails"] == [] and changed["addresses"] == lumen["addresses"]
    )
    same = {"external_ids": {"till": None, "shop": "L-1"}}
    assert book.call("update_contact", id=lumen["id"], if_match=2, body=same)["version"] == 2
    with pytest.raises(Invalid) as refused:
        book.call("update_contact", id=lumen["id"], if_match=2, body={"external_ids": {"shop": ["L-1"]}})
    assert refused.value.errors[0]["pointer"].startswith("/external_ids/shop")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"kind": "robot"}, "/kind", "invalid_choice"),
        ({"name": None}, "/name", "null"),
        ({"siren": "000000000"}, "/siren", "invalid_siren"),
        ({"siren": "552100554"}, "/siret", "siret_not_of_siren"),
        ({"emails": [{"value": "nobody"}]}, "/emails/0/value", "invalid_email"),
        ({"emails": [{}]}, "/emails/0/value", "required"),
        ({"phones": [{"value": "call me"}]}, "/phones/0/value", "invalid_phone"),
        ({"addresses": [{"type": "legal", "country": "fr"}]}, "/addresses/0/country", "invalid_country"),
        ({"first_name": "Lu"}, "/first_name", "not_for_this_kind"),
        ({"parent_id": str(new_id())}, "/parent_id", "not_found"),
        ({"nickname": "Lu"}, "/nickname", "unknown_field"),
    ],
)
def test_what_is_not_valid_is_refused_where_it_stands(
    book: Harness, change: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        book.call("create_contact", body={**LUMEN, **change})
    assert {"pointer": pointer, "code": code} in refusal.value.errors


def test_a_list_in_a_patch_is_replaced_whole_and_complete(book: Harness) -> None:
    lumen = book.call("create_contact", body=LUMEN)
    with pytest.raises(Invalid) as refusal:
        book.call("update_contact", id=lumen["id"], if_match=1, body={"emails": [{"type": "work"}]})
    assert refusal.value.errors == [{"pointer": "/emails/0/value", "code": "required"}]
    changed = book.call("update_contact", id=lumen["id"], if_match=1, body={"emails": [{"value": "new@lumen.fr"}]})
    assert changed["emails"] == [{"value": "new@lumen.fr", "type": "work", "primary": True}]
    assert book.call("check_duplicates", body={"emails": ["compta@lumen.fr"]}) == {"data": []}


def test_a_nameless_contact_is_refused(book: Harness) -> None:
    with pytest.raises(Invalid):
        book.call("create_contact", body={"kind": "person"})
    with pytest.raises(Invalid):
        book.call("create_contact", body={"kind": "organization"})


def test_the_stage_moves_forward_unless_reset(book: Harness) -> None:
    ada = book.call("create_contact", body={**ADA, "lifecycle_stage": "customer"})
    with pytest.raises(Invalid):
        book.call("update_contact", id=ada["id"], if_match=1, body={"lifecycle_stage": "lead"})
    book.call("update_contact", id=ada["id"], if_match=1, body={"lifecycle_stage": None})
    assert book.call("update_contact", id=ada["id"], if_match=2, body={"lifecycle_stage": "lead"})["version"] == 3


def test_a_duplicate_is_warned_of_and_found(book: Harness) -> None:
    lumen = book.call("create_contact", body=LUMEN)
    twin = book.call(
        "create_contact", body={"kind": "organization", "name": "LUMEN", "emails": [{"value": "ACCUEIL@lumen.FR"}]}
    )
    assert twin["warnings"] == [{"code": "possible_duplicate", "contact_id": lumen["id"], "on": "email"}]
    found = [{"contact_id": lumen["id"], "name": "Lumen SARL", "on": ["email"]}]
    assert book.call("get_duplicates", id=twin["id"]) == {"data": found}
    again = book.call("check_duplicates", body={"phones": ["+33 1 23 45 67 89"], "siren": "732829320"})
    assert again == {"data": [{**found[0], "on": ["phone", "siren"]}]}
    assert book.call("check_duplicates", body={}) == {"data": []}


def test_an_external_id_is_unique_per_source(book: Harness) -> None:
    ada = book.call("create_contact", body={**ADA, "external_ids": {"shop": "A-1", "mail": "L-1"}})
    book.call("create_contact", body=LUMEN)
    with pytest.raises(Conflict) as refusal:
        book.call("update_contact", id=ada["id"], if_match=1, body={"external_ids": {"shop": "L-1"}})
    assert refusal.value.code == "duplicate"
    freed = book.call("update_contact", id=ada["id"], if_match=1, body={"external_ids": None})
    assert freed["external_ids"] == {}


def test_used_contacts_are_archived_unused_ones_deleted(book: Harness) -> None:
    lumen = book.call("create_contact", body=LUMEN)
    ada = book.call("create_contact", body={**ADA, "parent_id": lumen["id"]})
    with pytest.raises(InUse):
        book.call("delete_contact", id=lumen["id"], if_match=1)
    book.published()
    assert book.call("archive_contact", id=lumen["id"])["status"] == "archived"
    updated, archived = book.published()
    assert isinstance(updated, ContactUpdated) and updated.changes == {"status": ["active", "archived"]}
    assert isinstance(archived, ContactArchived) and archived.status == "archived"
    with pytest.raises(InvalidTransition):
        book.call("archive_contact", id=lumen["id"])
    book.published()
    book.call("delete_contact", id=ada["id"], if_match=1)
    with pytest.raises(NotFound):
        book.call("get_contact", id=ada["id"])
    erased, gone = book.published()
    assert isinstance(erased, ContactUpdated) and erased.status == "erased"
    assert isinstance(gone, ContactDeleted) and str(gone.contact_id) == ada["id"]


def test_an_update_tells_what_has_changed(book: Harness) -> None:
    """D8: old and new of each field, as the API shows it; a patch that changes nothing tells nothing."""
    ada = book.call("create_contact", body=ADA)
    book.published()
    new = {"last_name": "Byron", "tags": ["poet"], "first_name": ada["first_name"]}
    changed = book.call("update_contact", id=ada["id"], if_match=1, body=new)
    (told,) = book.published()
    assert isinstance(told, ContactUpdated)
    assert told.changes == {name: [ada[name], changed[name]] for name in ("name", "last_name", "tags")}
    book.call("update_contact", id=ada["id"], if_match=2, body={"tags": ["poet"]})
    assert book.published() == []


def test_a_stale_version_is_refused(book: Harness) -> None:
    ada = book.call("create_contact", body=ADA)
    book.call("update_contact", id=ada["id"], if_match=1, body={"source": "fair"})
    with pytest.raises(StaleVersion):
        book.call("update_contact", id=ada["id"], if_match=1, body={"source": "web"})


def test_the_same_id_is_the_same_contact(book: Harness) -> None:
    body = {**ADA, "id": str(new_id())}
    first, again = book.reply("create_contact", body=body), book.reply("create_contact", body=body)
    assert (first.status, again.status, first.id) == (201, 200, again.id)
    with pytest.raises(Conflict) as refusal:
        book.call("create_contact", body={**body, "last_name": "Byron"})
    assert refusal.value.code == "id_conflict"


def _names(book: Harness, **query: str) -> list[str]:
    return [row["name"] for row in book.call("list_contacts", query={"sort": "name", **query})["data"]]


def test_lists_are_filtered(book: Harness) -> None:
    book.call("create_contact", body=LUMEN)
    book.call("create_contact", body={**ADA, "roles": ["prospect"], "lifecycle_stage": "lead"})
    book.call("create_contact", body={"kind": "organization", "name": "Ampère & Cie", "roles": ["supplier"]})
    everybody = ["Ada Lovelace", "Ampère & Cie", "Lumen SARL"]
    assert sorted(_names(book)) == everybody
    assert _names(book, kind="person") == ["Ada Lovelace"]
    assert sorted(_names(book, role="supplier")) == everybody[1:]
    assert _names(book, role="customer") == ["Lumen SARL"]
    assert sorted(_names(book, **{"role[in]": "customer,prospect"})) == ["Ada Lovelace", "Lumen SARL"]
    assert _names(book, **{"role[ne]": "supplier"}) == ["Ada Lovelace"]
    assert _names(book, email="Accueil@lumen.fr") == ["Lumen SARL"]
    assert _names(book, **{"email[contains]": "LOVELACE"}) == ["Ada Lovelace"]
    assert _names(book, **{"email[starts]": "ADA"}) == ["Ada Lovelace"]
    assert _names(book, **{"email[is_null]": "true"}) == ["Ampère & Cie"]
    assert _names(book, **{"role[is_null]": "true"}) == []
    assert len(_names(book, **{"role[is_null]": "false"})) == 3
    assert _names(book, siren="732829320") == ["Lumen SARL"]
    assert _names(book, lifecycle_stage="lead") == ["Ada Lovelace"]
    assert _names(book, **{"name[contains]": "love"}) == ["Ada Lovelace"]
    assert _names(book, **{"name[starts]": "amp"}) == ["Ampère & Cie"]
    assert _names(book, q="lumen") == ["Lumen SARL"]
    assert _names(book, q="ada@") == ["Ada Lovelace"]
    assert _names(book, status="archived") == []


@pytest.mark.parametrize(
    "query",
    [
        {"role[gt]": "customer"},
        {"role[contains]": "x"},
        {"shoe_size": "42"},
        {"sort": "siren"},
    ],
)
def test_unknown_filters_are_refused(book: Harness, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        book.call("list_contacts", query=query)


def test_pages_follow_each_other_without_gap_or_double(book: Harness) -> None:
    for number in range(7):
        book.call("create_contact", body={"kind": "organization", "name": f"Lampe {number % 3}"})
    query, seen = {"sort": "name", "limit": "2"}, []
    while True:
        page = book.call("list_contacts", query=query)
        seen += [(row["name"], row["id"]) for row in page["data"]]
        if not page["next_cursor"]:
            break
        query = {**query, "cursor": page["next_cursor"]}
    assert len(seen) == 7 and seen == sorted(seen)


def test_a_list_is_one_statement(book: Harness) -> None:
    book.call("create_contact", body=LUMEN)
    statements: list[str] = []
    event.listen(book.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    book.call("list_contacts", query={"role": "customer"})
    assert len(statements) == 1
    statements.clear()
    book.call("create_contact", body={**ADA, "emails": [{"value": "compta@lumen.fr"}]})
    assert len(statements) <= 5


_MANY = """
    INSERT INTO contact (id, kind, status, name, language, emails, phones, addresses, roles, external_ids, tags, custom,
        version, created_at, updated_at)
    SELECT gen_random_uuid(), 'organization', 'active', 'Sté Dupônt n°' || n, 'fr', '[]', '[]', '[]', '[]', '{}', '[]', '{}',
        1, now(), now() FROM generate_series(1, 3000) AS n
"""


@pytest.mark.parametrize("sort", ["name", "-created_at"])
def test_a_beginning_is_found_by_an_index(book: Harness, sort: str) -> None:
    """B1: `name[starts]` reads what it shows, although case and accents do not matter."""
    sent: list[str] = []
    with book.session() as session:
        session.execute(text(_MANY))
        session.commit()
    event.listen(book.engine, "before_cursor_execute", lambda _c, cursor, statement, values, *_: sent.append(
        cursor.mogrify(statement, values).decode() if "FROM contact" in statement else ""))  # fmt: skip
    assert len(book.call("list_contacts", query={"name[starts]": "STE DUPONT N°77", "sort": sort})["data"]) == 11
    (statement,) = filter(None, sent)
    with book.session() as session:
        plan = str(session.connection().exec_driver_sql("EXPLAIN " + statement.replace("%", "%%")).all())
    assert "_folded" in plan or "_trgm" in plan, plan
    assert "Seq Scan" not in plan


def test_a_decomposed_name_is_the_same_name(book: Harness) -> None:
    """B1: what comes in is kept in one normal form, and filters are read in the same."""
    made = book.call(
        "create_contact", body={"kind": "person", "last_name": " Rene\u0301\u00a0", "tags": ["e\u0301te\u0301"]}
    )
    assert (made["last_name"], made["tags"]) == ("Ren\u00e9", ["\u00e9t\u00e9"])
    for query in ({"name": "Rene\u0301"}, {"name": " Ren\u00e9 "}, {"name[in]": "Rene\u0301,x"}, {"q": "rene"}):
        assert [c["id"] for c in book.call("list_contacts", query=query)["data"]] == [made["id"]]
    for wrong in ("   ", "\u200b", "two\nlines"):
        with pytest.raises(Invalid):
            book.call("create_contact", body={"kind": "organization", "name": wrong})


def test_email_addresses_are_trimmed(book: Harness) -> None:
    """B1: EML-01, EML-08."""
    made = book.call("create_contact", body={**ADA, "emails": [{"value": "  Claire.DUBOIS@Client.Example "}]})
    assert made["emails"][0]["value"] == "Claire.DUBOIS@client.example"
    found = book.call("list_contacts", query={"email": " claire.dubois@client.example"})["data"]
    assert [c["id"] for c in found] == [made["id"]]
    with pytest.raises(Invalid):
        book.call("create_contact", body={**ADA, "emails": [{"value": "jean@client.example; paul@client.example"}]})


def test_a_number_inside_another_is_the_same_number(book: Harness) -> None:
    """B6: a SIREN, a SIRET and a French VAT number of one legal unit find each other (DED-07, DED-08)."""
    kind = {"kind": "organization"}
    taxed = book.call("create_contact", body={**kind, "name": "By VAT", "vat_number": "FR 44 732 829 320"})
    known = book.call("create_contact", body={**kind, "name": "By SIREN", "siren": "732829320"})
    assert [(w["contact_id"], w["on"]) for w in known["warnings"]] == [(taxed["id"], "siren")]
    both = [taxed["id"], known["id"]]
    for asked in ({"siret": "732 829 320 00074"}, {"vat_number": "FR44732829320"}, {"siren": "732829320"}):
        assert [found["contact_id"] for found in book.call("check_duplicates", body=asked)["data"]] == both
    assert {c["id"] for c in book.call("list_contacts", query={"siren": "732 829 320"})["data"]} == set(both)


def test_a_member_of_a_vat_group_bears_the_number_of_the_group(book: Harness) -> None:
    """B6: since 2023 the group has a SIREN of its own (CGI, art. 256 C), so a VAT number may hold another SIREN."""
    member = {"kind": "organization", "name": "Lumen", "siren": "552100554", "vat_number": "FR44732829320"}
    made = book.call("create_contact", body=member)
    assert (made["siren"], made["vat_number"]) == ("552100554", "FR44732829320")


def test_contacts_are_found_by_what_they_show(book: Harness) -> None:
    """D4: by tag, external id, parent and time of change; a source may hold a dot."""
    lumen = book.call(
        "create_contact", body={**LUMEN, "tags": ["vip", "b2b"], "external_ids": {"shop.fr": "7", "till": "x"}}
    )
    ada = book.call("create_contact", body={**ADA, "parent_id": lumen["id"]})
    later = book.call("update_contact", id=lumen["id"], if_match=1, body={"source": "fair"})["updated_at"]

    def found(**query: str) -> list[str]:
        return [c["id"] for c in book.call("list_contacts", query={"sort": "created_at", **query})["data"]]

    first, second, both = [lumen["id"]], [ada["id"]], [lumen["id"], ada["id"]]
    assert (
        found(tags="VÍP")
        == found(tags="vip")
        == found(**{"tags[in]": "none,b2b"})
        == found(**{"tags[is_null]": "false"})
        == first
    )
    assert found(**{"tags[ne]": "vip"}) == found(**{"tags[is_null]": "true"}) == second
    assert found(**{"external_ids.shop.fr": "7"}) == found(**{"external_ids.till[in]": "x,y"}) == first
    assert found(**{"external_ids.till[is_null]": "true"}) == found(**{"external_ids.till[ne]": "x"}) == second
    assert found(**{"external_ids.till": "7"}) == [] and found(**{"external_ids.till[starts]": "X"}) == first
    assert found(parent_id=lumen["id"]) == second and found(**{"updated_at[gte]": later}) == first
    assert found(sort="-updated_at") == both and found(sort="updated_at") == both[::-1]
    for wrong in ({"tags[gt]": "a"}, {"external_ids.till[lt]": "a"}, {"external_ids.": "a"}):
        with pytest.raises(BadRequest):
            book.call("list_contacts", query=wrong)


def test_an_archived_contact_comes_back(book: Harness) -> None:
    """D4: unarchive; what is in use cannot be taken into use again."""
    lumen = book.call("create_contact", body=LUMEN)
    book.call("archive_contact", id=lumen["id"])
    book.published()
    assert book.call("unarchive_contact", id=lumen["id"])["status"] == "active"
    (told,) = book.published()
    assert isinstance(told, ContactUpdated) and told.status == "active"
    with pytest.raises(InvalidTransition) as refused:
        book.call("unarchive_contact", id=lumen["id"])
    assert refused.value.details["allowed"] == ["archive"]


def test_no_contact_stands_below_itself(book: Harness) -> None:
    """At any depth: the roll-up of a hierarchy would never end."""
    top = book.call("create_contact", body={"kind": "organization", "name": "Lumen"})
    middle = book.call("create_contact", body={"kind": "organization", "name": "Lumen Nord", "parent_id": top["id"]})
    low = book.call("create_contact", body={"kind": "organization", "name": "Lumen Lille", "parent_id": middle["id"]})
    for parent in (top, middle, low):
        with pytest.raises(Invalid) as refused:
            book.call("update_contact", id=top["id"], if_match="*", body={"parent_id": parent["id"]})
        assert [(e["pointer"], e["code"]) for e in refused.value.errors] == [("/parent_id", "cycle")]
    moved = book.call("update_contact", id=low["id"], if_match="*", body={"parent_id": top["id"]})
    assert moved["parent_id"] == top["id"]
