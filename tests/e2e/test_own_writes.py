"""D1: a caller reads its own writes without asking, new things and changes, through one edge or two, and is told when that
takes too long."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pika
import pytest

from deploy.local.plan import GATEWAY, inherited_environment
from gateway.calls.own_writes import LAST_SECONDS
from shared.kernel.ids import new_event_id
from shared.messaging.queues import ALL_EDGES
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


def never_catches_up(running: Suite, api: Api) -> UUID:
    """Let the edge hear of another one that a user wrote something just now, which no service will ever be told of."""
    event_id, me = new_event_id("liaison.crm_contacts.contact.updated.v1"), api.get("/v1/me")["id"]
    connection = pika.BlockingConnection(pika.URLParameters(running.broker_uri("gateway")))
    channel = connection.channel()
    channel.confirm_delivery()
    told = json.dumps([str(uuid4()), "a token", [me, [str(event_id)]]])
    channel.basic_publish("nameko-rpc", ALL_EDGES, told.encode(), mandatory=True)
    connection.close()
    return event_id


def seconds(ask: Callable[[], Any]) -> float:
    begun = time.monotonic()
    ask()
    return time.monotonic() - begun


def archived_then_ordered(contacts: Api, sales: Api, lamp: Any) -> Any:
    """What an order is told whose customer was archived just before; the customer was known to sales."""
    customer = contacts.post("/v1/contacts", ORGANIZATION)
    order(sales, customer, lamp)
    contacts.post(f"/v1/contacts/{customer['id']}/archive")
    with pytest.raises(Refused) as refused:
        order(sales, customer, lamp)
    return refused.value.status, refused.value.problem["errors"][0]["pointer"]


def test_an_order_right_after_its_customer_was_archived(shop: Shop, lamp: Any) -> None:
    """D1: what is known already, but has changed, is waited for too."""
    told = [archived_then_ordered(shop.api, shop.api, lamp) for _ in range(12)]
    assert told == [(422, "/customer_id")] * 12


def test_what_changed_through_another_edge(shop: Shop, lamp: Any, other_edge: Api) -> None:
    """D1: each edge tells the others."""
    ways = [(shop.api, other_edge), (other_edge, shop.api)] * 6
    assert [archived_then_ordered(*way, lamp) for way in ways] == [(422, "/customer_id")] * 12


def test_a_quote_and_an_order_right_after_a_new_price(shop: Shop) -> None:
    """D1: the price is that of the caller's last request."""
    customer, rug = shop.customer("Prices SARL"), shop.product("Rug", "100.00")
    lines = [{"product_id": rug["id"], "quantity": "1"}]
    seen = []
    for number in range(10):
        price = f"{101 + number}.00"
        rug = shop.api.patch(f"/v1/products/{rug['id']}", {"sale_price": price}, rug["version"])
        made = shop.api.post(("/v1/orders", "/v1/quotes")[number % 2], {"customer_id": customer["id"], "lines": lines})
        seen.append((made["lines"][0]["unit_price"], price))
    assert all(Decimal(got) == Decimal(price) for got, price in seen), seen


def test_a_list_right_after_a_command_elsewhere(shop: Shop) -> None:
    """D1: stock is reserved in the list that follows the placing of an order, and free in the one after its end."""
    customer, vase = shop.customer("Lists SARL"), shop.product("Vase", "10.00")
    shop.receive(vase, "100", "4")
    for _ in range(10):
        placed = shop.placed(customer, (vase, "1"))
        assert Decimal(shop.stock(vase)["reserved"]) == 1
        shop.api.post(f"/v1/orders/{placed['id']}/cancel", {"reason": "as agreed"})
        assert Decimal(shop.stock(vase)["reserved"]) == 0


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
        limit = shop.api.post("/v1/credit-limits", {"customer_id": customer["id"], "limit": "100"})
        assert limit["customer_id"] == customer["id"]


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


def test_a_query_goes_on_without_what_takes_too_long(running: Suite, ann: Api) -> None:
    """D1: after two seconds, and only where the service listens to it."""
    never_catches_up(running, ann)
    assert seconds(lambda: ann.get("/v1/stock-levels", limit=1)) < 1
    assert 1.5 < seconds(lambda: ann.get("/v1/orders", limit=1)) < 3
    time.sleep(max(0, LAST_SECONDS - 2))
    assert seconds(lambda: ann.get("/v1/orders", limit=1)) < 1


def test_a_command_is_not_decided_without_it(running: Suite, ann: Api, shop: Shop, lamp: Any) -> None:
    """D1: it says `not_yet`, changes nothing, and is carried out under the same key a second later."""
    customer, key = shop.customer("Patient SARL"), str(uuid4())
    body = {"customer_id": customer["id"], "lines": [{"product_id": lamp["id"], "quantity": "1"}]}
    headers = {"Idempotency-Key": key, "Accept-Language": "fr"}
    missing = never_catches_up(running, ann)
    answer = ann.http.post("/v1/orders", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (504, "not_yet", "1")
    assert answer.json()["event_ids"] == [str(missing)] and "n'a donc pas été exécutée" in answer.json()["detail"]
    assert running.sql("crm_sales", "SELECT count(*) FROM sales_order WHERE customer_id = %s", customer["id"]) == [(0,)]
    time.sleep(1)
    assert ann.http.post("/v1/orders", json=body, headers=headers).status_code == 201


def test_whoever_waits_holds_up_nobody(running: Suite, ann: Api, shop: Shop) -> None:
    """A8: others are answered as ever; whose turn comes after the three seconds waits no more."""
    never_catches_up(running, ann)
    with ThreadPoolExecutor(24) as threads:
        waiting = [threads.submit(seconds, lambda: ann.get("/v1/orders", limit=1)) for _ in range(24)]
        time.sleep(0.3)
        assert max(seconds(lambda: shop.api.get("/v1/orders", limit=1)) for _ in range(5)) < 1
        assert not any(one.done() for one in waiting)
        assert max(one.result() for one in waiting) < 6
