"""From order to cash: what happens when an order is placed, up to the last payment.

placed → (finance) credit approved | held → (warehouse) stock reserved, complete or short → confirmed → (warehouse)
delivery shipped → (finance) invoice issued → (finance) invoice paid → completed. Answers may come in any order, late
or twice; the order is the same in the end, because every fact only adds (see process.py).

Who handles what the order publishes, and what is published in turn:

    OrderPlaced     erp_finance Ordering.decide_credit → CreditApproved, CreditHeld
                    erp_inventory Delivering.reserve_order → StockReserved
                    crm_contacts Using.note_customer_of_sale
    HoldReleased    erp_finance Ordering.record_approval
    OrderConfirmed  erp_inventory Delivering.prepare_delivery → DeliveryReady
                    erp_finance Ordering.invoice_order → InvoiceIssued
    OrderCancelled  erp_finance Ordering.release_credit → CreditReleased
                    erp_inventory Delivering.release_order → StockReleased
"""

from sqlalchemy.orm import Session

from crm_sales.models import Order
from crm_sales.order_process import OrderProcess
from crm_sales.selling import active_customer
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command, subscribe
from shared.kernel.business_days import business_day
from shared.kernel.money import ZERO


class Ordering:
    """draft → placed → confirmed | on_hold → completed."""

    @command(sales.Order.place)
    def place_order(self, session: Session, order: Order) -> Order:
        """Prices are frozen; finance and the warehouse learn from OrderPlaced what they are asked."""
        _allow_placing(session, order)
        with OrderProcess.on(session, order) as process:
            day = business_day(session, order.company_id, process.now)
            process.publish(order.place(process.actor, process.now, day))
        return order

    def allow_place_order(self, session: Session, order: Order) -> None:
        """Raises ForeignCurrency, CustomerNotActive."""
        _allow_placing(session, order)

    @subscribe(finance.CreditApproved, finance.CreditHeld, locks="order_id")
    def note_credit(self, session: Session, event: finance.CreditApproved | finance.CreditHeld) -> None:
        """Finance compared the customer's exposure with the limit."""
        with OrderProcess.of(session, event.order_id, about=event) as process:
            process.note_credit("approved" if isinstance(event, finance.CreditApproved) else "held")

    @subscribe(inventory.StockReserved, locks="order_id")
    def note_reservation(self, session: Session, event: inventory.StockReserved) -> None:
        """The warehouse set goods aside; it answers again whenever a shortage is filled."""
        with OrderProcess.of(session, event.order_id, about=event) as process:
            process.note_stock("complete" if event.complete else "short")

    @command(sales.Order.release_hold)
    def release_hold_order(self, session: Session, order: Order) -> Order:
        """An authorised person takes the risk; finance notes who."""
        with OrderProcess.on(session, order) as process:
            process.publish(order.release_hold(process.actor, process.now))
        return order

    @subscribe(inventory.DeliveryShipped, locks="order_id")
    def note_shipment(self, session: Session, event: inventory.DeliveryShipped) -> None:
        """Goods left. A cancellation that came too late is undone: what shipped stands."""
        with OrderProcess.of(session, event.order_id, about=event) as process:
            process.note_quantities("delivered_quantity", event.lines)

    @subscribe(finance.InvoiceIssued, locks="order_id")
    def note_invoice(self, session: Session, event: finance.InvoiceIssued) -> None:
        """Finance billed what shipped, or the whole order, according to its policy."""
        if event.order_id is not None:
            with OrderProcess.of(session, event.order_id, about=event) as process:
                process.note_invoice(event.invoice_id, event.gross_total, event.lines)

    @subscribe(finance.CreditNoteIssued, locks="order_id")
    def note_credit_note(self, session: Session, event: finance.CreditNoteIssued) -> None:
        """An invoice was corrected; what it leaves open comes with InvoicePaid."""
        if event.order_id is not None:
            with OrderProcess.of(session, event.order_id, about=event) as process:
                process.note_quantities("credited_quantity", event.lines)

    @subscribe(finance.PaymentReceived, finance.PaymentAllocated)
    def note_receipt(self, session: Session, event: finance.PaymentReceived | finance.PaymentAllocated) -> None:
        """Money came in, or is set against invoices later; it may settle those of several orders, in part or whole."""
        for order_id in sorted({a.order_id for a in event.allocations if a.order_id}):
            with OrderProcess.of(session, order_id, about=event) as process:
                process.note_residuals((a.invoice_id, a.residual) for a in event.allocations if a.order_id == order_id)

    @subscribe(finance.InvoicePaid, finance.InvoiceReopened, locks="order_id")
    def note_settlement(self, session: Session, event: finance.InvoicePaid | finance.InvoiceReopened) -> None:
        """An invoice is settled, or open again because a payment was taken back."""
        if event.order_id is not None:
            with OrderProcess.of(session, event.order_id, about=event) as process:
                residual = event.residual if isinstance(event, finance.InvoiceReopened) else ZERO
                process.note_residuals([(event.invoice_id, residual)])


def _allow_placing(session: Session, order: Order) -> None:
    order.allow_place()
    active_customer(session, order.customer_id)
