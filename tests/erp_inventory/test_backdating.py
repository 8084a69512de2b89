"""C3: what holds of a level now holds of it on every date."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from erp_inventory.errors import InsufficientStockThen
from tests.days import NEW_YEAR, at, in_new_york, present_day
from tests.erp_inventory.conftest import Shop


def _ago(days: int) -> str:
    return (present_day() - timedelta(days=days)).isoformat()


def _came(shop: Shop, lamp: str, quantity: str, cost: str, days: int) -> None:
    shop.adjust({"product_id": lamp, "quantity_delta": quantity, "unit_cost": cost}, date=_ago(days))


def _left(shop: Shop, lamp: str, quantity: str, days: int) -> Any:
    return shop.adjust({"product_id": lamp, "quantity_delta": f"-{quantity}"}, date=_ago(days))


def _level(shop: Shop, lamp: str, days: int) -> tuple[str, str]:
    (level,) = shop.inventory.call("list_stock_levels", query={"product_id": lamp, "as_of": _ago(days)})["data"]
    return level["on_hand"], level["value"]


def test_what_was_not_there_on_its_day_does_not_leave_on_it(shop: Shop) -> None:
    lamp = shop.product("lamp")
    _came(shop, lamp, "5", "2", days=3)
    with pytest.raises(InsufficientStockThen) as refused:
        _left(shop, lamp, "1", days=4)
    details = refused.value.details
    assert (str(details["date"]), details["on_hand"], details["value"]) == (_ago(4), -1, -2)
    assert shop.figures(lamp) == ("5", "0", "10.00")
    assert _left(shop, lamp, "1", days=3)["date"] == _ago(3)


def test_what_left_since_is_not_taken_a_second_time(shop: Shop) -> None:
    """The level was enough on the day itself, not on one in between, and is again today."""
    lamp = shop.product("lamp")
    _came(shop, lamp, "5", "2", days=9)
    _left(shop, lamp, "4", days=5)
    _came(shop, lamp, "7", "2", days=1)
    with pytest.raises(InsufficientStockThen) as refused:
        _left(shop, lamp, "2", days=7)
    assert (str(refused.value.details["date"]), refused.value.details["on_hand"]) == (_ago(5), -1)
    _left(shop, lamp, "1", days=7)
    assert [_level(shop, lamp, days) for days in (9, 7, 5, 1)] == [
        ("5", "10.00"), ("4", "8.00"), ("0", "0.00"), ("7", "14.00"),
    ]  # fmt: skip


def test_no_past_value_becomes_negative_and_no_value_stays_without_stock(shop: Shop) -> None:
    """Goods leave at today's average, which later receipts have raised or lowered."""
    dearer, cheaper = shop.product("dearer"), shop.product("cheaper")
    for lamp, later in ((dearer, "30"), (cheaper, "2")):
        _came(shop, lamp, "10", "10", days=5)
        _came(shop, lamp, "10", later, days=1)
        with pytest.raises(InsufficientStockThen) as refused:
            _left(shop, lamp, "10", days=3)
        assert refused.value.details["on_hand"] == 0
    assert _left(shop, dearer, "1", days=3)["value"] == "-20.00"
    assert _level(shop, dearer, 3) == ("9", "80.00")


def test_what_comes_in_may_be_dated_back(shop: Shop) -> None:
    lamp = shop.product("lamp")
    _came(shop, lamp, "1", "2", days=1)
    _came(shop, lamp, "3", "2", days=8)
    _left(shop, lamp, "3", days=6)
    assert _level(shop, lamp, 6) == ("0", "0.00") and shop.figures(lamp) == ("1", "0", "2.00")


def test_a_count_of_an_earlier_day_is_compared_with_the_level_of_that_day(shop: Shop) -> None:
    lamp = shop.product("lamp", standard_cost="2")
    _came(shop, lamp, "5", "2", days=4)
    _came(shop, lamp, "10", "2", days=1)
    made = shop.adjust({"product_id": lamp, "counted_quantity": "4"}, date=_ago(3))
    assert made["lines"][0]["quantity_delta"] == "-1"
    assert (_level(shop, lamp, 3)[0], shop.figures(lamp)[0]) == ("4", "14")


def test_a_shipment_looks_back_where_the_day_of_the_company_went_back(shop: Shop) -> None:
    """Only a change of the time zone makes today earlier than what has happened already."""
    lamp = shop.product("lamp")
    with at(NEW_YEAR):
        shop.receive(lamp, "5")
        _, delivery = shop.ready((lamp, "2"))
        shop.inventory.deliver(in_new_york())
        with pytest.raises(InsufficientStockThen):
            shop.ship(delivery)


def test_two_at_once_do_not_take_the_same_past(shop: Shop) -> None:
    lamp = shop.product("lamp")
    _came(shop, lamp, "3", "2", days=9)
    _came(shop, lamp, "30", "2", days=1)

    def leave(_: int) -> bool:
        try:
            _left(shop, lamp, "1", days=5)
        except InsufficientStockThen:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(leave, range(8))) == 3
    assert _level(shop, lamp, 5) == ("0", "0.00") and shop.figures(lamp)[0] == "30"
