"""Changed his mind: cancelled before, between and after each step; after shipment it is too late."""

import pytest

from tests.flows.shop import Shop
from tests.suite import Refused


def _cancel(shop: Shop, order: dict[str, str]) -> dict[str, str]:
    return dict(shop.api.post(f"/v1/orders/{order['id']}/cancel", {"reason": "changed his mind"}))


def test_cancelled_at_once(shop: Shop) -> None:
    """The cancellation follows the order so closely that services may hear of it first."""
    rug, customer = shop.product("red rug", "80.00"), shop.customer("Tapis Rouge")
    shop.receive(rug, "4", "30.00")
    for _ in range(4):
        order = shop.placed(customer, (rug, "4"))
        assert _cancel(shop, order)["status"] == "cancelled"
    shop.settle()
    level = shop.stock(rug)
    assert (level["on_hand"], level["reserved"]) == ("4", "0")
    assert shop.booked().keys() == {"37", "6037"}


def test_cancelled_after_confirmation(shop: Shop) -> None:
    """Everything that was done is undone, and the delivery with it."""
    rug, customer = shop.product("old rug", "80.00"), shop.customer("Tapis Ancien", limit="1000.00")
    shop.receive(rug, "1", "30.00")
    order = shop.confirmed(shop.placed(customer, (rug, "1")))
    shop.delivery(order)
    _cancel(shop, order)
    shop.settle()
    assert shop.one("/v1/deliveries", order_id=order["id"])["status"] == "cancelled"
    assert shop.stock(rug)["available"] == "1"
    assert shop.api.get(f"/v1/customers/{customer['id']}/exposure")["exposure"] == "0.00"


def test_cancelled_after_shipment(shop: Shop) -> None:
    """Shipment is the point of no return: the refusal says why."""
    rug, customer = shop.product("new rug", "80.00"), shop.customer("Tapis Neuf")
    shop.receive(rug, "2", "30.00")
    order = shop.confirmed(shop.placed(customer, (rug, "2")))
    shop.ship(shop.delivery(order), "1")
    shop.until(order, delivery_status="partial")
    with pytest.raises(Refused) as refused:
        _cancel(shop, order)
    assert (refused.value.status, refused.value.code) == (409, "already_shipped")


def test_shipped_while_being_cancelled(shop: Shop) -> None:
    """The warehouse ships and sales cancels in the same moment: either nothing left, or what left is invoiced."""
    rug, customer = shop.product("quick rug", "80.00"), shop.customer("Tapis Volant")
    shop.receive(rug, "6", "30.00")
    for _ in range(6):
        order = shop.confirmed(shop.placed(customer, (rug, "1")))
        delivery = shop.delivery(order)
        shop.ship(delivery)
        try:
            _cancel(shop, order)
        except Refused as refused:
            assert refused.code == "already_shipped"
        shop.settle()
        after = shop.api.get(f"/v1/orders/{order['id']}")
        assert (after["status"], after["delivery_status"], after["invoice_status"]) == (
            "confirmed",
            "delivered",
            "invoiced",
        )
    assert shop.stock(rug)["on_hand"] == "0"
