"""`GET /v1/resources` tells clients what they need to draw lists, forms and buttons."""

import httpx
import pytest

from gateway.docs.describing import describe, resources
from shared.wire.fields import Uuid

ALL = frozenset(resources())


def test_a_declared_resource_has_its_names_states_and_verbs_in_french() -> None:
    told = describe("activities", "fr", ALL)
    assert (told["title"], told["area"], told["label"]) == (["Activité", "Activités"], "contacts", ["subject"])
    assert told["fields"]["due_at"] == {
        "name": "Échéance", "help": "Pour quand c'est prévu.", "type": "instant", "null": True,
        "write": ["create", "update"], "filter": True, "sort": True,
    }  # fmt: skip
    assert told["fields"]["contact_id"]["to"] == "contacts"
    assert told["fields"]["type"]["choices"]["meeting"] == "Réunion" and told["fields"]["type"]["write"] == ["create"]
    assert told["states"]["path"] == ["open", "done"]
    assert told["states"]["values"]["done"] == {"name": "Fait", "tone": "success"}
    assert told["verbs"]["complete"] == {
        "name": "Terminer l'activité", "help": "Terminer l'activité : elle est faite",
        "path": "/v1/activities/{id}/complete", "from": ["open"], "permission": "contacts.activities:write",
        "key": False, "body": {"outcome": "multiline"},
    }  # fmt: skip
    assert told["fields"]["created_at"]["name"] == "Créé le"


def test_english_is_what_the_declaration_says() -> None:
    told = describe("activities", "en", ALL)
    assert told["title"] == ["Activity", "Activities"]
    assert told["verbs"]["complete"]["name"] == "Complete the activity"


def test_a_word_has_the_french_of_the_place_where_it_stands() -> None:
    """A cancelled order is « annulée », a cancelled quote « annulé »."""
    found = {name: describe(name, "fr", ALL) for name in ("orders", "quotes")}
    assert [found[name]["states"]["values"]["cancelled"]["name"] for name in found] == ["Annulée", "Annulé"]
    assert [found[name]["fields"]["status"]["choices"]["cancelled"] for name in found] == ["Annulée", "Annulé"]
    assert found["orders"]["verbs"]["release_hold"] == {
        "name": "Débloquer la commande", "path": "/v1/orders/{id}/release-hold", "from": ["on_hold"],
        "help": "Débloquer la commande : elle passe malgré le crédit retenu, mais jamais par qui l'a passée",
        "permission": "sales.orders:release", "key": False, "body": None,
    }  # fmt: skip


def test_a_document_has_keys_currencies_and_related_lists() -> None:
    told = describe("orders", "en", ALL)
    assert told["label"] == ["number"] and told["verbs"]["place"]["key"] is True
    assert told["fields"]["gross_total"] == {
        "name": "Gross total", "help": "With tax.", "type": "money", "currency": "currency", "filter": True, "sort": True,
    }  # fmt: skip
    assert {"resource": "quotes", "by": "order_id"} in told["related"]
    assert told["events"] == ["crm_sales.order.*"]


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_resource_can_be_described(name: str) -> None:
    """Labels and columns are fields, references lead to resources, and so do related lists."""
    told = describe(name, "fr", ALL)
    assert told["label"] and {*told["label"], *told["list"]["columns"]} <= told["fields"].keys()
    assert all(field["to"] in ALL for field in told["fields"].values() if "to" in field)
    for related in told["related"]:
        listed = resources()[related["resource"]].list
        assert listed is not None and listed.listing is not None
        assert isinstance(listed.listing.filters[related["by"]], Uuid)


def test_related_are_only_those_that_the_caller_may_read() -> None:
    assert describe("contacts", "en", frozenset({"contacts"}))["related"] == [
        {"resource": "contacts", "by": "parent_id"}
    ]


def test_callers_are_told_of_what_they_may_read(admin: httpx.Client, clerk: httpx.Client) -> None:
    whole = admin.get("/v1/resources", headers={"Accept-Language": "fr"})
    assert whole.headers["content-language"] == "fr"
    names = {one["name"]: one for one in whole.json()["data"]}
    assert set(names) == ALL and names["teams"]["title"] == ["Équipe", "Équipes"]
    again = admin.get("/v1/resources", headers={"Accept-Language": "fr", "If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304
    some = {one["name"] for one in clerk.get("/v1/resources").json()["data"]}
    assert some < ALL
    assert admin.get("/v1/resources", headers={"Accept-Language": "en"}).headers["etag"] != whole.headers["etag"]
