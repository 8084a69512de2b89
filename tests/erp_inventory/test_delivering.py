"""Stories of orders and their goods, on a real database."""

from decimal import Decimal
from typing import Any

import pytest

from erp_inventory.errors import MoreThanReserved
from shared.contracts import erp_inventory as inventory
from shared.kernel.refusals import Invalid, InvalidTransition
from shared.schema.contract import Event
from tests.erp_inventory.conftest import Shop, cancelled, confirmed, order


def test_an_order_is_set_aside_confirmed_and_shipped_at_cost(shop: Shop) -> None:
    lamp, cable = shop.product("desk-lamp"), shop.product("cable", type="consumable")
    shop.receive(lamp, "10", "12.50")
    shop.receive(cable, "100", "0.333333")
    shop.inventory.published()

    placed = shop.place((lamp, "4"), (cable, "8"))
    (answer,) = shop.inventory.published()
    assert isinstance(answer, inventory.StockReserved) and answer.complete
    assert [line.reserved for line in answer.lines] == [4, 8]
    assert shop.figures(lamp) == ("10", "4", "125.00")

    (delivery,) = shop.deliveries(placed)
    assert delivery["status"] == "waiting" and delivery["number"] == answer.delivery_number
    with pytest.raises(InvalidTransition):
        shop.ship(delivery)

    assert shop.confirm(placed) == "done"
    (ready,) = shop.inventory.published()
    assert isinstance(ready, inventory.DeliveryReady) and ready.number == delivery["number"]
    assert [(str(line.product_id), line.quantity) for line in ready.lines] == [(lamp, 4), (cable, 8)]
    shipped = shop.ship(delivery, carrier="Chronopost", tracking="XY123")
    assert shipped["status"] == "shipped" and shipped["carrier"] == "Chronopost"
    assert [(line["done"], line["reserved"]) for line in shipped["lines"]] == [("4", "0"), ("8", "0")]
    assert shop.deliveries(placed) == [shipped]

    left, moved = shop.inventory.published()
    assert isinstance(left, inventory.DeliveryShipped) and left.backorder_id is None
    assert [line.quantity for line in left.lines] == [4, 8]
    assert isinstance(moved, inventory.StockMoved) and moved.order_id == placed.order_id
    assert [(m.from_usage, m.to_usage, m.value) for m in moved.lines] == [
        ("internal", "customer", Decimal("50")),
        ("internal", "customer", Decimal("2.67")),
    ]
    assert shop.figures(lamp) == ("6", "0", "75.00")
    with pytest.raises(InvalidTransition) as refused:
        shop.ship(delivery)
    assert refused.value.details == {"state": "shipped", "allowed": []}


def test_a_delivery_tells_that_it_is_ready_however_it_comes_to_be(shop: Shop) -> None:
    """D8: by the confirmation, by goods that arrive, and as the rest of a part shipment; each once."""
    lamp = shop.product("lamp")
    shop.receive(lamp, "1")
    placed = shop.place((lamp, "3"))
    shop.confirm(placed)
    waiting = shop.place((lamp, "1"))
    assert shop.events(inventory.DeliveryReady) == []
    shop.receive(lamp, "3")
    (ready,) = shop.events(inventory.DeliveryReady)
    assert (ready.order_id, [line.quantity for line in ready.lines]) == (placed.order_id, [3])
    shop.confirm(waiting)
    assert [event.order_id for event in shop.events(inventory.DeliveryReady)] == [waiting.order_id]
    (delivery,) = shop.deliveries(placed)
    shop.ship(delivery, lines=[{"id": delivery["lines"][0]["id"], "quantity": "1"}])
    (rest,) = shop.events(inventory.DeliveryReady)
    assert str(rest.delivery_id) == shop.deliveries(placed)[1]["id"] and rest.lines[0].quantity == 2
    shop.receive(lamp, "1")
    shop.confirm(placed)
    assert shop.events(inventory.DeliveryReady) == []


def test_what_is_short_is_filled_oldest_order_first(shop: Shop) -> None:
    lamp = shop.product("floor-lamp")
    shop.receive(lamp, "2")
    first, second, third = (shop.place((lamp, "3")) for _ in range(3))
    assert [a.complete for a in shop.events(inventory.StockReserved)] == [False, False, False]

    shop.receive(lamp, "4")
    answers = shop.events(inventory.StockReserved)
    assert [(a.order_id, a.complete) for a in answers] == [(first.order_id, True), (second.order_id, True)]
    assert shop.figures(lamp)[:2] == ("6", "6")

    shop.cancel(first)
    answers = shop.events(inventory.StockReserved)
    assert [(a.order_id, a.complete) for a in answers] == [(third.order_id, True)]
    assert shop.figures(lamp)[:2] == ("6", "6")


def test_an_order_with_two_lines_of_one_product_and_a_product_without_stock(shop: Shop) -> None:
    lamp, shade = shop.product("lamp"), shop.product("shade")
    shop.receive(lamp, "5")
    placed = shop.place((lamp, "3"), (lamp, "3"), (shade, "1"))
    (answer,) = shop.events(inventory.StockReserved)
    assert not answer.complete and [line.reserved for line in answer.lines] == [3, 2, 0]
    shop.receive(lamp, "9")
    shop.receive(shade, "1")
    assert [a.complete for a in shop.events(inventory.StockReserved)] == [False, True]
    (delivery,) = shop.deliveries(placed)
    assert [line["reserved"] for line in delivery["lines"]] == ["3", "3", "1"]


def test_a_delivery_says_whether_it_may_ship(shop: Shop) -> None:
    """Ground, 2: the states from which a verb starts stand on the verb, and the model asks the declaration."""
    lamp = shop.product("lamp")
    placed = shop.place((lamp, "2"))
    (waiting,) = shop.deliveries(placed)
    with pytest.raises(InvalidTransition) as refused:
        shop.ship(waiting)
    assert refused.value.details == {"state": "waiting", "allowed": []}
    assert _verbs(shop, waiting)["ship"]["code"] == "invalid_transition"
    shop.confirm(placed)
    shop.receive(lamp, "2")
    assert _verbs(shop, waiting) == {"ship": None}


def _verbs(shop: Shop, delivery: dict[str, Any]) -> Any:
    return shop.inventory.call("get_delivery", id=delivery["id"], query={"with": "verbs"})["verbs"]


def test_a_partial_shipment_leaves_a_backorder_that_stays_reserved(shop: Shop) -> None:
    lamp, bulb = shop.product("lamp"), shop.product("bulb")
    shop.receive(lamp, "3", "10")
    shop.receive(bulb, "8", "0.99")
    placed, delivery = shop.ready((lamp, "3"), (bulb, "8"))
    shop.inventory.published()

    part = shop.ship(delivery, lines=[{"id": delivery["lines"][1]["id"], "quantity": "5"}])
    assert [(line["quantity"], line["done"]) for line in part["lines"]] == [("3", "0"), ("8", "5")]
    left, ready, moved = shop.events(Event)
    assert [line.quantity for line in ready.lines] == [3, 3]
    assert [line.quantity for line in left.lines] == [5] and [m.quantity for m in moved.lines] == [5]

    _, rest = shop.deliveries(placed)
    assert rest["id"] == str(left.backorder_id) and rest["backorder_of_id"] == delivery["id"]
    assert rest["status"] == "ready"
    assert [(line["quantity"], line["reserved"]) for line in rest["lines"]] == [("3", "3"), ("3", "3")]
    assert shop.figures(bulb)[:2] == ("3", "3")

    shop.ship(rest)
    left, moved = shop.events(Event)
    assert left.backorder_id is None and [line.quantity for line in left.lines] == [3, 3]
    assert shop.figures(lamp) == shop.figures(bulb) == ("0", "0", "0.00")


def test_what_a_shipment_may_not_name(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "3")
    _, delivery = shop.ready((lamp, "3"))
    line = delivery["lines"][0]["id"]
    with pytest.raises(MoreThanReserved):
        shop.ship(delivery, lines=[{"id": line, "quantity": "4"}])
    with pytest.raises(Invalid) as refused:
        shop.ship(delivery, lines=[{"id": line, "quantity": "1"}, {"id": line, "quantity": "1"}])
    assert refused.value.errors == [{"pointer": "/lines/1/id", "code": "duplicate"}]
    with pytest.raises(Invalid) as refused:
        shop.ship(delivery, lines=[{"id": delivery["id"], "quantity": "1"}])
    assert refused.value.errors == [{"pointer": "/lines/0/id", "code": "not_found"}]
    with pytest.raises(Invalid):
        shop.ship(delivery, lines=[{"id": line, "quantity": "0"}])
    assert shop.figures(lamp)[:2] == ("3", "3")


def test_the_same_key_ships_once(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "3")
    _, delivery = shop.ready((lamp, "2"))
    first = shop.inventory.reply("ship_delivery", id=delivery["id"], body={}, key="ship-it-just-once")
    again = shop.inventory.reply("ship_delivery", id=delivery["id"], body={}, key="ship-it-just-once")
    assert again.replayed and again.body == first.body and again.event_ids == first.event_ids
    assert shop.figures(lamp)[0] == "1"


def test_cancelled_before_between_and_after(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "10")

    before = order((lamp, "4"))
    shop.cancel(before)
    shop.place((lamp, "1"))
    shop.inventory.published()
    assert shop.inventory.deliver(before) == "done"
    assert shop.inventory.published() == [] and shop.deliveries(before) == []

    waiting = shop.place((lamp, "4"))
    shop.cancel(waiting)
    assert shop.events(inventory.StockReleased)[0].shipped is False
    assert shop.deliveries(waiting)[0]["status"] == "cancelled"

    ready, delivery = shop.ready((lamp, "4"))
    shop.cancel(ready)
    with pytest.raises(InvalidTransition):
        shop.ship(delivery)
    assert shop.figures(lamp)[:2] == ("10", "1")

    partly, delivery = shop.ready((lamp, "4"))
    shop.ship(delivery, lines=[{"id": delivery["lines"][0]["id"], "quantity": "3"}])
    shop.cancel(partly)
    assert shop.events(inventory.StockReleased)[-1].shipped is True
    assert [d["status"] for d in shop.deliveries(partly)] == ["shipped", "cancelled"]
    assert shop.figures(lamp)[:2] == ("7", "1")


def test_cancelled_and_confirmed_in_the_wrong_order(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "10")
    early = order((lamp, "4"))
    assert shop.confirm(early) == "retry"
    assert shop.inventory.deliver(early) == "done"
    assert shop.inventory.retry() == 1
    assert shop.deliveries(early)[0]["status"] == "ready"

    late = shop.place((lamp, "1"))
    shop.cancel(late)
    assert shop.confirm(late) == "done"
    assert shop.deliveries(late)[0]["status"] == "cancelled"


def test_every_event_twice_has_one_effect(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "10")
    placed = order((lamp, "4"))
    shop.inventory.published()
    for event in (placed, placed, confirmed(placed), confirmed(placed), cancelled(placed), cancelled(placed), placed):
        assert shop.inventory.deliver(event) == "done"  # a new event id each time: not even the inbox helps
    answers = shop.inventory.published()  # asked again, the answer is the same
    assert [type(e).__name__ for e in answers] == ["StockReserved"] * 2 + ["DeliveryReady"] + ["StockReleased"] * 2
    assert answers[0] == answers[1] and answers[3] == answers[4]
    assert shop.figures(lamp)[:2] == ("10", "0")


def test_confirmed_while_short_leaves_when_the_goods_come(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "1")
    placed, delivery = shop.ready((lamp, "2"))
    assert delivery["status"] == "waiting"
    shop.receive(lamp, "1")
    (after,) = shop.deliveries(placed)
    assert after["status"] == "ready" and after["version"] > delivery["version"]


def test_services_need_no_goods(shop: Shop) -> None:
    fitting = shop.product("fitting", type="service")
    placed = shop.place((fitting, "2"), kind="service")
    (answer,) = shop.events(inventory.StockReserved)
    assert answer.complete and answer.lines == [] and shop.deliveries(placed) == []
    shop.confirm(placed)
    shop.cancel(placed)


def test_a_product_that_is_not_in_the_catalogue_waits_for_it(shop: Shop) -> None:
    placed = order(("01900000-0000-7000-8000-00000000dead", "1"))
    assert shop.inventory.deliver(placed) == "retry"
    shop.product("ghost-lamp", id="01900000-0000-7000-8000-00000000dead")
    shop.inventory.retry()
    assert shop.deliveries(placed)[0]["lines"][0]["reserved"] == "0"
