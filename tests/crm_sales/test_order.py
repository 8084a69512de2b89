"""The state machine of an order, without a database: every verb in every state, every answer in every order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_sales import process
from crm_sales.errors import AlreadyShipped, ReleaseByPlacer
from crm_sales.models import Order
from crm_sales.pricing import PricedLine
from crm_sales.steps import steps_of
from shared.contracts import crm_sales as sales
from shared.kernel.ids import new_id
from shared.kernel.refusals import InvalidTransition, Refusal

D = Decimal
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def _line(kind: str = "goods", quantity: int = 2) -> PricedLine:
    net = D(10 * quantity)
    return PricedLine(new_id(), new_id(), kind, "Lamp", D(quantity), "piece", D(10), D(0), "S20", D(20), net)


def _draft(*lines: PricedLine) -> Order:
    columns = {"id": new_id(), "customer_id": new_id(), "customer_name": "Lumen", "company_id": new_id()}
    return Order.draft("SO2026-000001", columns, lines or (_line(),))


def _placed(*lines: PricedLine) -> Order:
    order = _draft(*lines)
    order.place("ada", NOW, NOW.date())
    return order


def _confirmed() -> Order:
    order = _placed()
    order.note_credit("approved", NOW)
    order.note_stock("complete", NOW)
    return order


def _on_hold() -> Order:
    order = _placed()
    order.note_credit("held", NOW)
    return order


def _cancelled() -> Order:
    order = _placed()
    order.cancel("changed his mind", NOW)
    return order


@dataclass
class Invoice:
    gross_total: Decimal | None
    residual: Decimal


@dataclass
class World:
    """An order with what is known about it, as the flow gathers it."""

    order: Order
    invoices: list[Invoice] = field(default_factory=list)

    def ship(self, quantity: int) -> list[Any]:
        self.order.lines[0].delivered_quantity += quantity
        return self.order.note_quantities(self.order.lines, self.invoices, NOW)

    def invoice(self, quantity: int) -> list[Any]:
        self.order.lines[0].invoiced_quantity += quantity
        self.invoices.append(Invoice(D(12 * quantity), D(12 * quantity)))
        return self.order.note_quantities(self.order.lines, self.invoices, NOW)

    def pay(self, residual: int = 0) -> list[Any]:
        for invoice in self.invoices:
            invoice.residual = D(residual)
        return self.order.note_payment(self.invoices, NOW)


def _completed() -> Order:
    world = World(_confirmed())
    world.ship(2), world.invoice(2), world.pay()
    return world.order


STATES: dict[str, Callable[[], Order]] = {
    "draft": _draft,
    "placed": _placed,
    "on_hold": _on_hold,
    "confirmed": _confirmed,
    "cancelled": _cancelled,
    "completed": _completed,
}
VERBS: dict[str, Callable[[Order], Any]] = {
    "place": lambda order: order.place("ada", NOW, NOW.date()),
    "release_hold": lambda order: order.release_hold("grace", NOW),
    "resume": lambda order: order.resume(),
    "cancel": lambda order: order.cancel("changed his mind", NOW),
}
LEADS_TO = {
    ("draft", "place"): "placed",
    ("draft", "cancel"): "cancelled",
    ("placed", "cancel"): "cancelled",
    ("placed", "resume"): "placed",
    ("on_hold", "release_hold"): "placed",
    ("on_hold", "cancel"): "cancelled",
    ("on_hold", "resume"): "on_hold",
    ("confirmed", "cancel"): "cancelled",
    ("confirmed", "resume"): "confirmed",
    ("cancelled", "resume"): "cancelled",
}


def _declared(state: str) -> list[str]:
    return [name for name, verb in sales.Order.declaration.verbs.items() if state in verb.of]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
def test_every_verb_in_every_state(state: str, verb: str) -> None:
    order = STATES[state]()
    assert order.status == state
    if (state, verb) in LEADS_TO:
        VERBS[verb](order)
        assert order.status == LEADS_TO[state, verb]
        return
    with pytest.raises(Refusal) as refusal:
        VERBS[verb](order)
    assert order.status == state
    if refusal.value.code != "already_shipped":
        assert refusal.value.details == {"state": state, "allowed": _declared(state)}


def test_the_table_of_verbs_is_the_truth() -> None:
    assert {(state, verb) for state in STATES for verb in _declared(state)} == set(LEADS_TO)


def test_a_completed_order_was_shipped() -> None:
    with pytest.raises(AlreadyShipped):
        _completed().cancel("too late", NOW)


def test_placing_freezes_what_the_others_need() -> None:
    order = _draft(_line(), _line("service", 1))
    placed = order.place("ada", NOW, NOW.date())
    assert [line.kind for line in placed.lines] == ["goods", "service"]
    assert (placed.net_total, placed.tax_total, placed.gross_total) == (D(30), D(6), D(36))
    assert (placed.payment_days, placed.placed_on) == (30, NOW.date())


def test_held_then_released_by_another_person() -> None:
    order = _on_hold()
    assert order.hold_reason == "credit_limit_exceeded"
    with pytest.raises(ReleaseByPlacer):
        order.release_hold("ada", NOW)
    (released,) = order.release_hold("grace", NOW)
    assert isinstance(released, sales.HoldReleased) and released.approved_by == "grace"
    assert order.hold_reason is None
    assert [type(e) for e in order.note_stock("complete", NOW)] == [sales.OrderConfirmed]


def test_a_hold_that_finance_lifts_itself() -> None:
    order = _on_hold()
    order.note_stock("complete", NOW)
    assert order.status == "on_hold"
    assert [type(e) for e in order.note_credit("approved", NOW)] == [sales.OrderConfirmed]


def test_late_answers_of_lower_rank_change_nothing() -> None:
    order = _confirmed()
    assert order.note_credit("held", NOW) == order.note_stock("short", NOW) == []
    assert (order.status, order.delivery_status) == ("confirmed", "reserved")


def test_a_shortage_is_told_once_and_filled() -> None:
    order = _placed()
    order.note_credit("approved", NOW)
    assert [type(e) for e in order.note_stock("short", NOW)] == [sales.OrderBackordered]
    assert order.note_stock("short", NOW) == [] and order.delivery_status == "backordered"
    assert [type(e) for e in order.note_stock("complete", NOW)] == [sales.OrderConfirmed]
    assert order.delivery_status == "reserved"


def test_services_need_no_delivery() -> None:
    order = _placed(_line("service"))
    order.note_stock("complete", NOW)
    assert order.delivery_status == "none"
    order.note_credit("approved", NOW)
    assert (order.status, order.delivery_status) == ("confirmed", "delivered")


def test_payment_in_parts() -> None:
    world = World(_confirmed())
    world.ship(1), world.invoice(1)
    world.pay()
    assert (world.order.invoice_status, world.order.payment_status) == ("partial", "partial")
    world.ship(1), world.invoice(1)
    assert world.order.payment_status == "partial"
    assert [type(e) for e in world.pay()] == [sales.OrderCompleted]
    world.pay(residual=5)
    assert (world.order.status, world.order.payment_status, world.order.completed_at) == ("confirmed", "partial", None)
    assert [type(e) for e in world.pay()] == [sales.OrderCompleted]


def test_a_completed_order_is_not_moved_by_a_credit_note() -> None:
    order = _completed()
    order.lines[0].credited_quantity = D(2)
    assert order.note_quantities(order.lines, [Invoice(D(24), D(0))], NOW) == []
    assert (order.status, order.invoice_status, order.payment_status) == ("completed", "invoiced", "paid")


def test_a_credit_note_undoes_the_bill_of_a_cancelled_order() -> None:
    world = World(_confirmed())
    world.invoice(2)
    world.order.cancel("changed his mind", NOW)
    world.order.lines[0].credited_quantity = D(2)
    world.order.note_quantities(world.order.lines, world.invoices, NOW)
    assert (world.order.invoice_status, world.order.payment_status) == ("none", "none")


def test_cancelling_compensates_step_by_step() -> None:
    order = _confirmed()
    (cancelled,) = order.cancel("changed his mind", NOW)
    assert isinstance(cancelled, sales.OrderCancelled)
    steps = {step.name: step for step in steps_of(order)}
    assert (steps["credit"].status, steps["credit"].waits_for) == ("pending", "erp_finance.credit.released")
    assert (steps["confirmation"].status, steps["delivery"].status) == ("compensated", "failed")
    order.note_credit("released", NOW)
    order.note_release(False, order.lines, [], NOW)
    steps = {step.name: step for step in steps_of(order)}
    assert (steps["credit"].status, steps["stock"].status) == ("compensated", "compensated")
    assert order.delivery_status == "none"
    assert order.resume() == []


def test_a_cancelled_draft_concerns_nobody() -> None:
    order = _draft()
    assert order.cancel("changed his mind", NOW) == [] and steps_of(order) == ()
    assert order.resume() == []


def test_what_is_asked_again() -> None:
    assert [type(e) for e in _placed().resume()] == [sales.OrderPlaced]
    assert [type(e) for e in _confirmed().resume()] == [sales.OrderConfirmed]
    assert [type(e) for e in _cancelled().resume()] == [sales.OrderCancelled]
    world = World(_confirmed())
    world.ship(1)
    assert world.order.resume() == []
    with pytest.raises(InvalidTransition):
        _draft().resume()


def test_goods_that_were_faster_than_the_cancellation_stand() -> None:
    """Whatever arrives first, the order ends the same: what shipped is kept, billed and paid; the rest is dropped."""
    ends = set()
    for sequence in permutations(("ship", "release", "credit", "invoice")):
        world = World(_confirmed())
        world.order.cancel("changed his mind", NOW)
        told = [event for step in sequence for event in _late(world, step)]
        assert [type(e) for e in told] == [sales.OrderReinstated]
        order = world.order
        ends.add((order.status, order.delivery_status, order.invoice_status, order.payment_status, steps_of(order)))
        assert [type(e) for e in world.pay()] == [sales.OrderCompleted]
    assert len(ends) == 1
    ((status, delivery, invoicing, payment, _),) = ends
    assert (status, delivery, invoicing, payment) == ("confirmed", "delivered", "invoiced", "none")


def _late(world: World, step: str) -> list[Any]:
    match step:
        case "ship":
            return world.ship(1)
        case "release":
            return world.order.note_release(True, world.order.lines, world.invoices, NOW)
        case "credit":
            return world.order.note_credit("released", NOW)
    return world.invoice(1)


@given(st.permutations(["credit", "short", "stock", "ship", "ship", "invoice", "invoice"]))
def test_answers_in_any_order_end_the_same(sequence: list[str]) -> None:
    world = World(_placed())
    for step in sequence:
        _answer(world, step)
    assert [type(e) for e in world.pay()] == [sales.OrderCompleted]
    assert {step.status for step in steps_of(world.order)} == {"done"}


def _answer(world: World, step: str) -> None:
    match step:
        case "credit":
            world.order.note_credit("approved", NOW)
        case "short":
            world.order.note_stock("short", NOW)
        case "stock":
            world.order.note_stock("complete", NOW)
        case "ship":
            world.ship(1)
        case _:
            world.invoice(1)


@given(st.lists(st.sampled_from(process.CREDIT_RANKS), min_size=1))
def test_the_highest_answer_wins(answers: list[str]) -> None:
    reached = "none"
    for answer in answers:
        reached = process.higher(process.CREDIT_RANKS, reached, answer)
    assert reached == max(answers, key=process.CREDIT_RANKS.index)
