"""Cancelling an order: it ends at once here, and what others did for it is undone by them.

cancelled → (warehouse) stock released, (finance) credit released. Goods that had left before the warehouse received it
stand: the order is reinstated with what shipped. Who handles OrderCancelled stands in ordering.py.
"""

from typing import Any

from sqlalchemy.orm import Session

from crm_sales.drafting import publish_change
from crm_sales.models import Order
from crm_sales.order_process import OrderProcess
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command, subscribe
from shared.storage.changes import recorded


class Cancelling:
    """draft | placed | on_hold | confirmed → cancelled, or back to confirmed when the goods were faster."""

    @command(sales.Order.cancel)
    def cancel_order(self, session: Session, order: Order, request: dict[str, Any]) -> Order:
        drafted, changes = order.status == "draft", recorded(sales.Order.declaration.changing, order)
        with OrderProcess.on(session, order) as process:
            process.publish(order.cancel(request["reason"], process.now))
        if drafted:
            publish_change(session, order, changes())
        return order

    @subscribe(finance.CreditReleased, locks="order_id")
    def note_credit_release(self, session: Session, event: finance.CreditReleased) -> None:
        with OrderProcess.of(session, event.order_id, about=event) as process:
            process.note_credit("released")

    @subscribe(inventory.StockReleased, locks="order_id")
    def note_stock_release(self, session: Session, event: inventory.StockReleased) -> None:
        with OrderProcess.of(session, event.order_id, about=event) as process:
            process.note_release(event.shipped)
