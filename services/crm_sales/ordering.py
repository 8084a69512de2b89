"""From order to cash: what happens when an order is placed, up to the last payment.

placed → (finance) credit approved | held → (warehouse) stock reserved, complete or short → confirmed → (warehouse)
delivery shipped → (finance) invoice issued → (finance) invoice paid → completed. Answers may come in any order, late
or twice; the order is the same in the end, because every fact only adds (see process.py).
"""

from sqlalchemy.orm import Session

from crm_sales.models import Order
from crm_sales.process import steps_of
from crm_sales.selling import active_customer
from crm_sales.story import (
    BEFORE_ANY_PAYMENT,
    Document,
    credit,
    invoice,
    invoices_of,
    locked,
    ship,
    take_residual,
    tell,
    told_at,
)
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command, subscribe
from shared.kernel import clock
from shared.kernel.business_days import business_day
from shared.kernel.context import current
from shared.kernel.money import ZERO


class Ordering:
    """draft → placed → confirmed | on_hold → completed."""

    @command(sales.place_order)
    def place_order(self, session: Session, order: Order) -> Order:
        """Prices are frozen; finance and the warehouse learn from OrderPlaced what they are asked."""
        active_customer(session, order.customer_id)
        now = clock.now()
        placed = order.place(current(session).actor, now, business_day(session, order.company_id, now))
        tell(session, order, (), [placed])
        return order

    @subscribe(finance.CreditApproved, finance.CreditHeld)
    def note_credit(self, session: Session, event: finance.CreditApproved | finance.CreditHeld) -> None:
        """Finance compared the customer's exposure with the limit."""
        order = locked(session, event.order_id)
        before = steps_of(order)
        answer = "approved" if isinstance(event, finance.CreditApproved) else "held"
        tell(session, order, before, order.note_credit(answer, clock.now()), _itself(order))

    @subscribe(inventory.StockReserved)
    def note_reservation(self, session: Session, event: inventory.StockReserved) -> None:
        """The warehouse set goods aside; it tells again whenever a shortage is filled."""
        order = locked(session, event.order_id)
        before = steps_of(order)
        told = order.note_stock("complete" if event.complete else "short", clock.now())
        tell(session, order, before, told, Document("delivery", event.delivery_id, event.delivery_number))

    @command(sales.release_hold)
    def release_hold(self, session: Session, order: Order) -> Order:
        """An authorised person takes the risk; finance notes who."""
        before = steps_of(order)
        tell(session, order, before, order.release_hold(current(session).actor, clock.now()))
        return order

    @subscribe(inventory.DeliveryShipped)
    def note_shipment(self, session: Session, event: inventory.DeliveryShipped) -> None:
        """Goods left. A cancellation that came too late is undone: what shipped stands."""
        order = locked(session, event.order_id)
        before = steps_of(order)
        told = order.note_quantities(ship(session, order, event.lines), invoices_of(session, order), clock.now())
        tell(session, order, before, told, Document("delivery", event.delivery_id, event.number))

    @subscribe(finance.InvoiceIssued)
    def note_invoice(self, session: Session, event: finance.InvoiceIssued) -> None:
        """Finance billed what shipped, or the whole order, according to its policy."""
        if event.order_id is None:
            return
        order = locked(session, event.order_id)
        # Whatever is still to be billed has its time from now: its deadline was that of the shipment billed here.
        before, invoices = [step for step in steps_of(order) if step.name != "invoicing"], invoices_of(session, order)
        gross = event.gross_total
        take_residual(session, order, invoices, event.invoice_id, gross, BEFORE_ANY_PAYMENT, gross)
        told = order.note_quantities(invoice(session, order, event.lines), invoices, clock.now())
        tell(session, order, before, told, Document("invoice", event.invoice_id, event.number))

    @subscribe(finance.CreditNoteIssued)
    def note_credit_note(self, session: Session, event: finance.CreditNoteIssued) -> None:
        """An invoice was corrected; what it leaves open is told by InvoicePaid."""
        if event.order_id is None:
            return
        order = locked(session, event.order_id)
        before = steps_of(order)
        told = order.note_quantities(credit(session, order, event.lines), invoices_of(session, order), clock.now())
        tell(session, order, before, told, Document("credit_note", event.credit_note_id, event.number))

    @subscribe(finance.PaymentReceived, finance.PaymentAllocated)
    def note_receipt(self, session: Session, event: finance.PaymentReceived | finance.PaymentAllocated) -> None:
        """Money came in, or is set against invoices later; it may settle those of several orders, in part or whole."""
        for order_id in sorted({a.order_id for a in event.allocations if a.order_id}):
            order = locked(session, order_id)
            before, invoices = steps_of(order), invoices_of(session, order)
            for part in (a for a in event.allocations if a.order_id == order_id):
                take_residual(session, order, invoices, part.invoice_id, part.residual, told_at(session))
            told = order.note_payment(invoices, clock.now())
            tell(session, order, before, told, Document("payment", event.payment_id, event.number))

    @subscribe(finance.InvoicePaid, finance.InvoiceReopened)
    def note_settlement(self, session: Session, event: finance.InvoicePaid | finance.InvoiceReopened) -> None:
        """An invoice is settled, or open again because a payment was taken back."""
        if event.order_id is None:
            return
        order = locked(session, event.order_id)
        before, invoices = steps_of(order), invoices_of(session, order)
        residual = ZERO if isinstance(event, finance.InvoicePaid) else event.residual
        take_residual(session, order, invoices, event.invoice_id, residual, told_at(session))
        told = order.note_payment(invoices, clock.now())
        tell(session, order, before, told, Document("invoice", event.invoice_id, event.number))


def _itself(order: Order) -> Document:
    return Document("order", order.id, order.number)
