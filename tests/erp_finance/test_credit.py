"""How much a customer may owe: held, approved, released; exposure follows order, invoice, payment."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from uuid import UUID

import pytest
from sqlalchemy import select

from erp_finance.models import CreditApproval, Customer, SalesOrder
from erp_finance.service import ErpFinance
from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, NotFound
from tests.erp_finance.goods import Order, balances, invoices, known_customer, line, pay
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def limited(books: Harness, limit: str | None) -> UUID:
    customer = known_customer(books)
    books.call("create_credit_limit", body={"customer_id": str(customer), "limit": limit})
    (told,) = books.published()
    assert isinstance(told, finance.CreditLimit.created) and told.contact_id == customer
    return customer


def order_of(customer: UUID, net: str, number: str = "SO-1", **fields: object) -> Order:
    return Order([line("Sofa", "1", net)], customer_id=customer, number=number, **fields)  # type: ignore[arg-type]


def exposure(books: Harness, customer: UUID) -> tuple[str, str, str, str | None]:
    shown = books.call("get_exposure", id=customer)
    return shown["open_orders"], shown["receivable"], shown["exposure"], shown["headroom"]


def test_exposure_follows_the_order_to_the_last_payment(books: Harness) -> None:
    customer = limited(books, "1000.00")
    order = Order([line("Sofa", "2", "250.00")], customer_id=customer)
    books.deliver(order.placed)
    assert exposure(books, customer) == ("600.00", "0.00", "600.00", "400.00")
    books.deliver(order.shipped("1"))
    assert exposure(books, customer) == ("300.00", "300.00", "600.00", "400.00")
    (invoice,) = invoices(books)
    pay(books, customer, "310.00", (invoice["id"], "300.00"))
    assert exposure(books, customer) == ("300.00", "0.00", "290.00", "710.00")
    books.deliver(order.shipped("1"))
    assert exposure(books, customer) == ("0.00", "300.00", "290.00", "710.00")


def test_over_the_limit_is_held_until_somebody_answers_for_it(books: Harness) -> None:
    customer = limited(books, "1000.00")
    books.deliver(order_of(customer, "500.00").placed)
    held = order_of(customer, "400.00", "SO-2")
    books.deliver(held.placed)
    approved, refused = books.published()
    assert isinstance(approved, finance.CreditApproved) and approved.exposure == 600
    assert isinstance(refused, finance.CreditHeld) and (refused.exposure, refused.limit) == (1080, 1000)
    assert exposure(books, customer)[2] == "600.00"

    books.deliver(held.released(by="claire"))
    assert exposure(books, customer)[2:] == ("1080.00", "-80.00")
    with books.session() as session:
        approval = session.scalars(select(CreditApproval)).one()
    assert (approval.order_id, approval.approved_by, approval.exposure) == (held.id, "claire", D("1080.00"))
    books.deliver(held.released(by="claire"))
    assert exposure(books, customer)[2] == "1080.00"


def test_an_approval_that_is_heard_of_after_the_shipment_opens_nothing_again(books: Harness) -> None:
    customer = limited(books, "10.00")
    order = Order([line("Pin", "3", "0.33"), line("Cup", "1", "20.00")], customer_id=customer)
    for fact in (order.placed, order.shipped("1", "1"), order.shipped("1"), order.shipped("1"), order.released()):
        assert books.deliver(fact) == "done"
    receivable = sum(D(invoice["gross_total"]) for invoice in invoices(books))
    assert exposure(books, customer) == ("0.00", str(receivable), str(receivable), str(10 - receivable))


def test_a_cancelled_order_gives_its_credit_back(books: Harness) -> None:
    customer = limited(books, "1000.00")
    first, second = order_of(customer, "800.00"), order_of(customer, "700.00", "SO-2")
    books.deliver(first.placed)
    books.deliver(first.cancelled)
    assert exposure(books, customer)[2] == "0.00"
    books.deliver(second.placed)
    assert [type(e) for e in books.published()] == [
        finance.CreditApproved, finance.CreditReleased, finance.CreditApproved,
    ]  # fmt: skip
    held = order_of(customer, "700.00", "SO-3")
    books.deliver(held.placed)
    books.deliver(held.cancelled)
    books.deliver(held.cancelled)
    assert [type(e) for e in books.published()] == [finance.CreditHeld, finance.CreditReleased, finance.CreditReleased]
    assert exposure(books, customer)[2] == "840.00"


def test_a_cancellation_that_comes_first_leaves_no_exposure(books: Harness) -> None:
    customer = limited(books, "1000.00")
    order = order_of(customer, "100.00")
    assert books.deliver(order.cancelled) == "done"
    assert books.deliver(order.shipped()) == "retry"
    assert books.deliver(order.placed) == "done"
    assert exposure(books, customer)[2] == "0.00"
    assert [type(e) for e in books.published()] == [finance.CreditReleased]
    books.retry()
    assert [i["gross_total"] for i in invoices(books)] == ["120.00"], "what left is invoiced in any case"


def test_an_order_billed_ahead_is_credited_when_it_is_cancelled(books: Harness) -> None:
    order = Order([line("Sofa", "2", "250.00"), line("Advice", "1", "50.00", kind="service")], policy="on_order")
    for fact in (order.placed, order.confirmed, order.cancelled):
        assert books.deliver(fact) == "done"
    assert set(balances(books).values()) == {D("0.00")}
    assert invoices(books)[0]["status"] == "credited"
    assert books.deliver(order.shipped("1")) == "done"
    assert [i["net_total"] for i in invoices(books)] == ["550.00", "300.00"]


def test_what_left_before_the_cancellation_stays_invoiced(books: Harness) -> None:
    order = Order([line("Sofa", "2", "250.00"), line("Advice", "1", "50.00", kind="service")], policy="on_order")
    for fact in (order.placed, order.confirmed, order.shipped("1"), order.cancelled):
        assert books.deliver(fact) == "done"
    assert balances(books) == {"411": 360, "44571": -60, "706": -50, "707": -250}


def test_no_two_orders_share_the_last_of_a_limit(books: Harness) -> None:
    customer = limited(books, "600.00")
    orders = [order_of(customer, "100.00", f"SO-{n}") for n in range(12)]
    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(lambda order: books.deliver(order.placed), orders)) == {"done"}
    answers = books.published()
    assert sum(isinstance(answer, finance.CreditApproved) for answer in answers) == 5
    assert exposure(books, customer)[2] == "600.00"
    with books.session() as session:
        orders_held = session.scalars(select(SalesOrder).where(SalesOrder.credit == "held")).all()
    assert len(orders_held) == 7


def test_a_limit_is_changed_and_taken_away(books: Harness) -> None:
    """D8: who may owe how much is told, with what was before."""
    customer = limited(books, "10.00")
    (limit,) = books.call("list_credit_limits", query={"customer_id": str(customer)})["data"]
    books.deliver(order_of(customer, "100.00").placed)
    books.call("update_credit_limit", id=limit["id"], body={"limit": None}, if_match=limit["version"])
    books.deliver(order_of(customer, "100.00", "SO-2").placed)
    held, changed, approved = books.published()
    assert isinstance(held, finance.CreditHeld) and isinstance(approved, finance.CreditApproved)
    assert isinstance(changed, finance.CreditLimit.updated)
    assert (changed.contact_id, changed.limit, changed.changes) == (customer, None, {"limit": ["10.00", None]})
    assert exposure(books, customer)[3] is None


def test_a_deleted_contact_is_forgotten_unless_the_books_name_it(books: Harness) -> None:
    """D8: whoever has an invoice, a limit, a payment or an account stays, as erased."""
    unknown, owing = known_customer(books), known_customer(books)
    books.call("create_credit_limit", body={"customer_id": str(owing), "limit": "10"})
    for contact_id in (unknown, owing):
        assert books.deliver(contacts.ContactDeleted(contact_id=contact_id)) == "done"
    with pytest.raises(NotFound):
        books.call("get_exposure", id=unknown)
    assert books.call("get_exposure", id=owing)["limit"] == "10.00"
    with books.session() as session:
        assert session.get_one(Customer, owing).status == "erased"


def test_a_deleted_product_is_not_invoiced_by_hand(books: Harness) -> None:
    """D8: it was known for ever."""
    product_id, customer = new_id(), known_customer(books)
    line = {"product_id": str(product_id), "description": "Lamp", "quantity": "1", "unit_price": "10"}
    body = {"customer_id": str(customer), "lines": [line]}
    made = inventory.ProductCreated(
        product_id=product_id, sku="lamp", name="Lamp", kind="goods", unit="unit", sale_price=D(10), tax_code="S20",
        active=True,
    )  # fmt: skip
    assert books.deliver(made) == "done"
    assert books.call("create_invoice", body=body)["status"] == "draft"
    assert books.deliver(inventory.ProductDeleted(product_id=product_id, sku="lamp")) == "done"
    with pytest.raises(Invalid) as refused:
        books.call("create_invoice", body=body)
    assert [e["code"] for e in refused.value.errors] == ["not_found"]
