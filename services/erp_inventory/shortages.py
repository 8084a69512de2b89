"""Who waits for goods gets what becomes free: oldest order first, in the transaction that frees it.

So that free stock never lies beside a waiting order. All of it is set-based: one arrival may serve hundreds of orders.
"""

from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from erp_inventory.shelf import Shelf, Shortage, share_out
from shared.contracts import erp_inventory as inventory
from shared.kernel import clock
from shared.storage.outbox import publish

# Only the shortages that the free stock reaches, in the order in which they are served.
_REACHED = text(
    "SELECT delivery_line_id, delivery_id, product_id, missing FROM ("
    " SELECT r.delivery_line_id, r.delivery_id, r.product_id, r.placed_at, r.order_id,"
    " r.wanted - r.reserved AS missing,"
    " sum(r.wanted - r.reserved) OVER (PARTITION BY r.product_id ORDER BY r.placed_at, r.order_id, r.delivery_line_id)"
    " AS upto, f.available"
    " FROM unnest(CAST(:products AS uuid[]), CAST(:available AS numeric[])) AS f (product_id, available)"
    " JOIN reservation r ON r.product_id = f.product_id AND r.location_id = :location AND r.reserved < r.wanted"
    ") AS waiting WHERE upto - missing < available ORDER BY product_id, placed_at, order_id, delivery_line_id"
)
_LOCK = text("SELECT id FROM delivery WHERE id = ANY(:deliveries) ORDER BY id FOR UPDATE")
_GRANT = text(
    "UPDATE reservation AS r SET reserved = r.reserved + n.quantity"
    " FROM unnest(CAST(:lines AS uuid[]), CAST(:quantities AS numeric[])) AS n (line_id, quantity)"
    " WHERE r.delivery_line_id = n.line_id"
)
_SERVED = text(
    "SELECT d.order_id, d.id AS delivery_id, d.number, l.order_line_id, l.product_id, r.wanted, r.reserved"
    " FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id JOIN reservation r ON r.delivery_line_id = l.id"
    " WHERE d.id = ANY(:deliveries) ORDER BY d.placed_at, d.order_id, d.id, l.position"
)
_NOTE = text(
    "UPDATE delivery SET version = version + 1, updated_at = :now,"
    " status = CASE WHEN confirmed AND id = ANY(CAST(:complete AS uuid[])) THEN 'ready' ELSE status END"
    " WHERE id = ANY(:deliveries) RETURNING id AS delivery_id, number, order_id, company_id, customer_id, status"
)


def fill_shortages(session: Session, shelves: Mapping[UUID, Shelf]) -> None:
    """Reserve free stock of locked levels (of one location) for waiting orders and tell the orders."""
    free = [shelf for shelf in shelves.values() if shelf.available > 0]
    reached = _reached(session, free) if free else []
    if not reached:
        return
    deliveries = sorted({shortage.delivery_id for shortage in reached})
    session.execute(_LOCK, {"deliveries": deliveries})
    granted = share_out(shelves, reached)
    session.execute(_GRANT, {"lines": list(granted), "quantities": list(granted.values())})
    _tell(session, deliveries)


def _reached(session: Session, free: list[Shelf]) -> list[Shortage]:
    rows = session.execute(
        _REACHED,
        {
            "location": free[0].location_id,
            "products": [shelf.product_id for shelf in free],
            "available": [shelf.available for shelf in free],
        },
    )
    return [Shortage(**row._mapping) for row in rows]


def _tell(session: Session, deliveries: list[UUID]) -> None:
    """Publish the new answers, oldest order first, and let confirmed deliveries that are complete leave."""
    rows = session.execute(_SERVED, {"deliveries": deliveries}).all()
    answers = [_answer(list(lines)) for _, lines in groupby(rows, key=lambda row: row.delivery_id)]
    complete = [answer.delivery_id for answer in answers if answer.complete]
    noted = session.execute(_NOTE, {"deliveries": deliveries, "complete": complete, "now": clock.now()}).all()
    ready = {row.delivery_id: row for row in noted if row.status == "ready"}
    for answer in answers:
        publish(session, answer)
        if answer.delivery_id in ready:
            publish(session, _ready(ready[answer.delivery_id], answer))


def _answer(rows: list[Any]) -> inventory.StockReserved:
    return inventory.StockReserved(
        order_id=rows[0].order_id,
        delivery_id=rows[0].delivery_id,
        delivery_number=rows[0].number,
        complete=all(row.reserved == row.wanted for row in rows),
        lines=[_reserved(row.order_line_id, row.product_id, row.wanted, row.reserved) for row in rows],
    )


def _ready(delivery: Any, answer: inventory.StockReserved) -> inventory.DeliveryReady:
    lines = [
        inventory.ReadyLine(order_line_id=line.order_line_id, product_id=line.product_id, quantity=line.quantity)
        for line in answer.lines
    ]
    columns = {name: value for name, value in delivery._mapping.items() if name != "status"}
    return inventory.DeliveryReady(lines=lines, **columns)


def _reserved(order_line_id: UUID, product_id: UUID, quantity: Decimal, reserved: Decimal) -> inventory.ReservedLine:
    return inventory.ReservedLine(
        order_line_id=order_line_id, product_id=product_id, quantity=quantity, reserved=reserved
    )
