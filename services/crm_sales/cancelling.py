"""Cancelling an order: it ends at once here, and what others did for it is undone by them.

cancelled → (warehouse) stock released, (finance) credit released. Goods that had left before the warehouse heard of
it stand: the order is reinstated with what shipped.
"""

from typing import Any

from sqlalchemy.orm import Session

from crm_sales.models import Order
from crm_sales.process import steps_of
from crm_sales.story import Document, invoices_of, lines_of, locked, tell
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command, subscribe
from shared.kernel import clock
from shared.storage.changes import recorded
from shared.storage.outbox import publish


class Cancelling:
    """draft | placed | on_hold | confirmed → cancelled, or back to confirmed when the goods were faster."""

    @command(sales.cancel_order)
    def cancel_order(self, session: Session, order: Order, request: dict[str, Any]) -> Order:
        before, drafted = steps_of(order), order.status == "draft"
        changes = recorded(sales.ChangedOrder, order)
        tell(session, order, before, order.cancel(request["reason"], clock.now()))
        if drafted:
            publish(session, order.changed(changes()))
        return order

    @subscribe(finance.CreditReleased)
    def note_credit_release(self, session: Session, event: finance.CreditReleased) -> None:
        order = locked(session, event.order_id)
        before = steps_of(order)
        told = order.note_credit("released", clock.now())
        tell(session, order, before, told, Document("order", order.id, order.number))

    @subscribe(inventory.StockReleased)
    def note_stock_release(self, session: Session, event: inventory.StockReleased) -> None:
        order = locked(session, event.order_id)
        before = steps_of(order)
        told = order.note_release(event.shipped, lines_of(session, order), invoices_of(session, order), clock.now())
        tell(session, order, before, told, Document("order", order.id, order.number))
