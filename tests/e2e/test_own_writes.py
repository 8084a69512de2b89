"""D1: a caller reads its own writes without asking, through one edge or two, and is told when that takes too long."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.local.plan import GATEWAY, inherited_environment
from shared.ids import new_event_id
from tests.flows.shop import Shop
from tests.gateway.conftest import Process, until
from tests.ports import free_port
from tests.suite import Api, Refused, Suite

ORGANIZATION = {"kind": "organization", "name": "Just Made SARL", "roles": ["customer"]}


@pytest.fixture(scope="module")
def shop(running: Suite) -> Shop:
    return Shop(running)


@pytest.fixture(scope="module")
def lamp(shop: Shop) -> Any:
    return shop.product("Lamp", "49.90")


@pytest.fixture(scope="module")
def other_edge(running: Suite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The same user through a second edge of the same installation."""
    spec = next(spec for spec in running.specs if spec.name == GATEWAY)
    ports = {"LIAISON_GATEWAY_HTTP_PORT": str(free_port()), "LIAISON_HEALTH_PORT": str(free_port())}
    log: Path = tmp_path_factory.mktemp("edge") / "edge.log"
    edge = Process({**inherited_environment(), **spec.env, **ports}, log).start()
    until(lambda: edge.metric("rpc_client_connected") == 1)
    api = Api(edge.url, running.api.bearer)
    yield api
    api.http.close()
    edge.stop()


@pytest.fixture
def ann(running: Suite) -> Iterator[Api]:
    """Somebody who has written nothing yet."""
    api = running.user(f"ann-{uuid4().hex[:8]}@suite.example", "sales_manager")
    yield api


def order(api: Api, customer: Any, *products: Any) -> Any:
    lines = [{"product_id": product["id"], "quantity": "1"} for product in products]
    return api.post("/v1/orders", {"customer_id": customer["id"], "lines": lines})


def never_arrives(running: Suite, api: Api) -> UUID:
    """Note for a user an event that was never published: as if its consumer were down."""
    event_id = new_event_id("liaison.crm_contacts.contact.created.v1")
    me = api.get("/v1/me")["id"]
    running.sql("gateway", "INSERT INTO own_write (caller, event_id) VALUES (%s, %s)", me, str(event_id))
    return event_id


def test_an_order_right_after_its_customer_and_its_product(shop: Shop) -> None:
    for number in range(10):
        product = {"sku": f"NEW-{uuid4().hex[:12]}", "name": "Rug", "type": "goods", "unit": "piece",
                   "sale_price": "120", "tax_code": "S20"}  # fmt: skip
        customer = shop.api.post("/v1/contacts", {**ORGANIZATION, "name": f"Just Made {number}"})
        rug = shop.api.post("/v1/products", product)
        assert order(shop.api, customer, rug)["customer_id"] == customer["id"]


def test_a_credit_limit_right_after_its_customer(shop: Shop) -> None:
    for _ in range(5):
        customer = shop.api.post("/v1/contacts", ORGANIZATION)
        limit = shop.api.post("/v1/credit-limits", {"contact_id": customer["id"], "limit": "100"})
        assert limit["contact_id"] == customer["id"]


def test_the_next_request_reaches_another_edge(shop: Shop, lamp: Any, other_edge: Api) -> None:
    for made, ordered in [(shop.api, other_edge), (other_edge, shop.api)] * 5:
        customer = made.post("/v1/contacts", ORGANIZATION)
        assert order(ordered, customer, lamp)["customer_id"] == customer["id"]


def test_a_batch_right_after_its_customer(shop: Shop, lamp: Any) -> None:
    lines = [{"product_id": lamp["id"], "quantity": "1"}]
    for atomic in (False, True):
        customer = shop.api.post("/v1/contacts", ORGANIZATION)
        item = {"op": "create", "data": {"customer_id": customer["id"], "lines": lines}}
        made = shop.api.post("/v1/orders/batch", {"operations": [item, item], "atomic": atomic})
        assert [one["status"] for one in made["results"]] == [201, 201]


def test_what_takes_too_long_may_be_repeated(running: Suite, ann: Api, lamp: Any) -> None:
    missing, begun = never_arrives(running, ann), time.monotonic()
    body = {"customer_id": str(uuid4()), "lines": [{"product_id": lamp["id"], "quantity": "1"}]}
    answer = ann.http.post("/v1/orders", json=body, headers={"Idempotency-Key": str(uuid4()), "Accept-Language": "fr"})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (504, "not_yet", "1")
    assert answer.json()["event_ids"] == [str(missing)] and "renvoyez la même demande" in answer.json()["detail"]
    assert 1.5 < time.monotonic() - begun < 4


def test_of_a_batch_each_operation_is_told(running: Suite, ann: Api, shop: Shop, lamp: Any) -> None:
    customer = shop.customer("Known SARL")
    never_arrives(running, ann)
    lines = [{"product_id": lamp["id"], "quantity": "1"}]
    items = [{"op": "create", "data": {"customer_id": one, "lines": lines}} for one in (customer["id"], str(uuid4()))]
    good, bad = ann.post("/v1/orders/batch", {"operations": items})["results"]
    assert good["status"] == 201 and (bad["status"], bad["problem"]["code"]) == (504, "not_yet")
    orders = ann.get("/v1/orders", customer_id=customer["id"])["data"]
    assert [one["id"] for one in orders] == [good["id"]]


def test_what_does_not_exist_is_said_at_once(running: Suite, shop: Shop, ann: Api, lamp: Any) -> None:
    """Also to whoever wrote something: it has been applied, so there is nothing to wait for."""
    shop.customer("Applied SARL")
    never_arrives(running, ann)  # is no business of anybody else
    begun = time.monotonic()
    for _ in range(5):
        with pytest.raises(Refused) as refused:
            order(shop.api, {"id": str(uuid4())}, lamp)
        assert refused.value.status == 422
        assert refused.value.problem["errors"][0]["code"] == "not_found"
    assert time.monotonic() - begun < 1.5


def test_nothing_is_waited_for_where_all_is_known(running: Suite, ann: Api, shop: Shop, lamp: Any) -> None:
    customer = shop.customer("Known Too SARL")
    never_arrives(running, ann)
    begun = time.monotonic()
    order(ann, customer, lamp)
    assert time.monotonic() - begun < 1.5
