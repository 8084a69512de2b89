"""The life of an order on a real database, with the answers of the other services played by hand."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.kernel import clock
from shared.kernel.ids import new_event_id
from shared.kernel.refusals import Conflict, Forbidden
from tests.crm_sales.shop import ADVICE, BOOK, LAMP, D, Shop
from tests.harness import message

TIMES = ("placed_at", "confirmed_at", "completed_at", "cancelled_at", "updated_at")


def test_from_order_to_cash(shop: Shop) -> None:
    order = shop.draft((LAMP, 4), (ADVICE, 1))
    shop.sales.call("place_order", id=order["id"], key="k" * 16, actor="ada")
    _, placed = shop.sales.published()
    assert [(line.quantity, line.net, line.tax_rate) for line in placed.lines] == [(4, D("199.60"), 20), (1, 80, 20)]
    assert (placed.payment_days, placed.customer_name, placed.gross_total) == (30, "Lumen SARL", D("335.52"))

    shop.hear(shop.reserved(order))
    assert (shop.read(order)["status"], shop.read(order)["delivery_status"], shop.told()) == ("placed", "reserved", [])
    shop.hear(shop.approved(order))
    assert (shop.read(order)["status"], shop.told()) == ("confirmed", ["OrderConfirmed"])

    first, last = shop.invoiced(order, 3, 1), shop.invoiced(order, 1, 0)
    shop.hear(shop.shipped(order, 3, 0), first, shop.received((first, D(100))))
    now = shop.read(order)
    assert (now["delivery_status"], now["invoice_status"], now["payment_status"]) == ("partial", "partial", "partial")
    assert [line["delivered_quantity"] for line in now["lines"]] == ["3", "1"]
    assert [line["invoiced_quantity"] for line in now["lines"]] == ["3", "1"]

    shop.hear(shop.shipped(order, 1, 0), last, shop.paid(first))
    assert shop.told() == []
    shop.hear(shop.received((last, D(0))), shop.paid(last))
    now = shop.read(order)
    assert (now["status"], now["delivery_status"], now["invoice_status"]) == ("completed", "delivered", "invoiced")
    assert shop.told() == ["OrderCompleted"]
    assert set(shop.steps(order).values()) == {("done", None)}


def test_answers_in_any_order_and_twice_end_in_the_same_order(shop: Shop) -> None:
    """Byte for byte, but for the times and the number of changes."""
    ends = set()
    for sequence in permutations(("approved", "reserved", "shipped", "invoiced", "paid")):
        order = shop.place((LAMP, 2))
        invoice = shop.invoiced(order)
        said: dict[str, Any] = {
            "approved": shop.approved(order),
            "reserved": shop.reserved(order),
            "shipped": shop.shipped(order),
            "invoiced": invoice,
            "paid": shop.paid(invoice),
        }
        for name in sequence:
            assert (
                shop.sales.deliver_body(said[name], body := message(said[name], new_event_id(said[name].full_type)))
                == "done"
            )
            assert shop.sales.deliver_body(said[name], body) == "duplicate"
        assert sorted(shop.told()) == ["OrderCompleted", "OrderConfirmed"]
        ends.add(_without_identity(shop.read(order)))
    assert len(ends) == 1


def _without_identity(order: dict[str, Any]) -> str:
    lines = [{name: value for name, value in line.items() if name != "id"} for line in order["lines"]]
    hidden = {"id", "number", "version", "created_at", *TIMES}
    return json.dumps({**{k: v for k, v in order.items() if k not in hidden}, "lines": lines})


def test_the_latest_word_about_an_invoice_counts(shop: Shop) -> None:
    """Paid, taken back, paid again; the first payment is heard of last."""
    order = shop.confirm((LAMP, 1))
    invoice = shop.invoiced(order)
    shop.hear(shop.shipped(order), invoice, shop.reopened(invoice, D("10")))
    with clock.shifted(timedelta(minutes=-1)):
        shop.hear(shop.received((invoice, D(0))), shop.paid(invoice))
    assert shop.read(order)["payment_status"] == "partial"
    shop.hear(shop.paid(invoice))
    assert shop.read(order)["status"] == "completed"


def test_held_and_released_by_somebody_else(shop: Shop) -> None:
    order = shop.place()
    shop.hear(shop.held(order), shop.reserved(order))
    now = shop.read(order)
    assert (now["status"], now["hold_reason"], shop.told()) == ("on_hold", "credit_limit_exceeded", ["OrderHeld"])
    assert shop.steps(order)["credit"] == ("failed", "credit_limit_exceeded")
    with pytest.raises(Forbidden) as refusal:
        shop.sales.call("release_hold_order", id=order["id"], actor="ada")
    assert refusal.value.code == "release_by_placer"
    released = shop.sales.call("release_hold_order", id=order["id"], actor="grace")
    assert (released["status"], released["hold_reason"]) == ("confirmed", None)
    assert shop.told() == ["HoldReleased", "OrderConfirmed"]
    assert shop.steps(order)["credit"] == ("done", "released_by_a_person")
    shop.hear(shop.held(order))
    assert shop.read(order)["status"] == "confirmed"


def _verbs(shop: Shop, order: dict[str, Any], **caller: Any) -> dict[str, Any]:
    """For each verb None where it is possible, else the code of why not."""
    told = shop.sales.call("get_order", id=order["id"], query={"with": "verbs"}, **caller)["verbs"]
    return {verb: reason and reason["code"] for verb, reason in told.items()}


def test_an_order_tells_which_verbs_are_possible_and_why_others_are_not(shop: Shop) -> None:
    """`?with=verbs` says what the verb itself would be refused with."""
    order = shop.place()
    shop.hear(shop.held(order))
    others = {"place": "invalid_transition", "cancel": None, "resume": None}
    assert _verbs(shop, order, actor="ada") == {**others, "release_hold": "release_by_placer"}
    assert _verbs(shop, order, actor="grace") == {**others, "release_hold": None}
    shipped = shop.confirm()
    shop.hear(shop.shipped(shipped))
    now = {"place": "invalid_transition", "release_hold": "invalid_transition"}
    assert _verbs(shop, shipped) == {**now, "cancel": "already_shipped", "resume": "nothing_to_resume"}


def test_a_shortage_waits_for_goods(shop: Shop) -> None:
    order = shop.place()
    shop.hear(shop.approved(order), shop.reserved(order, complete=False))
    now = shop.read(order)
    assert (now["status"], now["delivery_status"], shop.told()) == ("placed", "backordered", ["OrderBackordered"])
    assert shop.steps(order)["stock"] == ("pending", "backordered")
    shop.hear(shop.reserved(order))
    assert (shop.read(order)["status"], shop.told()) == ("confirmed", ["OrderConfirmed"])


BEFORE_CANCELLING: dict[str, Callable[[Shop, dict[str, Any]], list[Any]]] = {
    "placed": lambda shop, order: [],
    "credit approved": lambda shop, order: [shop.approved(order)],
    "credit held": lambda shop, order: [shop.held(order)],
    "stock reserved": lambda shop, order: [shop.reserved(order)],
    "backordered": lambda shop, order: [shop.reserved(order, complete=False)],
    "confirmed": lambda shop, order: [shop.approved(order), shop.reserved(order)],
}


@pytest.mark.parametrize("point", BEFORE_CANCELLING)
def test_cancelled_at_any_point_before_shipment(shop: Shop, point: str) -> None:
    order = shop.place()
    shop.hear(*BEFORE_CANCELLING[point](shop, order))
    shop.told()
    cancelled = shop.sales.call("cancel_order", id=order["id"], body={"reason": "changed his mind"})
    assert (cancelled["status"], cancelled["cancel_reason"], shop.told()) == (
        "cancelled", "changed his mind", ["OrderCancelled"],
    )  # fmt: skip
    shop.hear(shop.approved(order), shop.reserved(order), shop.stock_released(order), shop.credit_released(order))
    shop.hear(shop.held(order), shop.reserved(order, complete=False))
    now = shop.read(order)
    assert (now["status"], now["delivery_status"], now["hold_reason"], shop.told()) == ("cancelled", "none", None, [])
    steps = shop.steps(order)
    assert steps["credit"] == steps["stock"] == ("compensated", None)
    assert steps["delivery"] == steps["payment"] == ("failed", "cancelled")


def test_a_draft_is_cancelled_without_asking_anybody(shop: Shop) -> None:
    order = shop.draft()
    shop.told()
    assert shop.sales.call("cancel_order", id=order["id"], body={"reason": "no"})["status"] == "cancelled"
    assert shop.told() == ["OrderChanged"] and shop.steps(order) == {}


def test_after_shipment_cancelling_is_refused(shop: Shop) -> None:
    order = shop.confirm((LAMP, 2))
    shop.hear(shop.shipped(order, 1))
    with pytest.raises(Conflict) as refusal:
        shop.sales.call("cancel_order", id=order["id"], body={"reason": "too late"})
    assert refusal.value.code == "already_shipped"


def test_goods_that_left_before_the_cancellation_arrived(shop: Shop) -> None:
    """Every order of arrival: reinstated once, completed by what shipped alone."""
    ends = set()
    for sequence in permutations(("shipped", "stock_released", "credit_released", "invoiced")):
        order = shop.confirm((LAMP, 3), (ADVICE, 1))
        shop.sales.call("cancel_order", id=order["id"], body={"reason": "changed his mind"})
        invoice = shop.invoiced(order, 2, 1)
        said: dict[str, Any] = {
            "shipped": shop.shipped(order, 2, 0),
            "stock_released": shop.stock_released(order, shipped=True),
            "credit_released": shop.credit_released(order),
            "invoiced": invoice,
        }
        shop.hear(*(said[name] for name in sequence))
        assert shop.told() == ["OrderCancelled", "OrderReinstated"]
        ends.add(_without_identity(shop.read(order)))
        shop.hear(shop.paid(invoice))
        assert shop.told() == ["OrderCompleted"]
    (end,) = ends
    now = json.loads(end)
    assert (now["status"], now["delivery_status"], now["invoice_status"]) == ("confirmed", "delivered", "invoiced")


def test_a_payment_taken_back_reopens_a_completed_order(shop: Shop) -> None:
    order = shop.confirm((LAMP, 1))
    invoice = shop.invoiced(order)
    shop.hear(shop.shipped(order), invoice, shop.paid(invoice))
    shop.hear(shop.credited(order, invoice), shop.approved(order), shop.reserved(order, complete=False))
    assert shop.read(order)["status"] == "completed"
    shop.told()
    shop.hear(shop.reopened(invoice, D("10")))
    now = shop.read(order)
    assert (now["status"], now["payment_status"], now["completed_at"]) == ("confirmed", "partial", None)
    shop.hear(shop.paid(invoice))
    assert shop.told() == ["OrderCompleted"]


def test_services_alone_need_no_warehouse(shop: Shop) -> None:
    order = shop.confirm((ADVICE, 2))
    assert (order["status"], order["delivery_status"]) == ("confirmed", "delivered")
    assert order["lines"][0]["delivered_quantity"] == "2"
    invoice = shop.invoiced(order)
    shop.hear(shop.paid(invoice), invoice)
    assert shop.read(order)["status"] == "completed"


def test_invoiced_on_order_and_completed_on_delivery(shop: Shop) -> None:
    order = shop.confirm((LAMP, 1), invoicing_policy="on_order")
    invoice = shop.invoiced(order)
    shop.hear(invoice, shop.paid(invoice))
    assert shop.read(order)["status"] == "confirmed"
    shop.hear(shop.shipped(order))
    assert shop.read(order)["status"] == "completed"


def test_a_cancelled_order_that_was_billed_in_advance(shop: Shop) -> None:
    order = shop.confirm((LAMP, 1), invoicing_policy="on_order")
    invoice = shop.invoiced(order)
    shop.hear(invoice)
    shop.sales.call("cancel_order", id=order["id"], body={"reason": "changed his mind"})
    shop.hear(
        shop.stock_released(order), shop.paid(invoice), shop.credited(order, invoice), shop.credit_released(order)
    )
    now = shop.read(order)
    assert (now["status"], now["invoice_status"], now["payment_status"]) == ("cancelled", "none", "none")


def test_one_payment_for_two_orders(shop: Shop) -> None:
    orders = [shop.confirm((LAMP, 1)), shop.confirm((BOOK, 1))]
    invoices = [shop.invoiced(order) for order in orders]
    for order, invoice in zip(orders, invoices, strict=True):
        shop.hear(shop.shipped(order), invoice)
    shop.hear(shop.received(*((invoice, D(0)) for invoice in invoices)))
    assert [shop.read(order)["status"] for order in orders] == ["completed", "completed"]


def test_an_answer_about_an_order_that_is_not_here_waits(shop: Shop) -> None:
    stranger = {**shop.draft(), "id": "01a00000-0000-7000-8000-000000000001"}
    assert shop.sales.deliver(shop.approved(stranger)) == "retry"


def test_a_late_step_is_shown_and_asked_again(shop: Shop) -> None:
    order = shop.place()
    shop.hear(shop.approved(order))
    with clock.shifted(timedelta(minutes=6)):
        shop.sales.tick("mark_overdue")
        assert shop.steps(order)["stock"] == ("pending", "overdue")
        assert shop.steps(order)["delivery"] == ("pending", None)
        shop.sales.call("resume_order", id=order["id"])
        assert shop.told() == ["OrderPlaced"]
        assert shop.steps(order)["stock"] == ("pending", None)
        shop.sales.tick("mark_overdue")
        assert shop.steps(order)["stock"] == ("pending", None)
    shop.hear(shop.reserved(order))
    shop.told()
    shop.sales.call("resume_order", id=order["id"])
    assert shop.told() == ["OrderConfirmed"]
    shop.hear(shop.shipped(order))
    with pytest.raises(Conflict) as refusal:
        shop.sales.call("resume_order", id=order["id"])
    assert refusal.value.code == "nothing_to_resume"


def test_progress_names_what_a_step_waits_for(shop: Shop) -> None:
    order = shop.place()
    progress = shop.sales.call("progress_of_orders", id=order["id"])
    assert [step["name"] for step in progress["steps"]] == [
        "placed", "credit", "stock", "confirmation", "delivery", "invoicing", "payment",
    ]  # fmt: skip
    waits = {step["name"]: step["waits_for"] for step in progress["steps"]}
    assert (waits["credit"], waits["stock"]) == ("erp_finance.credit.approved", "erp_inventory.stock.reserved")
    assert (waits["confirmation"], waits["delivery"], waits["payment"]) == (
        "credit and stock",
        "confirmation",
        "invoicing",
    )
    deadlines = {step["name"]: step["deadline"] is not None for step in progress["steps"]}
    assert deadlines == {name: name in ("credit", "stock") for name in deadlines}


def test_the_trace_tells_the_chain_of_documents(shop: Shop) -> None:
    order = shop.confirm((LAMP, 1))
    invoice = shop.invoiced(order)
    shop.hear(shop.shipped(order), invoice, shop.paid(invoice))
    nodes = shop.sales.call("trace_of_orders", id=order["id"])["nodes"]
    facts = [(node["type"], node["event_type"].split(".", 2)[2]) for node in nodes]
    assert facts == [
        ("order", "order.placed.v1"),
        ("order", "credit.approved.v1"),
        ("delivery", "stock.reserved.v1"),
        ("order", "order.confirmed.v1"),
        ("delivery", "delivery.shipped.v1"),
        ("invoice", "invoice.issued.v1"),
        ("invoice", "invoice.paid.v1"),
        ("order", "order.completed.v1"),
    ]
    by_type = {node["event_type"].split(".", 2)[2]: node for node in nodes}
    assert by_type["order.confirmed.v1"]["caused_by"] == by_type["stock.reserved.v1"]["event_id"]
    assert by_type["order.completed.v1"]["caused_by"] == by_type["invoice.paid.v1"]["event_id"]


def test_billed_ahead_cancelled_and_yet_shipped(shop: Shop) -> None:
    """The advance invoice is credited, what left is billed anew, and only that has to be paid."""
    order = shop.confirm((LAMP, 3), invoicing_policy="on_order")
    ahead, anew = shop.invoiced(order), shop.invoiced(order, 1)
    shop.hear(ahead)
    shop.sales.call("cancel_order", id=order["id"], body={"reason": "changed his mind"})
    shop.hear(
        shop.credited(order, ahead), shop.paid(ahead), shop.shipped(order, 1), shop.stock_released(order, shipped=True)
    )
    now = shop.read(order)
    assert (now["status"], now["delivery_status"], now["invoice_status"]) == ("confirmed", "delivered", "none")
    shop.hear(anew)
    assert (shop.read(order)["invoice_status"], shop.read(order)["payment_status"]) == ("invoiced", "partial")
    shop.hear(shop.paid(anew))
    assert shop.read(order)["status"] == "completed"


def invoicing(shop: Shop, order: dict[str, Any]) -> tuple[str, str | None, bool]:
    """(status, what the step waits for, whether it has a deadline)."""
    steps = shop.sales.call("progress_of_orders", id=order["id"])["steps"]
    (step,) = (step for step in steps if step["name"] == "invoicing")
    return step["status"], step["waits_for"], step["deadline"] is not None


FINANCE, GOODS = ("pending", "erp_finance.invoice.issued", True), ("pending", "delivery", False)


def test_between_two_part_shipments_invoicing_waits_for_goods_and_has_no_deadline(shop: Shop) -> None:
    """C5: it waited for finance, which had nothing to bill, and was overdue after 15 minutes."""
    order = shop.confirm((LAMP, 3), (ADVICE, 1))
    assert invoicing(shop, order) == GOODS
    shop.hear(shop.shipped(order, 1, 0))
    assert invoicing(shop, order) == FINANCE
    shop.hear(shop.invoiced(order, 1, 1))
    assert invoicing(shop, order) == GOODS
    with clock.shifted(timedelta(days=1)):
        shop.sales.tick("mark_overdue")
        assert shop.steps(order)["invoicing"] == ("pending", None)
    shop.hear(shop.shipped(order, 2, 0))
    assert invoicing(shop, order) == FINANCE
    with clock.shifted(timedelta(minutes=16)):
        shop.sales.tick("mark_overdue")
        assert shop.steps(order)["invoicing"] == ("pending", "overdue")
        shop.hear(shop.invoiced(order, 2, 0))
        assert shop.steps(order)["invoicing"] == ("done", None)


def test_an_invoice_gives_the_next_one_its_full_time(shop: Shop) -> None:
    """C5: two shipments wait for finance; the first invoice comes late, the second is not late with it."""
    order = shop.confirm((LAMP, 2))
    shop.hear(shop.shipped(order, 1), shop.shipped(order, 1))
    with clock.shifted(timedelta(minutes=14)):
        shop.hear(shop.invoiced(order, 1))
        assert invoicing(shop, order) == FINANCE
    with clock.shifted(timedelta(minutes=16)):
        shop.sales.tick("mark_overdue")
        assert shop.steps(order)["invoicing"] == ("pending", None)


def test_what_is_billed_at_once_waits_for_finance_from_its_confirmation(shop: Shop) -> None:
    """C5: orders of services and those invoiced on order."""
    for order in (shop.confirm((ADVICE, 2)), shop.confirm((LAMP, 1), invoicing_policy="on_order")):
        assert invoicing(shop, order) == FINANCE
        shop.hear(shop.invoiced(order))
        assert shop.steps(order)["invoicing"] == ("done", None)
