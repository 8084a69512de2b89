"""The rules of a delivery, without a database."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_inventory.models import Delivery
from erp_inventory.shelf import Shelf
from shared.contracts import crm_sales as sales
from shared.kernel.clock import now
from shared.kernel.refusals import InvalidTransition
from tests.erp_inventory.conftest import order

LAMP = "01900000-0000-7000-8000-0000000000aa"
NO_CARRIER = {"carrier": None, "tracking": None}
DAY = date(2026, 11, 23)


def delivery_of(*quantities: int, free: int) -> Delivery:
    placed = order(*((LAMP, str(quantity)) for quantity in quantities))
    delivery = Delivery.for_order(placed, now(), "DEL-000001")
    shelf = Shelf(UUID(LAMP), delivery.location_id, Decimal(free), Decimal(0), Decimal(free), "unit")
    for line in delivery.lines:
        line.set_aside(shelf)
    return delivery


def test_services_and_lines_without_quantity_are_not_delivered() -> None:
    placed = order((LAMP, "1"), (LAMP, "0"))
    service = order((LAMP, "1"), kind="service").lines[0]
    mixed = sales.OrderPlaced(**{**vars(placed), "lines": [*placed.lines, service]})
    assert [line.order_line_id for line in Delivery.for_order(mixed, now(), "DEL-1").lines] == [placed.lines[0].line_id]


def test_only_what_is_confirmed_and_complete_may_leave() -> None:
    short, complete = delivery_of(2, 2, free=3), delivery_of(2, 2, free=4)
    for delivery in (short, complete):
        with pytest.raises(InvalidTransition):
            delivery.ship(NO_CARRIER, DAY)
        delivery.confirm()
    assert (short.status, complete.status) == ("waiting", "ready")
    complete.ship(NO_CARRIER, DAY)
    assert complete.status == "shipped" and not complete.is_short
    with pytest.raises(InvalidTransition) as refused:
        complete.ship(NO_CARRIER, DAY)
    assert refused.value.details == {"state": "shipped", "allowed": []}


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=6))
def test_what_left_and_the_rest_make_up_what_was_asked(lines: list[tuple[int, int]]) -> None:
    delivery = delivery_of(*(asked for asked, _ in lines), free=1000)
    delivery.confirm()
    left = [min(asked, leaves) for asked, leaves in lines]
    named = [{"id": line.id, "quantity": Decimal(n)} for line, n in zip(delivery.lines, left, strict=True) if n]
    delivery.ship({**NO_CARRIER, "lines": named}, DAY)
    rest = delivery.rest("DEL-000002")
    wanted = {line.order_line_id: line.quantity for line in rest.lines}
    assert rest.is_complete and rest.backorder_of_id == delivery.id
    assert delivery.is_short == bool(rest.lines)
    for line in delivery.lines:
        assert line.done + wanted.get(line.order_line_id, Decimal(0)) == line.quantity
