"""C1: what is billed, credited or cancelled in parts adds up to the whole, and nothing stays open."""

from decimal import Decimal as D
from itertools import permutations
from typing import Any

import pytest

from erp_finance.service import ErpFinance
from shared.kernel.refusals import Invalid
from tests.erp_finance.goods import KEY, Order, balances, invoices, known_customer, line, pay, verified
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def issued(books: Harness, *prices: str) -> dict[str, Any]:
    """An issued invoice by hand, one line for each price."""
    rows = [{"description": f"Part {n}", "quantity": "1", "unit_price": price} for n, price in enumerate(prices)]
    draft = books.call("create_invoice", body={"customer_id": str(known_customer(books)), "lines": rows})
    made: dict[str, Any] = books.call("issue_invoice", id=draft["id"], key=KEY.format(draft["id"][-8:]), body={})
    return made


@pytest.mark.parametrize("prices", [("69.79", "69.79", "69.79", "69.79"), ("0.12", "0.12", "0.12")])
def test_credit_notes_line_by_line_take_back_the_whole_invoice(books: Harness, prices: tuple[str, ...]) -> None:
    """Each rounded by itself, three lines of 0.12 left 0.01 open for ever, and four of 69.79 gave a cent too much."""
    invoice, notes = issued(books, *prices), []
    for n, part in enumerate(invoice["lines"]):
        body = {"lines": [{"line_id": part["id"]}]}
        notes.append(books.call("credit_invoice", id=invoice["id"], key=KEY.format(f"part{n}"), body=body))
    for total in ("net_total", "tax_total", "gross_total"):
        assert sum(D(note[total]) for note in notes) == D(invoice[total])
    left = books.call("get_invoice", id=invoice["id"])
    assert (left["status"], left["residual"]) == ("credited", "0.00")
    assert [note["residual"] for note in notes] == ["0.00"] * len(notes)
    assert set(balances(books).values()) == {D("0.00")}
    assert verified(books)["verified"]


@pytest.mark.parametrize("turn", list(permutations(range(3))))
def test_shipments_in_any_order_bill_the_order_to_the_cent(books: Harness, turn: tuple[int, ...]) -> None:
    """Tax per rate, too: rounded invoice by invoice it was a cent more or less than ordered."""
    order = Order([line("Nut", "3", "0.12"), line("Bolt", "3", "0.37"), line("Atlas", "3", "1.13", tax="S5.5")])
    books.deliver(order.placed)
    shipments = [order.shipped("1", "1", "1"), order.shipped("2", "0", "1"), order.shipped("0", "2", "1")]
    for n in turn:
        assert books.deliver(shipments[n]) == "done"
    bills = invoices(books)
    assert len(bills) == 3
    for total in ("net_total", "tax_total", "gross_total"):
        assert sum(D(bill[total]) for bill in bills) == getattr(order.placed, total)
    assert sum(_taxes(bills, "S20")) == D("0.29") and sum(_taxes(bills, "S5.5")) == D("0.19")
    known_customer(books, order.customer_id)
    parts = [(bill["id"], bill["gross_total"]) for bill in bills if D(bill["gross_total"])]
    pay(books, order.customer_id, str(order.placed.gross_total), *parts)
    assert {bill["residual"] for bill in invoices(books)} == {"0.00"}
    assert balances(books)["411"] == 0
    exposure = books.call("get_exposure", id=order.customer_id)
    assert (exposure["open_orders"], exposure["exposure"]) == ("0.00", "0.00")


def _taxes(bills: list[dict[str, Any]], code: str) -> list[D]:
    return [D(tax["amount"]) for bill in bills for tax in bill["taxes"] if tax["tax_code"] == code]


def test_crediting_part_invoices_gives_back_what_each_of_them_charged(books: Harness) -> None:
    order = Order([line("Nut", "3", "0.12")])
    books.deliver(order.placed)
    for _ in range(3):
        books.deliver(order.shipped("1"))
    for n, bill in enumerate(invoices(books)):
        note = books.call("credit_invoice", id=bill["id"], key=KEY.format(f"back{n}"), body={})
        assert (note["taxes"], note["gross_total"]) == (bill["taxes"], bill["gross_total"])
    assert {bill["status"] for bill in invoices(books)} == {"credited"}
    assert set(balances(books).values()) == {D("0.00")}


def test_a_cancellation_credits_what_nobody_credited_before(books: Harness) -> None:
    """A credit note by hand came first: the cancellation takes back the rest, and both are the invoice."""
    order = Order([line("Vase", "3", "0.05"), line("Rug", "1", "9.99")], policy="on_order")
    for fact in (order.placed, order.confirmed):
        assert books.deliver(fact) == "done"
    (bill,) = invoices(books)
    body = {"lines": [{"line_id": bill["lines"][0]["id"], "quantity": "1"}]}
    books.call("credit_invoice", id=bill["id"], key=KEY.format("by-hand"), body=body)
    assert books.deliver(order.cancelled) == "done"
    (bill,) = invoices(books)
    assert (bill["status"], bill["residual"]) == ("credited", "0.00")
    assert set(balances(books).values()) == {D("0.00")}


def test_what_ships_after_a_cancellation_is_billed_at_what_was_left(books: Harness) -> None:
    """Billed ahead, cancelled, and yet shipped: order and books mean the same cents."""
    order = Order([line("Vase", "2", "0.025"), line("Atlas", "2", "0.235", tax="S5.5")], policy="on_order")
    books.deliver(order.placed)
    books.deliver(order.confirmed)
    books.deliver(order.shipped("1", "1"))
    assert books.deliver(order.cancelled) == "done"
    assert books.deliver(order.shipped("1", "1")) == "done"
    notes = books.call("list_credit_notes")["data"]
    for total in ("net_total", "tax_total", "gross_total"):
        charged = sum(D(bill[total]) for bill in invoices(books)) - sum(D(note[total]) for note in notes)
        assert charged == getattr(order.placed, total)
    assert len(notes) == 1


def test_naming_an_invoice_or_a_line_twice_is_refused_with_one_code(books: Harness) -> None:
    """C2: credit kept the last of two, allocate summed them, payments refused: now all refuse, and nothing moves."""
    invoice = issued(books, "10.00")
    customer, line_id = invoice["customer_id"], invoice["lines"][0]["id"]
    paid = pay(books, customer, "5.00")
    part = {"invoice_id": invoice["id"], "amount": "1.00"}
    twice: dict[str, tuple[dict[str, Any], str]] = {
        "credit_invoice": ({"lines": [{"line_id": line_id, "quantity": "0.5"}] * 2}, "/lines/1/line_id"),
        "allocate_payment": ({"allocations": [part, part]}, "/allocations/1/invoice_id"),
        "unallocate_payment": ({"invoice_ids": [invoice["id"]] * 2}, "/invoice_ids/1"),
    }
    for operation, (body, pointer) in twice.items():
        of = invoice if operation == "credit_invoice" else paid
        with pytest.raises(Invalid) as refused:
            books.call(operation, id=of["id"], key=KEY.format(operation), body=body)
        assert refused.value.errors == [{"pointer": pointer, "code": "duplicate"}]
    assert books.call("get_invoice", id=invoice["id"]) == invoice
    assert books.call("get_payment", id=paid["id"])["unallocated"] == "5.00"
