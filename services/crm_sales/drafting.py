"""The draft of an order: written, priced, changed, deleted."""

from typing import Any

from sqlalchemy.orm import Session

from crm_sales.models import Order
from crm_sales.selling import change_document, new_document
from shared.contracts import crm_sales as sales
from shared.flows.entrypoints import command
from shared.kernel.business_days import business_day
from shared.schema.contract import Changes
from shared.storage.changes import recorded
from shared.storage.numbering import next_loose
from shared.storage.outbox import publish


class Drafting:
    """Prices come from the server; a draft concerns nobody else until it is placed."""

    @command(sales.Order.create)
    def create_order(self, session: Session, request: dict[str, Any]) -> Order:
        columns, lines = new_document(session, request)
        day = business_day(session, columns["company_id"])
        number = f"SO{day.year}-{next_loose(session, 'order_number'):06d}"
        order = Order.draft(number, columns, lines)
        session.add(order)
        session.flush()
        publish(session, sales.OrderCreated.of(order))
        return order

    @command(sales.Order.update)
    def update_order(self, session: Session, order: Order, request: dict[str, Any]) -> Order:
        changes = recorded(sales.Order.declaration.changing, order)
        change_document(session, order, request)
        publish_change(session, order, changes())
        return order

    @command(sales.Order.delete)
    def delete_order(self, session: Session, order: Order) -> None:
        order.check_editable()
        publish(session, sales.OrderDeleted.of(order))
        session.delete(order)


def publish_change(session: Session, order: Order, changes: Changes) -> None:
    publish(session, sales.OrderChanged.of(order, changes=changes))
