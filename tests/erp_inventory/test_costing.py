"""Average cost: nothing is lost between what came in and what went out."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_inventory.costing import issue_value, receipt_value
from erp_inventory.errors import InsufficientStock
from erp_inventory.shelf import Shelf, Shortage, share_out

QUANTITIES = st.decimals("0.000001", "999999", places=6)
COSTS = st.decimals("0", "99999", places=6)
STEPS = st.lists(st.tuples(st.booleans(), QUANTITIES, COSTS), max_size=30)
LAMP = UUID(int=1)


def shelf(on_hand: str = "0", reserved: str = "0", value: str = "0", product: UUID = LAMP) -> Shelf:
    return Shelf(product, UUID(int=9), Decimal(on_hand), Decimal(reserved), Decimal(value), "unit")


def test_receipts_at_two_costs_then_an_issue() -> None:
    lamps = shelf()
    lamps.receive(Decimal(10), receipt_value(Decimal(10), Decimal("10")))
    lamps.receive(Decimal(5), receipt_value(Decimal(5), Decimal("16")))
    assert lamps.issue(Decimal(6)) == Decimal("72.00")
    assert lamps.on_hand == 9 and lamps.value == Decimal("108.00")


def test_the_last_piece_takes_the_rest() -> None:
    assert [
        issue_value(Decimal(1), Decimal(3), Decimal("10.00")),
        issue_value(Decimal(1), Decimal(2), Decimal("6.67")),
    ] == [
        Decimal("3.33"),
        Decimal("3.34"),  # 6.67 / 2 = 3.335, half up
    ]
    assert issue_value(Decimal(1), Decimal(1), Decimal("3.33")) == Decimal("3.33")


def test_a_half_cent_is_seen_behind_many_digits() -> None:
    on_hand = Decimal("999999999999.999999")
    assert issue_value(on_hand / 2, on_hand, Decimal("0.01")) == Decimal("0.01")
    assert issue_value(Decimal("499999999999.999999"), on_hand, Decimal("0.01")) == Decimal("0.00")


def test_more_than_there_is_cannot_be_valued() -> None:
    with pytest.raises(ValueError):
        issue_value(Decimal(2), Decimal(1), Decimal(1))


@given(STEPS)
def test_issues_and_what_remains_are_worth_what_came_in(steps: list[tuple[bool, Decimal, Decimal]]) -> None:
    lamps, received, issued = shelf(), Decimal(0), Decimal(0)
    for comes_in, quantity, cost in steps:
        if comes_in:
            value = receipt_value(quantity, cost)
            lamps.receive(quantity, value)
            received += value
        else:
            issued += lamps.issue(min(quantity, lamps.on_hand))
        assert lamps.value >= 0
        assert lamps.on_hand > 0 or lamps.value == 0
        assert issued + lamps.value == received
    issued += lamps.issue(lamps.on_hand)
    assert issued == received


@given(QUANTITIES, st.decimals("0", "99999", places=2), st.integers(1, 40))
def test_an_issue_stays_within_a_cent_of_the_average(quantity: Decimal, value: Decimal, pieces: int) -> None:
    on_hand = quantity * pieces
    assert abs(issue_value(quantity, on_hand, value) - value / pieces) <= Decimal("0.005000001")


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(0, 60))
def test_shortages_are_served_in_order_until_nothing_is_free(missing: list[int], free: int) -> None:
    shelves = {LAMP: shelf(on_hand=str(free + 5), reserved="5")}
    waiting = [Shortage(UUID(int=n), UUID(int=n), LAMP, Decimal(m)) for n, m in enumerate(missing)]
    granted = share_out(shelves, waiting)
    assert sum(granted.values()) == min(free, sum(missing)) == shelves[LAMP].reserved - 5
    served = [granted.get(s.delivery_line_id, Decimal(0)) == s.missing for s in waiting]
    assert served == sorted(served, reverse=True)


def test_what_is_reserved_does_not_leave_by_another_door() -> None:
    lamps = shelf(on_hand="10", reserved="8", value="100")
    with pytest.raises(InsufficientStock) as refused:
        lamps.issue(Decimal(3))
    assert refused.value.details["available"] == 2
    assert lamps.ship(Decimal(8)) == 80 and lamps.reserved == 0
