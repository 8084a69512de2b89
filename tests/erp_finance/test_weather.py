"""The same books whatever the order in which facts arrive, and however often."""

import random
from decimal import Decimal as D

import pytest
from sqlalchemy import text

from erp_finance.service import ErpFinance
from shared.schema.contract import Event
from tests.erp_finance.goods import Order, balances, invoices, known_customer, line, moved, verified
from tests.harness import Harness


def story() -> list[Event]:
    lamps = Order([line("Lamp", "3", "33.33", discount="7.5"), line("Book", "7", "12.49", tax="S5.5")])
    advice = Order([line("Advice", "2", "80.00", kind="service")], number="SO-2")
    ahead = Order([line("Sofa", "1", "900.00")], number="SO-3", policy="on_order")
    nothing = Order([line("Vase", "1", "20.00")], number="SO-4")
    return [
        lamps.placed, lamps.confirmed, lamps.shipped("1", "3"), lamps.shipped("2", "4"),
        advice.placed, advice.confirmed, ahead.placed, ahead.confirmed, ahead.shipped(), nothing.placed,
        nothing.cancelled, moved(("inventory", "internal", "500.00")), moved(("internal", "customer", "77.77")),
    ]  # fmt: skip


def tell(books: Harness, facts: list[Event]) -> None:
    for fact in facts:
        books.deliver(fact)
    while books.retry():
        pass


def book_of(service, facts: list[Event]) -> dict[str, D]:
    books = service(ErpFinance)
    known_customer(books)
    tell(books, facts)
    assert verified(books)["verified"]
    with books.session() as session:
        assert session.execute(text("SELECT count(*) FROM inbox WHERE state <> 'done'")).scalar() == 0
    assert len(invoices(books)) == 4
    return balances(books)


def test_as_is(service) -> None:
    facts = story()
    found = book_of(service, facts)
    assert sum(found.values()) == 0 and found["707"] == D("-900.00") - D("92.49") - D("87.43")


@pytest.mark.parametrize("seed", range(4))
def test_twice_and_shuffled(service, seed: int) -> None:
    facts = story()
    calm = book_of(service, facts)
    wild = [*facts, *facts]
    random.Random(seed).shuffle(wild)
    stormy = book_of(service, wild)
    assert {k: v for k, v in stormy.items() if k[0] != "4"} == {k: v for k, v in calm.items() if k[0] != "4"}
    assert abs(stormy["44571"] - calm["44571"]) <= D("0.02"), "tax is rounded per document, and shipments may swap"
