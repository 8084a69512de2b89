"""The life of a quote: draft → sent → accepted (a draft order) | refused | expired | cancelled; revised, it starts over."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from crm_sales.models import Order, Quote
from crm_sales.selling import active_customer, change_document, new_document, price_lines
from shared.commerce.taxes import totals
from shared.contracts import crm_sales as sales
from shared.flows.entrypoints import command, every, query
from shared.kernel import clock
from shared.kernel.business_days import business_day, business_days
from shared.kernel.context import current
from shared.storage.changes import recorded
from shared.storage.numbering import next_loose
from shared.storage.outbox import publish

_EXPIRE = text(
    "UPDATE quote SET status = 'expired', version = version + 1, updated_at = :now WHERE id IN"
    " (SELECT quote.id FROM quote JOIN unnest(CAST(:companies AS uuid[]), CAST(:days AS date[])) AS today (company_id, day)"
    " ON quote.company_id = today.company_id WHERE status = 'sent' AND valid_until < today.day"
    " ORDER BY quote.id LIMIT 500 FOR UPDATE OF quote SKIP LOCKED)"
    " RETURNING id AS quote_id, number, company_id, customer_id, valid_until"
)


class Quoting:
    """An offer binds the seller from the day it is sent until its date."""

    @query(sales.preview_quote)
    def preview_quote(self, session: Session, request: dict[str, Any]) -> dict[str, Any]:
        if "customer_id" in request:
            active_customer(session, request["customer_id"])
        lines = price_lines(session, request["lines"], request["currency"], current(session).company_id)
        sums = totals(lines, request["currency"])
        own = {name: getattr(sums, name) for name in ("net_total", "tax_total", "gross_total", "taxes")}
        return {"currency": request["currency"], "lines": lines, **own}

    @command(sales.Quote.create)
    def create_quote(self, session: Session, request: dict[str, Any]) -> Quote:
        columns, lines = new_document(session, request)
        day = business_day(session, columns["company_id"])
        number = f"QU{day.year}-{next_loose(session, 'quote_number'):06d}"
        quote = Quote.draft(number, columns, lines)
        session.add(quote)
        session.flush()
        publish(session, sales.QuoteCreated.of(quote))
        return quote

    @command(sales.Quote.update)
    def update_quote(self, session: Session, quote: Quote, request: dict[str, Any]) -> Quote:
        changes = recorded(sales.Quote.declaration.changing, quote)
        change_document(session, quote, request)
        publish(session, sales.QuoteChanged.of(quote, changes=changes()))
        return quote

    @command(sales.Quote.send)
    def send_quote(self, session: Session, quote: Quote) -> Quote:
        publish(session, quote.send(business_day(session, quote.company_id)))
        return quote

    def allow_send_quote(self, session: Session, quote: Quote) -> None:
        """Raises QuoteExpired, as `Quote.send` does."""
        quote.allow_on("send", business_day(session, quote.company_id))

    @command(sales.Quote.accept)
    def accept_quote(self, session: Session, quote: Quote) -> Quote:
        """The order has the prices of the quote, whatever the list says today."""
        day = business_day(session, quote.company_id)
        number = f"SO{day.year}-{next_loose(session, 'order_number'):06d}"
        order = Order.draft(number, quote.order_values(), quote.order_lines())
        accepted = quote.accept(order.id, day)
        session.add(order)
        session.flush()
        publish(session, sales.OrderCreated.of(order))
        publish(session, accepted)
        return quote

    def allow_accept_quote(self, session: Session, quote: Quote) -> None:
        """Raises QuoteExpired, as `Quote.accept` does."""
        quote.allow_on("accept", business_day(session, quote.company_id))

    @every(minutes=10)
    def expire_quotes(self, session: Session) -> None:
        """A portion at a time; the others are not accepted any more either, and follow at the next run."""
        days = business_days(session)
        expired = session.execute(_EXPIRE, {"now": clock.now(), "companies": [*days], "days": [*days.values()]})
        for row in expired.mappings():
            publish(session, sales.QuoteExpired(**row))
