"""Writing down what became of an order: its changed steps, its trace, the quantities of its lines.

Set-based throughout: each function is one statement, however many lines or steps there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session, lazyload

from crm_sales.errors import OrderNotHere
from crm_sales.models import Order, OrderInvoice, OrderLine
from crm_sales.process import Step, changed_steps, steps_of
from shared.contracts.crm_sales import OrderConfirmed
from shared.kernel import clock
from shared.kernel.context import current
from shared.schema.contract import Event
from shared.storage.outbox import publish

BEFORE_ANY_PAYMENT = datetime(1, 1, 1, tzinfo=UTC)
"""The time of what is open on a new invoice: whatever is told of payments is later, whichever clock told it."""


@dataclass(frozen=True, slots=True)
class Document:
    """The document of another service that an event is about."""

    type: str
    id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class LineState:
    """What happened to a line so far, read after the latest change."""

    kind: str
    quantity: Decimal
    delivered_quantity: Decimal
    invoiced_quantity: Decimal
    credited_quantity: Decimal


def locked(session: Session, order_id: UUID) -> Order:
    """The order without its lines, locked until the transaction ends. Raises OrderNotHere."""
    order = session.scalars(_LOCKED, {"id": order_id}).one_or_none()
    if order is None:
        raise OrderNotHere(id=order_id)
    return order


_LOCKED = (
    select(Order).where(Order.id == bindparam("id")).with_for_update(of=Order).options(lazyload(Order.lines))
).execution_options(populate_existing=True)


def tell(
    session: Session, order: Order, before: Sequence[Step], events: Iterable[Event], document: Document | None = None
) -> None:
    """Publish what followed, and record it: changed steps, the fact that was told, the facts that are told on.

    `document` is what the event in hand is about; None when a person acted.
    """
    nodes = [_heard(session, document)] if document else []
    for event in events:
        nodes.append(_told(session, order, event, publish(session, event)))
        if isinstance(event, OrderConfirmed) and order.has_services:
            _perform_services(session, order)
    _record(session, order, changed_steps(before, steps_of(order)), nodes)


def ship(session: Session, order: Order, lines: Iterable[Any]) -> list[LineState]:
    """Add what was delivered, per order line, and give back all lines as they are now."""
    return _add(session, order, "delivered_quantity", lines)


def invoice(session: Session, order: Order, lines: Iterable[Any]) -> list[LineState]:
    """Add what an invoice bills, per order line, and give back all lines as they are now."""
    return _add(session, order, "invoiced_quantity", lines)


def credit(session: Session, order: Order, lines: Iterable[Any]) -> list[LineState]:
    """Add what a credit note takes back (its quantities are negative), and give back all lines as they are now."""
    return _add(session, order, "credited_quantity", lines, sign=-1)


def lines_of(session: Session, order: Order) -> list[LineState]:
    """The lines of an order that was loaded without them."""
    return [LineState(*row) for row in session.execute(_LINES, {"order": order.id})]


def invoices_of(session: Session, order: Order) -> list[OrderInvoice]:
    """What is known of the order's invoices; the order is locked, so nobody else changes them."""
    return list(session.scalars(_INVOICES, {"order": order.id}))


_INVOICES = select(OrderInvoice).where(OrderInvoice.order_id == bindparam("order"))


def take_residual(
    session: Session,
    order: Order,
    invoices: list[OrderInvoice],
    invoice_id: UUID,
    residual: Decimal,
    at: datetime,
    gross_total: Decimal | None = None,
) -> None:
    """Note what is open on an invoice, whichever event tells of it first."""
    known = next((found for found in invoices if found.invoice_id == invoice_id), None)
    if known is None:
        known = OrderInvoice(invoice_id=invoice_id, order_id=order.id, residual=residual, told_at=at)
        session.add(known)
        invoices.append(known)
    known.tell(residual, at)
    if gross_total is not None:
        known.gross_total = gross_total


def told_at(session: Session) -> datetime:
    """When the fact in hand became true, by the clock of the service that tells it."""
    return current(session).event_time or clock.now()


def _add(session: Session, order: Order, column: str, lines: Iterable[Any], sign: int = 1) -> list[LineState]:
    deltas = [(str(line.order_line_id), line.quantity * sign) for line in lines]
    values = {"order": order.id, "lines": [d[0] for d in deltas], "quantities": [d[1] for d in deltas]}
    return [LineState(*row) for row in session.execute(_ADD[column], values)]


_COLUMNS = ", ".join(LineState.__dataclass_fields__)
_LINES = text(f"SELECT {_COLUMNS} FROM order_line WHERE order_id = :order")
_ADD = {
    column: text(
        f"UPDATE order_line SET {column} = {column} + coalesce((SELECT sum(d.quantity)"
        " FROM unnest(CAST(:lines AS uuid[]), CAST(:quantities AS numeric[])) AS d (line_id, quantity)"
        f" WHERE d.line_id = order_line.id), 0) WHERE order_id = :order RETURNING {_COLUMNS}"
    )
    for column in ("delivered_quantity", "invoiced_quantity", "credited_quantity")
}


def _perform_services(session: Session, order: Order) -> None:
    """A confirmed service counts as delivered: no warehouse will ever tell of it."""
    services = update(OrderLine).where(OrderLine.order_id == order.id, OrderLine.kind == "service")
    session.execute(services.values(delivered_quantity=OrderLine.quantity))


def _heard(session: Session, document: Document) -> dict[str, Any]:
    """The event in hand as a node of the trace; its own cause is known where the context carries it."""
    context = current(session)
    return {
        "event_id": str(context.event_id),
        "event_type": context.event_type,
        "type": document.type,
        "id": str(document.id),
        "number": document.number,
        "at": told_at(session),
        "caused_by": context.event_cause or None,
    }


def _told(session: Session, order: Order, event: Event, event_id: UUID) -> dict[str, Any]:
    return {
        "event_id": str(event_id),
        "event_type": event.full_type,
        "type": "order",
        "id": str(order.id),
        "number": order.number,
        "at": clock.now(),
        "caused_by": current(session).causation_id or None,
    }


def _record(session: Session, order: Order, steps: Sequence[Step], nodes: Sequence[dict[str, Any]]) -> None:
    now = clock.now()
    values: dict[str, Any] = {"order": order.id, "now": now, "deadlines": [step.deadline(now) for step in steps]}
    values |= {f"step_{name}": [getattr(step, name) for step in steps] for name in Step.__dataclass_fields__}
    values |= {f"node_{name}": [node[name] for node in nodes] for name in _NODE}
    session.execute(_RECORD, values)


_NODE = ("event_id", "event_type", "type", "id", "number", "at", "caused_by")
_RECORD = text(
    "WITH steps AS (INSERT INTO order_step (order_id, name, status, at, deadline, waits_for, reason)"
    " SELECT :order, name, status, :now, deadline, waits_for, reason FROM unnest(CAST(:step_name AS text[]),"
    " CAST(:step_status AS text[]), CAST(:deadlines AS timestamptz[]), CAST(:step_waits_for AS text[]),"
    " CAST(:step_reason AS text[])) AS s (name, status, deadline, waits_for, reason)"
    " ON CONFLICT (order_id, name) DO UPDATE SET status = excluded.status, at = excluded.at,"
    " deadline = excluded.deadline, waits_for = excluded.waits_for, reason = excluded.reason)"
    " INSERT INTO order_trace (order_id, event_id, event_type, type, id, number, at, caused_by)"
    " SELECT :order, * FROM unnest(CAST(:node_event_id AS uuid[]), CAST(:node_event_type AS text[]),"
    " CAST(:node_type AS text[]), CAST(:node_id AS uuid[]), CAST(:node_number AS text[]),"
    " CAST(:node_at AS timestamptz[]), CAST(:node_caused_by AS text[])) ON CONFLICT DO NOTHING"
)
