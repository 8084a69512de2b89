"""C4: the day of an order or quote is that of its company, wherever the server stands."""

import pytest

from crm_sales.errors import QuoteExpired
from shared.contracts import crm_sales as sales
from tests.crm_sales.shop import LAMP, LUMEN, Shop
from tests.days import NEW_YEAR, at, in_new_york

LINES = [{"product_id": str(LAMP), "quantity": "1"}]


def _numbers(shop: Shop) -> tuple[str, str, str]:
    """The beginnings of the numbers of a quote, its order and an order, and of the day on which the latter is placed."""
    body = {"customer_id": str(LUMEN), "lines": LINES}
    quote, order = shop.sales.call("create_quote", body=body), shop.sales.call("create_order", body=body)
    shop.sales.published()
    shop.sales.call("place_order", id=order["id"], key=f"place-{order['id']}")
    (placed,) = shop.sales.published()
    assert isinstance(placed, sales.OrderPlaced)
    return quote["number"][:6], order["number"][:6], placed.placed_on.isoformat()


def test_on_new_years_night_an_order_belongs_to_the_new_year(shop: Shop) -> None:
    with at(NEW_YEAR):
        assert _numbers(shop) == ("QU2027", "SO2027", "2027-01-01")
        shop.hear(in_new_york())
        assert _numbers(shop) == ("QU2026", "SO2026", "2026-12-31")


def test_asked_again_an_order_keeps_its_day(shop: Shop) -> None:
    with at(NEW_YEAR):
        order = shop.place((LAMP, 1))
    with at("2027-01-02T12:00:00+01:00"):
        shop.hear(in_new_york())
        shop.sales.call("resume_order", id=order["id"])
    (again,) = shop.sales.published()
    assert isinstance(again, sales.OrderPlaced) and again.placed_on.isoformat() == "2027-01-01"


def test_a_quote_binds_to_the_end_of_its_last_day(shop: Shop) -> None:
    """Case STM-04: the last day counts in full, in the zone of the company."""
    body = {"customer_id": str(LUMEN), "lines": LINES, "valid_until": "2026-11-20"}
    with at("2026-11-20T23:30:00+01:00"):
        first, second, third = (shop.sales.call("create_quote", body=body)["id"] for _ in range(3))
        for quote in (first, second, third):
            shop.sales.call("send_quote", id=quote)
        shop.sales.tick("expire_quotes")
        assert shop.sales.call("accept_quote", id=first)["status"] == "accepted"
    with at("2026-11-21T00:00:00+01:00"):
        with pytest.raises(QuoteExpired):
            shop.sales.call("accept_quote", id=second)
        shop.sales.tick("expire_quotes")
        assert shop.sales.call("get_quote", id=third)["status"] == "expired"
