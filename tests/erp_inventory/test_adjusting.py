"""Stories of counting and correcting stock."""

from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from erp_inventory.errors import InsufficientStock
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, Refusal
from tests.erp_inventory.conftest import Shop


def test_receipts_at_two_costs_then_an_issue_at_the_average(shop: Shop) -> None:
    lamp = shop.product("lamp")
    first = shop.receive(lamp, "10", "10")
    shop.receive(lamp, "5", "16.000001")
    out = shop.adjust({"product_id": lamp, "quantity_delta": "-6"}, reason="broken")
    assert first["number"] == "ADJ-000001" and first["value"] == "100.00"
    assert out["value"] == "-72.00" and out["lines"][0]["unit_cost"] is None
    assert shop.figures(lamp) == ("9", "0", "108.00")
    moves = [event.lines[0] for event in shop.events(inventory.StockMoved)]
    assert [(m.from_usage, m.to_usage, m.quantity, m.value) for m in moves] == [
        ("inventory", "internal", 10, 100),
        ("inventory", "internal", 5, 80),
        ("internal", "inventory", 6, 72),
    ]
    assert shop.inventory.call("get_stock_adjustment", id=out["id"]) == out


def test_adjustments_of_one_product_take_effect_one_after_the_other(shop: Shop) -> None:
    lamp = shop.product("lamp")
    changes = [("1", "1"), ("1", "2"), ("-1", None)]
    made = [
        shop.adjust({"product_id": lamp, "quantity_delta": delta} | ({"unit_cost": cost} if cost else {}))
        for delta, cost in changes
    ]
    assert [one["value"] for one in made] == ["1.00", "2.00", "-1.50"]
    assert shop.figures(lamp) == ("1", "0", "1.50")


@pytest.mark.parametrize("change", [{"counted_quantity": "5"}, {"quantity_delta": "1", "unit_cost": "2"}])
def test_an_adjustment_names_a_product_once(shop: Shop, change: dict[str, str]) -> None:
    """C2: two counts of one product contradict each other, and two changes may be one that was sent twice."""
    lamp, shade = shop.product("lamp"), shop.product("shade")
    with pytest.raises(Invalid) as refused:
        shop.adjust(*({"product_id": product, **change} for product in (lamp, shade, lamp)))
    assert refused.value.errors == [{"pointer": "/lines/2/product_id", "code": "duplicate"}]
    assert shop.figures(lamp) == ("0", "0", "0.00")


def test_a_count_says_what_there_is(shop: Shop) -> None:
    lamp = shop.product("lamp", standard_cost="4")
    shop.adjust({"product_id": lamp, "counted_quantity": "7"})
    fewer = shop.adjust({"product_id": lamp, "counted_quantity": "5"}, reason="yearly count")
    assert fewer["lines"][0]["quantity_delta"] == "-2" and fewer["lines"][0]["counted_quantity"] == "5"
    shop.inventory.published()
    same = shop.adjust({"product_id": lamp, "counted_quantity": "5"})
    assert same["value"] == "0.00" and shop.inventory.published() == []
    shop.adjust({"product_id": lamp, "counted_quantity": "0"})
    assert shop.figures(lamp) == ("0", "0", "0.00")


def test_stock_never_goes_below_what_is_reserved(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "5")
    shop.place((lamp, "3"))
    for line in ({"quantity_delta": "-3"}, {"counted_quantity": "2"}, {"quantity_delta": "-6"}):
        with pytest.raises(InsufficientStock) as refused:
            shop.adjust({"product_id": lamp, **line})
        details = refused.value.details
        assert (details["on_hand"], details["reserved"], details["available"]) == (5, 3, 2)
    assert shop.figures(lamp) == ("5", "3", "5.00")


REFUSED = [
    ({"quantity_delta": "1"}, "/lines/0/unit_cost", "required"),
    ({"quantity_delta": "0"}, "/lines/0/quantity_delta", "zero"),
    ({}, "/lines/0/quantity_delta", "required"),
    ({"quantity_delta": "1", "counted_quantity": "1"}, "/lines/0/counted_quantity", "quantity_and_count"),
    ({"counted_quantity": "-1"}, "/lines/0/counted_quantity", "negative"),
    ({"quantity_delta": 1.5}, "/lines/0/quantity_delta", "invalid_decimal"),
]


@pytest.mark.parametrize("line, pointer, code", REFUSED)
def test_what_an_adjustment_may_not_say(shop: Shop, line: dict[str, Any], pointer: str, code: str) -> None:
    lamp = shop.product("lamp")
    with pytest.raises(Invalid) as refused:
        shop.adjust({"product_id": lamp, **line})
    assert refused.value.errors == [{"pointer": pointer, "code": code}]


def test_all_wrong_lines_are_refused_at_once_and_null_is_not_said(shop: Shop) -> None:
    """Ground, 2: the declaration has the limits, the model what holds between the members of a line."""
    lamp, bulb, shade = shop.product("lamp"), shop.product("bulb"), shop.product("shade", standard_cost="2")
    with pytest.raises(Invalid) as refused:
        shop.adjust(
            {"product_id": lamp},
            {"product_id": shade, "quantity_delta": "1"},
            {"product_id": bulb, "quantity_delta": "0"},
        )
    assert refused.value.errors == [
        {"pointer": "/lines/0/quantity_delta", "code": "required"}, {"pointer": "/lines/2/quantity_delta", "code": "zero"}
    ]  # fmt: skip
    line = {
        "product_id": shade,
        "quantity_delta": "3",
        "counted_quantity": None,
        "unit_cost": None,
        "id": str(new_id()),
    }
    (posted,) = shop.adjust(line)["lines"]
    assert (posted["id"], posted["unit_cost"], posted["value"]) == (line["id"], "2.00", "6.00")
    with pytest.raises(Refusal) as taken:
        shop.adjust({**line, "quantity_delta": "1"})
    assert taken.value.code == "duplicate" and shop.figures(shade) == ("3", "0", "6.00")


def test_adjustments_of_what_is_not_stocked_where_nothing_is_or_not_yet(shop: Shop) -> None:
    fitting, lamp = shop.product("fitting", type="service"), shop.product("lamp")
    for product, why in ((fitting, "not_stocked"), (str(new_id()), "not_found")):
        with pytest.raises(Invalid) as refused:
            shop.receive(product, "1")
        assert refused.value.errors == [{"pointer": "/lines/0/product_id", "code": why}]
    line = {"product_id": lamp, "quantity_delta": "1", "unit_cost": "1"}
    for field, value, code in (("warehouse_id", str(new_id()), "not_found"), ("date", "2999-01-01", "in_the_future")):
        with pytest.raises(Invalid) as refused:
            shop.adjust(line, **{field: value})
        assert refused.value.errors == [{"pointer": f"/{field}", "code": code}]


def test_the_same_id_is_posted_once(shop: Shop) -> None:
    lamp = shop.product("lamp")
    line = {"product_id": lamp, "quantity_delta": "2", "unit_cost": "1"}
    body = {"id": str(new_id()), "reason": "opening stock", "lines": [line]}
    first = shop.inventory.call("create_stock_adjustment", body=body, key=shop.key())
    assert shop.inventory.call("create_stock_adjustment", body=body, key=shop.key()) == first
    assert shop.figures(lamp)[0] == "2"
    with pytest.raises(Refusal) as refused:
        shop.inventory.call("create_stock_adjustment", body={**body, "reason": "other"}, key=shop.key())
    assert refused.value.code == "id_conflict"


def test_stock_of_another_warehouse_does_not_serve_the_default_one(shop: Shop) -> None:
    lamp = shop.product("lamp")
    lyon = shop.inventory.call("create_warehouse", body={"code": "LYON", "name": "Lyon"})
    placed = shop.place((lamp, "1"))
    made = shop.adjust({"product_id": lamp, "quantity_delta": "4", "unit_cost": "2"}, warehouse_id=lyon["id"])
    assert made["warehouse_id"] == lyon["id"]
    assert shop.deliveries(placed)[0]["lines"][0]["reserved"] == "0"
    (level,) = shop.inventory.call("list_stock_levels", query={"warehouse_id": lyon["id"]})["data"]
    assert (level["on_hand"], level["value"], level["location_id"]) == ("4", "8.00", lyon["stock_location_id"])


@pytest.mark.parametrize("table", ["stock_move", "stock_adjustment", "stock_adjustment_line"])
def test_what_is_posted_cannot_be_changed_even_in_the_database(shop: Shop, table: str) -> None:
    shop.receive(shop.product("lamp"), "2")
    owner = shop.inventory.url.replace(
        "//erp_inventory:test-erp_inventory", "//erp_inventory_owner:test-erp_inventory_owner"
    )
    for statement in (
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(DBAPIError) as refused, shop.inventory.session() as session:
            session.execute(text(statement))
        assert refused.value.orig.pgcode == "42501"  # type: ignore[union-attr]
        connection = psycopg2.connect(owner)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="never changed"):
            connection.cursor().execute(statement)
        connection.close()


def test_the_database_itself_refuses_to_oversell(shop: Shop) -> None:
    shop.receive(shop.product("lamp"), "2", "3")
    for change in ("on_hand = -1", "reserved = 3", "reserved = -1", "on_hand = 0", "value = -1"):
        with pytest.raises(DBAPIError) as refused, shop.inventory.session() as session:
            session.execute(text(f"UPDATE stock_level SET {change}"))
        assert refused.value.orig.pgcode == "23514"  # type: ignore[union-attr]


def test_a_delivery_brings_a_value_of_zero_when_goods_were_free(shop: Shop) -> None:
    sample = shop.product("sample")
    shop.receive(sample, "3", "0")
    _, delivery = shop.ready((sample, "2"))
    shop.ship(delivery)
    assert shop.events(inventory.StockMoved)[-1].lines[0].value == Decimal(0)


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([("999999999999", "999999999999")], "/lines/0"),
        ([("1", "1"), ("999999999999", "0")], "/lines/1"),
        ([("1", "0.01"), ("1", "999999999999.99")], "/lines/1"),
    ],
)
def test_no_quantity_and_no_value_exceeds_the_bound(shop: Shop, lines: list[tuple[str, str]], pointer: str) -> None:
    """C3: 999999999999 × 999999999999, and what adds up to as much on the shelf, are refused and leave nothing."""
    lamp, shade = shop.product("lamp"), shop.product("shade")
    shop.receive(lamp, "1", "1")
    shop.inventory.published()
    with pytest.raises(Invalid) as refused:
        shop.adjust(
            *(
                {"product_id": product, "quantity_delta": quantity, "unit_cost": cost}
                for product, (quantity, cost) in zip([shade, lamp][-len(lines) :], lines, strict=True)
            )
        )
    assert refused.value.errors == [{"pointer": pointer, "code": "out_of_range"}]
    assert shop.figures(lamp) == ("1", "0", "1.00") and shop.inventory.published() == []


def test_the_value_of_an_adjustment_has_the_bound_too(shop: Shop) -> None:
    """C3: each line is within it, their sum is not."""
    lines = [{"product_id": shop.product(sku), "quantity_delta": "6"} for sku in ("lamp", "book")]
    with pytest.raises(Invalid) as refused:
        shop.adjust(*({**line, "unit_cost": "100000000000"} for line in lines))
    assert refused.value.errors == [{"pointer": "/lines", "code": "out_of_range"}]
