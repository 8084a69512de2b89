"""Over the limit: an order waits for a person, who lets it pass or lets it go."""

import pytest

from tests.flows.shop import Shop
from tests.suite import Refused


def test_over_the_limit_and_released(shop: Shop) -> None:
    """The one who placed it may not release it; the sales manager may, and the flow goes on."""
    chair = shop.product("oak chair", "100.00")
    shop.receive(chair, "10", "50.00")
    customer = shop.customer("Bistrot du Coin", limit="300.00")
    shop.confirmed(shop.placed(customer, (chair, "2")))
    held = shop.until(shop.placed(customer, (chair, "1")), status="on_hold")
    progress = shop.api.get(f"/v1/orders/{held['id']}/progress")
    credit = next(step for step in progress["steps"] if step["name"] == "credit")
    assert credit["reason"] == "credit_limit_exceeded"

    with pytest.raises(Refused) as refused:
        shop.api.post(f"/v1/orders/{held['id']}/release-hold")
    assert refused.value.status in (403, 409)
    manager = shop.suite.user(f"manager-{shop.number}@suite.example", "sales_manager")
    manager.post(f"/v1/orders/{held['id']}/release-hold")
    shop.ship(shop.delivery(shop.confirmed(held)))
    shop.until(held, delivery_status="delivered", invoice_status="invoiced")
    shop.settle()
    assert shop.api.get(f"/v1/customers/{customer['id']}/exposure")["exposure"] == "360.00"


def test_over_the_limit_and_cancelled(shop: Shop) -> None:
    """Cancelled instead of released: stock and credit are free again."""
    chair = shop.product("ash chair", "100.00")
    shop.receive(chair, "3", "50.00")
    customer = shop.customer("Café de la Gare", limit="100.00")
    held = shop.until(shop.placed(customer, (chair, "3")), status="on_hold")
    shop.api.post(f"/v1/orders/{held['id']}/cancel", {"reason": "too expensive"})
    shop.settle()
    assert shop.stock(chair)["reserved"] == "0"
    assert shop.api.get(f"/v1/customers/{customer['id']}/exposure")["exposure"] == "0.00"
    steps = shop.steps(held)
    assert (steps["credit"], steps["stock"]) == ("compensated", "compensated")
