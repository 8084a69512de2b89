"""How many SQL statements the hot paths cost, machinery included (BEGIN and COMMIT are no statements of ours)."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import event

from erp_finance.service import ErpFinance
from tests.erp_finance.goods import KEY, Order, invoices, known_customer, line, moved
from tests.harness import Harness


@contextmanager
def counted(books: Harness) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        statements.append(" ".join(statement.split())[:90])

    event.listen(books.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(books.engine, "before_cursor_execute", note)


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    made.deliver(moved(("inventory", "internal", "1.00")))
    return made


def lamps(customer_id: UUID) -> Order:
    return Order(
        [line("Desk lamp", "2", "30.00"), line("Book", "1", "9.90", tax="S5.5"), line("Rug", "1", "99.00")],
        customer_id=customer_id,
    )  # fmt: skip


def test_a_shipment_costs_at_most_fourteen_statements(books: Harness) -> None:
    order = lamps(known_customer(books))
    with counted(books) as placing:
        books.deliver(order.placed)
    with counted(books) as shipping:
        books.deliver(order.shipped())
    assert len(placing) <= 8, "\n".join(placing)
    assert len(shipping) <= 14, "\n".join(shipping)


def test_a_payment_costs_at_most_sixteen_statements_in_two_commands(books: Harness) -> None:
    order = lamps(known_customer(books))
    for fact in (order.placed, order.shipped()):
        books.deliver(fact)
    (invoice,) = invoices(books)
    body = {"contact_id": str(order.customer_id), "amount": invoice["gross_total"],
            "allocations": [{"invoice_id": invoice["id"], "amount": invoice["gross_total"]}]}  # fmt: skip
    books.call("report_trial_balance", query={})  # time zones are read once in five seconds
    with counted(books) as statements:
        payment = books.call("create_payment", body=body, key=KEY.format("create"))
        books.call("post_payment", id=payment["id"], key=KEY.format("post"))
    assert len(statements) <= 16, "\n".join(statements)


def test_a_stock_document_costs_at_most_nine_statements(books: Harness) -> None:
    with counted(books) as statements:
        books.deliver(moved(("internal", "customer", "12.00")))
    assert len(statements) <= 9, "\n".join(statements)
