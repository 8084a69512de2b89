"""The draft of an order: written, priced, changed, deleted; and reading orders."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_sales.models import Order
from crm_sales.selling import change_document, new_document
from shared.contracts import crm_sales as sales
from shared.flows.entrypoints import ListRequest, Page, command, query
from shared.kernel.business_days import business_day
from shared.storage.changes import recorded
from shared.storage.numbering import next_loose
from shared.storage.outbox import publish


class Drafting:
    """Prices come from the server; a draft concerns nobody else until it is placed."""

    @command(sales.create_order)
    def create_order(self, session: Session, request: dict[str, Any]) -> Order:
        columns, lines = new_document(session, request)
        day = business_day(session, columns["company_id"])
        number = f"SO{day.year}-{next_loose(session, 'order_number'):06d}"
        order = Order.draft(number, columns, lines)
        session.add(order)
        session.flush()
        publish(session, order.created())
        return order

    @query(sales.get_order)
    def get_order(self, session: Session, order: Order) -> Order:
        return order

    @query(sales.list_orders)
    def list_orders(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Order))

    @command(sales.patch_order)
    def patch_order(self, session: Session, order: Order, request: dict[str, Any]) -> Order:
        changes = recorded(sales.ChangedOrder, order)
        change_document(session, order, request)
        publish(session, order.changed(changes()))
        return order

    @command(sales.delete_order)
    def delete_order(self, session: Session, order: Order) -> None:
        order.check_editable()
        publish(session, order.deleted())
        session.delete(order)
