"""A lamp shop's warehouse: the vocabulary of the tests."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event as sa_event
from sqlalchemy import text

from erp_inventory.service import ErpInventory
from shared.contracts import crm_sales as sales
from shared.kernel import ids
from shared.schema.contract import Event
from tests.harness import Harness

CUSTOMER = UUID("01900000-0000-7000-8000-00000000c001")


class Shop:
    """The warehouse of a lamp shop, driven through operations and events only."""

    def __init__(self, harness: Harness) -> None:
        self.inventory = harness
        self.keys = 0

    def product(self, sku: str, **fields: Any) -> str:
        body = {"sku": sku, "name": sku.replace("-", " ").title(), **fields}
        return str(self.inventory.call("create_product", body=body)["id"])

    def key(self) -> str:
        self.keys += 1
        return f"adjusting-{self.keys:012d}"

    def adjust(self, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
        body = {"reason": "opening stock", "lines": list(lines), **fields}
        return dict(self.inventory.call("create_stock_adjustment", body=body, key=self.key()))

    def receive(self, product: str, quantity: str, unit_cost: str = "1") -> dict[str, Any]:
        return self.adjust({"product_id": product, "quantity_delta": quantity, "unit_cost": unit_cost})

    def stock(self, product: str) -> dict[str, Any]:
        (level,) = self.inventory.call("list_stock_levels", query={"product_id": product})["data"]
        return dict(level)

    def figures(self, product: str) -> tuple[str, str, str]:
        """on hand, reserved, value"""
        level = self.stock(product)
        return level["on_hand"], level["reserved"], level["value"]

    def place(self, *lines: tuple[str, str], **fields: Any) -> sales.OrderPlaced:
        placed = order(*lines, **fields)
        assert self.inventory.deliver(placed) == "done"
        return placed

    def confirm(self, placed: sales.OrderPlaced) -> str:
        return self.inventory.deliver(confirmed(placed))

    def cancel(self, placed: sales.OrderPlaced) -> str:
        return self.inventory.deliver(cancelled(placed))

    def deliveries(self, placed: sales.OrderPlaced) -> list[dict[str, Any]]:
        query = {"order_id": str(placed.order_id), "sort": "created_at"}
        return list(self.inventory.call("list_deliveries", query=query)["data"])

    def ship(self, delivery: dict[str, Any], **body: Any) -> dict[str, Any]:
        return dict(self.inventory.call("ship_delivery", id=delivery["id"], body=body, key=self.key()))

    def ready(self, *lines: tuple[str, str]) -> tuple[sales.OrderPlaced, dict[str, Any]]:
        """An order that may leave, and its delivery."""
        placed = self.place(*lines)
        self.confirm(placed)
        (delivery,) = self.deliveries(placed)
        return placed, delivery

    def events(self, kind: type[Event]) -> list[Any]:
        """The events of one kind published since last asked; forgets the others."""
        return [event for event in self.inventory.published() if isinstance(event, kind)]

    def check(self) -> None:
        """The books of the warehouse agree with each other (I22, I23, I24)."""
        with self.inventory.session() as session:
            assert session.execute(text(UNBALANCED)).all() == []
            assert session.execute(text(MISRESERVED)).all() == []
            assert session.execute(text(LEFT_LYING)).all() == []

    def count(self, act: Callable[[], object]) -> int:
        """The number of SQL statements of an act."""
        statements: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        sa_event.listen(self.inventory.engine, "before_cursor_execute", note)
        try:
            act()
        finally:
            sa_event.remove(self.inventory.engine, "before_cursor_execute", note)
        return len(statements)


UNBALANCED = """
    SELECT l.product_id FROM stock_level l LEFT JOIN (
        SELECT product_id, location_id, sum(quantity) AS on_hand, sum(value) AS value FROM (
            SELECT product_id, to_location_id AS location_id, quantity, value FROM stock_move
            UNION ALL SELECT product_id, from_location_id, -quantity, -value FROM stock_move) AS legs
        GROUP BY product_id, location_id) AS m USING (product_id, location_id)
    WHERE l.on_hand <> coalesce(m.on_hand, 0) OR l.value <> coalesce(m.value, 0)
"""
MISRESERVED = """
    SELECT l.product_id FROM stock_level l
    WHERE l.reserved <> (SELECT coalesce(sum(r.reserved), 0) FROM reservation r
        JOIN delivery d ON d.id = r.delivery_id AND d.status IN ('waiting', 'ready')
        WHERE r.product_id = l.product_id AND r.location_id = l.location_id)
"""
LEFT_LYING = """
    SELECT l.product_id FROM stock_level l JOIN reservation r USING (product_id, location_id)
    WHERE l.on_hand > l.reserved AND r.reserved < r.wanted
"""


def order(*lines: tuple[str, str], kind: str = "goods", order_id: UUID | None = None) -> sales.OrderPlaced:
    """An order placed by a hotel for (product, quantity)…"""
    placed = [_line(product, quantity, kind) for product, quantity in lines]
    return sales.OrderPlaced(
        order_id=order_id or ids.new_id(),
        number="SO-2026-00001",
        company_id=ids.DEFAULT_COMPANY_ID,
        customer_id=CUSTOMER,
        customer_name="Hôtel des Lumières",
        currency="EUR",
        placed_on=date(2026, 11, 23),
        payment_days=30,
        invoicing_policy="on_delivery",
        net_total=Decimal(100),
        tax_total=Decimal(20),
        gross_total=Decimal(120),
        lines=placed,
    )


def _line(product: str, quantity: str, kind: str) -> sales.PlacedLine:
    return sales.PlacedLine(
        line_id=ids.new_id(),
        product_id=UUID(product),
        description="Lamp",
        kind=kind,
        quantity=Decimal(quantity),
        unit="unit",
        unit_price=Decimal(50),
        discount_percent=Decimal(0),
        net=Decimal(100),
        tax_code="S20",
        tax_rate=Decimal(20),
    )


def confirmed(placed: sales.OrderPlaced) -> sales.OrderConfirmed:
    return sales.OrderConfirmed(
        order_id=placed.order_id,
        number=placed.number,
        company_id=placed.company_id,
        customer_id=placed.customer_id,
        gross_total=placed.gross_total,
        currency=placed.currency,
    )


def cancelled(placed: sales.OrderPlaced) -> sales.OrderCancelled:
    return sales.OrderCancelled(order_id=placed.order_id, number=placed.number, reason="changed his mind")


@pytest.fixture
def shop(service: Callable[[type], Harness]) -> Iterator[Shop]:
    shop = Shop(service(ErpInventory))
    yield shop
    shop.check()
