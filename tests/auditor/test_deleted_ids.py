"""The id of a deleted record is never taken again, whoever made it, whoever wants it, and by whichever way in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from deploy.auditor.catalogue import run
from deploy.auditor.databases import opened
from deploy.auditor.findings import World
from gateway.events import management
from gateway.identity import operator
from shared import contracts
from shared.kernel.ids import new_id
from shared.kernel.refusals import IdConflict, NotFound
from tests.auditor.bus import Bus
from tests.conftest import Databases
from tests.gateway.webhooks.conftest import told  # noqa: F401 - a fixture: webhooks need a key

ACTORS = ("tester", "another")
RESOURCES = [
    (service, name, resource)
    for service in contracts.SERVICES
    for name, resource in contracts.resources(service).items()
    if getattr(resource, "create", None) and getattr(resource, "delete", None)
]


class House:
    """All services, with what the records of the tests refer to."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        gateway = bus.services["gateway"]
        operator.create(gateway.engine, "root@lamp.example", "Root", ["admin"], "plum-kettle-orbit-7")
        self.root = gateway.call("list_users", query={})["data"][0]["id"]
        contact = {"kind": "organization", "name": "Lumen", "roles": ["customer"]}
        self.firm = bus.call("crm_contacts", "create_contact", body=contact)["id"]
        person = {"kind": "person", "first_name": "Ada", "last_name": "Lampe"}
        self.person = bus.call("crm_contacts", "create_contact", body=person)["id"]
        self.lamp = bus.call("erp_inventory", "create_product", body=self.body("products"))["id"]

    def body(self, resource: str) -> dict[str, Any]:
        """What creates one, under a name that no other has."""
        name = f"n{new_id().hex}"
        bodies: dict[str, Callable[[], dict[str, Any]]] = {
            "contacts": lambda: {"kind": "organization", "name": name},
            "custom-fields": lambda: {"resource": "contacts", "type": "text", "name": name[:30]},
            "teams": lambda: {"name": name},
            "activities": lambda: {"type": "call", "contact_id": self.firm, "subject": name},
            "affiliations": lambda: {"person_id": self.person, "organization_id": self.firm, "role": name},
            "tags": lambda: {"name": name},
            "orders": lambda: {"customer_id": self.firm, "lines": [{"product_id": self.lamp, "quantity": "1"}]},
            "products": lambda: {"sku": name[-20:], "name": name, "type": "goods", "sale_price": "3", "tax_code": "S20"},
            "users": lambda: {
                "email": f"{name}@lamp.example", "name": name, "roles": [], "password": "staple-battery-horse"
            },
            "roles": lambda: {"name": name, "permissions": ["contacts.*:read"]},
            "api-keys": lambda: {"name": name, "scopes": ["contacts.*:read"]},
            "webhooks": lambda: {
                "url": f"https://127.0.0.1:8443/{name}", "event_types": ["crm_contacts.contact.*"], "active": False
            },
            "event-subscriptions": lambda: {"name": name, "bindings": ["crm_contacts.contact.*"]},
        }  # fmt: skip
        return bodies[resource]()


@pytest.fixture(scope="module")
def house(databases: Databases) -> Iterator[House]:
    bus = Bus(databases)
    yield House(bus)
    bus.close()


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That there is one: subscriptions are settled by work in the background, which does not run here."""
    monkeypatch.setenv("LIAISON_RABBITMQ_MANAGEMENT_URL", "http://u:p@127.0.0.1:1")
    monkeypatch.setenv("LIAISON_GATEWAY_AMQP_URI", "amqp://u:p@127.0.0.1:1/none")
    for cached in (management.management, management.public_address):
        cached.cache_clear()
    yield
    for cached in (management.management, management.public_address):
        cached.cache_clear()


def audited(house: House, service: str, id_: str) -> int:
    with house.bus.services[service].session() as session:
        return int(session.scalar(text("SELECT count(*) FROM audit WHERE object_id = :id"), {"id": id_}) or 0)


def forget_subscriptions(house: House) -> None:
    """As the gateway does when the broker has forgotten them."""
    with house.bus.services["gateway"].session() as session:
        session.execute(text("DELETE FROM event_subscription WHERE status = 'deleting'"))
        session.commit()


def cells(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """A body as the columns of a file."""
    if not isinstance(value, (dict, list)):
        yield path, str(value)
        return
    for name, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from cells(part, f"{path}.{name}" if path else str(name))


def outcomes(house: House, service: str, name: str, resource: Any, id_: str) -> Iterator[str]:
    """What each way to make a record with this id comes to; every body is a new one."""
    harness, plural = house.bus.services[service], name.replace("-", "_")
    actors = (house.root,) if service == "gateway" and name != "users" else ACTORS
    for actor in actors:
        with pytest.raises(IdConflict) as refused:
            harness.call(resource.create.name, body={**house.body(name), "id": id_}, actor=actor)
        yield refused.value.code
    if f"batch_{plural}" in harness.operations:
        verbs = ("create", "upsert") if getattr(resource, "patch", None) else ("create",)
        for actor in actors:
            items = [{"op": verb, "id": id_, "data": house.body(name)} for verb in verbs]
            for done in harness.call(f"batch_{plural}", body={"operations": items}, actor=actor)["results"]:
                yield done["problem"]["code"]
    if f"import_{plural}" in harness.operations:
        row = dict(cells({**house.body(name), "id": id_}))
        file = "\n".join(",".join(line) for line in (row.keys(), row.values())).encode()
        for options in ({}, {"dry_run": True}, {"match_on": "external_ids.shop"} if name == "contacts" else {}):
            yield from [error["code"] for error in harness.imported(f"import_{plural}", file, **options)["errors"]]


@pytest.mark.parametrize("chosen", [False, True], ids=["by the server", "by the client"])
@pytest.mark.parametrize(("service", "name", "resource"), RESOURCES, ids=[name for _, name, _ in RESOURCES])
def test_no_way_in_takes_it(house: House, service: str, name: str, resource: Any, chosen: bool) -> None:
    """Nothing is written: no audit row, no event, no record."""
    harness, actor = house.bus.services[service], house.root if service == "gateway" else "tester"
    body = {**house.body(name), **({"id": str(new_id())} if chosen else {})}
    made = house.bus.call(service, resource.create.name, body=body, actor=actor)["id"]
    version = harness.call(resource.get.name, id=made, actor=actor).get("version", "*")
    house.bus.call(service, resource.delete.name, id=made, if_match=version, actor=actor)
    if name == "event-subscriptions":
        forget_subscriptions(house)
    before = audited(house, service, made)
    harness.published()
    assert set(outcomes(house, service, name, resource, made)) == {"id_conflict"}
    assert audited(house, service, made) == before and harness.published() == []
    with pytest.raises(NotFound):
        harness.call(resource.get.name, id=made, actor=actor)


def test_an_undone_import_keeps_its_ids(house: House) -> None:
    """Its rows go without audit rows of their own; that they were made is told."""
    harness = house.bus.services["crm_contacts"]
    job = harness.imported("import_contacts", b"kind,name,external_ids.shop\norganization,Undone,u-1\n")
    (made,) = harness.call("list_contacts", query={"name[starts]": "Undone"})["data"]
    assert harness.finished(harness.call("undo_job", id=job["id"]))["result"]["deleted"] == 1
    resource = contracts.resources("crm_contacts")["contacts"]
    assert set(outcomes(house, "crm_contacts", "contacts", resource, made["id"])) == {"id_conflict"}


def test_a_batch_does_not_take_what_it_deleted(house: House) -> None:
    """Its audit rows are written at its end."""
    harness, id_ = house.bus.services["crm_contacts"], str(new_id())
    items = [
        {"op": "create", "id": id_, "data": {"name": "one"}},
        {"op": "delete", "id": id_, "if_match": 1},
        {"op": "create", "id": id_, "data": {"name": "two"}},
    ]
    results = harness.call("batch_teams", body={"operations": items})["results"]
    assert [done["status"] for done in results] == [201, 204, 409]


def test_a_record_of_another_kind_does_not_take_it(house: House) -> None:
    """A history is read by the id alone, so it would tell of both."""
    team = house.bus.call("crm_contacts", "create_team", body=house.body("teams"))
    house.bus.call("crm_contacts", "delete_team", id=team["id"], if_match=1)
    with pytest.raises(IdConflict):
        house.bus.call("crm_contacts", "create_tag", body={**house.body("tags"), "id": team["id"]})


def test_the_audit_stays_clean(house: House) -> None:
    """I8: what was tried above made nothing a second time."""
    with opened({service: urls.auditor for service, urls in house.bus.urls.items()}) as (databases,):
        found = run(World(databases, house.bus.bindings, []))
    assert found["I8"].checked
    assert not [broken.sentence for each in found.values() for broken in each.violations if not broken.pending]
