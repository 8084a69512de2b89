"""Flow: an order is placed → goods set aside (or waited for) → order confirmed → shipped; or cancelled and released."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from erp_inventory.errors import OrderUnknown, ProductUnknown
from erp_inventory.ledger import Document, Move, Place, lock_shelves, save_shelves, write_moves
from erp_inventory.models import CustomerOrder, Delivery, DeliveryLine, Reservation
from erp_inventory.models.delivery import deliverable
from erp_inventory.models.places import CUSTOMER_LOCATION_ID
from erp_inventory.shelf import Shelf
from erp_inventory.shortages import fill_shortages
from shared.contracts import crm_sales as sales
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command, subscribe
from shared.kernel import clock
from shared.kernel.context import current
from shared.storage import uses
from shared.storage.closed_periods import document_day, passes_soft_locks
from shared.storage.numbering import next_loose
from shared.storage.outbox import publish

NO_DELIVERY = UUID(int=0)
"""RFC 9562's nil UUID: the answer for an order of services only, which has nothing to deliver."""

_PLACED = text(
    "INSERT INTO customer_order AS o (order_id, placed_at) VALUES (:order_id, :at)"
    " ON CONFLICT (order_id) DO UPDATE SET placed_at = excluded.placed_at WHERE o.placed_at IS NULL"
    " RETURNING o.cancelled_at"
)
_CANCELLED = text(
    "INSERT INTO customer_order AS o (order_id, cancelled_at) VALUES (:order_id, :at)"
    " ON CONFLICT (order_id) DO UPDATE SET cancelled_at = excluded.cancelled_at WHERE o.cancelled_at IS NULL"
    " RETURNING o.placed_at"
)
_LEFT = text(
    "WITH gone AS (DELETE FROM reservation WHERE delivery_id = :delivery)"
    " UPDATE delivery_line AS l SET done = n.done"
    " FROM unnest(CAST(:lines AS uuid[]), CAST(:done AS numeric[])) AS n (id, done) WHERE l.id = n.id"
)


class Delivering:
    """Deliveries. Goods are set aside for an order as soon as it is placed, and never twice."""

    @subscribe(sales.OrderPlaced)
    def reserve_order(self, session: Session, event: sales.OrderPlaced) -> None:
        """Set aside what is there; the rest waits its turn. The order learns the answer from StockReserved.

        Asked again (sales resumes an order), it repeats its answer.
        """
        placed_at = current(session).event_time or clock.now()
        noted = session.execute(_PLACED, {"order_id": event.order_id, "at": placed_at}).one_or_none()
        if noted is not None and noted.cancelled_at is not None:
            return  # cancelled before it came
        uses.keep(session, "order", _not_moved(event))
        if not deliverable(event):
            publish(session, _nothing_to_deliver(event))
            return
        if noted is None:
            _repeat_answer(session, event.order_id)
            return
        delivery = Delivery.for_order(event, placed_at, _number(session))
        shelves = _shelves_for(session, delivery)
        for line in delivery.lines:
            line.set_aside(shelves[line.product_id])
        save_shelves(session, shelves.values())
        session.add(delivery)
        publish(session, delivery.answer())

    @subscribe(sales.OrderConfirmed)
    def prepare_delivery(self, session: Session, event: sales.OrderConfirmed) -> None:
        """The goods may leave now, or as soon as all are there."""
        waiting = _locked(session, Delivery.order_id == event.order_id, Delivery.status == "waiting")
        if not waiting and session.get(CustomerOrder, event.order_id) is None:
            raise OrderUnknown(order_id=event.order_id)
        for delivery in waiting:
            delivery.confirm()
            if delivery.status == "ready":
                publish(session, delivery.ready())

    @command(inventory.Delivery.ship)
    def ship_delivery(self, session: Session, delivery: Delivery, request: dict[str, Any]) -> Delivery:
        """Goods leave at average cost; what does not leave becomes a delivery of its own.

        A ready delivery is completely reserved, so what fills shortages never waits for its lock: taking the levels
        after it cannot end in a deadlock.
        """
        today = document_day(session, delivery.company_id)
        delivery.ship(request, today)
        shelves = _shelves_for(session, delivery)
        moves = [_ship_line(delivery, line, shelves[line.product_id]) for line in delivery.lines if line.done > 0]
        rest = delivery.rest(_number(session)) if delivery.is_short else None
        _note_left(session, delivery)
        if rest:
            session.add(rest)
        publish(session, delivery.shipped(rest.id if rest else None, passes_soft_locks(session)))
        if rest:
            publish(session, rest.ready())
        publish(session, write_moves(session, _document(delivery, today), moves, shelves))
        save_shelves(session, shelves.values())
        return delivery

    @subscribe(sales.OrderCancelled)
    def release_order(self, session: Session, event: sales.OrderCancelled) -> None:
        """Give back what was set aside; other waiting orders get it. What has shipped stands, and the answer says so.

        Asked again, there is nothing left to give back, and the answer is the same.
        """
        noted = session.execute(_CANCELLED, {"order_id": event.order_id, "at": clock.now()}).one_or_none()
        was_placed = noted is None or noted.placed_at is not None
        shipped = was_placed and _cancel_open(session, event.order_id)
        publish(session, inventory.StockReleased(order_id=event.order_id, shipped=shipped))


def _number(session: Session) -> str:
    return f"DEL-{next_loose(session, 'delivery_number'):06d}"


def _not_moved(event: sales.OrderPlaced) -> set[UUID]:
    """Products of the order that no delivery will name; they stay in the catalogue nevertheless."""
    return {line.product_id for line in event.lines} - {line.product_id for line in deliverable(event)}


def _nothing_to_deliver(order: sales.OrderPlaced) -> inventory.StockReserved:
    return inventory.StockReserved(
        order_id=order.order_id, delivery_id=NO_DELIVERY, delivery_number="", complete=True, lines=[]
    )


def _repeat_answer(session: Session, order_id: UUID) -> None:
    """Say again what the open delivery of an order has; nothing, once it has shipped or was cancelled."""
    for delivery in _locked(session, Delivery.order_id == order_id, Delivery.status.in_(("waiting", "ready"))):
        publish(session, delivery.answer())


def _shelves_for(session: Session, delivery: Delivery) -> dict[UUID, Shelf]:
    """The locked levels of a delivery's products. Raises ProductUnknown."""
    products = {line.product_id for line in delivery.lines}
    shelves = lock_shelves(session, delivery.location_id, products)
    if unknown := sorted(str(product) for product in products - shelves.keys()):
        raise ProductUnknown(product_ids=unknown)
    return shelves


def _locked(session: Session, *conditions: ColumnElement[bool]) -> Sequence[Delivery]:
    """Deliveries, locked, as they are now."""
    statement = select(Delivery).where(*conditions).order_by(Delivery.id).with_for_update(of=Delivery)
    return session.scalars(statement, execution_options={"populate_existing": True}).all()


def _ship_line(delivery: Delivery, line: DeliveryLine, shelf: Shelf) -> Move:
    stock, customer = Place(delivery.location_id, "internal"), Place(CUSTOMER_LOCATION_ID, "customer")
    return Move(line.id, line.product_id, stock, customer, line.done, shelf.unit, shelf.ship(line.done))


def _note_left(session: Session, delivery: Delivery) -> None:
    """Write what left, and drop the reservations, in one statement; the loaded lines follow."""
    lines = delivery.lines
    session.execute(
        _LEFT, {"delivery": delivery.id, "lines": [line.id for line in lines], "done": [line.done for line in lines]}
    )
    for line in lines:
        set_committed_value(line, "done", line.done)
        set_committed_value(line, "reservation", None)


def _document(delivery: Delivery, on: date) -> Document:
    return Document("delivery", delivery.id, delivery.number, delivery.company_id, on, delivery.order_id)


def _cancel_open(session: Session, order_id: UUID) -> bool:
    """Cancel an order's open deliveries and give back their goods; tells whether any delivery has shipped."""
    # As in shipping, a ready delivery is locked before its levels, and a waiting one after them.
    ready = select(Delivery.id).where(Delivery.order_id == order_id, Delivery.status == "ready").order_by(Delivery.id)
    session.execute(ready.with_for_update())
    held = select(Reservation.location_id, Reservation.product_id).where(Reservation.order_id == order_id).distinct()
    places = session.execute(held).all()
    shelves = lock_shelves(session, places[0].location_id, {row.product_id for row in places}) if places else {}
    deliveries = _locked(session, Delivery.order_id == order_id)
    for delivery in deliveries:
        if delivery.is_open:
            _release(delivery, shelves)
    if shelves:
        session.execute(delete(Reservation).where(Reservation.order_id == order_id))
        fill_shortages(session, shelves)
        save_shelves(session, shelves.values())
    return any(delivery.status == "shipped" for delivery in deliveries)


def _release(delivery: Delivery, shelves: dict[UUID, Shelf]) -> None:
    for line in delivery.lines:
        shelves[line.product_id].release(line.reserved)
    delivery.cancel()
