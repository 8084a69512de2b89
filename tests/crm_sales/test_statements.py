"""How many SQL statements each step of an order costs, the machinery's included: the budget of the flow."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.crm_sales.shop import ADVICE, BOOK, LAMP, LUMEN, D, Shop


@contextmanager
def _at_most(most: int, shop: Shop) -> Iterator[None]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        statements.extend([statement[:100]] * (len(parameters) if many and isinstance(parameters, list) else 1))

    event.listen(shop.sales.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(shop.sales.engine, "before_cursor_execute", note)
    assert len(statements) <= most, "\n".join(statements)


def test_the_budget_of_an_order_of_three_lines(shop: Shop) -> None:
    lines = [{"product_id": str(p), "quantity": "2"} for p in (LAMP, BOOK, ADVICE)]
    # Time zones and required custom fields are read once in five seconds; the first order does.
    shop.sales.call("create_order", body={"customer_id": str(LUMEN), "lines": lines})
    with _at_most(8, shop):
        order = shop.sales.call("create_order", body={"customer_id": str(LUMEN), "lines": lines}, key="create-lines-1")
    with _at_most(7, shop):
        shop.sales.call("place_order", id=order["id"], key="place-lines-01")
    first, last = shop.invoiced(order, 1, 1, 2), shop.invoiced(order, 1, 1, 0)
    for most, told in (
        (6, shop.approved(order)),  # credit approved
        (6, shop.reserved(order, complete=False)),  # stock short
        (7, shop.reserved(order)),  # stock reserved, confirmed
        (6, shop.shipped(order, 1, 1, 0)),  # delivery shipped
        (7, first),  # invoice issued
        (6, shop.received((first, D(1)))),  # payment received
        (6, shop.shipped(order, 1, 1, 0)),  # delivery of the rest
        (7, last),  # invoice of the rest
        (6, shop.paid(first)),  # invoice paid
        (7, shop.paid(last)),  # last invoice paid, completed
    ):
        with _at_most(most, shop):
            shop.hear(told)
    assert shop.read(order)["status"] == "completed"
    with _at_most(2, shop):
        shop.read(order)
    with _at_most(2, shop):
        shop.sales.call("list_orders", query={"status": "completed"})


def test_a_long_order_costs_no_more_statements(shop: Shop) -> None:
    lines = [{"product_id": str(LAMP), "quantity": "1"} for _ in range(60)]
    with _at_most(9, shop):
        order = shop.sales.call("create_order", body={"customer_id": str(LUMEN), "lines": lines})
    with _at_most(8, shop):
        order = shop.sales.call("update_order", id=order["id"], if_match=1, body={"lines": lines})
    shop.sales.call("place_order", id=order["id"], key="place-lines-60")
    shop.hear(shop.approved(order), shop.reserved(order))
    with _at_most(6, shop):
        shop.hear(shop.shipped(order))
    with _at_most(7, shop):
        shop.hear(shop.invoiced(order))
