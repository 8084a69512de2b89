"""Only two on the shelf: orders wait for goods and confirm by themselves, the oldest first."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

from tests.flows.shop import Shop


def test_only_two_on_the_shelf(shop: Shop) -> None:
    """Three are wanted, two are there; what arrives goes to the oldest order first."""
    vase, customer = shop.product("blue vase", "45.00"), shop.customer("Fleurs du Mal")
    shop.receive(vase, "2", "20.00")
    oldest = shop.until(shop.placed(customer, (vase, "3")), delivery_status="backordered")
    younger = shop.until(shop.placed(customer, (vase, "1")), delivery_status="backordered")
    assert (oldest["status"], younger["status"]) == ("placed", "placed")
    assert shop.stock(vase)["available"] == "0"

    shop.receive(vase, "1", "21.00")
    shop.confirmed(oldest)
    shop.settle()
    assert shop.api.get(f"/v1/orders/{younger['id']}")["status"] == "placed"

    shop.receive(vase, "5", "22.00")
    shop.confirmed(younger)
    shop.settle()
    level = shop.stock(vase)
    assert (level["on_hand"], level["reserved"], level["available"]) == ("8", "4", "4")


def test_a_cancelled_order_gives_way_to_the_next(shop: Shop) -> None:
    """What a cancellation frees goes to the order that waits."""
    vase, customer = shop.product("green vase", "45.00"), shop.customer("Fleurs du Bien")
    shop.receive(vase, "2", "20.00")
    first = shop.confirmed(shop.placed(customer, (vase, "2")))
    waiting = shop.until(shop.placed(customer, (vase, "2")), delivery_status="backordered")
    shop.api.post(f"/v1/orders/{first['id']}/cancel", {"reason": "changed his mind"})
    shop.confirmed(waiting)


def test_sold_sixteen_times(shop: Shop) -> None:
    """Sixteen clients order the last ten pieces at once: ten are sold, six wait, nobody sees an error."""
    last = shop.product("last mirror", "120.00")
    shop.receive(last, "10", "60.00")
    customers = [shop.customer(f"Antiquaire {n}") for n in range(16)]

    def buy(customer: dict[str, str]) -> dict[str, str]:
        return dict(shop.placed(customer, (last, "1"), api=shop.suite.another_client()))

    with ThreadPoolExecutor(16) as pool:
        orders = list(pool.map(buy, customers))
    shop.settle()
    answers = [shop.api.get(f"/v1/orders/{order['id']}") for order in orders]
    assert sorted(a["status"] for a in answers) == ["confirmed"] * 10 + ["placed"] * 6
    assert sorted(a["delivery_status"] for a in answers) == ["backordered"] * 6 + ["reserved"] * 10
    assert D(shop.stock(last)["available"]) == 0
