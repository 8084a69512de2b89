"""Questions about stock."""

from datetime import timedelta
from typing import Any

import pytest

from erp_inventory.models.places import DEFAULT_WAREHOUSE_ID
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import BadRequest, Invalid, NotFound
from tests.days import present_day
from tests.erp_inventory.conftest import Shop

WAREHOUSE = str(DEFAULT_WAREHOUSE_ID)


def test_levels_and_value_as_of_a_day(shop: Shop) -> None:
    lamp, cable = shop.product("lamp"), shop.product("cable")
    yesterday = (present_day() - timedelta(days=1)).isoformat()
    before = (present_day() - timedelta(days=2)).isoformat()
    shop.adjust({"product_id": lamp, "quantity_delta": "4", "unit_cost": "2.5"}, date=yesterday)
    shop.receive(cable, "10", "0.1")
    _, delivery = shop.ready((lamp, "1"))
    shop.ship(delivery)

    now = shop.stock(lamp)
    assert (now["on_hand"], now["available"], now["incoming"], now["value"]) == ("3", "3", "0", "7.50")
    then = shop.inventory.call("list_stock_levels", query={"product_id": lamp, "as_of": yesterday})["data"][0]
    assert (then["on_hand"], then["value"], then["reserved"], then["available"]) == ("4", "10.00", None, None)
    (never,) = shop.inventory.call("list_stock_levels", query={"product_id": lamp, "as_of": before})["data"]
    assert (never["on_hand"], never["value"]) == ("0", "0.00")

    worth = shop.inventory.call("get_stock_valuation", query={})
    assert [(row["sku"], row["quantity"], row["value"]) for row in worth["rows"]] == [
        ("cable", "10", "1.00"),
        ("lamp", "3", "7.50"),
    ]
    assert worth["totals"] == {"value": "8.50"} and worth["currency"] == "EUR"
    today = shop.inventory.call("get_stock_valuation", query={"as_of": present_day().isoformat()})
    assert today["rows"] == worth["rows"]
    assert shop.inventory.call("get_stock_valuation", query={"as_of": yesterday})["totals"] == {"value": "10.00"}
    assert shop.inventory.call("get_stock_valuation", query={"as_of": before})["rows"] == []


def test_moves_tell_where_goods_came_from_and_went(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "4", "2")
    placed, delivery = shop.ready((lamp, "1"))
    shop.ship(delivery)
    moves = shop.inventory.call("list_stock_moves", query={"product_id": lamp, "sort": "created_at"})["data"]
    assert [(m["from_usage"], m["to_usage"], m["document_type"]) for m in moves] == [
        ("inventory", "internal", "adjustment"),
        ("internal", "customer", "delivery"),
    ]
    query = {"order_id": str(placed.order_id)}
    assert shop.inventory.call("list_stock_moves", query=query)["data"] == [moves[1]]
    first = shop.inventory.call("list_stock_moves", query={"limit": "1"})
    second = shop.inventory.call("list_stock_moves", query={"limit": "1", "cursor": first["next_cursor"]})
    assert first["data"] + second["data"] == moves[::-1] and second["next_cursor"] is None


def test_what_can_be_promised(shop: Shop) -> None:
    lamp, fitting = shop.product("lamp"), shop.product("fitting", type="service")
    shop.receive(lamp, "5")
    shop.place((lamp, "2"))
    answer = shop.inventory.call("get_availability", query={"product_id": lamp, "quantity": "3"})
    assert (answer["on_hand"], answer["reserved"], answer["available"]) == ("5", "2", "3")
    assert answer["sufficient"] and answer["available_on"] == present_day().isoformat()
    short = shop.inventory.call("get_availability", query={"product_id": lamp, "quantity": "4"})
    assert not short["sufficient"] and short["available_on"] is None
    assert shop.inventory.call("get_availability", query={"product_id": fitting})["sufficient"]
    with pytest.raises(NotFound):
        shop.inventory.call("get_availability", query={"product_id": "01900000-0000-7000-8000-00000000dead"})
    with pytest.raises(BadRequest):
        shop.inventory.call("get_availability", query={})
    with pytest.raises(BadRequest):
        shop.inventory.call("list_stock_levels", query={"as_of[gt]": "2026-01-01"})
    with pytest.raises(BadRequest):
        shop.inventory.call("list_deliveries", query={"status": "lost"})


def test_who_sees_other_companies_only_sees_nothing_of_this_one(shop: Shop) -> None:
    """Also where raw SQL answers: availability, value, and what adjustments may touch."""
    lamp = shop.product("lamp")
    shop.receive(lamp, "10", "2")
    there = new_id()
    inside: dict[str, Any] = {"companies": (DEFAULT_COMPANY_ID,)}
    outside: dict[str, Any] = {"companies": (there,), "company_id": there}
    ask = {"query": {"product_id": lamp, "quantity": "1"}}
    assert shop.inventory.call("get_availability", **ask, **inside)["available"] == "10"
    assert shop.inventory.call("get_stock_valuation", query={}, **inside)["totals"] == {"value": "20.00"}
    assert len(shop.inventory.call("list_stock_levels", query={}, **inside)["data"]) == 1
    with pytest.raises(NotFound):
        shop.inventory.call("get_availability", **ask, **outside)
    for query in ({}, {"as_of": present_day().isoformat()}):
        assert shop.inventory.call("get_stock_valuation", query=query, **outside)["rows"] == []
    for operation in ("list_stock_levels", "list_stock_moves", "list_products", "list_warehouses", "list_deliveries"):
        assert shop.inventory.call(operation, query={"include_total": "true"}, **outside)["total"] == 0
    line = {"product_id": lamp, "quantity_delta": "1", "unit_cost": "1"}
    for body in ({"reason": "x", "lines": [line]}, {"reason": "x", "lines": [line], "warehouse_id": WAREHOUSE}):
        with pytest.raises(Invalid):
            shop.inventory.call("create_stock_adjustment", body=body, key=shop.key(), **outside)
    assert shop.stock(lamp)["on_hand"] == "10"
