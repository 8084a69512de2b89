"""Money that comes in: parts, too much, bounced, moved to another invoice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D

import pytest

from erp_finance.errors import AllocationExceedsInvoice, AllocationExceedsPayment
from erp_finance.service import ErpFinance
from shared.contracts import erp_finance as finance
from shared.kernel import clock
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, InvalidTransition
from tests.days import present_day
from tests.erp_finance.goods import KEY, Order, balances, invoices, known_customer, line, pay, verified
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def sold(books: Harness, *orders: Order) -> list[dict[str, object]]:
    for order in orders:
        assert books.deliver(order.placed) == "done"
        assert books.deliver(order.shipped()) == "done"
    books.published()
    return invoices(books)


def chairs() -> Order:
    return Order([line("Chair", "4", "25.00")])


def test_a_bounced_payment_opens_the_invoice_again(books: Harness) -> None:
    order = chairs()
    (invoice,) = sold(books, order)
    paid = pay(books, order.customer_id, "120.00", (invoice["id"], "120.00"))
    assert balances(books) == {"411": 0, "44571": -20, "512": 120, "707": -100}
    books.published()

    reversed_ = books.call("reverse_payment", id=paid["id"], key=KEY.format("bounce"), body={})
    assert (reversed_["status"], reversed_["allocations"], reversed_["unallocated"]) == ("reversed", [], "0.00")
    again = books.call("get_invoice", id=invoice["id"])
    assert (again["status"], again["residual"]) == ("issued", "120.00")
    undone, reopened = books.published()
    assert isinstance(undone, finance.PaymentReversed) and isinstance(reopened, finance.InvoiceReopened)
    assert (undone.number, undone.amount, undone.reversed_on) == (paid["number"], 120, present_day())
    (opened,) = undone.allocations
    assert (str(opened.invoice_id), opened.amount, opened.residual) == (invoice["id"], 120, 120)
    assert balances(books) == {"411": 120, "44571": -20, "512": 0, "707": -100}
    with pytest.raises(InvalidTransition):
        books.call("reverse_payment", id=paid["id"], key=KEY.format("twice"), body={})
    assert verified(books)["verified"]


def test_a_payment_is_found_by_the_invoices_that_it_settles(books: Harness) -> None:
    """D3/D4: `invoice_id` and `product_id` look into the parts; what was taken off an invoice is not found by it."""
    order, other = chairs(), chairs()
    invoice, second = sorted(
        sold(books, order, other), key=lambda found: found["customer_id"] != str(order.customer_id)
    )
    payment = pay(books, order.customer_id, "50.00", (invoice["id"], "20.00"))

    def found(**query: object) -> list[str]:
        return [row["id"] for row in books.call("list_payments", query={n: str(v) for n, v in query.items()})["data"]]

    assert found(invoice_id=invoice["id"]) == [payment["id"]] and found(invoice_id=second["id"]) == []
    assert found(**{"invoice_id[ne]": second["id"]}) == [payment["id"]]
    books.call("unallocate_payment", id=payment["id"], key=KEY.format("off"), body={})
    assert found(invoice_id=invoice["id"]) == [] and found(**{"invoice_id[is_null]": "true"}) == [payment["id"]]
    product = invoice["lines"][0]["product_id"]
    (billed,) = books.call("list_invoices", query={"product_id": product})["data"]
    assert billed["id"] == invoice["id"] and product != second["lines"][0]["product_id"]


def test_money_in_advance_is_allocated_later_and_taken_off_again(books: Harness) -> None:
    """D8: what is taken off again is told, with the invoices that are open again; nothing taken off is not."""
    order = chairs()
    (invoice,) = sold(books, order)
    payment = pay(books, order.customer_id, "50.00", (invoice["id"], "20.00"))
    assert payment["unallocated"] == "30.00"
    part = {"allocations": [{"invoice_id": invoice["id"], "amount": "30.00"}]}
    payment = books.call("allocate_payment", id=payment["id"], key=KEY.format("more"), body=part)
    assert payment["unallocated"] == "0.00" and len(payment["allocations"]) == 2
    with pytest.raises(AllocationExceedsPayment):
        books.call("allocate_payment", id=payment["id"], key=KEY.format("evenmore"), body=part)
    books.published()
    payment = books.call("unallocate_payment", id=payment["id"], key=KEY.format("back"), body={})
    assert payment["unallocated"] == "50.00" and payment["allocations"] == []
    told, *reopened = books.published()
    assert isinstance(told, finance.PaymentUnallocated)
    assert (told.number, told.unallocated, told.released_on) == (payment["number"], 50, present_day())
    assert [(str(part.invoice_id), part.amount) for part in told.allocations] == [
        (invoice["id"], 20),
        (invoice["id"], 30),
    ]
    assert {type(event) for event in reopened} == {finance.InvoiceReopened}
    books.call("unallocate_payment", id=payment["id"], key=KEY.format("nothing"), body={})
    assert books.published() == []
    assert books.call("get_invoice", id=invoice["id"])["residual"] == "120.00"
    assert balances(books)["411"] == 70


def test_an_invoice_is_never_paid_twice(books: Harness) -> None:
    order = chairs()
    (invoice,) = sold(books, order)
    drafts = [
        books.call("create_payment", body={
            "contact_id": str(order.customer_id), "amount": "120.00",
            "allocations": [{"invoice_id": invoice["id"], "amount": "120.00"}],
        })
        for _ in range(2)
    ]  # fmt: skip
    books.call("post_payment", id=drafts[0]["id"], key=KEY.format("one"))
    with pytest.raises(AllocationExceedsInvoice) as refused:
        books.call("post_payment", id=drafts[1]["id"], key=KEY.format("two"))
    assert refused.value.details["residual"] == "0.00"
    assert books.call("get_payment", id=drafts[1]["id"])["status"] == "draft"
    assert balances(books)["411"] == 0


def test_posting_twice_with_the_same_key_pays_once(books: Harness) -> None:
    order = chairs()
    (invoice,) = sold(books, order)
    draft = books.call("create_payment", body={
        "contact_id": str(order.customer_id), "amount": "120.00",
        "allocations": [{"invoice_id": invoice["id"], "amount": "120.00"}],
    })  # fmt: skip
    first = books.reply("post_payment", id=draft["id"], key=KEY.format("same"))
    second = books.reply("post_payment", id=draft["id"], key=KEY.format("same"))
    assert second.replayed and second.body == first.body
    assert balances(books)["512"] == 120
    with pytest.raises(InvalidTransition):
        books.call("post_payment", id=draft["id"], key=KEY.format("other"))


def test_what_could_never_be_posted_is_refused_at_once(books: Harness) -> None:
    order, stranger = chairs(), Order([line("Table", "1", "300.00")], number="SO-2")
    mine, theirs = sold(books, order, stranger)

    def codes(**body: object) -> list[tuple[str, str]]:
        with pytest.raises(Invalid) as refused:
            books.call("create_payment", body={"contact_id": str(order.customer_id), "amount": "50.00", **body})
        return [(e["pointer"], e["code"]) for e in refused.value.errors]

    part = {"invoice_id": mine["id"], "amount": "50.01"}
    assert codes(allocations=[part]) == [("/allocations", "out_of_range")]
    assert codes(allocations=[{**part, "amount": "1.00"}] * 2) == [("/allocations/1/invoice_id", "duplicate")]
    foreign = {"invoice_id": theirs["id"], "amount": "1.00"}
    assert codes(allocations=[foreign]) == [("/allocations/0/invoice_id", "not_found")]
    assert codes() == [("/contact_id", "not_found")]


def test_cash_goes_to_the_cash_journal_and_money_back_to_the_customer_is_the_mirror(books: Harness) -> None:
    order = chairs()
    (invoice,) = sold(books, order)
    pay(books, order.customer_id, "150.00", (invoice["id"], "120.00"), method="cash")
    known_customer(books, order.customer_id)
    back = pay(books, order.customer_id, "30.00", direction="out")
    assert back["status"] == "posted"
    assert balances(books) == {"411": 0, "44571": -20, "512": -30, "53": 150, "707": -100}
    exposure = books.call("get_exposure", id=order.customer_id)
    assert D(exposure["exposure"]) == 0


def test_payments_that_cross_on_the_same_invoices_neither_overpay_nor_deadlock(books: Harness) -> None:
    customer = new_id()
    orders = [Order([line("Chair", "4", "25.00")], customer_id=customer, number=f"SO-{n}") for n in range(3)]
    open_invoices = sold(books, *orders)
    drafts = []
    for n in range(12):
        chosen = open_invoices if n % 2 else open_invoices[::-1]
        parts = [{"invoice_id": invoice["id"], "amount": "15.00"} for invoice in chosen]
        body = {"contact_id": str(customer), "amount": "45.00", "allocations": parts}
        drafts.append(books.call("create_payment", body=body))

    def post(draft: dict[str, object]) -> str:
        try:
            posted = books.call("post_payment", id=draft["id"], key=KEY.format(draft["id"]))
        except AllocationExceedsInvoice:
            return "refused"
        return str(posted["status"])

    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(post, drafts))
    assert sorted(results) == ["posted"] * 8 + ["refused"] * 4
    assert {invoice["status"] for invoice in invoices(books)} == {"paid"}
    assert balances(books)["411"] == 0


def test_a_draft_payment_tells_why_it_cannot_be_posted(books: Harness) -> None:
    """`?with=verbs` says what the verb is then refused with, and opens no fiscal year to find out."""
    order, year = chairs(), present_day().year
    (invoice,) = sold(books, order)
    part = {"allocations": [{"invoice_id": invoice["id"], "amount": "120.00"}]}

    def draft(**given: object) -> str:
        body = {"contact_id": str(order.customer_id), "amount": "120.00", **part, **given}
        made: str = books.call("create_payment", body=body)["id"]
        return made

    drafts = {
        "foreign_currency": draft(currency="USD"),
        "no_period": draft(date=f"{year - 9}-05-05"),
        "date_in_future": draft(),
    }
    ahead, beside, settling, second = drafts.pop("date_in_future"), draft(date=f"{year - 1}-05-05"), draft(), draft()
    for code, payment_id in drafts.items():
        assert books.verbs("get_payment", id=payment_id)["post"] == code
        assert books.refused("post_payment", id=payment_id, key=KEY.format(code)) == code
    with clock.shifted(timedelta(days=-1)):
        assert books.verbs("get_payment", id=ahead)["post"] == "date_in_future"
        assert books.refused("post_payment", id=ahead, key=KEY.format("ahead")) == "date_in_future"
    years = [found["code"] for found in books.call("list_fiscal_years", query={})["data"]]
    assert books.verbs("get_payment", id=beside)["post"] is None and str(year - 1) not in years
    assert [found["code"] for found in books.call("list_fiscal_years", query={})["data"]] == years
    assert books.verbs("get_payment", id=settling)["post"] is None
    books.call("post_payment", id=settling, key=KEY.format("settling"))
    assert books.verbs("get_payment", id=second)["post"] == "allocation_exceeds_invoice"
    assert books.refused("post_payment", id=second, key=KEY.format("second")) == "allocation_exceeds_invoice"
    assert books.verbs("get_payment", id=settling) == {
        "post": "invalid_transition", "reverse": None, "allocate": "allocation_exceeds_payment", "unallocate": None,
    }  # fmt: skip
    told = books.refused("allocate_payment", id=settling, key=KEY.format("more"), body=part)
    assert told == "allocation_exceeds_payment"


def test_money_paid_out_tells_that_it_settles_no_invoice(books: Harness) -> None:
    """`?with=verbs` says what the verb is then refused with."""
    order = chairs()
    (invoice,) = sold(books, order)
    known_customer(books, order.customer_id)
    paid = pay(books, order.customer_id, "10.00", direction="out")
    part = {"allocations": [{"invoice_id": invoice["id"], "amount": "10.00"}]}
    told = books.verbs("get_payment", id=paid["id"])["allocate"]
    assert told == books.refused("allocate_payment", id=paid["id"], key=KEY.format("out"), body=part) == "invalid"
