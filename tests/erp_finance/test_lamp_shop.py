"""The lamp shop: from the order to the last cent, two shipments, two rates, a discount, two payments."""

from decimal import Decimal as D

from erp_finance.service import ErpFinance
from shared.contracts import erp_finance as finance
from tests.erp_finance.goods import Order, balances, invoices, line, moved, pay, verified


def lamps() -> Order:
    return Order([
        line("Desk lamp LUNA", "3", "33.33", discount="7.5"),
        line("Book on light", "7", "12.49", tax="S5.5"),
        line("Floor lamp SOL", "2", "119.90"),
    ])  # fmt: skip


def test_each_shipment_is_invoiced_and_the_parts_add_up_to_the_cent(service) -> None:
    books, order = service(ErpFinance), lamps()
    assert books.deliver(order.placed) == "done"
    assert books.deliver(order.confirmed) == "done"
    assert books.deliver(order.shipped("1", "3", "2")) == "done"
    assert books.deliver(order.shipped("2", "4", "0")) == "done"

    first, second = invoices(books)
    assert [first["number"][-5:], second["number"][-5:]] == ["00001", "00002"]
    assert first["net_total"] == str(D("30.83") + D("37.47") + D("239.80"))
    assert D(first["net_total"]) + D(second["net_total"]) == order.placed.net_total
    for invoice in (first, second):
        for tax in invoice["taxes"]:
            assert D(tax["amount"]) == (D(tax["base"]) * D(tax["rate"]) / 100).quantize(D("0.01"), "ROUND_HALF_UP")
        assert D(invoice["gross_total"]) == D(invoice["net_total"]) + sum(D(t["amount"]) for t in invoice["taxes"])
    gross = D(first["gross_total"]) + D(second["gross_total"])
    assert balances(books) == {"411": gross, "44571": order.placed.net_total - gross, "707": -order.placed.net_total}
    assert verified(books)["verified"]


def test_two_payments_settle_two_invoices_and_the_rest_stays_the_customers(service) -> None:
    books, order = service(ErpFinance), lamps()
    for event in (order.placed, order.confirmed, order.shipped("1", "3", "2"), order.shipped("2", "4", "0")):
        assert books.deliver(event) == "done"
    books.published()
    first, second = invoices(books)
    gross = D(first["gross_total"]) + D(second["gross_total"])

    paid = pay(books, order.customer_id, "300.00", (first["id"], "300.00"))
    assert paid["status"] == "posted" and paid["unallocated"] == "0.00"
    assert books.call("get_invoice", id=first["id"])["status"] == "partially_paid"
    rest = gross - 300
    paid = pay(
        books, order.customer_id, str(rest + 10),
        (first["id"], str(D(first["gross_total"]) - 300)), (second["id"], second["gross_total"]),
    )  # fmt: skip
    assert paid["unallocated"] == "10.00"
    assert {i["status"] for i in invoices(books)} == {"paid"}
    assert balances(books)["411"] == D("-10.00")
    events = books.published()
    assert [type(e) for e in events].count(finance.InvoicePaid) == 2
    received = [e for e in events if isinstance(e, finance.PaymentReceived)]
    assert [e.unallocated for e in received] == [D("0"), D("10")]
    assert received[0].allocations[0].residual == D(first["gross_total"]) - 300


def test_stock_is_valued_perpetually(service) -> None:
    books = service(ErpFinance)
    books.deliver(moved(("inventory", "internal", "500.00")))
    books.deliver(moved(("internal", "customer", "120.50"), ("internal", "customer", "0.35")))
    books.deliver(moved(("internal", "inventory", "9.15"), ("inventory", "internal", "1.00")))
    books.deliver(moved(("internal", "internal", "77.00")))
    books.deliver(moved(("customer", "internal", "20.00")))
    assert balances(books) == {"37": D("391.00"), "6037": D("-391.00")}


def test_services_ride_on_the_first_shipment_and_alone_are_invoiced_on_confirmation(service) -> None:
    books = service(ErpFinance)
    mixed = Order([line("Lamp", "2", "50.00"), line("Installation", "1", "80.00", kind="service")])
    for event in (mixed.placed, mixed.confirmed, mixed.shipped("1"), mixed.shipped("1")):
        assert books.deliver(event) == "done"
    assert [i["net_total"] for i in invoices(books)] == ["130.00", "50.00"]
    assert [i["billing_mode"] for i in invoices(books)] == ["M1", "B1"]
    advice = Order([line("Advice", "2", "100.00", kind="service")])
    books.deliver(advice.placed)
    books.deliver(advice.confirmed)
    assert balances(books)["706"] == D("-280.00")
    assert len(invoices(books, order_id=str(advice.id))) == 1


def test_an_order_invoiced_at_once_is_not_invoiced_again_by_its_shipments(service) -> None:
    books, order = service(ErpFinance), lamps()
    order.policy = "on_order"
    for event in (order.placed, order.confirmed, order.shipped()):
        assert books.deliver(event) == "done"
    (invoice,) = invoices(books)
    assert invoice["net_total"] == str(order.placed.net_total)
    assert invoice["due_on"] > invoice["issued_on"]
