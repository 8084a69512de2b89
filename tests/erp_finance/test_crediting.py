"""Correcting invoices: whole, by lines, after payment; and by hand what no order asked for."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from erp_finance.errors import CreditExceedsInvoice, DateInFuture, DateTooEarly, NothingToCredit
from erp_finance.service import ErpFinance
from shared.contracts import erp_finance as finance
from shared.kernel.refusals import Invalid, InvalidTransition
from tests.days import present_day
from tests.erp_finance.goods import KEY, Order, balances, invoices, known_customer, line, pay, verified
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def sold(books: Harness) -> tuple[Order, dict[str, object]]:
    order = Order([line("Vase", "3", "9.99"), line("Atlas", "2", "24.50", tax="S5.5")])
    for fact in (order.placed, order.shipped()):
        assert books.deliver(fact) == "done"
    books.published()
    (invoice,) = invoices(books)
    return order, invoice


def test_a_full_credit_note_takes_everything_back(books: Harness) -> None:
    _, invoice = sold(books)
    note = books.call("credit_invoice", id=invoice["id"], key=KEY.format("full"), body={"reason": "broken"})
    assert note["number"].startswith("AV-") and note["corrects_id"] == invoice["id"]
    assert (note["gross_total"], note["residual"]) == (invoice["gross_total"], "0.00")
    assert books.call("get_invoice", id=invoice["id"])["status"] == "credited"
    assert set(balances(books).values()) == {D("0.00")}
    issued, settled = books.published()
    assert isinstance(issued, finance.CreditNoteIssued) and isinstance(settled, finance.InvoicePaid)
    assert [part.quantity for part in issued.lines] == [D(-3), D(-2)]
    with pytest.raises(NothingToCredit):
        books.call("credit_invoice", id=invoice["id"], key=KEY.format("again"), body={})
    assert verified(books)["verified"]


def test_lines_are_credited_in_parts_that_add_up(books: Harness) -> None:
    _, invoice = sold(books)
    vase = invoice["lines"][0]["id"]
    nets = []
    for n in range(3):
        body = {"lines": [{"line_id": vase, "quantity": "1"}]}
        note = books.call("credit_invoice", id=invoice["id"], key=KEY.format(f"part{n}"), body=body)
        nets.append(D(note["net_total"]))
    assert sum(nets) == D(invoice["lines"][0]["net"])
    with pytest.raises(CreditExceedsInvoice):
        books.call("credit_invoice", id=invoice["id"], key=KEY.format("more"), body=body)
    left = books.call("get_invoice", id=invoice["id"])
    assert left["status"] == "partially_paid"
    assert balances(books)["411"] == D(left["residual"])


def test_the_credit_of_a_paid_invoice_is_the_customers_money(books: Harness) -> None:
    order, invoice = sold(books)
    known_customer(books, order.customer_id)
    pay(books, order.customer_id, invoice["gross_total"], (invoice["id"], invoice["gross_total"]))
    note = books.call("credit_invoice", id=invoice["id"], key=KEY.format("late"), body={})
    assert note["residual"] == invoice["gross_total"]
    assert balances(books)["411"] == -D(invoice["gross_total"])
    exposure = books.call("get_exposure", id=order.customer_id)
    assert D(exposure["exposure"]) == -D(invoice["gross_total"])
    aged = books.call("report_aged_receivables")
    assert aged["totals"]["balance"] == "-" + invoice["gross_total"]


def manual(books: Harness, customer: object, price: str = "100.00", **fields: object) -> dict[str, object]:
    body = {"customer_id": str(customer), "lines": [{"description": "Repair", "kind": "service", "quantity": "1.5",
            "unit_price": price, "tax_code": "S20", "discount_percent": "10"}], **fields}  # fmt: skip
    made: dict[str, object] = books.call("create_invoice", body=body)
    return made


def test_an_invoice_by_hand(books: Harness) -> None:
    customer = known_customer(books)
    draft = manual(books, customer, payment_days=45)
    assert (draft["status"], draft["number"], draft["gross_total"]) == ("draft", None, "162.00")
    issued = books.call("issue_invoice", id=draft["id"], key=KEY.format("issue"), body={})
    assert (issued["status"], issued["number"]) == ("issued", f"FA-{present_day().year}-00001")
    assert issued["due_on"] == (present_day() + timedelta(days=45)).isoformat()
    assert {note["code"] for note in issued["notes"]} == {"PMT", "PMD", "AAB"}
    assert issued["billing_mode"] == "S1"
    with pytest.raises(InvalidTransition) as refused:
        books.call("issue_invoice", id=draft["id"], key=KEY.format("reissue"), body={})
    assert refused.value.details == {"state": "issued", "allowed": ["credit"]}
    assert balances(books) == {"411": 162, "706": -135, "44571": -27}
    entry = books.call("get_journal_entry", id=issued["entry_id"])
    assert (entry["journal"], entry["source_id"], len(entry["lines"])) == ("VT", draft["id"], 3)


def option(books: Harness, chosen: bool) -> None:
    (company,) = books.call("list_companies")["data"]
    books.call("update_company", id=company["id"], if_match=company["version"], body={"vat_on_debits": chosen})


def test_the_option_for_debits_stands_on_invoices_of_services_of_who_chose_it(books: Harness) -> None:
    """C6: décret 2022-1299. It is taken over when the invoice is issued, and stays; goods alone do not have it."""
    mention = {"code": "TXD", "text": "Option pour le paiement de la taxe d'après les débits"}
    customer = known_customer(books)

    def notes(kind: str, **more: object) -> list[dict[str, str]]:
        lines = [{"description": "x", "kind": kind, "quantity": "1", "unit_price": "10", **more}]
        draft = books.call("create_invoice", body={"customer_id": str(customer), "lines": lines})
        books.call("issue_invoice", id=draft["id"], key=KEY.format(draft["id"][-8:]), body={})
        found: list[dict[str, str]] = books.call("get_invoice", id=draft["id"])["notes"]
        return found

    assert mention not in notes("service")
    option(books, True)
    assert mention in notes("service") and mention not in notes("goods")
    order = Order([line("Vase", "1", "9.99"), line("Repair", "1", "20.00", kind="service")])
    books.deliver(order.placed)
    books.deliver(order.shipped())
    (mixed,) = invoices(books, order_id=str(order.id))
    note = books.call("credit_invoice", id=mixed["id"], key=KEY.format("mixed"), body={})
    assert mention in mixed["notes"] and mention in note["notes"]
    option(books, False)
    assert mention not in notes("service")
    assert mention in books.call("get_invoice", id=mixed["id"])["notes"]


def test_numbers_rise_with_the_date(books: Harness) -> None:
    customer, today = known_customer(books), present_day()
    first, second, third = (manual(books, customer) for _ in range(3))
    books.call("issue_invoice", id=first["id"], key=KEY.format("a"), body={"issued_on": today.isoformat()})
    yesterday = (today - timedelta(days=1)).isoformat()
    if (today - timedelta(days=1)).year == today.year:
        with pytest.raises(DateTooEarly):
            books.call("issue_invoice", id=second["id"], key=KEY.format("b"), body={"issued_on": yesterday})
    with pytest.raises(DateInFuture):
        later = (today + timedelta(days=1)).isoformat()
        books.call("issue_invoice", id=second["id"], key=KEY.format("c"), body={"issued_on": later})
    books.call("issue_invoice", id=third["id"], key=KEY.format("d"), body={})
    assert [i["number"][-5:] for i in invoices(books, status="issued")] == ["00001", "00002"]


def test_a_shipment_that_is_heard_of_late_is_dated_after_the_last_number(books: Harness) -> None:
    first, late = (Order([line("Vase", "1", "10.00")], number=f"SO-{n}") for n in (1, 2))
    for order in (first, late):
        books.deliver(order.placed)
    books.deliver(first.shipped())
    books.deliver(late.shipped(on=present_day() - timedelta(days=3)))
    dates = [i["issued_on"] for i in invoices(books)]
    assert dates == sorted(dates)


def test_an_unknown_tax_code_or_customer_is_refused(books: Harness) -> None:
    customer = known_customer(books)
    bad = {
        "customer_id": str(customer),
        "lines": [{"description": "x", "quantity": "1", "unit_price": "1", "tax_code": "S19"}],
    }
    with pytest.raises(Invalid) as refused:
        books.call("create_invoice", body=bad)
    assert refused.value.errors == [{"pointer": "/lines/0/tax_code", "code": "not_found"}]
    with pytest.raises(Invalid):
        manual(books, "01900000-0000-7000-8000-00000000dead")


@pytest.mark.parametrize(
    ("prices", "pointer"), [(["1", "999999999999"], "/lines/1"), (["300000000000", "300000000000"], "/lines")]
)
def test_an_invoice_by_hand_has_the_bound_of_all_amounts(books: Harness, prices: list[str], pointer: str) -> None:
    """C3: the net of a line, and the sum of the lines."""
    parts = [{"description": "Repair", "quantity": "2", "unit_price": price, "tax_code": "S20"} for price in prices]
    with pytest.raises(Invalid) as refused:
        books.call("create_invoice", body={"customer_id": str(known_customer(books)), "lines": parts})
    assert refused.value.errors == [{"pointer": pointer, "code": "out_of_range"}]
    assert books.call("list_invoices", query={})["data"] == []


def test_an_invoice_tells_when_nothing_of_it_is_left_to_credit(books: Harness) -> None:
    """`?with=verbs` says what the verb is then refused with, whatever its request names."""
    _, invoice = sold(books)
    whole = {"lines": [{"line_id": part["id"]} for part in invoice["lines"]]}
    books.call("credit_invoice", id=invoice["id"], key=KEY.format("first"), body={"lines": whole["lines"][:1]})
    assert books.verbs("get_invoice", id=invoice["id"])["credit"] is None
    books.call("credit_invoice", id=invoice["id"], key=KEY.format("rest"), body={})
    assert books.verbs("get_invoice", id=invoice["id"]) == {
        "issue": "invalid_transition",
        "credit": "nothing_to_credit",
    }
    for n, body in enumerate(({}, whole)):
        assert books.refused("credit_invoice", id=invoice["id"], key=KEY.format(n), body=body) == "nothing_to_credit"
