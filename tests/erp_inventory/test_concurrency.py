"""Many at once: nothing oversold, no deadlock, no error, and few statements."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts import erp_inventory as inventory
from shared.kernel import metrics
from shared.kernel.refusals import InvalidTransition
from tests.erp_inventory.conftest import Shop, cancelled, confirmed, order


@pytest.fixture(autouse=True)
def nothing_collides() -> Iterator[None]:
    """No transaction had to be tried again: locks are queued for, never fought over."""
    before = metrics.immediate_retries._value.get()
    yield
    assert metrics.immediate_retries._value.get() == before


def test_sixteen_clients_want_the_last_ten(shop: Shop) -> None:
    lamp = shop.product("last-lamp")
    shop.receive(lamp, "10", "7")
    shop.inventory.published()
    orders = [order((lamp, "1")) for _ in range(16)]
    with ThreadPoolExecutor(16) as clients:
        assert set(clients.map(shop.inventory.deliver, orders)) == {"done"}
    answers = shop.events(inventory.StockReserved)
    assert sorted(a.complete for a in answers) == [False] * 6 + [True] * 10
    assert shop.figures(lamp) == ("10", "10", "70.00")


def test_orders_shipments_cancellations_and_arrivals_at_once(shop: Shop) -> None:
    """Products in every order of naming, everything at the same time: each does its work, and the books agree."""
    lamp, shade, bulb = (shop.product(sku) for sku in ("lamp", "shade", "bulb"))
    mixes = [(lamp, shade), (shade, bulb), (bulb, lamp), (shade, lamp), (bulb, shade), (lamp, bulb)]
    for product in (lamp, shade, bulb):
        shop.receive(product, "12", "3.33")
    ready = [shop.ready(*((product, "1") for product in mix)) for mix in mixes]
    waiting = [shop.place(*((product, "4") for product in mix)) for mix in mixes]

    def arrive(number: int) -> None:
        shop.adjust(*(_in(product) for product in mixes[number % 6]))

    with ThreadPoolExecutor(16) as clients:
        done: list[Future[Any]] = [clients.submit(shop.ship, delivery) for _, delivery in ready[:3]]
        done += [clients.submit(shop.cancel, placed) for placed, _ in ready[3:]]
        done += [clients.submit(shop.cancel, placed) for placed in waiting[:3]]
        done += [clients.submit(shop.confirm, placed) for placed in waiting[3:]]
        done += [clients.submit(arrive, number) for number in range(12)]
        done += [clients.submit(shop.place, (bulb, "1"), (lamp, "1")) for _ in range(6)]
        for future in done:
            future.result()
    for placed in waiting[3:]:
        assert shop.deliveries(placed)[0]["status"] == "ready"
    assert shop.inventory.retry() == 0
    shop.check()


def test_placing_and_cancelling_the_same_order_at_once(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "3")
    orders = [order((lamp, "1")) for _ in range(8)]
    events = [event for placed in orders for event in (placed, cancelled(placed))]
    with ThreadPoolExecutor(16) as clients:
        assert set(clients.map(shop.inventory.deliver, events)) == {"done"}
    assert len(shop.events(inventory.StockReleased)) == 8
    assert {d["status"] for placed in orders for d in shop.deliveries(placed)} <= {"cancelled"}
    assert shop.figures(lamp)[:2] == ("3", "0")


def test_shipping_and_cancelling_the_same_order_at_once(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "40")
    pairs = [shop.ready((lamp, "2")) for _ in range(8)]
    shop.inventory.published()

    def ship_one(delivery: dict[str, Any]) -> str:
        try:
            shop.ship(delivery, lines=[{"id": delivery["lines"][0]["id"], "quantity": "1"}])
        except InvalidTransition:
            return "refused"
        return "shipped"

    with ThreadPoolExecutor(16) as clients:
        shipped = [clients.submit(ship_one, delivery) for _, delivery in pairs]
        released = [clients.submit(shop.inventory.deliver, cancelled(placed)) for placed, _ in pairs]
        assert {future.result() for future in released} == {"done"}
        left = [future.result() for future in shipped].count("shipped")
    released = shop.events(inventory.StockReleased)
    assert [event.shipped for event in released].count(True) == left
    assert shop.figures(lamp)[:2] == (str(40 - left), "0")


def test_goods_for_hundreds_of_waiting_orders_come_in_few_statements(shop: Shop) -> None:
    lamp, shade = shop.product("lamp"), shop.product("shade")
    placed = [shop.place((lamp, "1"), (shade, "2")) for _ in range(200)]
    shop.receive(lamp, "200")
    shop.inventory.published()
    assert shop.count(lambda: shop.receive(shade, "301")) <= 14
    answers = shop.events(inventory.StockReserved)
    assert [a.order_id for a in answers] == [p.order_id for p in placed[:151]]
    assert [a.complete for a in answers] == [True] * 150 + [False]


def test_statements_per_business_act(shop: Shop) -> None:
    products = [shop.product(sku) for sku in ("lamp", "shade", "bulb")]
    placed = order(*((product, "2") for product in products))
    counts = {"adjust 3 lines": shop.count(lambda: shop.adjust(*map(_in, products)))}
    counts["reserve 3 lines"] = shop.count(lambda: shop.inventory.deliver(placed))
    counts["confirm"] = shop.count(lambda: shop.inventory.deliver(confirmed(placed)))
    (delivery,) = shop.deliveries(placed)
    counts["ship 3 lines"] = shop.count(lambda: shop.ship(delivery))
    counts["read one level"] = shop.count(lambda: shop.stock(products[0]))
    assert max(counts.values()) <= 9, counts
    assert counts["confirm"] <= 5 and counts["read one level"] == 1


def _in(product: str) -> dict[str, Any]:
    return {"product_id": product, "quantity_delta": "10", "unit_cost": str(Decimal("1.25"))}
