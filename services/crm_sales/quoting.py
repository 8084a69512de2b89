"""The life of a quote: draft → sent → accepted (a draft order) | refused | expired | cancelled; revised, it starts over."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm_sales.models import Order, Quote
from crm_sales.pricing import totals
from crm_sales.selling import active_customer, change_document, new_document, price_lines
from shared import clock
from shared.contracts import crm_sales as sales
from shared.entrypoints import ListRequest, Page, command, every, query
from shared.numbering import next_loose
from shared.outbox import publish

_EXPIRE = text(
    "UPDATE quote SET status = 'expired', version = version + 1, updated_at = :now"
    " WHERE status = 'sent' AND valid_until < :today"
)


class Quoting:
    """An offer binds the seller from the day it is sent until its date."""

    @query(sales.preview_quote)
    def preview_quote(self, session: Session, request: dict[str, Any]) -> dict[str, Any]:
        if "customer_id" in request:
            active_customer(session, request["customer_id"])
        lines = price_lines(session, request["lines"], request["currency"])
        sums = totals(lines, request["currency"])
        own = {name: getattr(sums, name) for name in ("net_total", "tax_total", "gross_total", "taxes")}
        return {"currency": request["currency"], "lines": lines, **own}

    @command(sales.create_quote)
    def create_quote(self, session: Session, request: dict[str, Any]) -> Quote:
        columns, lines = new_document(session, request)
        number = f"QU{clock.today().year}-{next_loose(session, 'quote_number'):06d}"
        quote = Quote.draft(number, columns, lines)
        session.add(quote)
        return quote

    @query(sales.get_quote)
    def get_quote(self, session: Session, quote: Quote) -> Quote:
        return quote

    @query(sales.list_quotes)
    def list_quotes(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Quote))

    @command(sales.patch_quote)
    def patch_quote(self, session: Session, quote: Quote, request: dict[str, Any]) -> Quote:
        change_document(session, quote, request)
        return quote

    @command(sales.send_quote)
    def send_quote(self, session: Session, quote: Quote) -> Quote:
        quote.send(clock.today())
        return quote

    @command(sales.accept_quote)
    def accept_quote(self, session: Session, quote: Quote) -> Quote:
        """The order has the prices of the quote, whatever the list says today."""
        number = f"SO{clock.today().year}-{next_loose(session, 'order_number'):06d}"
        order = Order.draft(number, quote.order_values(), quote.order_lines())
        accepted = quote.accept(order.id, clock.today())
        session.add(order)
        publish(session, accepted)
        return quote

    @command(sales.refuse_quote)
    def refuse_quote(self, session: Session, quote: Quote, request: dict[str, Any]) -> Quote:
        quote.refuse(request["reason"])
        return quote

    @command(sales.revise_quote)
    def revise_quote(self, session: Session, quote: Quote) -> Quote:
        quote.revise()
        return quote

    @command(sales.cancel_quote)
    def cancel_quote(self, session: Session, quote: Quote) -> Quote:
        quote.cancel()
        return quote

    @every(minutes=10)
    def expire_quotes(self, session: Session) -> None:
        session.execute(_EXPIRE, {"now": clock.now(), "today": clock.today()})
