"""Queues for other systems: who may have which, and what becomes of them when the broker and the rows disagree."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local import servers as local
from gateway.errors import SubscriptionsNotAvailable, SubscriptionTooWide
from gateway.events import management, settling
from gateway.events.entitlement import suspend_and_resume
from gateway.events.management import Management
from gateway.identity import operator
from gateway.identity.built_in import permissions_of
from gateway.service import Gateway
from shared.kernel import faults
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import Forbidden, Invalid, NotFound
from tests.conftest import Databases
from tests.gateway.events.test_subscriptions import connected, uri
from tests.harness import Harness

VHOST = "subscription_rules"


@pytest.fixture
def own_broker(pair: local.Servers) -> Iterator[Management]:
    """A virtual host where no background work is going on."""
    own = Management(pair.management_url, VHOST)
    own._call("PUT", f"vhosts/{VHOST}", {})
    admin = urlsplit(pair.management_url).username
    own._call("PUT", f"permissions/{VHOST}/{admin}", {"configure": ".*", "write": ".*", "read": ".*"})
    own._call("PUT", f"exchanges/{VHOST}/events", {"type": "topic", "durable": True})
    yield own
    for name in own.queues() | own.users():
        own.remove(name)
    own._call("DELETE", f"vhosts/{VHOST}")


@pytest.fixture
def service(
    databases: Databases, own_broker: Management, pair: local.Servers, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Harness]:
    """The service with the management of the broker, without its background work."""
    address = urlunsplit(urlsplit(pair.amqp_admin_uri)._replace(path=f"/{VHOST}"))
    monkeypatch.setenv("LIAISON_RABBITMQ_MANAGEMENT_URL", pair.management_url)
    monkeypatch.setenv("LIAISON_GATEWAY_AMQP_URI", address)
    _forget()
    urls = databases.fresh("gateway")
    harness = Harness(Gateway, urls.application)
    yield harness
    harness.close()
    databases.drop(urls)
    _forget()


def _forget() -> None:
    management.management.cache_clear()
    management.public_address.cache_clear()


def _ask(service: Harness, *bindings: str, replay: bool = False, **given: Any) -> Any:
    body = {"name": "x", "bindings": list(bindings), "replay": replay}
    return service.call("create_event_subscription", body=body, **given)


def test_the_role_of_integrations_touches_no_subscription_but_its_own(service: Harness) -> None:
    """A4. It rotated passwords of others whose events it may read; administrators reach all."""
    ids = {}
    for name, role in (("shop", "integration"), ("till", "integration"), ("root", "admin")):
        operator.create(service.engine, f"{name}@lamp.example", name, [role], "plum-kettle-orbit-7")
        (ids[name],) = [
            one["id"] for one in service.call("list_users", query={"email": f"{name}@lamp.example"})["data"]
        ]
    held = {"actor": ids["shop"], "permissions": permissions_of(("integration",))}
    mine = _ask(service, "crm_sales.#", **held)
    assert mine["owner_id"] == ids["shop"]
    for theirs in (_ask(service, "crm_sales.#", **{**held, "actor": ids["till"]}), _ask(service, "crm_sales.#")):
        for operation in ("rotate_password_event_subscription", "delete_event_subscription"):
            with pytest.raises(NotFound):
                service.call(operation, id=theirs["id"], if_match="*", **held)
    for holder in (held, {"actor": ids["root"]}):
        assert service.call("rotate_password_event_subscription", id=mine["id"], **holder)["password"]
    service.call("delete_event_subscription", id=mine["id"], if_match="*", **held)


def test_only_for_eyes_that_may_see_all_of_it(service: Harness) -> None:
    rights = ("gateway.event_subscriptions:write", "sales.*:read")
    assert _ask(service, "crm_sales.#", permissions=rights)["status"] == "creating"
    too_wide = {
        ("crm_sales.#", "*.invoice.paid"): "erp_finance.invoice.paid",
        ("*.*.reserved",): "erp_inventory.stock.reserved",
    }
    for bindings, hidden in too_wide.items():
        with pytest.raises(SubscriptionTooWide) as refused:
            _ask(service, *bindings, permissions=rights)
        assert refused.value.details["event_types"] == [hidden]
    for narrowed in ({"companies": (DEFAULT_COMPANY_ID,)}, {"replay": True}):
        with pytest.raises(SubscriptionTooWide):
            _ask(service, "crm_sales.#", permissions=rights, **narrowed)
    with pytest.raises(SubscriptionTooWide):
        _ask(service, "crm_sales.order.*", permissions=(rights[0], "sales.orders:read@team"))


def test_a_binding_that_would_be_silent_for_ever_is_refused(service: Harness) -> None:
    with pytest.raises(Invalid) as refused:
        _ask(service, "crm_sales.#", "crm_sales.ordre.*", "a" * 255)
    assert [(e["pointer"], e["code"]) for e in refused.value.errors] == [
        ("/bindings/1", "unknown_event_type"),
        ("/bindings/2", "unknown_event_type"),
    ]


def test_without_management_it_says_so(service: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIAISON_RABBITMQ_MANAGEMENT_URL")
    _forget()
    with pytest.raises(SubscriptionsNotAvailable):
        _ask(service, "#")


@pytest.mark.parametrize("point", ["subscription_after_establishing", "subscription_after_removal"])
def test_it_goes_on_after_the_broker_was_told_and_nobody_noted_it(
    service: Harness, own_broker: Management, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    made = _ask(service, "crm_sales.order.held")
    if point == "subscription_after_removal":
        settling.settle(service.engine, own_broker)
        service.call("delete_event_subscription", id=made["id"], if_match="*")

    def die(name: str) -> None:
        if name == point:
            raise faults.InjectedFault

    with monkeypatch.context() as patch:
        patch.setattr(faults, "point", die)
        with pytest.raises(faults.InjectedFault):
            settling.settle(service.engine, own_broker)
    settling.settle(service.engine, own_broker)
    left = [row["status"] for row in service.call("list_event_subscriptions", query={})["data"]]
    there = made["queue"] in own_broker.queues()
    assert (left, there) == (([], False) if point == "subscription_after_removal" else (["active"], True))


def test_a_password_that_changes_meanwhile_is_told_afterwards(
    service: Harness, own_broker: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _ask(service, "crm_sales.order.held")
    rotated: list[str] = []

    def rotate(name: str) -> None:
        if name == "subscription_after_establishing" and not rotated:
            rotated.append("")
            rotated[0] = service.call("rotate_password_event_subscription", id=made["id"])["password"]

    monkeypatch.setattr(faults, "point", rotate)
    settling.settle(service.engine, own_broker)
    assert service.call("get_event_subscription", id=made["id"])["status"] == "creating"
    settling.settle(service.engine, own_broker)
    assert service.call("get_event_subscription", id=made["id"])["status"] == "active"
    connected(uri(made, rotated[0])).close()


def test_what_somebody_removed_by_hand_is_made_again(service: Harness, own_broker: Management) -> None:
    made = _ask(service, "crm_sales.order.held")
    settling.settle(service.engine, own_broker)
    own_broker.remove(made["queue"])
    settling.measure(service.engine, os.environ["LIAISON_GATEWAY_AMQP_URI"])
    settling.settle(service.engine, own_broker)
    assert made["queue"] in own_broker.queues() and made["user"] in own_broker.users()


def test_a_subscription_ends_with_the_key_that_it_was_made_with(service: Harness, own_broker: Management) -> None:
    """A1. Its account on the broker is removed; the queue stays for whoever looks after it."""
    operator.create(service.engine, "ada@lamp.example", "Ada", ["admin"], "plum-kettle-orbit-7")
    ada = service.call("list_users", query={})["data"][0]["id"]
    key = service.call("create_api_key", body={"name": "erp", "scopes": ["*"]}, actor=ada)
    made = _ask(service, "crm_sales.order.held", actor=ada, api_key=UUID(key["id"]))
    assert made["api_key_id"] == key["id"]
    settling.settle(service.engine, own_broker)
    connected(uri(made)).close()
    suspend_and_resume(service.engine)
    assert service.call("get_event_subscription", id=made["id"])["status"] == "active"
    service.call("revoke_api_key", id=key["id"], actor=ada)
    suspend_and_resume(service.engine)
    settling.settle(service.engine, own_broker)
    assert service.call("get_event_subscription", id=made["id"])["status"] == "suspended"
    assert not own_broker.users() and own_broker.queues() == {made["queue"]}


def test_what_nobody_wants_is_removed(service: Harness, own_broker: Management) -> None:
    """As if a process had told the broker after another one had removed the row."""
    kept, lost = _ask(service, "crm_sales.order.held"), _ask(service, "crm_sales.order.held")
    settling.settle(service.engine, own_broker)
    with service.session() as session:
        session.execute(text("DELETE FROM event_subscription WHERE id = :id"), {"id": lost["id"]})
        session.commit()
    settling.sweep(service.engine, own_broker)
    assert own_broker.queues() == own_broker.users() == {kept["queue"]}


def test_only_who_may_see_all_of_it_rotates_its_password(service: Harness) -> None:
    """A4. It gave thousands of foreign events."""
    made = _ask(service, "erp_finance.#")
    for held in (
        {"permissions": ("gateway.event_subscriptions:write", "sales.*:read")},
        {"companies": (DEFAULT_COMPANY_ID,)},
    ):
        for operation in ("rotate_password_event_subscription", "delete_event_subscription"):
            with pytest.raises(Forbidden):
                service.call(operation, id=made["id"], if_match="*", **held)
    rights = ("gateway.event_subscriptions:write", "finance.*:read")
    assert service.call("rotate_password_event_subscription", id=made["id"], permissions=rights)["password"]
