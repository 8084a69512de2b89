"""placed → (credit approved | held → released by a person) → confirmed → shipped → invoiced; or cancelled.

The events of `crm_sales` and `erp_inventory` come in any order, twice, late: every handler first locks the order's
row here, asks for another attempt when the order itself has not arrived, and changes nothing the second time.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from erp_finance.crediting import credit_note_for, creditable
from erp_finance.issuing import issue_for_event
from erp_finance.models import CreditApproval, Invoice, InvoiceLine, SalesOrder, SalesOrderLine, Share
from erp_finance.receivables import adjust
from shared.commerce.taxes import totals
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import subscribe
from shared.kernel import clock
from shared.kernel.business_days import business_day
from shared.kernel.context import current
from shared.kernel.money import ZERO
from shared.kernel.refusals import NotYet
from shared.schema.contract import Event
from shared.storage.outbox import publish


class Ordering:
    """What the books do with a sales order."""

    @subscribe(sales.OrderPlaced)
    def decide_credit(self, session: Session, event: sales.OrderPlaced) -> None:
        """Keep prices and terms, and answer whether the customer may owe that much more.

        The decision holds the customer's account, so two orders at once cannot both take the last of the limit.
        Asked again (sales resumes an order), it repeats its answer; an order that is held is looked at anew.
        """
        order = session.get(SalesOrder, event.order_id, with_for_update=True)
        if order is None:
            order = SalesOrder.placed(event)
            _decide(session, order, event.customer_id)
            _store(session, order, event)
        elif not order.is_known:
            _fill(session, order, event)
        elif order.status == "open" and order.credit == "held":
            _decide(session, order, event.customer_id)
        publish(session, _answer(order, event.customer_id))

    @subscribe(sales.HoldReleased)
    def record_approval(self, session: Session, event: sales.HoldReleased) -> None:
        """Note who let a held order pass; from now on it counts as an open order."""
        order = _known(session, event.order_id)
        if order.credit != "held":
            return
        added = order.release_hold()
        assert order.customer_id is not None
        exposure, limit = adjust(session, order.company_id, order.customer_id, open_orders=added)
        session.add(
            CreditApproval(
                order_id=order.id, company_id=order.company_id, customer_id=order.customer_id,
                approved_by=event.approved_by, approved_at=current(session).event_time or clock.now(),
                exposure=exposure.total, credit_limit=limit, event_id=current(session).event_id,
            )
        )  # fmt: skip

    @subscribe(sales.OrderConfirmed)
    def invoice_order(self, session: Session, event: sales.OrderConfirmed) -> None:
        """Invoice at once what is not invoiced by shipment: `on_order`, and orders of services only."""
        order = _known(session, event.order_id)
        lines = _lines(session, order)
        day = business_day(session, order.company_id, current(session).event_time)
        _invoice(session, order, lines, order.confirm(lines), day)

    @subscribe(inventory.DeliveryShipped)
    def invoice_shipment(self, session: Session, event: inventory.DeliveryShipped) -> None:
        """One invoice per shipment, at the agreed prices; services ride on the first one."""
        order = _known(session, event.order_id)
        lines = _lines(session, order)
        shipped = {line.order_line_id: line.quantity for line in event.lines}
        shares = order.ship(event.delivery_id, shipped, lines)
        _invoice(
            session, order, lines, shares, event.shipped_on,
            into_soft_lock=event.passes_soft_locks, delivery_id=event.delivery_id, delivered_on=event.shipped_on,
        )  # fmt: skip

    @subscribe(sales.OrderCancelled)
    def release_credit(self, session: Session, event: sales.OrderCancelled) -> None:
        """Give the open part back, and credit what was invoiced but did not leave.

        A cancellation that comes before the order leaves a row that stops the order from taking credit later.
        """
        order = session.get(SalesOrder, event.order_id, with_for_update=True)
        if order is None:
            session.add(SalesOrder.void(event.order_id, event.number))
            return
        if order.customer_id is None:
            return  # the answer goes out when the order itself arrives
        if order.status == "open":
            given_back = order.cancel()
            _credit_cancelled(session, order)
            adjust(session, order.company_id, order.customer_id, open_orders=-given_back)
        publish(session, _answer(order, order.customer_id))


def _decide(session: Session, order: SalesOrder, customer_id: UUID) -> None:
    exposure, limit = adjust(session, order.company_id, customer_id)
    if order.decide_credit(exposure, limit):
        adjust(session, order.company_id, customer_id, open_orders=order.open_amount)


def _answer(order: SalesOrder, customer_id: UUID) -> Event:
    """The event that answers sales about the order's credit as it stands."""
    if order.status == "cancelled":
        return finance.CreditReleased(order_id=order.id, customer_id=customer_id)
    return order.answer()


def _known(session: Session, order_id: UUID) -> SalesOrder:
    """The order, locked. Raises NotYet when only its consequences have arrived so far."""
    order = session.get(SalesOrder, order_id, with_for_update=True)
    if order is None or not order.is_known:
        raise NotYet
    return order


def _lines(session: Session, order: SalesOrder) -> list[SalesOrderLine]:
    """The lines, read after the order was locked, so that what is billed so far is certain."""
    return list(session.scalars(_LINES, {"order": order.id}))


_LINES = select(SalesOrderLine).where(SalesOrderLine.order_id == bindparam("order")).order_by(SalesOrderLine.position)


def _store(session: Session, order: SalesOrder, event: sales.OrderPlaced) -> None:
    session.add(order)
    session.flush()
    session.add_all(SalesOrderLine.placed(order.id, n, line) for n, line in enumerate(event.lines, start=1))
    session.flush()


def _fill(session: Session, order: SalesOrder, event: sales.OrderPlaced) -> None:
    """The order arrives after its cancellation: kept for what may have shipped, without credit."""
    order.fill(event)
    _store(session, order, event)


def _invoice(
    session: Session,
    order: SalesOrder,
    lines: list[SalesOrderLine],
    shares: list[Share],
    day: date,
    into_soft_lock: bool = False,
    **delivery: Any,
) -> None:
    """Count what left and what is billed, and issue the invoice if anything is."""
    billed = [part for part in shares if part.quantity > 0]
    _count(session, shares)
    if billed:
        invoice_lines = [InvoiceLine.of_order(n, part) for n, part in enumerate(billed, start=1)]
        sums = totals(invoice_lines, order.currency, before=order.billed_taxes)
        invoice = Invoice.drafted(invoice_lines, sums, **order.snapshot(), **delivery)
        taken = order.bill(sums.gross_total, sums.taxes, billed, lines)
        issue_for_event(session, invoice, day, open_orders=taken, into_soft_lock=into_soft_lock)


_COUNT = text(
    "UPDATE sales_order_line AS l SET delivered_quantity = l.delivered_quantity + s.delivered,"
    " billed_quantity = l.billed_quantity + s.quantity, billed_net = l.billed_net + s.net"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:delivered AS numeric[]), CAST(:quantities AS numeric[]),"
    " CAST(:nets AS numeric[])) AS s (id, delivered, quantity, net) WHERE l.id = s.id"
)


def _count(session: Session, shares: list[Share]) -> None:
    moved = [part for part in shares if part.quantity or part.delivered]
    if moved:
        columns = {
            "ids": [str(part.line.id) for part in moved],
            "delivered": [part.delivered for part in moved],
            "quantities": [part.quantity for part in moved],
            "nets": [part.net for part in moved],
        }
        session.execute(_COUNT, columns)


def _credit_cancelled(session: Session, order: SalesOrder) -> None:
    """Credit notes for what was invoiced ahead of a delivery that will not come, as far as nobody credited it yet."""
    if order.invoiced_gross == 0:
        return
    lines = {line.id: line for line in _lines(session, order)}
    surplus = order.surplus(lines.values())
    ahead = select(Invoice).where(Invoice.order_id == order.id, Invoice.delivery_id.is_(None)).order_by(Invoice.id)
    for invoice in session.scalars(ahead.with_for_update(of=Invoice)) if surplus else ():
        left = creditable(session, invoice)
        chosen = {
            line.id: min(surplus[line.order_line_id], left[line.id])
            for line in invoice.lines
            if line.order_line_id in surplus and left[line.id] > 0
        }
        if chosen:
            note = credit_note_for(session, invoice, chosen, order.number, business_day(session, order.company_id))
            _count(
                session,
                [Share(lines[n.order_line_id], ZERO, -n.quantity, -n.net) for n in note.lines if n.order_line_id],
            )
            order.take_back(note.taxes)
